"""When is there room? Pure arithmetic over stretches of time; all instants are aware and in UTC.

A visit has to lie within the working hours. Its buffers may stick out of them, but meet nobody else's visit or buffers.
What is taken may be thousands of stretches: these are told in seconds since 1970, which are quick to reckon with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from functools import lru_cache, reduce
from math import ceil, floor
from operator import itemgetter
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from clinic.lib.times import at_wall

STEP = timedelta(minutes=15)

# A stretch that is taken: from a second since 1970 up to, not including, another.
Taken = tuple[int, int]
# Starts that cannot be: those after the first and before the last second, both excluded.
Blocked = tuple[int, int]
T = TypeVar("T", datetime, int)
LAST_SECOND = int(datetime.max.replace(tzinfo=UTC).timestamp())


class Span(NamedTuple):
    """A stretch of time: from `start` up to, not including, `end`."""

    start: datetime
    end: datetime


class Rule(NamedTuple):
    """Weekly working hours by the wall clock; Monday is 0.

    With an `anchor_week`, the Monday of a week, they are those of that week and of every other one before and after it.
    """

    weekday: int
    opens: time
    closes: time
    valid_from: date
    valid_until: date | None
    anchor_week: date | None = None

    def days(self, first: date, last: date) -> list[date]:
        """Return the days from `first` to `last`, both included, on which these are hours."""
        begin, end = max(first, self.valid_from), min(last, self.valid_until or last)
        begin += timedelta(days=(self.weekday - begin.weekday()) % 7)
        days = [date.fromordinal(number) for number in range(begin.toordinal(), end.toordinal() + 1, 7)]
        if self.anchor_week is None:
            return days
        return [day for day in days if (day - self.anchor_week).days // 7 % 2 == 0]


class Away(NamedTuple):
    """A stretch in which she is away or the place is closed, and how it is shown."""

    span: Span
    reason: str


@dataclass(frozen=True)
class Length:
    """How long a visit takes, and the buffers around it, in minutes."""

    minutes: int
    before: int = 0
    after: int = 0

    def visit(self, start: datetime) -> Span:
        """Return the visit itself."""
        return Span(start, start + timedelta(minutes=self.minutes))

    def occupied(self, start: datetime) -> Span:
        """Return the visit with its buffers."""
        return Span(start - timedelta(minutes=self.before), start + timedelta(minutes=self.minutes + self.after))


@dataclass(frozen=True)
class Diary:
    """One therapist at one location over some days: stretches sorted and apart from each other.

    `busy` is with buffers; `client` is where the client whose visit is planned has other visits, without theirs. From
    `licence_ends_at` on, the therapist's licence no longer counts, and from `qualified_until` on she may not give what
    is asked for; None is nothing known.
    """

    hours: Sequence[Span]
    away: Sequence[Away]
    busy: Sequence[Taken]
    client: Sequence[Taken] = ()
    licence_ends_at: datetime | None = None
    qualified_until: datetime | None = None

    @property
    def working(self) -> list[Span]:
        """Return the hours in which she is really there."""
        return without(self.hours, merged(away.span for away in self.away))

    def is_licensed_at(self, start: datetime) -> bool:
        """Tell whether a visit may begin then as far as the licence goes."""
        return self.licence_ends_at is None or start < self.licence_ends_at

    def is_qualified_at(self, start: datetime) -> bool:
        """Tell whether she may give then what is asked for."""
        return self.qualified_until is None or start < self.qualified_until


class Kind(Enum):
    """Why a time is not free."""

    UNQUALIFIED = auto()
    UNLICENSED = auto()
    PAST = auto()
    AWAY = auto()
    OFF = auto()
    BUSY = auto()
    CLIENT = auto()
    NO_ROOM = auto()


class Obstacle(NamedTuple):
    """What is in the way; `span` is the absence, the other visit or the time without a licence, where there is one."""

    kind: Kind
    span: Span | None = None
    reason: str = ""


def joined(stretches: Iterable[tuple[T, T]]) -> list[tuple[T, T]]:
    """Return the stretches sorted, those that touch or overlap made one."""
    apart: list[tuple[T, T]] = []
    rest = iter(sorted(stretches))
    for start, end in rest:
        begun, until = start, end
        break
    else:
        return apart
    for start, end in rest:
        if start > until:
            apart.append((begun, until))
            begun, until = start, end
        elif end > until:
            until = end
    apart.append((begun, until))
    return apart


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans sorted, those that touch or overlap made one."""
    return [Span(*stretch) for stretch in joined(spans)]


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Return what is left of `spans` outside `taken`; both sorted and apart."""
    left: list[Span] = []
    for start, end in spans:
        cursor = start
        for hole in taken[_first_ending_after(taken, start) :]:
            if hole.start >= end:
                break
            if hole.start > cursor:
                left.append(Span(cursor, hole.start))
            cursor = hole.end
        if cursor < end:
            left.append(Span(cursor, end))
    return left


def meets(stretches: Sequence[tuple[T, T]], wanted: tuple[T, T]) -> tuple[T, T] | None:
    """Return the first of the sorted, separate `stretches` that overlaps the wanted one."""
    start, end = wanted
    place = _first_ending_after(stretches, start)
    return stretches[place] if place < len(stretches) and stretches[place][0] < end else None


def holds(stretches: Sequence[tuple[T, T]], wanted: tuple[T, T]) -> bool:
    """Tell whether the wanted stretch lies within one of the sorted, separate `stretches`."""
    found = meets(stretches, wanted)
    return found is not None and found[0] <= wanted[0] and wanted[1] <= found[1]


def in_seconds(span: Span) -> Taken:
    """Return a stretch in seconds, with those that it has only a part of."""
    return floor(span.start.timestamp()), ceil(span.end.timestamp())


def instant(second: int) -> datetime:
    """Return the instant of a second since 1970."""
    return datetime.fromtimestamp(second, UTC)


def weekly_spans(rules: Iterable[Rule], zone: ZoneInfo, first: date, last: date) -> list[Span]:
    """Return the hours that the weekly rules give on the days from `first` to `last`, both included."""
    # Where the clocks skip both ends, nothing is left of the hours.
    return merged(
        span
        for rule in rules
        for day in rule.days(first, last)
        if (span := _hours_on(zone, day, rule.opens, rule.closes)).start < span.end
    )


def gaps(diary: Diary, length: Length, *, earliest: datetime, step: timedelta = STEP) -> list[range]:
    """Return the starts at which therapist and client are free, in seconds: one range for each gap between two things.

    The rooms are another matter. The steps are counted from where the hours open, so that an absence does not put a day
    out of step. The first and the last of a gap leave nothing beside the visit that nobody could use.
    """
    minutes, ahead, behind = length.minutes * 60, (length.minutes + length.after) * 60, length.before * 60
    blocked = [(start - ahead, end + behind) for start, end in diary.busy]
    blocked += [(start - minutes, end) for start, end in diary.client]
    blocked += [(start - minutes, end) for start, end in (in_seconds(away.span) for away in diary.away)]
    blocked.sort()
    limits = [limit.timestamp() for limit in (diary.licence_ends_at, diary.qualified_until) if limit]
    soonest, latest = ceil(earliest.timestamp()), ceil(min(limits)) - 1 if limits else LAST_SECOND
    found: list[range] = []
    over = 0
    for hours in diary.hours:
        opens, closes = ceil(hours.start.timestamp()), floor(hours.end.timestamp())
        last = min(closes - minutes, latest)
        if last < max(opens, soonest):
            continue
        while over < len(blocked) and blocked[over][1] <= opens:
            over += 1
        grid = range(opens, last + 1, int(step.total_seconds()))
        found.extend(_outside(blocked, over, grid, soonest))
    return found


def blocked_by(room: Iterable[Taken], length: Length) -> list[Blocked]:
    """Return when no visit of this length can begin in a room."""
    ahead, behind = (length.minutes + length.after) * 60, length.before * 60
    return [(start - ahead, end + behind) for start, end in room]


def blocked_in_all(rooms: Iterable[Sequence[Taken]], length: Length) -> list[Blocked]:
    """Return when no visit of this length can begin in any of the rooms."""
    always: list[Blocked] = [(0, LAST_SECOND)]
    return reduce(lambda blocked, room: blocked and _in_both(blocked, blocked_by(room, length)), rooms, always)


def unblocked(found: Sequence[range], blocked: Sequence[Blocked]) -> list[range]:
    """Return the starts that are not blocked; both are sorted, what is blocked by its ends too."""
    kept: list[range] = []
    over = 0
    for starts in found:
        while over < len(blocked) and blocked[over][1] <= starts[0]:
            over += 1
        if over == len(blocked) or blocked[over][0] >= starts[-1]:
            kept.append(starts)
        else:
            kept.extend(_outside(blocked, over, starts, starts[0]))
    return kept


def _outside(blocked: Sequence[Blocked], over: int, grid: range, soonest: int) -> Iterator[range]:
    """Yield those of the grid that are not blocked, in stretches.

    `blocked` is sorted by the first of each; those before the place `over` are of no matter any more.
    """
    step, last = grid.step, grid[-1]
    at = max(grid.start, soonest)
    at += (grid.start - at) % step
    while over < len(blocked) and at <= last:
        first, until = blocked[over]
        over += 1
        if until <= at:
            continue
        if first >= last:
            break
        if at <= first:
            yield range(at, first + 1, step)
        at = until + (grid.start - until) % step
    if at <= last:
        yield range(at, last + 1, step)


def _in_both(some: Sequence[Blocked], others: Sequence[Blocked]) -> list[Blocked]:
    """Return where both are blocked; each is sorted by its ends as by its beginnings."""
    found: list[Blocked] = []
    one = other = 0
    while one < len(some) and other < len(others):
        (first, until), (also_first, also_until) = some[one], others[other]
        if max(first, also_first) < min(until, also_until):
            found.append((max(first, also_first), min(until, also_until)))
        if until < also_until:
            one += 1
        else:
            other += 1
    return found


def free_room(rooms: Sequence[Sequence[Taken]], occupied: Span) -> int | None:
    """Return the position of the first room that nobody has during `occupied`."""
    wanted = in_seconds(occupied)
    return next((place for place, busy in enumerate(rooms) if meets(busy, wanted) is None), None)


def collision(diary: Diary, rooms: Sequence[Sequence[Taken]], length: Length, start: datetime) -> Obstacle | None:
    """Return with what a visit at `start` would collide: the therapist's, the client's, or all the rooms' visits."""
    occupied = length.occupied(start)
    if other := meets(diary.busy, in_seconds(occupied)):
        return Obstacle(Kind.BUSY, _span(other))
    if other := meets(diary.client, in_seconds(length.visit(start))):
        return Obstacle(Kind.CLIENT, _span(other))
    return Obstacle(Kind.NO_ROOM) if free_room(rooms, occupied) is None else None


