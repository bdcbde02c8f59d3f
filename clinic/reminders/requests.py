"""The kind to which a request gives rise that the clinic could not meet. What it could meet is confirmed as booked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from clinic.reminders.changes import GRACE
from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.visits import BY_BOTH, OF_A_PLACE, locked_with_people, visit_words
from clinic.scheduling.models import Appointment, Status, StatusChange

TOLD_WITHIN = timedelta(days=1)


def declined_due(now: datetime) -> Iterator[Due]:
    """Yield the requests that somebody of the clinic has declined, a moment ago or within a day."""
    lately = StatusChange.objects.filter(before=Status.REQUESTED, after=Status.CANCELLED, at__gt=now - TOLD_WITHIN)
    settled = lately.filter(at__lte=now - GRACE, appointment__starts_at__gt=now, appointment__status=Status.CANCELLED)
    by_the_clinic = settled.filter(by__isnull=False).exclude(by__roles=[])
    facts = by_the_clinic.values_list("appointment_id", "appointment__client_id", "appointment__starts_at", "at")
    for pk, client_pk, starts_at, at in facts:
        yield Due(pk, client_pk, starts_at, due_at=at + GRACE, useless_after=min(starts_at, at + TOLD_WITHIN))


def declined_words(appointment_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what is said of it, or None when it stands again."""
    declined = Appointment.objects.filter(pk=appointment_pk, status=Status.CANCELLED, starts_at__gt=now)
    visit = locked_with_people(declined).first()
    return visit_words(visit) | {"about_at": visit.starts_at} if visit else None


DECLINED = MessageKind(
    template="declined",
    find_due=declined_due,
    context=declined_words,
    channels=BY_BOTH,
    may_say=OF_A_PLACE,
    must_say=("day", "time", "policy"),
    words=_("request that cannot be met"),
)
