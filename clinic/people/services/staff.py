"""Writing about those who work here: logins, roles, therapists and what they are qualified in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.people.models import Modality, Qualification, Room, Therapist, User


@recorded
def add_staff(*, by: User | None, now: datetime, email: str, name: str, roles: Iterable[str], password: str) -> User:
    """Add a member of staff, who signs in by password; `by` is None for the first owner."""
    user = User(email=email.strip().lower(), name=name.strip(), roles=[str(role) for role in roles])
    if not user.roles:
        raise ValidationError({"roles": _("A member of staff has at least one role.")})
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise ValidationError({"password": weak}) from None
    user.set_password(password)
    user.full_clean()
    user.save()
    return user


@recorded
def add_therapist(
    *,
    by: User | None,
    now: datetime,
    user: User,
    licence_number: str,
    licence_expires_on: date | None,
    usual_room: Room | None,
    qualifications: Sequence[tuple[Modality, str, date | None]],
) -> Therapist:
    """Make a member of staff bookable for the modalities she is qualified in: (modality, certificate, valid until)."""
    if not user.is_therapist:
        raise ValidationError({"user": _("Only a member of staff with the role of therapist can be booked.")})
    therapist = Therapist(
        user=user, licence_number=licence_number, licence_expires_on=licence_expires_on, usual_room=usual_room
    )
    therapist.full_clean()
    therapist.save()
    for modality, certificate, expires_on in qualifications:
        held = Qualification(therapist=therapist, modality=modality, certificate=certificate, expires_on=expires_on)
        held.full_clean()
        held.save()
    return therapist