def obstacle(
    diary: Diary, rooms: Sequence[Sequence[Taken]], length: Length, start: datetime, *, earliest: datetime
) -> Obstacle | None:
    """Return why a visit cannot start at `start`, or None if it can.

    What nobody may pass over comes first, then what only an owner may.
    """
    if not diary.is_qualified_at(start):
        return Obstacle(Kind.UNQUALIFIED)
    if found := collision(diary, rooms, length, start):
        return found
    visit = length.visit(start)
    if diary.licence_ends_at and not diary.is_licensed_at(start):
        return Obstacle(Kind.UNLICENSED, Span(diary.licence_ends_at, visit.end))
    if start < earliest:
        return Obstacle(Kind.PAST)
    for away in diary.away:
        if away.span.start < visit.end and visit.start < away.span.end:
            return Obstacle(Kind.AWAY, *away)
    return None if holds(diary.hours, visit) else Obstacle(Kind.OFF)


def nothing_because(diary: Diary) -> Kind | Away:
    """Return why nothing is free in the days of a diary: no hours, an absence over all of them, or too little left."""
    if not diary.hours:
        return Kind.OFF
    if not diary.working:
        return diary.away[0]
    return Kind.BUSY


def _first_ending_after(stretches: Sequence[tuple[T, T]], start: T) -> int:
    return bisect_right(stretches, start, key=itemgetter(1))


def _span(stretch: Taken) -> Span:
    return Span(instant(stretch[0]), instant(stretch[1]))


@lru_cache(maxsize=4096)
def _hours_on(zone: ZoneInfo, day: date, opens: time, closes: time) -> Span:
    """Return when the hours of a day begin and end; kept, for many therapists have the same and are asked for often."""
    return Span(at_wall(zone, day, opens), at_wall(zone, day, closes))
