"""What visits to come forbid: archiving her who comes to them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Model, Q
from django.utils.translation import ngettext

from clinic.people.models import Client
from clinic.scheduling.models import NOT_BEGUN, Appointment, Status
from clinic.scheduling.words import moment_words


def visits_to_come(thing: Model, now: datetime) -> str:
    """Say that a client has visits to come, or is on the table; nothing of whoever has none."""
    if not isinstance(thing, Client):
        return ""
    open_visits = Appointment.objects.filter(
        Q(ends_at__gt=now, status__in=NOT_BEGUN) | Q(status=Status.IN_SESSION), client=thing
    )
    # A hold that has run out is only waiting to be cleared away.
    open_visits = open_visits.exclude(status=Status.HELD, held_until__lte=now)
    visits = list(open_visits.select_related("location").order_by("starts_at", "pk"))
    if not visits:
        return ""
    first = visits[0]
    return ngettext(
        "There is a visit to come, on %(first)s. Cancel it first.",
        "There are %(n)d visits to come, the first on %(first)s. Cancel them first.",
        len(visits),
    ) % {"n": len(visits), "first": moment_words(first.starts_at, first.location.zone)}
