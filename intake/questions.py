"""The typed shape of a form version: steps, their questions, and what counts as an answer.

A version's content is data (intake/versions/) and frozen; whatever this module does not know fails to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.body import Region
from intake.models import FormVersion

# One medicine she takes when an attack comes: its class, name, days of the last 28, and for how long.
Medicine = dict[str, str | int]
Answer = str | int | list[str] | list[Medicine]
Answers = dict[str, Answer]

YES, NO, UNSURE = "yes", "no", "unsure"
ANSWER_WORDS = {YES: gettext_lazy("Yes"), NO: gettext_lazy("No"), UNSURE: gettext_lazy("Not sure")}
LONGEST_TEXT = 2000
LONGEST_MEDICINE_NAME = 80
MOST_MEDICINES = 12
MEDICINE_PARTS = ("class", "name", "days", "months")
UP_TO_3, OVER_3 = "up_to_3", "over_3"
MONTHS_WORDS = {UP_TO_3: gettext_lazy("Up to three months"), OVER_3: gettext_lazy("More than three months")}
EARLIEST_DATE = date(1900, 1, 1)


class Kind(StrEnum):
    YES_NO_UNSURE = "yes_no_unsure"
    YES_NO = "yes_no"
    NUMBER = "number"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"
    DATE = "date"
    REGIONS = "regions"
    MEDICINES = "medicines"
    CONSENT = "consent"


class FormProblem(ValueError):  # noqa: N818  # it is read by whoever publishes a version
    """A form version cannot be read; it must not be published."""


@dataclass(frozen=True)
class Option:
    """One thing to choose. Options with the same group stand together; a folded one is shown on demand.

    A class of medicine names examples: whoever writes one of them need not choose the class.
    """

    value: str
    label: str
    group: str = ""
    is_folded: bool = False
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """One question as it was worded.

    `shown_if` names a yes/no question of the same step: this one follows it up and is asked unless that one says no.
    A folded one is asked of whoever has time for more; nothing required is folded.
    A consent has its full `words` and a `version`; its `text` is the title above them, and `without` says what it
    means to take it back. `is_own` marks what the clinic itself has added (intake/own_questions.py).
    """

    code: str
    text: str
    kind: Kind
    help: str = ""
    unit: str = ""
    options: tuple[Option, ...] = ()
    least: int = 0
    most: int = 0
    is_required: bool = False
    is_long: bool = False
    look: str = ""
    shown_if: str = ""
    is_folded: bool = False
    words: str = ""
    version: int = 0
    without: str = ""
    is_own: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """What may be chosen."""
        if self.kind is Kind.YES_NO_UNSURE:
            return (YES, NO, UNSURE)
        if self.kind is Kind.YES_NO:
            return (YES, NO)
        return tuple(option.value for option in self.options)


@dataclass(frozen=True)
class Step:
    """One screen."""

    number: int
    code: str
    title: str
    intro: str
    questions: tuple[Question, ...]

    @property
    def needs_all(self) -> bool:
        """Say whether every question wants an answer: then the intro says so once, and no field is marked."""
        return all(question.is_required for question in self.questions if not question.shown_if)

    def asked(self, answers: Mapping[str, Answer]) -> Iterator[Question]:
        """Yield what is asked of somebody with these answers."""
        return (question for question in self.questions if is_asked(question, answers))


@dataclass(frozen=True)
class IntakeForm:
    """A whole form version."""

    steps: tuple[Step, ...]

    @cached_property
    def questions(self) -> dict[str, Question]:
        """Every question by its code, in order."""
        return {question.code: question for step in self.steps for question in step.questions}

    @property
    def consents(self) -> list[Question]:
        return [question for question in self.questions.values() if question.kind is Kind.CONSENT]

    def step(self, number: int) -> Step:
        """Return a step by its number, from 1. Raises LookupError."""
        if not 1 <= number <= len(self.steps):
            raise LookupError(f"There is no step {number}.")
        return self.steps[number - 1]

    def first_incomplete(self, answers: Mapping[str, Answer]) -> Step | None:
        """Return the first step in which something required is unanswered."""
        for step in self.steps:
            if any(question.is_required and question.code not in answers for question in step.asked(answers)):
                return step
        return None


def is_asked(question: Question, answers: Mapping[str, Answer]) -> bool:
    """Say whether a follow-up is relevant: only a clear no (or silence) of what it follows leaves it out."""
    return not question.shown_if or answers.get(question.shown_if) in (YES, UNSURE)


def without_irrelevant(step: Step, answers: Answers) -> Answers:
    """Leave out answers to follow-ups that are no longer asked."""
    left_out = {question.code for question in step.questions if not is_asked(question, answers)}
    return {code: answer for code, answer in answers.items() if code not in left_out}


def checked_answer(question: Question, answer: object, today: date, *, is_complete: bool = True) -> Answer:
    """Return the answer if this question can have it. Raises ValidationError with words for the screen.

    What is not complete yet may still lack parts.
    """
    match question.kind:
        case Kind.MEDICINES:
            return _checked_medicines(question, answer, is_complete=is_complete)
        case Kind.NUMBER:
            return _checked_number(question, answer)
        case Kind.CHOICES | Kind.REGIONS:
            return _checked_choices(question, answer)
        case Kind.DATE:
            return _checked_date(answer, today)
        case Kind.TEXT:
            return _checked_text(answer)
        case _:
            return _checked_word(question, answer)


def _checked_word(question: Question, answer: object) -> str:
    known = (YES,) if question.kind is Kind.CONSENT else question.values
    return _one_of(answer, known, _("Please choose one of the answers."))


def _checked_number(question: Question, answer: object) -> int:
    if not isinstance(answer, int) or isinstance(answer, bool):
        raise ValidationError(_("Please write a whole number."))
    if not question.least <= answer <= question.most:
        raise ValidationError(
            _("Please write a number from %(least)d to %(most)d."),
            params={"least": question.least, "most": question.most},
        )
    return answer


def _checked_choices(question: Question, answer: object) -> list[str]:
    if not isinstance(answer, list) or not all(isinstance(v, str) and v in question.values for v in answer):
        raise ValidationError(_("Please choose among the answers."))
    return [value for value in question.values if value in answer]


def _checked_date(answer: object, today: date) -> str:
    try:
        day = date.fromisoformat(str(answer))
    except ValueError:
        raise ValidationError(_("Please write a date that exists.")) from None
    if not EARLIEST_DATE <= day <= today:
        raise ValidationError(_("Please write a date that is not in the future."))
    return day.isoformat()


def _checked_text(answer: object) -> str:
    if not isinstance(answer, str):
        raise ValidationError(_("Please write words."))
    if "\0" in answer:  # PostgreSQL cannot keep it
        raise ValidationError(_("There is a character in it that cannot be kept. Please write it again."))
    if len(answer) > LONGEST_TEXT:
        raise ValidationError(
            _("That is %(length)d characters; please keep to %(most)d."),
            params={"length": len(answer), "most": LONGEST_TEXT},
        )
    return answer


def _checked_medicines(question: Question, answer: object, *, is_complete: bool) -> list[Medicine]:
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise ValidationError(_("Please write one medicine to a line."))
    if len(answer) > MOST_MEDICINES:
        raise ValidationError(_("Please write the %(most)d you take most often."), params={"most": MOST_MEDICINES})
    kept: list[Medicine] = []
    problems: list[str] = []
    for number, row in enumerate(answer, start=1):
        try:
            kept.append(_checked_medicine(question, row, is_complete=is_complete))
        except ValidationError as problem:
            words = {"number": number, "words": problem.messages[0]}
            problems.append(_("Medicine %(number)d: %(words)s") % words)
    if problems:
        raise ValidationError(problems)
    return kept


def _checked_medicine(question: Question, row: Mapping[str, object], *, is_complete: bool) -> Medicine:
    """Return one line of medicine, without what was left open. Raises ValidationError."""
    said = {part: row[part] for part in MEDICINE_PARTS if row.get(part) not in (None, "")}
    kept: Medicine = {}
    if "class" in said or is_complete:
        kept["class"] = _one_of(said.get("class"), question.values, _("Please say which kind it is."))
    if "name" in said:
        kept["name"] = _medicine_name(said["name"])
    if "days" in said or is_complete:
        kept["days"] = _checked_number(question, said.get("days"))
    if "months" in said:
        kept["months"] = _one_of(said["months"], tuple(MONTHS_WORDS), _("Please choose for how long."))
    return kept


def _one_of(value: object, known: tuple[str, ...], words: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValidationError(words)
    return value


def _medicine_name(name: object) -> str:
    name = _checked_text(name)
    if len(name) > LONGEST_MEDICINE_NAME:
        raise ValidationError(
            _("That is %(length)d characters; please keep to %(most)d."),
            params={"length": len(name), "most": LONGEST_MEDICINE_NAME},
        )
    return name


@lru_cache(maxsize=32)
def _form_of(pk: int) -> IntakeForm:
    return parse_form(FormVersion.objects.values_list("content", flat=True).get(pk=pk))


def form_of(version_pk: int) -> IntakeForm:
    """Return a version's form. It is frozen, so each process reads it once."""
    return _form_of(version_pk)


