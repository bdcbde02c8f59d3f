"""What can be offered: the free times of a day, the next ones, and instead of a time that is taken. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.lib.times import at_wall, local_date
from clinic.people.models import Client, Location, Room, Service, Therapist
from clinic.scheduling.availability import Availability, availability, length_of, qualified_therapists
from clinic.scheduling.models import Appointment, WeeklyHours
from clinic.scheduling.series import dates, visits
from clinic.scheduling.slots import Away, Kind, Length, Obstacle, nothing_because
from clinic.scheduling.words import obstacle_words, time_words

DAYS_AHEAD = 14


@dataclass(frozen=True)
class FreeTime:
    """A start that is free, and who would give the visit."""

    starts_at: datetime
    therapist: Therapist


@dataclass(frozen=True)
class Alternative:
    """A way out of a conflict; without a time it cannot be had."""

    words: str
    starts_at: datetime | None
    therapist: Therapist


@dataclass(frozen=True)
class Occurrence:
    """One visit of a series as it would be booked; `problem` is empty where it is free."""

    position: int
    on: date
    starts_at: datetime
    ends_at: datetime
    therapist: Therapist
    room: Room | None
    problem: str
    note: str
    alternatives: list[Alternative]


@dataclass(frozen=True)
class Again:
    """The same visit some weeks later: free, or the nearest time of that day, or nothing."""

    weeks: int
    on: date
    starts_at: datetime | None
    is_same_time: bool


def free_times(
    *,
    now: datetime,
    service: Service,
    location: Location,
    first: date,
    days: int = 1,
    therapist: Therapist | None = None,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
    preferred: Therapist | None = None,
) -> list[FreeTime]:
    """Return the free times of some days, each once; where several are free, with the `preferred` therapist."""
    people = [one for one in qualified_therapists(service, first) if therapist in {None, one}]
    people.sort(key=lambda one: one != preferred)
    last = first + timedelta(days=days - 1)
    free = availability(
        location=location,
        therapists=people,
        first=first,
        last=last,
        now=now,
        client=client,
        leaving_out=leaving_out,
    )
    found: dict[datetime, Therapist] = {}
    for one in people:
        for start in free.slots(one.pk, length_of(service)):
            found.setdefault(start, one)
    return [FreeTime(start, one) for start, one in sorted(found.items(), key=lambda pair: pair[0])]


def next_free_times(
    *,
    now: datetime,
    service: Service,
    location: Location,
    after: datetime,
    therapist: Therapist | None = None,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
    limit: int = 3,
) -> list[FreeTime]:
    """Return the free times nearest after a wish that could not be met, within two weeks."""
    found = free_times(
        now=now,
        service=service,
        location=location,
        first=local_date(location.zone, max(after, now)),
        days=DAYS_AHEAD,
        therapist=therapist,
        client=client,
        leaving_out=leaving_out,
    )
    return [one for one in found if one.starts_at >= after][:limit]


def why_nothing(
    *, now: datetime, service: Service, location: Location, on: date, therapist: Therapist | None = None
) -> str:
    """Say in a sentence why nothing is free on a day, as far as hours and absences tell; at most six queries."""
    people = [therapist] if therapist else qualified_therapists(service, on)
    if not people:
        return _("Nobody may give %(service)s on that day.") % {"service": service}
    free = availability(location=location, therapists=people, first=on, last=on, now=now)
    reasons = [nothing_because(free.diaries[one.pk]) for one in people]
    facts = {"therapist": people[0].user.first_name, "location": str(location), "day": date_format(on, "l j F")}
    if therapist is None:
        is_off = all(reason == Kind.OFF for reason in reasons)
        return (_("Nobody who gives it works at %(location)s on %(day)s.") % facts) if is_off else ""
    (reason,) = reasons
    if isinstance(reason, Away):
        return obstacle_words(Obstacle(Kind.AWAY, *reason), facts["therapist"], location.zone, reason.span.start)
    if reason != Kind.OFF:
        return _("All of the hours of %(therapist)s on %(day)s are taken, or what is left is too short.") % facts
    works_there = WeeklyHours.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=on), therapist=therapist)
    if works_there.filter(location=location).exists():
        return _("%(therapist)s does not work at %(location)s on %(day)s.") % facts
    return _("%(therapist)s has no working hours at %(location)s.") % facts


def again(appointment: Appointment, *, now: datetime, weeks: Sequence[int] = (1, 2, 4)) -> list[Again]:
    """Return the same visit 1, 2 and 4 weeks later, with the same therapist at the same time by the wall clock."""
    wall, zone, therapist = appointment.local_start, appointment.location.zone, appointment.therapist
    days = [wall.date() + timedelta(weeks=number) for number in weeks]
    free = availability(
        location=appointment.location,
        therapists=[therapist],
        first=days[0],
        last=days[-1],
        now=now,
        client=appointment.client,
    )
    length = length_of(appointment.service)
    slots = free.slots(therapist.pk, length)
    found = []
    for number, day in zip(weeks, days, strict=True):
        start = at_wall(zone, day, wall.time())
        if free.obstacle(therapist.pk, length, start) is None:
            found.append(Again(number, day, start, is_same_time=True))
        else:
            found.append(Again(number, day, _nearest(_on_day(slots, day, free), start), is_same_time=False))
    return found


def preview_series(
    *,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    first_on: date,
    at_time: time,
    every_weeks: int,
    count: int,
    leaving_out: Iterable[date] = (),
) -> list[Occurrence]:
    """Return each visit of a series, free or in conflict with a way out; the number of queries is constant."""
    days = dates(first_on, every_weeks, count, frozenset(leaving_out))
    people = _with(therapist, qualified_therapists(service, first_on))
    last = days[-1] + timedelta(days=6)
    free = availability(location=location, therapists=people, first=days[0], last=last, now=now, client=client)
    rooms = {room.pk: room for room in location.rooms.all()}
    length = length_of(service)
    slots = free.slots(therapist.pk, length)
    found = []
    for position, (on, start, clocks_changed) in enumerate(visits(days, at_time, location.zone), 1):
        obstacle = free.obstacle(therapist.pk, length, start)
        room = None if obstacle else free.room_at(therapist.pk, length, start)
        found.append(
            Occurrence(
                position=position,
                on=on,
                starts_at=start,
                ends_at=length.visit(start).end,
                therapist=therapist,
                room=rooms[room] if room else None,
                problem=obstacle_words(obstacle, therapist.user.first_name, location.zone, start) if obstacle else "",
                note=_clock_note(start, at_time, location) if clocks_changed else "",
                alternatives=_ways_out(free, slots, length, start, people) if obstacle else [],
            )
        )
    return found


def _ways_out(
    free: Availability, slots: Sequence[datetime], length: Length, start: datetime, people: Sequence[Therapist]
) -> list[Alternative]:
    """Offer the same day at another time, the same time with somebody else, and the next day she works."""
    therapist, *others = people
    wall = start.astimezone(free.zone)
    day, called = wall.date(), therapist.user.first_name
    same_day = _("Same day, %(therapist)s") % {"therapist": called}
    ways = [Alternative(same_day, _nearest(_on_day(slots, day, free), start), therapist)]
    for other in others:
        if free.obstacle(other.pk, length, start) is None:
            ways.append(Alternative(_("Same time, %(therapist)s") % {"therapist": other.user.name}, start, other))
            break
    for number in range(1, 7):
        next_day = day + timedelta(days=number)
        if later := _nearest(_on_day(slots, next_day, free), at_wall(free.zone, next_day, wall.time())):
            ways.append(Alternative(_("Next day %(therapist)s works") % {"therapist": called}, later, therapist))
            break
    return ways


def _with(therapist: Therapist, people: Iterable[Therapist]) -> list[Therapist]:
    return [therapist, *(one for one in people if one != therapist)]


def _on_day(slots: Sequence[datetime], day: date, free: Availability) -> list[datetime]:
    return [start for start in slots if local_date(free.zone, start) == day]


def _nearest(slots: Sequence[datetime], wish: datetime) -> datetime | None:
    return min(slots, key=lambda start: (abs(start - wish), start), default=None)


def _clock_note(start: datetime, at_time: time, location: Location) -> str:
    shown = time_words(start, location.zone)
    if shown == at_time.strftime("%H:%M"):
        return _("clocks have changed, still %(time)s") % {"time": shown}
    return _("the clocks skip %(wish)s that day: %(time)s") % {"wish": at_time.strftime("%H:%M"), "time": shown}
