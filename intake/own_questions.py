"""The clinic's own questions and consents. Every change is a new version of the form; no version ever changes.

What the program brought cannot be changed or removed here. A question keeps its code through all versions, so that
answers of the last time are filled in again; a consent whose words change has a higher version, and is asked anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.audit.services import record_change
from clinic.people.models import User, clinic_zone
from intake.answering import current_form
from intake.models import FormVersion
from intake.models_asking import IntakePolicy
from intake.questions import FormProblem, IntakeForm, Kind, Question, Step, form_of, parse_form

OWN_KINDS = {
    Kind.TEXT: gettext_lazy("words"),
    Kind.YES_NO: gettext_lazy("yes or no"),
    Kind.CHOICE: gettext_lazy("one of several"),
    Kind.NUMBER: gettext_lazy("a number"),
    Kind.DATE: gettext_lazy("a day"),
}
OWN_CODE = re.compile(r"own_(\d+)")
MOST_OWN = 40
LONGEST_NEWS = 200

Content = dict[str, Any]
Row = dict[str, Any]


class FormChanged(ValidationError):  # noqa: N818  # a sentence for the owner who was slower
    """Somebody else has published a version since this page was opened."""


@dataclass(frozen=True)
class OwnQuestion:
    """A question as the owner words it; `options` of a choice are its labels."""

    text: str
    kind: Kind
    help: str = ""
    options: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    unit: str = ""
    is_required: bool = False


@dataclass(frozen=True)
class OwnConsent:
    """A consent as the owner words it."""

    title: str
    words: str
    is_required: bool = False


def newest_form(language: str) -> tuple[FormVersion, IntakeForm]:
    """Return the version in force, and what it asks."""
    version = current_form(language)
    return version, form_of(version.pk)


def own_questions(form: IntakeForm) -> list[Question]:
    """Return what the clinic has added, in the order in which it is asked."""
    return [question for question in form.questions.values() if question.is_own]


def step_with(version: FormVersion, code: str, worded: OwnQuestion | OwnConsent, step: str) -> Step:
    """Return a step as it would be with this question or consent; nothing is kept."""
    content = deepcopy(version.content)
    rows = _step_rows(content, step or _consent_step(content))
    number = next((at for at, row in enumerate(rows) if row["code"] == code), len(rows))
    if isinstance(worded, OwnConsent):
        row = _consent_row(code or "own_0", worded, version=1)
    else:
        row = _question_row(code or "own_0", worded, [])
    rows[number : number + 1] = [row]
    return next(one for one in parse_form(content).steps if any(asked.code == row["code"] for asked in one.questions))


def with_own(content: Content, before: Content) -> Content:
    """Return another form of ours with what the clinic had added to the one before; for the migration that brings it.

    What stood on a step that is no more is asked on the first; consents stand with the consents.
    """
    taken_over = deepcopy(content)
    known = {step["code"] for step in taken_over["steps"]}
    for step in before["steps"]:
        for row in step["questions"]:
            if row.get("is_own"):
                place = step["code"] if step["code"] in known else taken_over["steps"][0]["code"]
                place = _consent_step(taken_over) if row["kind"] == Kind.CONSENT else place
                _step_rows(taken_over, place).append(deepcopy(row))
    return taken_over


# --- Changing


def add_question(
    *, by: User, now: datetime, language: str, based_on: int, step: str, question: OwnQuestion
) -> FormVersion:
    """Ask something more at the end of a step."""

    def add(content: Content) -> None:
        rows = _step_rows(content, step)
        if step == _consent_step(content):
            raise ValidationError({"step": _("On the last step stand consents only.")})
        rows.append(_question_row(_next_code(language), question, []))

    return _publish(
        add, _("New question: %(text)s") % {"text": question.text}, by=by, now=now, language=language, based_on=based_on
    )


def change_question(
    *, by: User, now: datetime, language: str, based_on: int, code: str, question: OwnQuestion
) -> FormVersion:
    """Word a question differently from now on; of what kind it is stays, or answers would mean something else."""

    def change(content: Content) -> None:
        rows, at = _own_place(content, code)
        if rows[at]["kind"] != question.kind:
            raise ValidationError({"kind": _("For another kind of answer, withdraw this question and add a new one.")})
        rows[at] = _question_row(code, question, _rows_of(language, code))

    return _publish(
        change, _("Changed: %(text)s") % {"text": question.text}, by=by, now=now, language=language, based_on=based_on
    )


def add_consent(*, by: User, now: datetime, language: str, based_on: int, consent: OwnConsent) -> FormVersion:
    """Ask for one more consent, at the end of the form."""

    def add(content: Content) -> None:
        row = _consent_row(_next_code(language), consent, version=1)
        _step_rows(content, _consent_step(content)).append(row)

    return _publish(
        add, _("New consent: %(text)s") % {"text": consent.title}, by=by, now=now, language=language, based_on=based_on
    )


def change_consent(
    *, by: User, now: datetime, language: str, based_on: int, code: str, consent: OwnConsent
) -> FormVersion:
    """Word a consent differently; where what is agreed to changes, it has a higher version and is asked anew."""

    def change(content: Content) -> None:
        rows, at = _own_place(content, code)
        before = rows[at]
        same = (before["text"], before["words"]) == (consent.title, consent.words)
        rows[at] = _consent_row(code, consent, version=before["version"] + (not same))

    return _publish(
        change, _("Changed: %(text)s") % {"text": consent.title}, by=by, now=now, language=language, based_on=based_on
    )


def move_own(*, by: User, now: datetime, language: str, based_on: int, code: str, up: bool) -> FormVersion:
    """Ask something of the clinic's own before, or after, its neighbour of the same step."""

    def move(content: Content) -> None:
        rows, at = _own_place(content, code)
        other = at - 1 if up else at + 1
        if not (0 <= other < len(rows) and rows[other].get("is_own")):
            raise ValidationError(_("It stands there already."))
        rows[at], rows[other] = rows[other], rows[at]

    return _publish(move, _("Another order"), by=by, now=now, language=language, based_on=based_on)


