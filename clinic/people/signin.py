"""Sign-in by django-allauth: staff by password, clients by a code in the mail."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ConfirmLoginCodeForm, RequestLoginCodeForm, ResetPasswordForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from clinic.people.models import User
from clinic.people.proving import is_spent


class ClinicAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Nobody signs up alone: staff are invited, a client's login comes with her intake."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": _("That is not the code. Please look once more."),
        # Said of passwords as well as of codes.
        "too_many_login_attempts": _("That was tried too often. Ask for a new code, or wait a few minutes."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class ClientCodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Send a code to clients only; for staff the answer looks the same, and nothing is sent."""

    def clean_email(self) -> Any:
        email = super().clean_email()
        user: User | None = getattr(self, "_user", None)
        if user is not None and user.is_staff_member:
            self._user = None
        return email


class TypedCodeForm(ConfirmLoginCodeForm):  # type: ignore[misc]  # allauth ships no types
    """Take a code for as many tries as it is good for, also where they come at once."""

    expected_code: str

    def clean_code(self) -> Any:
        # For an unknown address there is none, and nothing to spend: the answer is the same.
        if self.expected_code and is_spent(self.expected_code):
            self.expected_code = ""
        return super().clean_code()


class StaffPasswordForm(ResetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """Send the link for a new password to staff only; a client has no password and needs none."""

    def clean_email(self) -> Any:
        email = super().clean_email()
        self.users: list[User] = [user for user in self.users if user.is_staff_member]
        return email
