"""Answering the form: beginning, keeping a step, and the page that stops. One transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.people.models import Client
from clinic.people.records import records_of
from clinic.people.services import (
    lock_client,
    lock_kept,
)
from clinic.scheduling.services import refresh_review_needed
from intake.findings import facts_of, not_settled, raise_findings
from intake.medicines import asked_as
from intake.models import Effect, FormVersion, Invitation, Submission
from intake.questions import (
    UNSURE,
    YES,
    Answer,
    Answers,
    IntakeForm,
    Kind,
    Question,
    Step,
    checked_answer,
    form_of,
    without_irrelevant,
)
from intake.reading import version_words
from intake.rules import current_rules
from intake.safety import URGENT
from intake.wall import today_at

# What she answers about the room becomes part of her record, where the front desk may write it as well.
ROOM_QUESTIONS = {
    "room_light": "light",
    "room_sound": "sound",
    "room_scent": "scent",
    "room_temperature": "temperature",
    "room_talk": "talk",
    "table_angle": "table_angle",
}
# A statement of the day, or one that must be made afresh: never carried over from earlier answers.
ASKED_AFRESH = frozenset({Kind.YES_NO_UNSURE, Kind.CONSENT})


class LinkClosed(ValidationError):  # noqa: N818  # a sentence for the client, not a fault
    """The link was used, taken back, has run out, or was tried too often."""


@transaction.atomic
def begin(*, now: datetime, client: Client, invitation: Invitation | None = None) -> Submission:
    """Return the answers she has begun, or begin with what she said last time and need not be asked afresh."""
    client = lock_kept(client.pk)
    draft = Submission.objects.filter(client=client, state=Submission.State.DRAFT).first()
    if draft is None:
        version = current_form(client.language)
        last = Submission.objects.filter(client__among=records_of(client.pk)).sent().first()
        form = form_of(version.pk)
        answers = (_carried_over(form, last.answers, today_at(now)) if last else {}) | _wishes_known(form, client)
        draft = Submission(
            client=client, form_version=version, answers=answers, started_at=now, saved_at=now, invitation=invitation
        )
        draft.save(force_insert=True)
    else:
        # Whoever goes on has it all again, and what a therapist began to type in from paper is hers from now on.
        draft.invitation, draft.entered_by = invitation or draft.invitation, None
        draft.answers, draft.set_aside = draft.set_aside | draft.answers, {}
        draft.save(update_fields=["invitation", "entered_by", "answers", "set_aside"])
    return draft


def earlier_answers(draft: Submission) -> Submission | None:
    """Return what she sent the last time, before these."""
    return Submission.objects.filter(client__among=records_of(draft.client_id)).sent().first()


def current_form(language: str) -> FormVersion:
    """Return the newest form in this language, or in English where there is none."""
    newest = FormVersion.objects.order_by("-number")
    found = newest.filter(language=language).first() or newest.filter(language="en").first()
    if found is None:
        raise FormVersion.DoesNotExist("No intake form is installed; run the migrations.")
    return found


def _carried_over(form: IntakeForm, answers: Answers, today: date) -> Answers:
    """Keep earlier answers that the form still knows and that need not be given afresh."""
    return {
        code: answers[code]
        for code, question in form.questions.items()
        if code in answers
        and question.kind not in ASKED_AFRESH
        and not question.shown_if
        and code not in ROOM_QUESTIONS
        and _still_answers(question, answers[code], today)
    }


def _still_answers(question: Question, answer: Answer, today: date) -> bool:
    """Say whether an answer to an earlier wording is one to this: a choice may have gone, a number be out of bounds."""
    try:
        return checked_answer(question, answer, today) == answer
    except ValidationError:
        return False


def _wishes_known(form: IntakeForm, client: Client) -> Answers:
    """Return how she likes the room as her record has it: somebody may have written it since her last answers."""
    known = {code: str(getattr(client, field)) for code, field in ROOM_QUESTIONS.items() if code in form.questions}
    return {code: wish for code, wish in known.items() if wish in _offered(form, code)}


def _offered(form: IntakeForm, code: str) -> set[str]:
    return {option.value for option in form.questions[code].options}


# --- Answering


@dataclass(frozen=True)
class Page:
    """An open page of a step: the name it goes by, the answers it showed, and the questions it could not read."""

    name: str
    seen: Mapping[str, Answer]
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Kept:
    """A step as it is kept now.

    `clashes` holds what was answered on another page meanwhile and is otherwise on this one; `seen` is what this page
    counts as having shown from now on.
    """

    submission: Submission
    clashes: Mapping[str, Answer]
    seen: Answers


def save_step(
    *, now: datetime, submission: Submission, step: int, answers: Mapping[str, Answer], is_complete: bool = True
) -> Submission:
    """Keep her answers to one step in place of those she gave before, wherever she gave them."""
    kept = keep_step(now=now, submission=submission, step=step, answers=answers, is_complete=is_complete)
    return kept.submission


@transaction.atomic
def keep_step(
    *,
    now: datetime,
    submission: Submission,
    step: int,
    answers: Mapping[str, Answer],
    page: Page | None = None,
    is_complete: bool = True,
) -> Kept:
    """Keep her answers to one step; urgent answers raise their findings at once.

    With `is_complete` what is required must be there; without, whatever she has typed so far is kept. What an open
    `page` did not change stays as another page left it, and what both have changed stays too and is told.
    Raises ValidationError with a sentence per question.
    """
    submission = locked_draft(submission)
    shown = form_of(submission.form_version_id).step(step)
    today = today_at(now)
    mine = checked_step(shown, answers, today, is_complete=is_complete)
    old = submission.answers
    merged = _merged(shown, submission, mine, page) if page else _Merged(mine, {})
    of_step = {question.code for question in shown.questions}
    submission.answers = {code: old[code] for code in old if code not in of_step} | merged.answers
    if page is not None:
        changed = {code for code in of_step if submission.answers.get(code) != old.get(code)}
        submission.written_on = submission.written_on | dict.fromkeys(changed, page.name)
    submission.saved_at = now
    submission.save(update_fields=["answers", "written_on", "saved_at"])
    urgent = [fact for fact in facts_of(submission, today) if fact.effect in URGENT]
    if urgent:
        raise_findings(submission.client_id, urgent, now=now, submission=submission)
        refresh_review_needed(client=submission.client, now=now)
    return Kept(submission, merged.clashes, _seen_now(shown, mine, merged, page, is_complete=is_complete))


@dataclass(frozen=True)
class _Merged:
    answers: Answers
    clashes: Answers


def _merged(shown: Step, submission: Submission, mine: Answers, page: Page) -> _Merged:
    """Hold what the page says against what it showed, and against what stands now."""
    answers: Answers = {}
    clashes: Answers = {}
    for question in shown.questions:
        code = question.code
        here, before, stands = mine.get(code), page.seen.get(code), submission.answers.get(code)
        # A consent is signed by an act of its own.
        is_untouched = here == before or code in page.refused or question.kind is Kind.CONSENT
        is_free = stands in (before, here) or submission.written_on.get(code) == page.name
        if is_untouched:
            answer = stands
        elif is_free or stands is None:
            answer = here
        else:
            clashes[code] = stands
            answer = _more_cautious(question, here, stands)
        if answer is not None:
            answers[code] = answer
    return _Merged(without_irrelevant(shown, answers), clashes)


def _more_cautious(question: Question, here: Answer | None, stands: Answer) -> Answer:
    """Return what counts until she has decided: the answer that holds more back, where it is about safety."""
    if question.kind is Kind.YES_NO_UNSURE and stands != YES and here in (YES, UNSURE):
        return here
    return stands


def _seen_now(shown: Step, mine: Answers, merged: _Merged, page: Page | None, *, is_complete: bool) -> Answers:
    """Return what the page has shown: what is typed on it, and what it was told of elsewhere once she was asked."""
    told = merged.clashes if is_complete else {}
    before = page.seen if page else {}
    refused = page.refused if page else frozenset()
    kept_before = refused | (set(merged.clashes) - set(told))
    seen: Answers = {}
    for question in shown.questions:
        code = question.code
        answer = told.get(code) or (before if code in kept_before else mine).get(code)
        if answer is not None:
            seen[code] = answer
    return seen


def checked_step(step: Step, answers: Mapping[str, Answer], today: date, *, is_complete: bool) -> Answers:
    """Return the answers as they are kept. Raises ValidationError with a sentence per question."""
    kept: Answers = {}
    problems: dict[str, ValidationError] = {}
    for question in step.questions:
        answer = answers.get(question.code, "")
        if answer in ("", []):
            continue
        try:
            kept[question.code] = checked_answer(question, answer, today, is_complete=is_complete)
        except ValidationError as problem:
            problems[question.code] = problem
    kept = without_irrelevant(step, kept)
    if is_complete:
        problems |= {
            question.code: ValidationError(missing_words(question))
            for question in step.asked(kept)
            if question.is_required and question.code not in kept and question.code not in problems
        }
    if problems:
        raise ValidationError({code: problem.messages for code, problem in problems.items()})
    return kept


def missing_words(question: Question) -> str:
    """Say what is missing, and that not knowing is an answer."""
    if question.kind is Kind.CONSENT:
        return _("A visit needs this.")
    if question.kind is Kind.YES_NO_UNSURE:
        return _("Please answer; “Not sure” is fine.")
    return _("Please answer.")


def locked_draft(submission: Submission) -> Submission:
    """Return the answers as they stand, held until they are kept. Raises LinkClosed once they were sent."""
    lock_client(submission.client_id)
    locked = Submission.objects.select_for_update(of=("self",)).select_related("client").get(pk=submission.pk)
    if locked.state != Submission.State.DRAFT:
        raise LinkClosed(_("These answers have been sent; they can no longer be changed."))
    return locked


# --- Stopping


@dataclass(frozen=True)
class Said:
    """A question that she answered with yes, or with not sure."""

    question: Question
    is_unsure: bool


@dataclass(frozen=True)
class Alarm:
    """An answer that wants a doctor: what she said, and the step to correct it in.

    What no question asks, such as her age, has nothing said and belongs to the first step.
    """

    is_emergency: bool
    said: tuple[Said, ...]
    step: int
    rules: str


def alarm_of(submission: Submission, now: datetime) -> Alarm | None:
    """Return what her answers, as they stand, ask her to do now; None once a therapist has closed the finding."""
    today = today_at(now)
    urgent = [fact for fact in facts_of(submission, today) if fact.effect in URGENT]
    if urgent:
        urgent = not_settled(submission, urgent, today)
    if not urgent:
        return None
    is_emergency = any(fact.effect == Effect.EMERGENCY for fact in urgent)
    worst = {fact.rule for fact in urgent if (fact.effect == Effect.EMERGENCY) == is_emergency}
    form, rules = form_of(submission.form_version_id), current_rules()[1]
    asked = {code for rule in rules if rule.code in worst and rule.when for code in rule.when.questions()}
    asked |= {asked_as(code) for code in asked}
    said = tuple(
        Said(question, is_unsure=submission.answers[code] == UNSURE)
        for code, question in form.questions.items()
        if code in asked and code in submission.answers
    )
    step = next((step.number for step in form.steps if said and said[0].question in step.questions), 1)
    speaking = version_words(fact.version for fact in urgent)
    return Alarm(is_emergency=is_emergency, said=said, step=step, rules=speaking)
