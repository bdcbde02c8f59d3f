"""A Django form made from one step of a form version."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField, BoundWidget
from django.utils.translation import gettext_lazy as _

from clinic.people.forms.clients import SAID
from intake.answering import ASKED_AFRESH, checked_step, missing_words
from intake.consents import LONGEST_NAME
from intake.models import Consent, Submission
from intake.questions import (
    ANSWER_WORDS,
    MONTHS_WORDS,
    MOST_MEDICINES,
    YES,
    Answer,
    Answers,
    Kind,
    Question,
    Step,
)
from intake.reading import answer_words
from intake.services import LONGEST_REASON
from intake.signatures import Drawing, drawing_in

DRAWN = "-drawn"
WHOLE = re.compile(r"[0-9]{1,4}")
# More than so many options are searched by a word.
SEARCHED_FROM = 12
HEAD_VIEWS = (
    ("head-neck-front", _("Front")),
    ("head-neck-back", _("Back")),
    ("head-neck-left", _("Left")),
    ("head-neck-right", _("Right")),
)
MEDICINE_FIELD = re.compile(r"(?P<row>\d{1,3})-(?P<part>class|name|days|months)")


@dataclass(frozen=True)
class OptionGroup:
    """Options that stand together under a name."""

    name: str
    is_folded: bool
    options: list[BoundWidget]

    @property
    def has_chosen(self) -> bool:
        """Say whether one of them was chosen: then a fold stands open."""
        return any(option.data["selected"] for option in self.options)


@dataclass(frozen=True)
class MedicineLine:
    """One line of medicine as the page shows it, filled in or blank."""

    number: int
    prefix: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question as the page shows it, with its follow-ups.

    `before` is what she said the last time, where she says something else now. A consent is `signed`, or not yet;
    `is_next` is the first that is not.
    """

    question: Question
    field: BoundField
    follow_ups: list[Asked]
    before: str = ""
    signed: Consent | None = None
    is_next: bool = False

    @property
    def groups(self) -> list[OptionGroup]:
        """The options by group, in order."""
        found: dict[str, OptionGroup] = {}
        for option, widget in zip(self.question.options, self.field.subwidgets, strict=True):
            group = found.setdefault(option.group, OptionGroup(option.group, option.is_folded, []))
            group.options.append(widget)
        return list(found.values())

    @property
    def is_searched(self) -> bool:
        """Say whether the options are too many to look through."""
        return len(self.question.options) > SEARCHED_FROM and self.question.kind is Kind.CHOICES

    @property
    def medicine_lines(self) -> list[MedicineLine]:
        """The lines she has filled in, and a blank one below."""
        lines = [*(self.field.value() or []), {}][:MOST_MEDICINES]
        return [
            MedicineLine(number, f"{self.field.html_name}-{number}", said) for number, said in enumerate(lines, start=1)
        ]

    @property
    def months(self) -> list[tuple[str, Any]]:
        """For how long a medicine has been taken, to choose from."""
        return list(MONTHS_WORDS.items())

    @property
    def drawn(self) -> BoundField:
        """The field that carries a drawn signature."""
        return self.field.form[self.field.name + DRAWN]

    @property
    def views(self) -> tuple[tuple[str, Any], ...]:
        """The drawings on which she may show where it hurts, with their names."""
        return HEAD_VIEWS


class MedicinesWidget(forms.Widget):
    """Collects the lines of medicine from the fields of each; blank lines are none."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[dict[str, str]]:
        """Return what was written, line by line."""
        lines: dict[int, dict[str, str]] = {}
        for field, value in data.items():
            code, _hyphen, rest = field.partition("-")
            found = MEDICINE_FIELD.fullmatch(rest) if code == name else None
            if found and str(value).strip():
                lines.setdefault(int(found["row"]), {})[found["part"]] = str(value).strip()
        return [lines[row] for row in sorted(lines)]

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Let what leads to the question lead to all its lines."""
        return id_


class MedicinesField(forms.Field):
    """Lines of medicine, their days as numbers; `checked_answer` says what else is wrong with them."""

    widget = MedicinesWidget

    def to_python(self, value: Any) -> list[dict[str, str | int]]:
        """Read whole numbers as such."""
        return [
            {part: int(said) if part == "days" and WHOLE.fullmatch(said) else said for part, said in line.items()}
            for line in value or []
        ]


