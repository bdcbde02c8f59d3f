"""What is asked of somebody who books by herself: her address, the code, who she is, how she is today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.people.forms.fields import DayField, PhoneField
from clinic.people.services.coming import Newcomer
from intake.questions import NO, YES, Answer
from sessions.today import PAIN_OR_RISK, NeckArtery

MYSELF, SOMEBODY = "myself", "somebody"


class AddressForm(forms.Form):
    """To which address the code goes."""

    email = forms.EmailField(
        label=_("Your e-mail"),
        help_text=_("We send a code to it, so that we know it is yours. You need no password."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class CodeForm(forms.Form):
    """The code that came."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "class": "code-field"}),
    )


class YouForm(forms.Form):
    """Who a new client is, and under 18 who answers for her."""

    is_for = forms.ChoiceField(
        label=_("Who is the visit for?"),
        choices=[(MYSELF, _("For me")), (SOMEBODY, _("For my child, or somebody I answer for"))],
        initial=MYSELF,
        widget=forms.RadioSelect(attrs={"class": "choices"}),
    )
    legal_name = forms.CharField(
        label=_("Full name of who comes"), max_length=160, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    born_on = DayField(label=_("Date of birth of who comes"))
    phone = PhoneField(
        label=_("Your phone"),
        required=True,
        help_text=_("If we must move or cancel the visit."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    guardian_name = forms.CharField(
        label=_("Name of the parent or guardian"),
        max_length=160,
        required=False,
        help_text=_("Required for whoever is under 18."),
    )
    guardian_phone = PhoneField(
        label=_("Phone of the parent or guardian"), help_text=_("Where it is not the one above.")
    )

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or {}
        if answers.get("is_for") == SOMEBODY and not answers.get("guardian_name"):
            self.add_error("guardian_name", _("Please give your own name as well."))
        return answers

    def newcomer(self, email: str) -> Newcomer:
        """Return who comes, with the address that was proven."""
        told = self.cleaned_data
        return Newcomer(
            email=email,
            legal_name=told["legal_name"],
            born_on=told["born_on"],
            phone=told["phone"],
            guardian_name=told["guardian_name"],
            guardian_phone=told["guardian_phone"],
            is_guardians=told["is_for"] == SOMEBODY,
        )


class ConfirmForm(forms.Form):
    """The question of every visit, and whether she may be written to where nobody has asked her yet."""

    is_different = forms.ChoiceField(
        label=_("Is today’s headache or neck pain different from your usual?"),
        choices=[("no", _("No")), ("yes", _("Yes"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Please answer; we ask it before every visit.")},
    )
    signs = forms.MultipleChoiceField(
        label=_("Because it is different: do you have any of these?"),
        choices=NeckArtery.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    none_of_these = forms.BooleanField(label=_("None of these"), required=False)
    by_email = forms.ChoiceField(
        label=_("May we write to you by e-mail about your visits?"),
        help_text=_(
            "A confirmation and reminders: when, where and with whom, never what for. You can change it later."
        ),
        choices=[("yes", _("Yes, write to me")), ("no", _("No"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose; both answers are fine.")},
    )

    def __init__(self, data: Mapping[str, Any] | None, *, asks_consent: bool) -> None:
        super().__init__(data)
        if not asks_consent:
            del self.fields["by_email"]

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or {}
        if answers.get("is_different") != "yes":
            # A sign counts wherever it was ticked.
            answers["is_different"] = "yes" if answers.get("signs") else answers.get("is_different")
        elif not answers.get("signs") and not answers.get("none_of_these"):
            self.add_error("signs", _("Please tick what you have, or “None of these”."))
        elif answers.get("signs") and answers.get("none_of_these"):
            self.add_error("signs", _("You ticked signs and “None of these”. Which is right?"))
        return answers

    def answers(self) -> dict[str, Answer]:
        """Return what she said by the question codes of the safety rules."""
        signs = frozenset(self.cleaned_data["signs"])
        facts = {
            "rf_change": self.cleaned_data["is_different"] == "yes",
            "neck_artery_signs": bool(signs - PAIN_OR_RISK),
            "neck_artery_risk": bool(signs & PAIN_OR_RISK),
        }
        return {question: YES if is_so else NO for question, is_so in facts.items()}

    def ticked(self) -> list[str]:
        """Return the signs that she ticked, in words."""
        return [str(NeckArtery(sign).label) for sign in self.cleaned_data["signs"]]
