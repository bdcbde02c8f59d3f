"""What can be offered: the free times of a day, the next ones, and instead of a time that is taken. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.lib.times import at_wall, day_bounds, local_date
from clinic.people.models import Client, Location, Room, Service, Therapist
from clinic.people.records import records_of
from clinic.scheduling.availability import (
    Availability,
    availabilities,
    availabilities_by_key,
    availability,
    is_qualified,
    length_of,
    qualified_therapists,
)
from clinic.scheduling.models import TAKING, Appointment, WeeklyHours
from clinic.scheduling.series import Visit, dates, visits
from clinic.scheduling.slots import Away, Kind, Length, Obstacle, Span, instant, nothing_because
from clinic.scheduling.words import obstacle_words, time_words

DAYS_AHEAD = 14
MOST_DAYS = 90
AWAY_TOLD = 3
WAY_OUT_DAYS = timedelta(days=6)
NO_TIME = timedelta(0)
DAY_SECONDS = 24 * 60 * 60
WALL = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60))
FIRST_DAY = date(1970, 1, 1).toordinal()


class FreeTime(NamedTuple):
    """A start that is free, and who would give the visit where.

    It is snug if it lies at the edge of what is free: booking it leaves no gap that nobody could use.
    """

    starts_at: datetime
    therapist: Therapist
    location: Location
    is_snug: bool


@dataclass(frozen=True)
class FreeWalls:
    """The free times of one therapist at one location, as `choice_value` begins: 2026-11-19T09:00+0000."""

    location: int
    therapist: int
    times: list[str]


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
    """The same visit some weeks later: free, or the nearest time of that day, or nothing, or the visit she has then."""

    weeks: int
    on: date
    starts_at: datetime | None
    is_same_time: bool
    booked: Appointment | None = None


def free_times(
    *,
    now: datetime,
    service: Service,
    locations: Sequence[Location],
    first: date,
    days: int = 1,
    therapist: Therapist | None = None,
    among: Collection[Therapist] | None = None,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
    preferred: Therapist | None = None,
    lead: timedelta = NO_TIME,
    horizon: timedelta | None = None,
    keep_gaps_small: bool = False,
    with_reason: bool = False,
) -> list[FreeTime]:
    """Return the free times of 1 to 90 days, soonest first and each once for a location; at most six queries.

    Where several are free, it is the `preferred` therapist; `among` says who may give it at all. Nothing is nearer than
    `lead`, or lies after the day on which `horizon` ends. With `keep_gaps_small`, the snug times of each day come
    first. A service that is longer or shorter than its modality is offered only where a reason can be given
    (`with_reason`).
    """
    if not 1 <= days <= MOST_DAYS:
        message = f"Free times are looked for on 1 to {MOST_DAYS} days, not {days}."
        raise ValueError(message)
    if not (with_reason or has_known_length(service)):
        return []
    if therapist is None:
        people = qualified_therapists(service, first)
    else:
        people = [therapist] if is_qualified(therapist, service, first) else []
    if among is not None:
        people = [one for one in people if one in among]
    people.sort(key=lambda one: one != preferred)
    places = {one.pk: one for one in locations}
    free = availabilities(
        locations=locations,
        therapists=people,
        first=first,
        last=first + timedelta(days=days - 1),
        now=now,
        service=service,
        client=client,
        leaving_out=leaving_out,
        lead=lead,
    )
    found: list[FreeTime] = []
    for pk, there in free.items():
        end = day_bounds(there.zone, local_date(there.zone, now + horizon))[1] if horizon is not None else None
        once = _each_once(there, people, length_of(service), places[pk], keep_gaps_small=keep_gaps_small)
        found.extend(one for one in once if end is None or one.starts_at < end)
    if keep_gaps_small:
        return sorted(
            found,
            key=lambda one: (local_date(one.location.zone, one.starts_at), not one.is_snug, one.starts_at),
        )
    return sorted(found, key=lambda one: one.starts_at)


def has_known_length(service: Service) -> bool:
    """Tell whether a service is as long as its modality takes."""
    shortest, longest = service.modality.shortest_minutes, service.modality.longest_minutes
    return not shortest or not longest or shortest <= service.minutes <= longest


def _each_once(
    free: Availability, people: Sequence[Therapist], length: Length, location: Location, *, keep_gaps_small: bool
) -> Iterator[FreeTime]:
    """Yield each free start with the first of the people who is free then, or for whom it is snug if that counts."""
    found: dict[int, tuple[Therapist, bool]] = {}
    for one in people:
        gaps = free.gaps(one.pk, length)
        snug = {edge for gap in gaps for edge in (gap[0], gap[-1])}
        for start in chain.from_iterable(free.with_room(one.pk, length, gaps)):
            if start not in found or (keep_gaps_small and start in snug and not found[start][1]):
                found[start] = (one, start in snug)
    for start, (one, is_snug) in found.items():
        yield FreeTime(instant(start), one, location, is_snug)


def free_by_key(
    *,
    now: datetime,
    service: int,
    locations: Sequence[int],
    first: date,
    days: int = 1,
    therapist: int | None = None,
    is_each: bool = False,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
) -> list[FreeWalls] | None:
    """Return the free times for a page that knows only keys: two queries, four where a room must be looked for.

    Of anyone, a time is told once for a location; with `is_each`, the times of every therapist. None: no such service.
    """
    known = availabilities_by_key(
        service=service,
        locations=locations,
        therapist=therapist,
        first=first,
        last=first + timedelta(days=days - 1),
        now=now,
        client=client,
        leaving_out=leaving_out,
    )
    if known is None:
        return None
    length, free = known
    found = []
    for location, there in free.items():
        told: set[int] = set()
        walls = _Walls(there.zone)
        for pk in there.diaries:
            starts = list(chain.from_iterable(there.with_room(pk, length, there.gaps(pk, length))))
            if not is_each:
                starts = [start for start in starts if start not in told]
                told.update(starts)
            if times := walls.of(starts):
                found.append(FreeWalls(location, pk, times))
    return found


class _Walls:
    """Write instants as the wall of a zone shows them; its clocks are asked once for each day."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.days: dict[int, tuple[int, str] | None] = {}

    def of(self, starts: Iterable[int]) -> list[str]:
        """Return the walls of these seconds since 1970."""
        return [self._wall(start) for start in starts]

    def _wall(self, start: int) -> str:
        day = start // DAY_SECONDS
        if day not in self.days:
            self.days[day] = self._still(day)
        still = self.days[day]
        if still is None:
            return f"{instant(start).astimezone(self.zone):%Y-%m-%dT%H:%M%z}"
        ahead, sign = still
        on, second = divmod(start + ahead, DAY_SECONDS)
        return f"{_day(on)}T{WALL[second // 60]}{sign}"

    def _still(self, day: int) -> tuple[int, str] | None:
        """Return how far the clocks are ahead all day, and how that is written; None where they change."""
        begins, ends = (
            instant(second).astimezone(self.zone) for second in (day * DAY_SECONDS, (day + 1) * DAY_SECONDS)
        )
        ahead = begins.utcoffset() or NO_TIME
        return (int(ahead.total_seconds()), f"{begins:%z}") if ahead == (ends.utcoffset() or NO_TIME) else None


