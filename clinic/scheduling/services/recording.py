"""The record of a step, with the visit and in the client's history; and where a visit was before it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.prepared import add
from clinic.people.models import User
from clinic.scheduling.models import Appointment, StatusChange

Place = dict[str, str | int | None]

_KEYS = ("therapist_id", "room_id", "location_id", "service_id", "series_id")
_MOMENTS = ("starts_at", "ends_at", "occupied_from", "occupied_until", "left_out_at")
# What changes when a visit is put elsewhere.
PLACE_FIELDS = (*(key.removesuffix("_id") for key in _KEYS), *_MOMENTS, "override_reason")


def place_of(visit: Appointment) -> Place:
    """Write down where a visit is, so that it can be put back there."""
    moments = {name: at.isoformat() if (at := getattr(visit, name)) else None for name in _MOMENTS}
    return {name: getattr(visit, name) for name in _KEYS} | moments | {"override_reason": visit.override_reason}


def put_back(visit: Appointment, place: Place) -> None:
    """Set a visit, unsaved, to where `place_of` found it."""
    for name, value in place.items():
        setattr(visit, name, datetime.fromisoformat(str(value)) if value and name in _MOMENTS else value)


def record(
    appointment: Appointment,
    *,
    before: str,
    by: User | None,
    at: datetime,
    why: str = "",
    words: str = "",
    because: str = "",
    was: Place | None = None,
    is_undo: bool = False,
) -> None:
    """Keep the step with the visit, and tell the client's history of it: that it was taken, never why.

    It tells, too, that a rule was passed over; the reason for that is with the visit.
    """
    words = words or appointment.get_status_display()
    if appointment.override_reason and (was is not None or not before):
        words = _("%(done)s, outside the rules") % {"done": words}
    add(step_of(appointment, before=before, by=by, at=at, why=why, because=because, was=was, is_undo=is_undo))
    record_change(
        by=by.pk if by else None,
        client=appointment.client_id,
        what=appointment,
        words=words,
        now=at,
    )


def step_of(
    appointment: Appointment,
    *,
    before: str,
    by: User | None,
    at: datetime,
    why: str = "",
    because: str = "",
    was: Place | None = None,
    batch: UUID | None = None,
    is_undo: bool = False,
) -> StatusChange:
    """Return the step that led the visit to where it is, not yet kept."""
    return StatusChange(
        appointment=appointment,
        before=before,
        after=appointment.status,
        by=by,
        at=at,
        why=why,
        because=because,
        was=was,
        batch=batch,
        is_undo=is_undo,
    )
