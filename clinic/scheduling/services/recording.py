"""The record of a step, with the visit and in the client's history."""

from __future__ import annotations

from datetime import datetime

from clinic.audit.services import record_change
from clinic.people.models import User
from clinic.scheduling.models import Appointment, StatusChange


def record(
    appointment: Appointment, *, before: str, by: User | None, at: datetime, why: str = "", words: str = ""
) -> None:
    """Keep the step with the visit, and tell the client's history of it: that it was taken, never why."""
    StatusChange.objects.create(appointment=appointment, before=before, after=appointment.status, by=by, at=at, why=why)
    record_change(
        by=by.pk if by else None,
        client=appointment.client_id,
        what=appointment,
        words=words or appointment.get_status_display(),
        now=at,
    )