@lru_cache(maxsize=1024)
def _day(number: int) -> str:
    """Write the day with this number since 1970."""
    return date.fromordinal(FIRST_DAY + number).isoformat()


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
    with_reason: bool = False,
) -> list[FreeTime]:
    """Return the free times nearest to a wish that could not be met: `limit` after it, and before them the one that is
    nearest before it on the same day; within two weeks. Where a visit stands that is to be moved is none of them.
    """
    found = free_times(
        now=now,
        service=service,
        locations=[location],
        first=local_date(location.zone, max(after, now)),
        days=DAYS_AHEAD,
        therapist=therapist,
        client=client,
        leaving_out=leaving_out,
        with_reason=with_reason,
    )
    stands = leaving_out and (leaving_out.starts_at, leaving_out.therapist_id)
    return nearest([one for one in found if (one.starts_at, one.therapist.pk) != stands], after, limit)


def nearest(free: Sequence[FreeTime], wish: datetime, limit: int) -> list[FreeTime]:
    """Return of the free times, soonest first, the last one before the wish on its day, and so many from then on."""
    before = [one for one in free if one.starts_at < wish and _is_same_day(one, wish)][-1:]
    return before + [one for one in free if one.starts_at >= wish][:limit]


def _is_same_day(one: FreeTime, moment: datetime) -> bool:
    zone = one.location.zone
    return local_date(zone, one.starts_at) == local_date(zone, moment)