def parse_form(content: Any) -> IntakeForm:
    """Read a version's content. Raises FormProblem for anything unknown."""
    if not isinstance(content, dict) or set(content) != {"steps"}:
        raise FormProblem("A form has steps and nothing else.")
    form = IntakeForm(tuple(_parse_step(number, row) for number, row in enumerate(content["steps"], start=1)))
    codes = [question.code for step in form.steps for question in step.questions]
    if len(codes) != len(set(codes)):
        raise FormProblem("A question code stands twice.")
    return form


def _parse_step(number: int, row: dict[str, Any]) -> Step:
    row = dict(row)
    questions = tuple(_parse_question(question) for question in row.pop("questions", ()))
    try:
        step = Step(number=number, questions=questions, **row)
    except TypeError as problem:
        raise FormProblem(f"Step {number}: {problem}") from None
    asked: dict[str, Question] = {}
    for question in questions:
        parent = asked.get(question.shown_if)
        if question.shown_if and (parent is None or parent.kind not in (Kind.YES_NO, Kind.YES_NO_UNSURE)):
            raise FormProblem(f"{question.code} follows up what is not a yes/no question before it.")
        asked[question.code] = question
    return step


def _parse_question(row: dict[str, Any]) -> Question:
    unknown = set(row) - {field.name for field in fields(Question)}
    if unknown:
        raise FormProblem(f"{row.get('code')}: unknown {', '.join(sorted(unknown))}.")
    try:
        question = Question(
            **{
                **row,
                "kind": Kind(row["kind"]),
                "options": tuple(
                    Option(**{**option, "examples": tuple(option.get("examples", ()))})
                    for option in row.get("options", ())
                ),
            }
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise FormProblem(f"{row.get('code')}: {problem}") from None
    _check_question(question)
    return question


def _check_question(question: Question) -> None:
    needs_options = question.kind in (Kind.CHOICE, Kind.CHOICES, Kind.REGIONS, Kind.MEDICINES)
    if needs_options != bool(question.options):
        raise FormProblem(f"{question.code}: options belong to a choice, and a choice has options.")
    if question.kind is Kind.REGIONS and not set(question.values) <= set(Region):
        raise FormProblem(f"{question.code}: names a region that the body map does not know.")
    if question.kind in (Kind.NUMBER, Kind.MEDICINES) and question.most <= question.least:
        raise FormProblem(f"{question.code}: a number has a least and a most.")
    if question.is_folded and (question.is_required or question.shown_if):
        raise FormProblem(f"{question.code}: what is required, or follows up, is not folded.")
    if (question.kind is Kind.CONSENT) != bool(question.words and question.version):
        raise FormProblem(f"{question.code}: a consent has words and a version.")
