"""When is there room? Pure arithmetic over stretches of time; all instants are aware and in UTC.

A visit has to lie within the working hours. Its buffers may stick out of them, but meet nobody else's visit or buffers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from typing import NamedTuple
from zoneinfo import ZoneInfo

from clinic.lib.times import at_wall

STEP = timedelta(minutes=15)


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

    def holds_on(self, day: date) -> bool:
        """Tell whether these are hours of that day."""
        return (
            day.weekday() == self.weekday
            and self.valid_from <= day <= (self.valid_until or day)
            and (self.anchor_week is None or (day - self.anchor_week).days // 7 % 2 == 0)
        )


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
    """One therapist at one location over some days: spans sorted and apart from each other.

    `busy` is with buffers; `client` is where the client whose visit is planned has other visits, without theirs. From
    `licence_ends_at` on, the therapist's licence no longer counts; None is nothing known.
    """

    hours: Sequence[Span]
    away: Sequence[Away]
    busy: Sequence[Span]
    client: Sequence[Span] = ()
    licence_ends_at: datetime | None = None

    @property
    def working(self) -> list[Span]:
        """Return the hours in which she is really there."""
        return without(self.hours, merged(away.span for away in self.away))

    def is_licensed_at(self, start: datetime) -> bool:
        """Tell whether a visit may begin then as far as the licence goes."""
        return self.licence_ends_at is None or start < self.licence_ends_at


class Kind(Enum):
    """Why a time is not free."""

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


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans sorted, those that touch or overlap joined."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


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


def meets(spans: Sequence[Span], span: Span) -> Span | None:
    """Return the first of the sorted, separate `spans` that overlaps `span`."""
    place = _first_ending_after(spans, span.start)
    return spans[place] if place < len(spans) and spans[place].start < span.end else None


def holds(spans: Sequence[Span], span: Span) -> bool:
    """Tell whether `span` lies within one of the sorted, separate `spans`."""
    found = meets(spans, span)
    return found is not None and found.start <= span.start and span.end <= found.end


def weekly_spans(rules: Iterable[Rule], zone: ZoneInfo, first: date, last: date) -> list[Span]:
    """Return the hours that the weekly rules give on the days from `first` to `last`, both included."""
    by_weekday: dict[int, list[Rule]] = {}
    for rule in rules:
        by_weekday.setdefault(rule.weekday, []).append(rule)
    spans: list[Span] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        spans.extend(
            Span(at_wall(zone, day, rule.opens), at_wall(zone, day, rule.closes))
            for rule in by_weekday.get(day.weekday(), ())
            if rule.holds_on(day)
        )
    # Where the clocks skip both ends, nothing is left of the hours.
    return merged(span for span in spans if span.start < span.end)


def open_slots(
    diary: Diary, rooms: Sequence[Sequence[Span]], length: Length, *, earliest: datetime, step: timedelta = STEP
) -> Iterator[datetime]:
    """Yield the starts at which therapist and at least one room are free, counted in steps from each opening."""
    for opening in diary.working:
        start = opening.start
        if start < earliest:
            start += -((start - earliest) // step) * step
        while start + timedelta(minutes=length.minutes) <= opening.end:
            if diary.is_licensed_at(start) and collision(diary, rooms, length, start) is None:
                yield start
            start += step


def free_room(rooms: Sequence[Sequence[Span]], occupied: Span) -> int | None:
    """Return the position of the first room that nobody has during `occupied`."""
    return next((place for place, busy in enumerate(rooms) if meets(busy, occupied) is None), None)


def collision(diary: Diary, rooms: Sequence[Sequence[Span]], length: Length, start: datetime) -> Obstacle | None:
    """Return with what a visit at `start` would collide: the therapist's, the client's, or all the rooms' visits."""
    occupied = length.occupied(start)
    if other := meets(diary.busy, occupied):
        return Obstacle(Kind.BUSY, other)
    if other := meets(diary.client, length.visit(start)):
        return Obstacle(Kind.CLIENT, other)
    return Obstacle(Kind.NO_ROOM) if free_room(rooms, occupied) is None else None


def obstacle(
    diary: Diary, rooms: Sequence[Sequence[Span]], length: Length, start: datetime, *, earliest: datetime
) -> Obstacle | None:
    """Return why a visit cannot start at `start`, or None if it can.

    What nobody may pass over comes first, then what only an owner may.
    """
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


def _first_ending_after(spans: Sequence[Span], instant: datetime) -> int:
    return bisect_right(spans, instant, key=lambda span: span.end)