def why_nothing(
    *, now: datetime, service: Service, location: Location, on: date, therapist: Therapist | None = None
) -> str:
    """Say in a sentence why nothing is free on a day, as far as hours and absences tell; at most five queries."""
    people = [therapist] if therapist else qualified_therapists(service, on)
    if not people:
        return _("Nobody may give %(service)s on that day.") % {"service": service}
    free = availability(location=location, therapists=people, first=on, last=on, now=now)
    reasons = {one: nothing_because(free.diaries[one.pk]) for one in people}
    facts = {"therapist": people[0].user.first_name, "location": str(location), "day": date_format(on, "l j F")}
    if therapist is None:
        return _why_nobody(reasons, facts, location.zone)
    reason = reasons[therapist]
    if isinstance(reason, Away):
        return _away_words(therapist, reason, location.zone)
    if reason != Kind.OFF:
        return _("All of the hours of %(therapist)s on %(day)s are taken, or what is left is too short.") % facts
    works_there = WeeklyHours.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=on), therapist=therapist)
    if works_there.filter(location=location).exists():
        return _("%(therapist)s does not work at %(location)s on %(day)s.") % facts
    return _("%(therapist)s has no working hours at %(location)s.") % facts


def _why_nobody(reasons: Mapping[Therapist, Kind | Away], facts: Mapping[str, str], zone: ZoneInfo) -> str:
    """Say why nobody is free: none of them works then, those who do are away, or all their hours are taken."""
    working = {one: reason for one, reason in reasons.items() if reason != Kind.OFF}
    if not working:
        return _("Nobody who gives it works at %(location)s on %(day)s.") % facts
    away = {one: reason for one, reason in working.items() if isinstance(reason, Away)}
    if len(away) < len(working):
        return _("All the hours of those who work at %(location)s on %(day)s are taken, or too short.") % facts
    # Each closing is told once, however many it keeps from working.
    told = list(dict.fromkeys(_away_words(one, reason, zone) for one, reason in away.items()))
    everybody = _("Nobody who gives it is there on %(day)s.") % facts
    return " ".join([everybody, *told[:AWAY_TOLD]])


def _away_words(therapist: Therapist, away: Away, zone: ZoneInfo) -> str:
    return obstacle_words(Obstacle(Kind.AWAY, *away), therapist.user.first_name, zone, away.span)


def again(appointment: Appointment, *, now: datetime, weeks: Sequence[int] = (1, 2, 4)) -> list[Again]:
    """Return the same visit 1, 2 and 4 weeks later, with the same therapist at the same time by the wall clock.

    With one who has left it is none.
    """
    wall, zone, therapist = appointment.local_start, appointment.location.zone, appointment.therapist
    if therapist.archived_at is not None:
        return []
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
    hers = _visits_by_day(appointment.client, zone, days[0], days[-1])
    for number, day in zip(weeks, days, strict=True):
        start = at_wall(zone, day, wall.time())
        if booked := hers.get(day):
            found.append(Again(number, day, None, is_same_time=False, booked=booked))
        elif free.obstacle(therapist.pk, length, start) is None:
            found.append(Again(number, day, start, is_same_time=True))
        else:
            found.append(Again(number, day, _nearest(_on_day(slots, day, free), start), is_same_time=False))
    return found


def _visits_by_day(client: Client, zone: ZoneInfo, first: date, last: date) -> dict[date, Appointment]:
    """Return the first visit that the client has on each day of this zone that has one."""
    hers = Appointment.objects.filter(
        client__among=records_of(client.pk),
        status__in=TAKING,
        starts_at__gte=day_bounds(zone, first)[0],
        starts_at__lt=day_bounds(zone, last)[1],
    )
    return {local_date(zone, one.starts_at): one for one in hers.order_by("-starts_at")}


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
    wished = visits(dates(first_on, every_weeks, count, frozenset(leaving_out)), at_time, location.zone)
    return preview_visits(
        now=now,
        client=client,
        service=service,
        therapist=therapist,
        location=location,
        at_time=at_time,
        wished=wished,
    )


