"""The owner's forms about those who work here, and the one with which somebody invited comes in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.people.forms.opened import OpenedForm
from clinic.people.models import Role, User


class RolesField(forms.MultipleChoiceField):
    """One or more of the roles, each with what it opens."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Roles"),
            choices=Role.choices,
            widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
            help_text=_(
                "Owners set the clinic up and see its staff. Therapists treat, and alone read health records. "
                "The front desk books and writes to clients."
            ),
            error_messages={"required": _("A member of staff has at least one role.")},
            **kwargs,
        )


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The link goes there, and it is what the new member signs in with."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    roles = RolesField()


class MemberForm(OpenedForm, forms.Form):
    """What an owner may change about a member of staff."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    roles = RolesField()

    def __init__(self, data: Any = None, *, member: User) -> None:
        self.member = member
        super().__init__(data, initial={"name": member.name, "roles": member.roles})

    @property
    def record(self) -> User:
        return self.member


class PasswordForm(forms.Form):
    """The password that somebody invited chooses."""

    password = forms.CharField(label=_("Password"), strip=False, max_length=128, widget=forms.PasswordInput())