def withdraw_own(*, by: User, now: datetime, language: str, based_on: int, code: str) -> FormVersion:
    """Ask it no longer. Answers that were given to it stay, and are read as it was worded."""
    withdrawn = _text_of(language, code)

    def withdraw(content: Content) -> None:
        rows, at = _own_place(content, code)
        del rows[at]

    return _publish(
        withdraw, _("Withdrawn: %(text)s") % {"text": withdrawn}, by=by, now=now, language=language, based_on=based_on
    )


@transaction.atomic
def _publish(
    change: Callable[[Content], None], words: str, *, by: User, now: datetime, language: str, based_on: int
) -> FormVersion:
    """Publish the form with this change, if nobody has published another since. Raises FormChanged."""
    if not by.is_owner:
        raise ValidationError(_("Only an owner changes the form."))
    # Of two who save at once, the later waits here and is then told.
    IntakePolicy.objects.select_for_update().get(pk=1)
    newest = current_form(language)
    if newest.pk != based_on:
        raise FormChanged(_who_was_faster(newest))
    content = deepcopy(newest.content)
    change(content)
    try:
        form = parse_form(content)
    except FormProblem as problem:
        raise ValidationError(_("The form cannot be read: %(problem)s") % {"problem": problem}) from problem
    if len(own_questions(form)) > MOST_OWN:
        raise ValidationError(_("More than %(most)d of your own would be too many to answer.") % {"most": MOST_OWN})
    version = FormVersion.objects.create(
        number=newest.number + 1,
        language=newest.language,
        content=content,
        published_at=now,
        published_by=by,
        words=Truncator(words).chars(LONGEST_NEWS),
    )
    record_change(by=by.pk, client=None, what=version, words=_("intake form changed"), now=now)
    return version


def _who_was_faster(newest: FormVersion) -> str:
    at = date_format(newest.published_at.astimezone(clinic_zone()), "D j M Y, H:i")
    facts = {"who": newest.published_by.name if newest.published_by else _("The program"), "at": at}
    told = _("%(who)s changed the form on %(at)s, after you opened this page") % facts
    news = f" ({newest.words})" if newest.words else ""
    return f"{told}{news}. " + _("What you typed is still here; save again to add it to theirs.")


# --- The rows of a version


def _step_rows(content: Content, step: str) -> list[Row]:
    for row in content["steps"]:
        if row["code"] == step:
            rows: list[Row] = row["questions"]
            return rows
    raise ValidationError({"step": _("This step is not part of the form.")})


def _consent_step(content: Content) -> str:
    """Return the step of the form on which consents are signed."""
    return next(
        str(step["code"]) for step in content["steps"] if any(row["kind"] == "consent" for row in step["questions"])
    )


def _own_place(content: Content, code: str) -> tuple[list[Row], int]:
    """Return the rows among which something of the clinic's own stands, and its place."""
    for step in content["steps"]:
        rows: list[Row] = step["questions"]
        for at, row in enumerate(rows):
            if row["code"] == code and row.get("is_own"):
                return rows, at
    raise ValidationError(_("This is asked no longer, or is not the clinic's own."))


def _question_row(code: str, question: OwnQuestion, before: list[Row]) -> Row:
    row: Row = {"code": code, "text": question.text, "kind": str(question.kind), "is_own": True}
    if question.help:
        row["help"] = question.help
    if question.is_required:
        row["is_required"] = True
    if question.kind is Kind.CHOICE:
        row["options"] = _options(question.options, before)
    if question.kind is Kind.NUMBER:
        row |= {"least": question.least, "most": question.most}
        if question.unit:
            row["unit"] = question.unit
    if question.kind is Kind.TEXT:
        row["is_long"] = True
    return row


def _options(labels: Iterable[str], before: Iterable[Row]) -> list[Row]:
    """Return the options by their labels. A label keeps its value through all versions, and no value is used again."""
    known = {option["label"]: option["value"] for row in before for option in row["options"]}
    used = max((int(value.removeprefix("o")) for value in known.values()), default=0)
    for label in labels:
        if label not in known:
            used += 1
            known[label] = f"o{used}"
    return [{"value": known[label], "label": label} for label in labels]


def _consent_row(code: str, consent: OwnConsent, *, version: int) -> Row:
    row: Row = {"code": code, "text": consent.title, "kind": "consent", "is_own": True}
    row |= {"words": consent.words, "version": version}
    if consent.is_required:
        row["is_required"] = True
    return row


def _rows_of(language: str, code: str) -> list[Row]:
    """Return how a question was worded in each version, oldest first."""
    return [row for row in _all_rows(language) if row["code"] == code]


def _all_rows(language: str) -> Iterator[Row]:
    contents = FormVersion.objects.filter(language=language).order_by("number").values_list("content", flat=True)
    return (row for content in contents for step in content["steps"] for row in step["questions"])


def _next_code(language: str) -> str:
    """Return a code that no version has used."""
    numbers = [int(found[1]) for row in _all_rows(language) if (found := OWN_CODE.fullmatch(row["code"]))]
    return f"own_{max(numbers, default=0) + 1}"


def _text_of(language: str, code: str) -> str:
    question = newest_form(language)[1].questions.get(code)
    return question.text if question else code
