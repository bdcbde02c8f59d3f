"""The password of a login."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from clinic.people.models import User


def choose_password(user: User, password: str) -> None:
    """Set a login's password, unsaved. Raises ValidationError beside `password` for a weak one."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise ValidationError({"password": weak}) from None
    user.set_password(password)
