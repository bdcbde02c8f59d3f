"""The series page: which visits are ready, which were moved, which are to decide, and the links that decide.

Every decision stands in the address, so that the page needs no script and the back button takes a decision back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.timezone import make_naive

from clinic.people.access import key_in
from clinic.people.models import Location, Therapist
from clinic.scheduling.forms import choice_value, read_choice
from clinic.scheduling.models import Appointment
from clinic.scheduling.offers import Alternative, Occurrence, preview_visits
from clinic.scheduling.services import ChosenMove, Wished, moves_along, wished_starts

MOVE, SKIP = "move", "skip"
BETWEEN = "~"
STRIP_WIDTH, STRIP_MARGIN, LABEL_WIDTH = 812, 20, 76


@dataclass(frozen=True)
class Way:
    """A link that accepts one alternative."""

    words: str
    starts_at: datetime | None
    therapist: Therapist
    is_chosen: bool
    url: str


@dataclass(frozen=True)
class Row:
    """One visit as it stands: `look` is solved, conf or nothing; `value` is what would be booked."""

    position: int
    on: date
    starts_at: datetime
    ends_at: datetime
    occurrence: Occurrence
    look: str
    value: str
    ways: Sequence[Way]
    skip_url: str
    change_url: str


@dataclass(frozen=True)
class Skipped:
    on: date
    url: str


@dataclass(frozen=True)
class Dot:
    x: float
    look: str


@dataclass(frozen=True)
class Tick:
    x: float
    on: date

    @property
    def is_late(self) -> bool:
        """Tell whether its name has room only before it."""
        return self.x > STRIP_WIDTH - LABEL_WIDTH


@dataclass(frozen=True)
class Strip:
    """The visits on a line of months."""

    dots: Sequence[Dot]
    months: Sequence[Tick]
    clock_changes: Sequence[float]


@dataclass(frozen=True)
class SeriesPage:
    rows: Sequence[Row]
    skipped: Sequence[Skipped]
    strip: Strip
    ready: int
    first_to_decide: Row | None
    to_decide: int


def left_out(query: QueryDict) -> list[date]:
    """Return the dates that were left out; words that are no date are passed over."""
    found: list[date] = []
    for words in query.getlist(SKIP):
        try:
            day = parse_date(words)
        except ValueError:
            continue
        if day is not None:
            found.append(day)
    return sorted(set(found))


def series_page(occurrences: Sequence[Occurrence], query: QueryDict, location: Location) -> SeriesPage:
    """Return the page for these occurrences and the decisions in the address."""
    rows = [_row(one, _decided(query), query, location) for one in occurrences]
    open_rows = [row for row in rows if row.look == "conf"]
    return SeriesPage(
        rows=rows,
        skipped=[Skipped(day, _without(query, SKIP, day.isoformat())) for day in left_out(query)],
        strip=_strip(rows),
        ready=len(rows) - len(open_rows),
        first_to_decide=open_rows[0] if open_rows else None,
        to_decide=len(open_rows),
    )


@dataclass(frozen=True)
class ChangeRow:
    """One visit of a series that changes: where it is, and where it goes; `value` is what would be done."""

    visit: Appointment
    row: Row
    value: str


@dataclass(frozen=True)
class ChangePage:
    rows: Sequence[ChangeRow]
    # Put elsewhere by hand, or left where they are by a decision; with the link that takes such a decision back.
    staying: Sequence[tuple[Appointment, str]]
    ready: int
    to_decide: int
    first_to_decide: Row | None


def change_page(
    meant: Sequence[Appointment], visit: Appointment, wished: Wished, query: QueryDict, *, now: datetime
) -> ChangePage:
    """Return where each of the visits that are meant goes, and which of them stay."""
    along = moves_along(meant, visit)
    skipped = left_out(query)
    pairs = [(one, to) for one, to in zip(along, wished_starts(along, wished), strict=True) if to.on not in skipped]
    moving = {one.pk for one, _to in pairs}
    preview = preview_visits(
        now=now,
        client=visit.client,
        service=wished.service,
        therapist=wished.therapist,
        location=wished.location,
        at_time=wished.at_time,
        wished=[to for _one, to in pairs],
        room=wished.room,
        minutes=[_minutes(one, wished) for one, _to in pairs],
        leaving_out=moving,
    ) if pairs else []  # fmt: skip
    rows = []
    for (one, _to), occurrence in zip(pairs, preview, strict=True):
        row = _row(occurrence, _decided(query), query, wished.location)
        seen = choice_value(one.starts_at, one.therapist, one.location)
        rows.append(ChangeRow(one, row, f"{one.pk}{BETWEEN}{seen}{BETWEEN}{row.value}" if row.value else ""))
    back = {
        one.pk: _without(query, SKIP, to.on.isoformat())
        for one, to in zip(along, wished_starts(along, wished), strict=True)
    }
    to_decide = [one.row for one in rows if not one.value]
    return ChangePage(
        rows=rows,
        staying=[(one, back.get(one.pk, "")) for one in meant if one.pk not in moving],
        ready=len(rows) - len(to_decide),
        to_decide=len(to_decide),
        first_to_decide=to_decide[0] if to_decide else None,
    )


def _minutes(visit: Appointment, wished: Wished) -> int:
    """Return how long a visit will be: as it was made longer or shorter by hand, unless it becomes another service."""
    return visit.minutes if visit.service_id == wished.service.pk else wished.service.minutes


def chosen_moves(values: Sequence[str], here: Location, there: Location) -> dict[int, ChosenMove]:
    """Read what `change_page` wrote; anything else is passed over."""
    found: dict[int, ChosenMove] = {}
    for value in values:
        words, _between, to_words = value.rpartition(BETWEEN)
        key, _between, seen_words = words.partition(BETWEEN)
        seen, to, pk = read_choice(seen_words, here), read_choice(to_words, there), key_in(key)
        if seen and to and pk is not None:
            found[pk] = ChosenMove(seen, to)
    return found


def _decided(query: QueryDict) -> dict[str, str]:
    """Return the ways out that were accepted, by the date that they are instead of."""
    return dict(value.split("~", 1) for value in query.getlist(MOVE) if "~" in value)


def _row(one: Occurrence, moves: Mapping[str, str], query: QueryDict, location: Location) -> Row:
    key = one.on.isoformat()
    starts_at, therapist, look = one.starts_at, one.therapist, "conf" if one.problem else ""
    for way in one.alternatives:
        if way.starts_at is not None and moves.get(key) == choice_value(way.starts_at, way.therapist, location):
            starts_at, therapist, look = way.starts_at, way.therapist, "solved"
    skipping = query.copy()
    skipping.appendlist(SKIP, key)
    return Row(
        position=one.position,
        on=one.on,
        starts_at=make_naive(starts_at, location.zone),
        ends_at=make_naive(starts_at + (one.ends_at - one.starts_at), location.zone),
        occurrence=one,
        look=look,
        value="" if look == "conf" else choice_value(starts_at, therapist, location),
        ways=[_way(way, key, moves, query, location) for way in one.alternatives],
        skip_url=f"?{skipping.urlencode()}",
        change_url=_without(query, MOVE, f"{key}~{moves[key]}") if key in moves else "",
    )


def _way(way: Alternative, key: str, moves: Mapping[str, str], query: QueryDict, location: Location) -> Way:
    if way.starts_at is None:
        return Way(way.words, None, way.therapist, is_chosen=False, url="")
    value = choice_value(way.starts_at, way.therapist, location)
    moving = query.copy()
    moving.setlist(MOVE, [kept for kept in query.getlist(MOVE) if not kept.startswith(f"{key}~")] + [f"{key}~{value}"])
    wall = make_naive(way.starts_at, location.zone)
    return Way(way.words, wall, way.therapist, moves.get(key) == value, f"?{moving.urlencode()}")


def _without(query: QueryDict, name: str, value: str) -> str:
    left = query.copy()
    left.setlist(name, [kept for kept in query.getlist(name) if kept != value])
    return f"?{left.urlencode()}"


def _strip(rows: Sequence[Row]) -> Strip:
    first = rows[0].on
    days = max((rows[-1].on - first).days, 1)

    def x(day: date) -> float:
        return round(STRIP_MARGIN + (day - first).days * (STRIP_WIDTH - 2 * STRIP_MARGIN) / days, 1)

    looks = {"": "fr", "solved": "mv", "conf": "op"}
    months = [Tick(float(STRIP_MARGIN) - 12, first)]
    month = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    while month <= rows[-1].on:
        months.append(Tick(x(month), month))
        month = (month + timedelta(days=32)).replace(day=1)
    return Strip(
        dots=[Dot(x(row.on), looks[row.look]) for row in rows],
        months=_apart(months),
        clock_changes=[min(x(row.on) - 6, STRIP_WIDTH - 60) for row in rows if row.occurrence.note],
    )


def _apart(ticks: Sequence[Tick]) -> list[Tick]:
    """Keep the ticks whose names have room beside each other, the later of two."""
    kept: list[Tick] = []
    for tick in reversed(ticks):
        if not kept or kept[-1].x - tick.x >= LABEL_WIDTH:
            kept.append(tick)
    return kept[::-1]