def preview_visits(
    *,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    at_time: time,
    wished: Sequence[Visit],
    room: Room | None = None,
    minutes: Sequence[int] = (),
    leaving_out: Collection[int] = (),
) -> list[Occurrence]:
    """Return each of the wished visits, free or in conflict with a way out; the number of queries is constant.

    `minutes` says how long each of them is, where that is not what the service takes; `leaving_out` are the keys of the
    visits that these take the place of: they are in nobody's way.
    """
    usual, must_have = length_of(service), room.pk if room else None
    lengths = [replace(usual, minutes=number) for number in minutes] or [usual] * len(wished)
    days = [one.on for one in wished]
    facts: dict[str, Any] = {
        "location": location,
        "therapists": _with(therapist, qualified_therapists(service, min(days))),
        "first": min(days),
        "last": max(days) + WAY_OUT_DAYS,
        "now": now,
        "client": client,
        "service": service,
        "leaving_out": leaving_out,
    }
    pairs = list(zip(wished, lengths, strict=True))
    free = availability(**facts, only=[length.occupied(one.starts_at) for one, length in pairs])
    obstacles = [free.obstacle(therapist.pk, length, one.starts_at, must_have) for one, length in pairs]
    around = _around(location.zone, [one.on for one, found in zip(wished, obstacles, strict=True) if found])
    ways = _Ways(availability(**facts, only=around) if around else free, facts["therapists"], must_have)
    rooms = {one.pk: one for one in location.rooms.all()}
    found = []
    for position, ((on, start, clocks_changed), length, obstacle) in enumerate(
        zip(wished, lengths, obstacles, strict=True), 1
    ):
        given = None if obstacle else free.room_at(therapist.pk, length, start, must_have)
        visit, name = length.visit(start), therapist.user.first_name
        found.append(
            Occurrence(
                position=position,
                on=on,
                starts_at=start,
                ends_at=visit.end,
                therapist=therapist,
                room=rooms[given] if given else None,
                problem=obstacle_words(obstacle, name, location.zone, visit) if obstacle else "",
                note=_clock_note(start, at_time, location) if clocks_changed else "",
                alternatives=ways.out(length, start) if obstacle else [],
            )
        )
    return found


def _around(zone: ZoneInfo, days: Iterable[date]) -> list[Span]:
    """Return the stretches in which a way out of conflicts on these days is looked for."""
    margin = timedelta(days=1)
    return [Span(day_bounds(zone, day)[0] - margin, day_bounds(zone, day + WAY_OUT_DAYS)[1] + margin) for day in days]


class _Ways:
    """Ways out of conflicts: what else is free, in the room that is wanted, with the therapist or with another."""

    def __init__(self, free: Availability, people: Sequence[Therapist], room: int | None) -> None:
        self.free, self.room = free, room
        self.therapist, *self.others = people
        self._slots: dict[Length, list[datetime]] = {}

    def out(self, length: Length, start: datetime) -> list[Alternative]:
        """Offer the same day at another time, the same time with somebody else, and the next day she works."""
        free, therapist, slots = self.free, self.therapist, self._slots_of(length)
        wall = start.astimezone(free.zone)
        day, called = wall.date(), therapist.user.first_name
        same_day = _("Same day, %(therapist)s") % {"therapist": called}
        ways = [Alternative(same_day, _nearest(_on_day(slots, day, free), start), therapist)]
        for other in self.others:
            if free.obstacle(other.pk, length, start, self.room) is None:
                ways.append(Alternative(_("Same time, %(therapist)s") % {"therapist": other.user.name}, start, other))
                break
        for number in range(1, WAY_OUT_DAYS.days + 1):
            next_day = day + timedelta(days=number)
            if later := _nearest(_on_day(slots, next_day, free), at_wall(free.zone, next_day, wall.time())):
                ways.append(Alternative(_("Next day %(therapist)s works") % {"therapist": called}, later, therapist))
                break
        return ways

    def _slots_of(self, length: Length) -> list[datetime]:
        """Return when she is free for so long; reckoned once for each length."""
        if length not in self._slots:
            her, free = self.therapist.pk, self.free
            self._slots[length] = [
                start
                for start in free.slots(her, length)
                if self.room is None or free.room_at(her, length, start, self.room) is not None
            ]
        return self._slots[length]


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
