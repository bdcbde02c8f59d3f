"""Founding the clinic, once, with a one-time key, and changing what it says of itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.lib.text import one_line_each
from clinic.lib.tokens import new_token, token_digest
from clinic.people.models import Clinic, Location, Role, SetUpToken, Therapist, User
from clinic.people.services.pictures import LOGO_SIDE, add_picture
from clinic.people.services.places import add_location
from clinic.people.services.staff import add_staff
from clinic.people.services.writing import trimmed, write_changes

# They stand in the head of letters, or within a line of them.
ON_ONE_LINE = frozenset({"name", "emergency_number", "cancellation_policy"})
SET_UP_TOKEN_LASTS = timedelta(hours=24)


@transaction.atomic
def issue_set_up_token(*, now: datetime) -> str:
    """Return a new one-time key to the set-up page; keys made earlier no longer open it."""
    if Clinic.objects.exists():
        raise ValidationError(_("The clinic is set up already."))
    SetUpToken.objects.filter(used_at__isnull=True).delete()
    token = new_token()
    SetUpToken.objects.create(digest=token_digest(token), expires_at=now + SET_UP_TOKEN_LASTS)
    return token


def is_set_up_token(token: str, *, now: datetime) -> bool:
    """Say whether this key opens the set-up page."""
    if Clinic.objects.exists():
        return False
    return SetUpToken.objects.filter(digest=token_digest(token), used_at__isnull=True, expires_at__gt=now).exists()


@transaction.atomic
def found_clinic(
    *,
    now: datetime,
    name: str,
    currency: str,
    owner_name: str,
    owner_email: str,
    owner_password: str,
    location_name: str,
    time_zone: str,
    location_address: str = "",
    location_phone: str = "",
) -> Clinic:
    """Make the clinic, its owner and its first location."""
    clinic = _add_clinic(by=None, now=now, name=name, currency=currency)
    with _renamed(name="location_name", time_zone="time_zone"):
        add_location(
            by=None, now=now, name=location_name, time_zone=time_zone, address=location_address, phone=location_phone
        )
    with _renamed(name="owner_name", email="owner_email", password="owner_password"):  # noqa: S106  # a field's name
        add_staff(by=None, now=now, email=owner_email, name=owner_name, roles=[Role.OWNER], password=owner_password)
    return clinic


@recorded
def _add_clinic(*, by: User | None, now: datetime, name: str, currency: str) -> Clinic:
    clinic = Clinic(pk=1, set_up_at=now, **one_line_each({"name": name, "currency": currency.upper()}))
    clinic.full_clean()
    clinic.save(force_insert=True)
    return clinic


@contextmanager
def _renamed(**names: str) -> Iterator[None]:
    """Speak of refused fields by the names under which the caller gave them."""
    try:
        yield
    except ValidationError as refused:
        raise ValidationError(
            {names.get(field, NON_FIELD_ERRORS): errors for field, errors in refused.error_dict.items()}
        ) from None


@transaction.atomic
def set_up_clinic(
    *,
    now: datetime,
    token: str,
    name: str,
    currency: str,
    owner_name: str,
    owner_email: str,
    owner_password: str,
    location_name: str,
    time_zone: str,
) -> Clinic:
    """Spend the one-time key and found the clinic; of two who hold the same key, the second is refused."""
    key = SetUpToken.objects.select_for_update().filter(digest=token_digest(token)).first()
    if key is None or key.used_at is not None or key.expires_at <= now or Clinic.objects.exists():
        raise ValidationError(_("This set-up link has been used or has run out."))
    clinic = found_clinic(
        now=now,
        name=name,
        currency=currency,
        owner_name=owner_name,
        owner_email=owner_email,
        owner_password=owner_password,
        location_name=location_name,
        time_zone=time_zone,
    )
    key.used_at = now
    key.save(update_fields=["used_at"])
    return clinic


class ClinicFields(TypedDict, total=False):
    """What the clinic may change about itself: never its currency, in which prices are kept."""

    name: str
    letterhead: str
    language: str
    languages: list[str]
    emergency_number: str
    cancellation_hours: int
    cancellation_policy: str
    waitlist_hold_minutes: int
    house_rules: str
    privacy_notice: str
    late_fee_percent: int
    online_booking: str
    online_lead_hours: int
    online_horizon_days: int
    online_most_visits: int
    online_cancel_hours: int
    online_move_hours: int


@recorded
def update_clinic(*, by: User, now: datetime, **fields: Unpack[ClinicFields]) -> Clinic:
    """Change what the clinic says of itself and by which rules it works."""
    clinic = Clinic.objects.select_for_update().get()
    language, languages = fields.get("language", clinic.language), fields.get("languages", clinic.languages)
    if language not in languages:
        raise ValidationError({"language": _("Clients are not written to in this language; tick it first.")})
    on_one_line = one_line_each({name: str(text) for name, text in trimmed(fields).items() if name in ON_ONE_LINE})
    write_changes(clinic, trimmed(fields) | on_one_line)
    return clinic


@recorded
def show_online(*, by: User, now: datetime, therapists: Collection[Therapist], locations: Collection[Location]) -> None:
    """Show these therapists and places to whoever books online, and no others; archived ones stay as they are."""
    for one in Therapist.objects.filter(archived_at__isnull=True).order_by("pk").select_for_update(of=("self",)):
        write_changes(one, {"is_shown_online": one in therapists})
    for place in Location.objects.filter(archived_at__isnull=True).order_by("pk").select_for_update():
        write_changes(place, {"is_bookable_online": place in locations})


@recorded
def set_logo(*, by: User, now: datetime, upload: UploadedFile[bytes] | None) -> Clinic:
    """Show this picture as the clinic's logo, or none."""
    logo = add_picture(now=now, upload=upload, longest_side=LOGO_SIDE) if upload else None
    clinic = Clinic.objects.select_for_update().get()
    write_changes(clinic, {"logo": logo})
    return clinic