class StepForm(forms.Form):
    """The questions of one step.

    `answers` holds what may be kept, as the services take it: all of it, or where something is refused, the rest;
    `signatures` what she has just written or drawn under a consent, by its code.
    """

    def __init__(
        self,
        step: Step,
        today: date,
        *,
        is_complete: bool = True,
        earlier: Submission | None = None,
        signed: Mapping[str, Consent] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(use_required_attribute=False, **kwargs)
        self.step, self.today, self.is_complete = step, today, is_complete
        self.earlier, self.signed = earlier, signed or {}
        self.answers: Answers = {}
        self.signatures: dict[str, tuple[str, Drawing]] = {}
        for question in step.questions:
            self.fields[question.code] = field_for(question, today, is_complete=is_complete and not step.needs_all)
            if question.kind is Kind.CONSENT:
                self.fields[question.code + DRAWN] = DrawingField(required=False)

    def asked(self) -> Iterator[Asked]:
        """Yield what the page shows: each question, and below it what follows it up."""
        for question in self.step.questions:
            if not question.shown_if:
                follow_ups = [
                    self._asked(follow_up) for follow_up in self.step.questions if follow_up.shown_if == question.code
                ]
                yield self._asked(question, follow_ups)

    def more(self) -> list[Asked]:
        """Return what is folded: asked of whoever has time for more."""
        return [asked for asked in self.asked() if asked.question.is_folded]

    @property
    def shows_more(self) -> bool:
        """Say whether the fold stands open: something in it was answered, or is refused."""
        return any(asked.field.value() or asked.field.errors for asked in self.more())

    def _asked(self, question: Question, follow_ups: list[Asked] | None = None) -> Asked:
        code = question.code
        return Asked(
            question,
            self[code],
            follow_ups or [],
            before=self._before(question),
            signed=self.signed.get(code),
            is_next=code == next((consent for consent in self._consents() if consent not in self.signed), None),
        )

    def _consents(self) -> list[str]:
        return [question.code for question in self.step.questions if question.kind is Kind.CONSENT]

    @property
    def earlier_at(self) -> datetime | None:
        """When she gave the earlier answers that stand on this step; None where none do."""
        stays = {question.code for question in self.step.questions if question.kind not in ASKED_AFRESH}
        return self.earlier.submitted_at if self.earlier and stays & set(self.earlier.answers) else None

    def _before(self, question: Question) -> str:
        answer = self.earlier.answers.get(question.code) if self.earlier else None
        if answer is None or question.kind in ASKED_AFRESH or self.initial.get(question.code) == answer:
            return ""
        return answer_words(question, answer)

    def clean(self) -> dict[str, Any]:
        """Hold the answers against the questions."""
        self._read_signatures()
        try:
            self.answers = checked_step(self.step, self.said(), self.today, is_complete=self.is_complete)
        except ValidationError as problem:
            for code, messages in problem.message_dict.items():
                if code not in self.errors:
                    self.add_error(code, messages)
            self.answers = checked_step(self.step, self.said(), self.today, is_complete=False)
        return self.cleaned_data

    def _read_signatures(self) -> None:
        for question in self.step.questions:
            code = question.code
            if question.kind is Kind.CONSENT and code not in self.signed:
                name, drawing = self.cleaned_data.get(code, ""), self.cleaned_data.get(code + DRAWN, [])
                if name or drawing:
                    self.signatures[code] = (name, drawing)
                elif self.errors.get(code + DRAWN):
                    # The field itself is hidden.
                    self.add_error(code, self.errors.pop(code + DRAWN))

    def said(self) -> Answers:
        """Return what was said and can be read. A consent is said by signing it."""
        given = {*self.signed, *self.signatures}
        return {
            question.code: answer
            for question in self.step.questions
            if question.code not in self.errors and (answer := self._answer(question, given)) is not None
        }

    def _answer(self, question: Question, given: Collection[str]) -> Answer | None:
        if question.kind is Kind.CONSENT:
            return YES if question.code in given else None
        return answer_of(self.cleaned_data.get(question.code))


class BirthForm(forms.Form):
    """Who opens the link says when she was born."""

    born_on = forms.DateField(
        label=_("Your date of birth"),
        help_text=_("So that nobody else opens your answers."),
        widget=forms.DateInput(attrs={"type": "date", "class": "mid", "autocomplete": "bday"}, format="%Y-%m-%d"),
        error_messages={
            "required": _("Please write the day on which you were born."),
            "invalid": _("Please write a date that exists."),
        },
    )


class InviteForm(forms.Form):
    """What goes with sending the form: how she agreed, in the same talk, to mail that reminds her, if she did."""

    agreed = forms.ChoiceField(choices=SAID, required=False)


class CloseForm(forms.Form):
    """Why a finding no longer holds."""

    reason = forms.CharField(
        label=_("Why it no longer holds"),
        max_length=LONGEST_REASON,
        widget=forms.TextInput(),
        error_messages={"required": _("Say why the finding no longer holds.")},
    )


class GuardianForm(forms.Form):
    """A guardian's consent as it stands on paper."""

    prefix = "guardian"
    name = forms.CharField(label=_("Name of the parent or guardian"), max_length=LONGEST_NAME)
    signed_on = forms.DateField(
        label=_("Signed on"),
        widget=forms.DateInput(attrs={"type": "date", "class": "mid"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Please write a date that exists.")},
    )
    is_seen = forms.BooleanField(label=_("I have seen the signed paper"))


class DrawingField(forms.CharField):
    """A drawn signature, as the page sends it."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> Any:
        """Read the drawing."""
        return drawing_in(super().clean(value))


def answer_of(value: object) -> Answer | None:
    """Return a cleaned value as answers are kept, or None where nothing was said."""
    match value:
        case None | "" | [] | False:
            return None
        case True:
            return YES
        case datetime() | date():
            return value.isoformat()
        case int() | str() | list():
            return value
    raise TypeError(f"No field gives {value!r}.")


def field_for(question: Question, today: date, *, is_complete: bool) -> forms.Field:
    """Return the field of one question."""
    field = FIELDS.get(question.kind, _one_of_few)(question)
    if question.kind is Kind.DATE:
        field.widget.attrs["max"] = today.isoformat()
    field.label = question.text
    field.help_text = question.help
    # What is marked as required. A follow-up is so only where it is asked; checked_step knows.
    field.required = (
        is_complete and question.is_required and not question.shown_if and question.kind is not Kind.CONSENT
    )
    field.error_messages["required"] = missing_words(question)
    return field


def _number(question: Question) -> forms.Field:
    if question.look == "scale":
        return _scale(question)
    return forms.IntegerField(
        widget=forms.NumberInput(attrs=_number_attributes(question)),
        error_messages={"invalid": _("Please write a whole number.")},
    )


def _many(question: Question) -> forms.Field:
    return forms.MultipleChoiceField(
        choices=_choices(question), widget=forms.CheckboxSelectMultiple(attrs={"class": "btn-check"})
    )


def _text(question: Question) -> forms.Field:
    return forms.CharField(
        strip=True, widget=forms.Textarea(attrs={"rows": 3}) if question.is_long else forms.TextInput()
    )


def _day(_question: Question) -> forms.Field:
    return forms.DateField(
        widget=forms.DateInput(attrs={"type": "date", "class": "mid"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Please write a date that exists.")},
    )


def _name(_question: Question) -> forms.Field:
    return forms.CharField(max_length=LONGEST_NAME, widget=forms.TextInput(attrs={"autocomplete": "name"}))


def _one_of_few(question: Question) -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=_choices(question), widget=forms.RadioSelect(attrs={"class": question.look or "seg"})
    )


def _scale(question: Question) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=[(n, str(n)) for n in range(question.least, question.most + 1)],
        coerce=int,
        empty_value=None,
        widget=forms.RadioSelect(attrs={"class": "seg scale"}),
    )


def _choices(question: Question) -> list[tuple[str, Any]]:
    if question.options:
        return [(option.value, option.label) for option in question.options]
    return [(value, ANSWER_WORDS[value]) for value in question.values]


FIELDS: Mapping[Kind, Callable[[Question], forms.Field]] = {
    Kind.NUMBER: _number,
    Kind.CHOICES: _many,
    Kind.REGIONS: _many,
    Kind.TEXT: _text,
    Kind.DATE: _day,
    Kind.MEDICINES: lambda _question: MedicinesField(),
    Kind.CONSENT: _name,
}


def _number_attributes(question: Question) -> dict[str, Any]:
    described = {"aria-describedby": f"id_{question.code}_unit"} if question.unit and not question.help else {}
    return {"class": "short", "min": question.least, "max": question.most, "inputmode": "numeric", **described}


def initial_of(step: Step, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return kept answers as the fields show them; what was signed is no field any more."""
    return {
        question.code: answers[question.code]
        for question in step.questions
        if question.code in answers and question.kind is not Kind.CONSENT
    }
