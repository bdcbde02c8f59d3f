"""A Django form made from one step of a form version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField, BoundWidget
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from clinic.people.forms.clients import SAID
from intake.answering import checked_step, missing_words
from intake.consents import LONGEST_NAME
from intake.questions import ANSWER_WORDS, YES, Answer, Answers, Kind, Question, Step
from intake.services import LONGEST_REASON

SIGNATURE = "signed_name"


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
class Asked:
    """A question as the page shows it, with its follow-ups."""

    question: Question
    field: BoundField
    follow_ups: list[Asked]

    @property
    def groups(self) -> list[OptionGroup]:
        """The options by group, in order."""
        found: dict[str, OptionGroup] = {}
        for option, widget in zip(self.question.options, self.field.subwidgets, strict=True):
            group = found.setdefault(option.group, OptionGroup(option.group, option.is_folded, []))
            group.options.append(widget)
        return list(found.values())


class StepForm(forms.Form):
    """The questions of one step; `answers` holds what may be kept, as the services take it."""

    def __init__(self, step: Step, today: date, *, is_complete: bool = True, **kwargs: Any) -> None:
        super().__init__(use_required_attribute=False, **kwargs)
        self.step, self.today, self.is_complete = step, today, is_complete
        self.answers: Answers = {}
        for question in step.questions:
            self.fields[question.code] = field_for(question, today, is_complete=is_complete and not step.needs_all)

    def asked(self) -> Iterator[Asked]:
        """Yield what the page shows: each question, and below it what follows it up."""
        for question in self.step.questions:
            if not question.shown_if:
                follow_ups = [
                    Asked(follow_up, self[follow_up.code], [])
                    for follow_up in self.step.questions
                    if follow_up.shown_if == question.code
                ]
                yield Asked(question, self[question.code], follow_ups)

    def clean(self) -> dict[str, Any]:
        """Hold the answers against the questions."""
        answers = {
            code: answer
            for code, value in self.cleaned_data.items()
            if code != SIGNATURE and (answer := answer_of(value)) is not None
        }
        try:
            self.answers = checked_step(self.step, answers, self.today, is_complete=self.is_complete)
        except ValidationError as problem:
            for code, messages in problem.message_dict.items():
                if code not in self.errors:
                    self.add_error(code, messages)
        return self.cleaned_data

    def keepable(self) -> Answers:
        """Return the answers without those that have an error: what is saved while she is still writing."""
        answers = {code: answer_of(value) for code, value in self.cleaned_data.items() if code not in self.errors}
        kept = {code: answer for code, answer in answers.items() if answer is not None and code != SIGNATURE}
        return checked_step(self.step, kept, self.today, is_complete=False)


class SigningStepForm(StepForm):
    """The last step, with the signature under it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[SIGNATURE] = forms.CharField(
            label=_("Sign with your full name"),
            required=self.is_complete,
            max_length=LONGEST_NAME,
            widget=forms.TextInput(attrs={"autocomplete": "name"}),
            error_messages={"required": _("Please sign with your name.")},
        )

    def signature(self) -> BoundField:
        return self[SIGNATURE]


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
    field = _bare_field(question, today)
    field.label = question.text
    field.help_text = question.help
    # What is marked as required. A follow-up is so only where it is asked; checked_step knows.
    field.required = is_complete and question.is_required and not question.shown_if
    field.error_messages["required"] = missing_words(question)
    return field


def _bare_field(question: Question, today: date) -> forms.Field:
    match question.kind:
        case Kind.NUMBER if question.look == "scale":
            return _scale(question)
        case Kind.NUMBER:
            return forms.IntegerField(
                widget=forms.NumberInput(attrs=_number_attributes(question)),
                error_messages={"invalid": _("Please write a whole number.")},
            )
        case Kind.CHOICES | Kind.REGIONS:
            return forms.MultipleChoiceField(
                choices=_choices(question), widget=forms.CheckboxSelectMultiple(attrs={"class": "btn-check"})
            )
        case Kind.TEXT:
            return forms.CharField(
                strip=True, widget=forms.Textarea(attrs={"rows": 3}) if question.is_long else forms.TextInput()
            )
        case Kind.DATE:
            attrs = {"type": "date", "class": "mid", "max": today.isoformat()}
            return forms.DateField(
                widget=forms.DateInput(attrs=attrs, format="%Y-%m-%d"),
                error_messages={"invalid": _("Please write a date that exists.")},
            )
    return forms.BooleanField() if question.kind is Kind.CONSENT else _one_of_few(question)


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


def _number_attributes(question: Question) -> dict[str, Any]:
    described = {"aria-describedby": f"id_{question.code}_unit"} if question.unit and not question.help else {}
    return {"class": "short", "min": question.least, "max": question.most, "inputmode": "numeric", **described}


def initial_of(step: Step, answers: Mapping[str, Answer]) -> dict[str, SafeString | Answer | bool]:
    """Return kept answers as the fields show them."""
    return {
        question.code: answers[question.code] == YES if question.kind is Kind.CONSENT else answers[question.code]
        for question in step.questions
        if question.code in answers
    }
