"""Absences to come: when a therapist is away, or a location or a room closed, and the visits that lie in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.people.models import Location, Room, Therapist, User
from clinic.scheduling.availability import zones_of
from clinic.scheduling.models import Appointment, AppointmentQuerySet, TimeOff
from clinic.scheduling.services import add_time_off, lock_absence
from clinic.scheduling.slots import Span
from clinic.scheduling.words import span_words


@dataclass(frozen=True)
class Wanted:
    """An absence as somebody wants to enter it: of a therapist, or the closing of a location or a room."""

    span: Span
    reason: str
    therapist: Therapist | None = None
    location: Location | None = None
    room: Room | None = None
    is_clinics: bool = False


@dataclass(frozen=True)
class AbsenceRow:
    """An absence as a list shows it."""

    absence: TimeOff
    whose: str
    when: str
    has_begun: bool


class VisitsInTheWay(Exception):  # noqa: N818 -- a question to whoever enters an absence, not a fault
    """Visits are booked in the absence, and whoever enters it has not seen them all."""

    def __init__(self, visits: Sequence[Appointment]) -> None:
        super().__init__()
        self.visits = visits


def enter_absences(*, by: User, now: datetime, wanted: Iterable[Wanted], seen: Collection[int] = ()) -> list[TimeOff]:
    """Enter absences, all or none; what is entered already, word for word, is not entered twice.

    Raises VisitsInTheWay while they hold a visit to come that is not among the keys in `seen`: no visit is passed over
    in silence. With all of them seen they stay booked, and wait to be booked anew.
    """
    with transaction.atomic():
        absences = [_entered(one, by=by, now=now) for one in wanted]
        visits = list(visits_in(absences, now).with_people())
        if not {visit.pk for visit in visits} <= set(seen):
            raise VisitsInTheWay(visits)
    return absences


def visits_in(absences: Iterable[TimeOff], now: datetime) -> AppointmentQuerySet:
    """Return the visits to come that lie in these absences, soonest first."""
    return Appointment.objects.lying_in(absences, now)


def rows_of(absences: Iterable[TimeOff], now: datetime) -> list[AbsenceRow]:
    """Return absences in words; they come with their names."""
    found = list(absences)
    zones = zones_of({absence.therapist_id for absence in found if absence.therapist_id is not None})
    return [
        AbsenceRow(
            absence=absence,
            whose=whose_words(absence),
            when=span_words(
                Span(absence.starts_at, absence.ends_at), absence.place_zone or zones[absence.therapist_id]
            ),
            has_begun=absence.starts_at <= now,
        )
        for absence in found
    ]


def whose_words(absence: TimeOff) -> str:
    """Say who is away, or what is closed."""
    if absence.therapist is not None:
        return absence.therapist.user.name
    if absence.room is not None:
        return _("%(location)s, %(room)s") % {"location": absence.room.location, "room": absence.room}
    return str(absence.location)


def _entered(one: Wanted, *, by: User, now: datetime) -> TimeOff:
    span, reason = one.span, one.reason.strip()
    # Before it is looked for: of the same form sent twice at one moment, the second finds what the first has entered.
    lock_absence(TimeOff(therapist=one.therapist, location=one.location, room=one.room))
    same = TimeOff.objects.filter(therapist=one.therapist, location=one.location, room=one.room)
    earlier = same.filter(starts_at=span.start, ends_at=span.end, reason=reason).first()
    return earlier or add_time_off(
        by=by,
        now=now,
        starts_at=span.start,
        ends_at=span.end,
        therapist=one.therapist,
        location=one.location,
        room=one.room,
        reason=reason,
        is_clinics=one.is_clinics,
    )
