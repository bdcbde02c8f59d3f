"""Answering the form: beginning, keeping a step, sending, and the page that stops. One transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import because, record_change
from clinic.people.models import ROOM_WISHES, Client, ContactConsent
from clinic.people.records import records_of
from clinic.people.services import (
    give_client_login,
    lock_client,
    lock_kept,
    record_contact_consent,
    update_client,
)
from clinic.scheduling.services import refresh_review_needed
from intake.findings import facts_of, not_settled, raise_findings
from intake.models import Consent, Effect, FormVersion, Invitation, Submission
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

LONGEST_NAME = 160
CONTACT_QUESTIONS = {
    "messages_email": ContactConsent.Channel.EMAIL,
    "messages_text": ContactConsent.Channel.TEXT,
}
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
        answers = (_carried_over(form, last.answers) if last else {}) | _wishes_known(form, client)
        draft = Submission(
            client=client, form_version=version, answers=answers, started_at=now, saved_at=now, invitation=invitation
        )
        draft.save(force_insert=True)
    elif invitation is not None and draft.invitation_id != invitation.pk:
        draft.invitation = invitation
        draft.save(update_fields=["invitation"])
    return draft


def current_form(language: str) -> FormVersion:
    """Return the newest form in this language, or in English where there is none."""
    newest = FormVersion.objects.order_by("-number")
    found = newest.filter(language=language).first() or newest.filter(language="en").first()
    if found is None:
        raise FormVersion.DoesNotExist("No intake form is installed; run the migrations.")
    return found


def _carried_over(form: IntakeForm, answers: Answers) -> Answers:
    """Keep earlier answers that the form still knows and that need not be given afresh."""
    return {
        code: answers[code]
        for code, question in form.questions.items()
        if code in answers
        and question.kind not in ASKED_AFRESH
        and not question.shown_if
        and code not in ROOM_QUESTIONS
    }


def _wishes_known(form: IntakeForm, client: Client) -> Answers:
    """Return how she likes the room as her record has it: somebody may have written it since her last answers."""
    known = {code: str(getattr(client, field)) for code, field in ROOM_QUESTIONS.items() if code in form.questions}
    return {code: wish for code, wish in known.items() if wish in _offered(form, code)}


def _offered(form: IntakeForm, code: str) -> set[str]:
    return {option.value for option in form.questions[code].options}


# --- Answering


@transaction.atomic
def save_step(
    *, now: datetime, submission: Submission, step: int, answers: Mapping[str, Answer], is_complete: bool = True
) -> Submission:
    """Keep her answers to one step in place of those she gave before; urgent answers raise their findings at once.

    With `is_complete` what is required must be there; without, whatever she has typed so far is kept.
    Raises ValidationError with a sentence per question.
    """
    submission = _locked_draft(submission)
    shown = form_of(submission.form_version_id).step(step)
    today = today_at(now)
    new = checked_step(shown, answers, today, is_complete=is_complete)
    codes = {question.code for question in shown.questions}
    submission.answers = {code: old for code, old in submission.answers.items() if code not in codes} | new
    submission.saved_at = now
    submission.save(update_fields=["answers", "saved_at"])
    urgent = [fact for fact in facts_of(submission, today) if fact.effect in URGENT]
    if urgent:
        raise_findings(submission.client_id, urgent, now=now, submission=submission)
        refresh_review_needed(client=submission.client, now=now)
    return submission


def checked_step(step: Step, answers: Mapping[str, Answer], today: date, *, is_complete: bool) -> Answers:
    """Return the answers as they are kept. Raises ValidationError with a sentence per question."""
    kept: Answers = {}
    problems: dict[str, ValidationError] = {}
    for question in step.questions:
        answer = answers.get(question.code, "")
        if answer in ("", []):
            continue
        try:
            kept[question.code] = checked_answer(question, answer, today)
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


@transaction.atomic
def submit(*, now: datetime, submission: Submission, signed_name: str, ip: str | None = None) -> Submission:
    """Send her answers: sign the consents, raise the findings. Sent twice, it is sent once.

    Raises ValidationError where something required is missing, and while an answer asks her to call for help.
    """
    # Should her records have been merged meanwhile, the answers stay with theirs; what follows is about the kept one.
    kept = lock_kept(submission.client_id)
    submission = Submission.objects.select_for_update(of=("self",)).select_related("client").get(pk=submission.pk)
    if submission.state != Submission.State.DRAFT:
        return submission
    form = form_of(submission.form_version_id)
    signed_name = _checked_name(signed_name)
    missing = form.first_incomplete(submission.answers)
    if missing is not None:
        raise ValidationError(_("Step %(step)d is not finished."), params={"step": missing.number}, code="unfinished")
    alarm = alarm_of(submission, now)
    if alarm is not None and alarm.is_emergency:
        raise ValidationError(_("One of your answers asks you to call for help first."), code="emergency")
    submission.state, submission.submitted_at, submission.saved_at = Submission.State.SUBMITTED, now, now
    submission.save(update_fields=["state", "submitted_at", "saved_at"])
    hers = records_of(submission.client_id)
    Invitation.objects.filter(client__among=hers, used_at__isnull=True).update(used_at=now)
    _sign_consents(submission, form, signed_name, ip, now)
    _record_contact(submission, now)
    _record_wishes(submission, now)
    raise_findings(submission.client_id, facts_of(submission, today_at(now)), now=now, submission=submission)
    refresh_review_needed(client=submission.client, now=now)
    _give_login(kept, now)
    record_change(by=None, client=submission.client_id, what=submission, words=_("intake form sent in"), now=now)
    return submission


def _locked_draft(submission: Submission) -> Submission:
    lock_client(submission.client_id)
    locked = Submission.objects.select_for_update(of=("self",)).select_related("client").get(pk=submission.pk)
    if locked.state != Submission.State.DRAFT:
        raise LinkClosed(_("These answers have been sent; they can no longer be changed."))
    return locked


def _checked_name(signed_name: str) -> str:
    name = " ".join(signed_name.split())
    if not name:
        raise ValidationError({"signed_name": _("Please sign with your name.")})
    if len(name) > LONGEST_NAME or "\0" in name:
        raise ValidationError({"signed_name": _("Please sign with a shorter name.")})
    return name


def _sign_consents(submission: Submission, form: IntakeForm, signed_name: str, ip: str | None, now: datetime) -> None:
    """Put the consents of this form in place of those she gave before; what she left open is no longer given."""
    codes = [question.code for question in form.consents]
    hers = Consent.objects.filter(client__among=records_of(submission.client_id), revoked_at__isnull=True)
    hers.filter(code__in=codes).update(revoked_at=now)
    Consent.objects.bulk_create(
        Consent(
            client=submission.client,
            submission=submission,
            code=question.code,
            text=f"{question.text}\n\n{question.words}",
            version=question.version,
            signed_name=signed_name,
            signed_at=now,
            ip_address=ip,
        )
        for question in form.consents
        if submission.answers.get(question.code) == YES
    )


def _record_contact(submission: Submission, now: datetime) -> None:
    for code, channel in CONTACT_QUESTIONS.items():
        answer = submission.answers.get(code)
        if answer is not None:
            record_contact_consent(
                by=None,
                now=now,
                client=submission.client,
                channel=channel,
                is_given=answer == YES,
                source=_("intake form"),
            )


def _record_wishes(submission: Submission, now: datetime) -> None:
    """Write how she likes the room into her record: the latest word counts, and what she left open stays as it was."""
    wishes: dict[str, Any] = {
        field: str(submission.answers[code])
        for code, field in ROOM_QUESTIONS.items()
        if submission.answers.get(code) in ROOM_WISHES[field].values
    }
    with because(_("intake answers")):
        update_client(by=None, now=now, client=submission.client, **wishes)


def _give_login(client: Client, now: datetime) -> None:
    """Let her sign in by a code from now on. An address that cannot be given is no reason to refuse her answers."""
    if not client.email:
        return
    try:
        give_client_login(by=None, now=now, client=client, email=client.email)
    except ValidationError:
        return


# --- Stopping


@dataclass(frozen=True)
class Said:
    """A question that she answered with yes, or with not sure."""

    question: Question
    is_unsure: bool


@dataclass(frozen=True)
class Alarm:
    """An answer that wants a doctor: what she said, and the step to correct it in."""

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
    said = tuple(
        Said(question, is_unsure=submission.answers[code] == UNSURE)
        for code, question in form.questions.items()
        if code in asked and code in submission.answers
    )
    step = next(step.number for step in form.steps if said[0].question in step.questions)
    speaking = version_words(fact.version for fact in urgent)
    return Alarm(is_emergency=is_emergency, said=said, step=step, rules=speaking)
