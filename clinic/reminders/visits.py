"""The kinds that scheduling gives rise to: the confirmation of a booking, of a series, and the reminder of a visit.

A visit has one reminder per offset of the policy. An offset that falls within FRESH after the booking is left out: the
confirmation has just said it; one that had already passed, too. So whoever books 30 hours before gets the confirmation
and the two-hour reminder. A visit that is moved has other moments, hence other rows: where an offset of the new time is
already past, its reminder goes out at once and tells the new time; rows of the old time are dropped at their turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.services import message_policy
from clinic.reminders.timing import reminder_moments
from clinic.scheduling.feeds import file_of
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Series, Status

# What is booked and undone again within this time sends nothing.
GRACE = timedelta(minutes=3)
FRESH = timedelta(hours=6)
CONFIRMED_WITHIN = timedelta(days=1)
# So far back the sweep looks for reminders that nobody wrote down, to mark them as missed.
LOOKS_BACK = timedelta(days=1)
# The clocks may change between the reminder and the visit.
CLOCK_CHANGE = timedelta(hours=3)

PROMISED = (Status.BOOKED, Status.CONFIRMED)
NEVER_TOOK_PLACE = (Status.REQUESTED, Status.HELD, Status.CANCELLED, Status.LATE_CANCELLED)


def bookings_due(now: datetime) -> Iterator[Due]:
    """Yield the confirmations of single visits."""
    fresh = Appointment.objects.filter(series__isnull=True, status__in=PROMISED, starts_at__gt=now)
    fresh = fresh.filter(booked_at__gt=now - CONFIRMED_WITHIN, booked_at__lte=now - GRACE)
    for pk, client_pk, booked_at, starts_at in fresh.values_list("pk", "client_id", "booked_at", "starts_at"):
        useless_after = min(starts_at, booked_at + CONFIRMED_WITHIN)
        yield Due(pk, client_pk, about_at=booked_at, due_at=booked_at + GRACE, useless_after=useless_after)


def series_due(now: datetime) -> Iterator[Due]:
    """Yield one summary per series."""
    fresh = Series.objects.filter(booked_at__gt=now - CONFIRMED_WITHIN, booked_at__lte=now - GRACE)
    for pk, client_pk, booked_at in fresh.values_list("pk", "client_id", "booked_at"):
        until = booked_at + CONFIRMED_WITHIN
        yield Due(pk, client_pk, about_at=booked_at, due_at=booked_at + GRACE, useless_after=until)


def reminders_due(now: datetime) -> Iterator[Due]:
    """Yield the reminders that are due, and those of the last day that are past, so that they are seen to be missed."""
    offsets = message_policy().offsets_minutes
    latest = now + timedelta(minutes=max(offsets, default=0)) + CLOCK_CHANGE
    visits = Appointment.objects.between(now - LOOKS_BACK, latest).exclude(status__in=NEVER_TOOK_PLACE)
    facts = visits.values_list("pk", "client_id", "starts_at", "booked_at", "location__time_zone")
    for pk, client_pk, starts_at, booked_at, time_zone in facts:
        for moment in reminder_moments(starts_at, offsets, ZoneInfo(time_zone)):
            if booked_at + FRESH <= moment.due_at <= now:
                yield Due(pk, client_pk, starts_at, moment.due_at, moment.useless_after, moment.slot)


def booking_words(appointment_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the confirmation says, or None when the visit was cancelled meanwhile."""
    visit = promised_visit(appointment_pk, now)
    if visit is None:
        return None
    return visit_words(visit) | {"about_at": visit.booked_at, "calendar": file_of([visit.pk], visit.client.language)}


def reminder_words(appointment_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the reminder says, or None when the visit is not to come any more."""
    visit = promised_visit(appointment_pk, now)
    return visit_words(visit) | {"about_at": visit.starts_at} if visit else None


def series_words(series_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the summary says: the visits of the series that are still to come, or None when there are none."""
    to_come = Appointment.objects.filter(series=series_pk, status__in=PROMISED, starts_at__gt=now)
    visits = sorted(locked_with_people(to_come), key=lambda visit: visit.starts_at)
    if not visits:
        return None
    calendar = file_of([visit.pk for visit in visits], visits[0].client.language)
    return visit_words(visits[0]) | {"starts": [visit.starts_at for visit in visits], "calendar": calendar}


def promised_visit(pk: int, now: datetime) -> Appointment | None:
    """Lock and return a visit that is booked and still to come."""
    return locked_with_people(Appointment.objects.filter(pk=pk, status__in=PROMISED, starts_at__gt=now)).first()


def locked_with_people(visits: AppointmentQuerySet) -> AppointmentQuerySet:
    """Lock visits against a change until the sending is committed, and bring along what a mail says of them.

    In the order of their keys, as scheduling locks them.
    """
    locked = visits.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return locked.select_related("client", "therapist__user", "location")


def visit_words(visit: Appointment) -> dict[str, Any]:
    """Return to whom a mail about a visit goes, and what it may say: when, where and with whom; never what for."""
    return {
        "client": visit.client,
        "starts_at": visit.starts_at,
        "therapist": visit.therapist.user.first_name,
        "location": visit.location,
        "zone": visit.location.zone,
    }


BOOKING = MessageKind(
    template="booking",
    find_due=bookings_due,
    context=booking_words,
    # It answers what was just agreed, perhaps on the phone at nine in the evening.
    keeps_quiet_hours=False,
    words=_("confirmation"),
)
SERIES = MessageKind(
    template="series",
    find_due=series_due,
    context=series_words,
    keeps_quiet_hours=False,
    words=_("series confirmation"),
)
REMINDER = MessageKind(template="reminder", find_due=reminders_due, context=reminder_words, words=_("reminder"))
