"""What visits to come forbid: archiving where they will be, and another time zone on the wall there."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils.timezone import make_naive
from django.utils.translation import ngettext

from clinic.people.models import Location, Room
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Status
from clinic.scheduling.words import moment_words


def visits_there(thing: Model, now: datetime) -> str:
    """Say that visits are still to come at a location or in a room; nothing of anything else."""
    match thing:
        case Location():
            return _words(_to_come(now).filter(location=thing))
        case Room():
            return _words(_to_come(now).filter(room=thing))
        case _:
            return ""


def visits_by_the_old_clock(location: Location, zone: ZoneInfo, now: datetime) -> str:
    """Say that visits to come would stand at another time on the wall; nothing where all keep theirs."""
    starts = _to_come(now).filter(location=location).values_list("starts_at", flat=True)
    moved = [start for start in starts if make_naive(start, location.zone) != make_naive(start, zone)]
    if not moved:
        return ""
    facts = {
        "count": len(moved),
        "before": moment_words(min(moved), location.zone),
        "after": moment_words(min(moved), zone),
    }
    return (
        ngettext(
            "A visit is booked by the old clock: %(before)s would become %(after)s. Cancel it first.",
            "%(count)d visits are booked by the old clock: %(before)s would become %(after)s. Cancel them first.",
            len(moved),
        )
        % facts
    )


def _to_come(now: datetime) -> AppointmentQuerySet:
    # A hold that has run out is only waiting to be cleared away.
    return Appointment.objects.not_begun(now).exclude(status=Status.HELD, held_until__lte=now)


def _words(visits: AppointmentQuerySet) -> str:
    found = list(visits.select_related("location").order_by("starts_at", "pk"))
    if not found:
        return ""
    last = found[-1]
    facts = {"count": len(found), "when": moment_words(last.starts_at, last.location.zone)}
    return (
        ngettext(
            "A visit is still to come here, on %(when)s. Move or cancel it first.",
            "%(count)d visits are still to come here, the last on %(when)s. Move or cancel them first.",
            len(found),
        )
        % facts
    )
