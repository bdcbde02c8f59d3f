"""What visits forbid below: archiving her who comes or where it will be, and moving the clock they stand by."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.people.models import Client, Location, Room
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Status
from clinic.scheduling.words import moment_words

# They came, or their time was kept for them.
BEEN = (Status.ARRIVED, Status.IN_SESSION, Status.COMPLETED, Status.NO_SHOW, Status.BOOKED, Status.CONFIRMED)


def visits_to_come(thing: Model, now: datetime) -> str:
    """Say that visits are still to come for a client, at a location or in a room; nothing of anything else."""
    match thing:
        case Client():
            return _for_her(_open(now).filter(client=thing))
        case Location():
            return _at_a_place(_to_come(now).filter(location=thing))
        case Room():
            return _at_a_place(_to_come(now).filter(room=thing))
        case _:
            return ""


def visits_by_the_old_clock(location: Location, zone: ZoneInfo, now: datetime) -> str:
    """Say that visits would stand at another time on the wall; nothing where all keep theirs.

    Those that took place or were missed count too: another zone would tell another past.
    """
    moved = _moved(_to_come(now).filter(location=location), zone)
    if not moved:
        return _past_by_the_old_clock(location, zone)
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


def _past_by_the_old_clock(location: Location, zone: ZoneInfo) -> str:
    been = Appointment.objects.filter(location=location, status__in=BEEN)
    moved = _moved(been, zone)
    if not moved:
        return ""
    words = _(
        "Earlier visits stand by the old clock: %(before)s would become %(after)s. "
        "Add another location for the new time zone, and archive this one."
    )
    return words % {"before": moment_words(max(moved), location.zone), "after": moment_words(max(moved), zone)}


def _moved(visits: AppointmentQuerySet, zone: ZoneInfo) -> list[datetime]:
    """Return the starts that another zone would write otherwise."""
    starts = visits.values_list("starts_at", "location__time_zone")
    return [start for start, name in starts if make_naive(start, ZoneInfo(name)) != make_naive(start, zone)]


def _to_come(now: datetime) -> AppointmentQuerySet:
    # A hold that has run out is only waiting to be cleared away.
    return Appointment.objects.not_begun(now).exclude(status=Status.HELD, held_until__lte=now)


def _open(now: datetime) -> AppointmentQuerySet:
    """Return what is to come, and who is on the table."""
    return _to_come(now) | Appointment.objects.filter(status=Status.IN_SESSION)


def _for_her(visits: AppointmentQuerySet) -> str:
    found = list(visits.select_related("location").order_by("starts_at", "pk"))
    if not found:
        return ""
    words = ngettext(
        "There is a visit to come, on %(first)s. Cancel it first.",
        "There are %(n)d visits to come, the first on %(first)s. Cancel them first.",
        len(found),
    )
    return words % {"n": len(found), "first": moment_words(found[0].starts_at, found[0].location.zone)}


def _at_a_place(visits: AppointmentQuerySet) -> str:
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
