"""Free times: the sums, over random hours, zones and clock changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.lib.times import at_wall, day_bounds
from clinic.scheduling.availability import Availability, RoomBook
from clinic.scheduling.lookup import Asked, Days
from clinic.scheduling.slots import (
    STEP,
    Away,
    Diary,
    Kind,
    Length,
    Rule,
    Span,
    Taken,
    free_room,
    holds,
    in_seconds,
    meets,
    merged,
    obstacle,
    weekly_spans,
    without,
)

NINE = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")
HERE, BEA = 1, 1
# Half and quarter hours, both hemispheres, a change at midnight, a change of half an hour, and none at all.
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "Europe/Lisbon",
            "America/New_York",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "America/Santiago",
            "Africa/Cairo",
            "Pacific/Apia",
            "UTC",
        )
    ]
)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def after(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


def span(start: int, end: int) -> Span:
    return Span(after(start), after(end))


def seconds(*some: Span) -> list[Taken]:
    """Put these stretches as what is taken."""
    return [in_seconds(one) for one in some]


@st.composite
def spans(draw: st.DrawFn, most: int = 6) -> list[Span]:
    edges = draw(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 180)), max_size=most))
    return [span(start, start + long) for start, long in edges]


def slots_of(
    diary: Diary, rooms: Sequence[Sequence[Taken]], length: Length, *, earliest: datetime, usual: int | None = None
) -> list[datetime]:
    """Return what a page is told to be free: of one therapist, in these rooms, of which one is usually hers."""
    asked = Asked(earliest, Days({HERE: ZoneInfo("UTC")}, NINE.date(), NINE.date()))
    book = RoomBook(asked, {} if usual is None else {usual: rooms[usual]})
    # What it would look up.
    vars(book)["_rooms"] = dict.fromkeys(range(len(rooms)), (HERE, 0))
    vars(book)["_taken"] = dict(enumerate(rooms))
    usually = {} if usual is None else {BEA: usual}
    return Availability(HERE, ZoneInfo("UTC"), earliest, {BEA: diary}, usually, book).slots(BEA, length)


LENGTHS = st.builds(Length, minutes=st.integers(5, 120), before=st.integers(0, 30), after=st.integers(0, 30))


def minutes_in(found: list[Span]) -> set[int]:
    return {
        minute
        for start, end in found
        for minute in range(int((start - NINE).total_seconds() // 60), int((end - NINE).total_seconds() // 60))
    }


# --- Sums of spans


@given(spans())
def test_joined_spans_cover_the_same_minutes_and_lie_apart(some: list[Span]) -> None:
    joined = merged(some)
    assert minutes_in(joined) == minutes_in(some)
    assert all(first.end < second.start for first, second in pairwise(joined))


@given(spans(), spans())
def test_what_is_left_is_what_was_there_and_not_taken(some: list[Span], taken: list[Span]) -> None:
    assert minutes_in(without(merged(some), merged(taken))) == minutes_in(some) - minutes_in(taken)


@given(spans(), st.integers(0, 600), st.integers(1, 120))
def test_meeting_and_holding_are_what_the_minutes_say(some: list[Span], start: int, long: int) -> None:
    wanted = set(range(start, start + long))
    assert (meets(merged(some), span(start, start + long)) is not None) == bool(wanted & minutes_in(some))
    assert holds(merged(some), span(start, start + long)) == (wanted <= minutes_in(some))


# --- Slots


@given(spans(), spans(), spans(), st.lists(spans(), min_size=1, max_size=3), LENGTHS, st.none() | st.just(0))
def test_a_slot_is_offered_only_where_nothing_is_in_the_way(
    hours: list[Span], away: list[Span], busy: list[Span], rooms: list[list[Span]], length: Length, usual: int | None
) -> None:
    diary = Diary(merged(hours), [Away(one, "") for one in sorted(away)], seconds(*merged(busy)))
    taken = [seconds(*merged(room)) for room in rooms]
    for start in slots_of(diary, taken, length, earliest=NINE, usual=usual):
        assert obstacle(diary, taken, length, start, earliest=NINE) is None
        assert minutes_in([length.visit(start)]) <= minutes_in(hours) - minutes_in(away)
        assert not minutes_in([length.occupied(start)]) & minutes_in(busy)
        assert any(not minutes_in([length.occupied(start)]) & minutes_in(room) for room in rooms)


@given(
    spans(), spans(), spans(), spans(), st.lists(spans(), max_size=3), LENGTHS, st.integers(-60, 600),
    st.integers(0, 700), st.booleans(),
)  # fmt: skip
def test_no_free_step_is_missed(
    hours: list[Span],
    away: list[Span],
    busy: list[Span],
    client: list[Span],
    rooms: list[list[Span]],
    length: Length,
    earliest: int,
    until: int,
    has_usual: bool,
) -> None:
    diary = Diary(
        merged(hours),
        [Away(one, "") for one in away],
        seconds(*merged(busy)),
        seconds(*merged(client)),
        licence_ends_at=after(until),
        qualified_until=after(until + 60),
    )
    taken = [seconds(*merged(room)) for room in rooms]
    usual = 0 if rooms and has_usual else None
    offered = slots_of(diary, taken, length, earliest=after(earliest), usual=usual)
    free = []
    for opening in diary.hours:
        start = opening.start
        while start < opening.end:
            if obstacle(diary, taken, length, start, earliest=after(earliest)) is None:
                free.append(start)
            start += STEP
    assert offered == free


def test_buffers_may_stick_out_of_the_hours_but_meet_nobody() -> None:
    diary = Diary([span(0, 120)], [], seconds(span(120, 180)))
    assert slots_of(diary, [[]], Length(60, 10, 15), earliest=NINE) == [
        after(0),
        after(15),
        after(30),
        after(45),
    ]
    assert slots_of(Diary([span(0, 60)], [], []), [[]], Length(60, 10, 15), earliest=NINE) == [after(0)]


def test_nothing_is_offered_before_the_earliest_and_the_steps_stay_in_step() -> None:
    diary = Diary([span(0, 120)], [], [])
    assert slots_of(diary, [[]], Length(60), earliest=after(20)) == [after(30), after(45), after(60)]


def test_without_a_room_there_is_no_slot() -> None:
    diary = Diary([span(0, 120)], [], [])
    assert slots_of(diary, [], Length(60), earliest=NINE) == []
    assert slots_of(diary, [seconds(span(0, 600)), seconds(span(0, 30))], Length(60), earliest=NINE) == [
        after(30),
        after(45),
        after(60),
    ]


def test_the_first_free_room_is_taken() -> None:
    taken = seconds(span(0, 60))
    assert free_room([taken, [], []], span(30, 90)) == 1
    assert free_room([taken], span(60, 90)) == 0
    assert free_room([taken], span(30, 90)) is None


@pytest.mark.parametrize(
    ("start", "kind"),
    [(0, Kind.BUSY), (90, Kind.CLIENT), (200, Kind.NO_ROOM), (300, Kind.AWAY), (400, Kind.OFF), (-120, Kind.PAST)],
)
def test_it_says_why_a_time_is_not_free(start: int, kind: Kind) -> None:
    away = [Away(span(300, 330), "Course")]
    diary = Diary([span(-200, 390)], away, seconds(span(0, 60)), client=seconds(span(90, 120)))
    found = obstacle(diary, [seconds(span(200, 260))], Length(30), after(start), earliest=after(-60))
    assert found is not None
    assert found.kind == kind


def test_what_nobody_may_pass_over_is_said_first() -> None:
    diary = Diary([], [Away(span(0, 60), "")], seconds(span(0, 60)))
    found = obstacle(diary, [[]], Length(30), after(0), earliest=after(600))
    assert found is not None
    assert found.kind == Kind.BUSY


# --- Weekly hours


@given(ZONES, DAYS, st.times(), st.times())
def test_hours_open_and_close_by_the_wall_clock(zone: ZoneInfo, day: date, opens: time, closes: time) -> None:
    opens, closes = sorted(at.replace(second=0, microsecond=0, fold=0) for at in (opens, closes))
    found = weekly_spans([Rule(day.weekday(), opens, closes, day, None)], zone, day, day)
    expected = Span(at_wall(zone, day, opens), at_wall(zone, day, closes))
    assert found == ([expected] if expected.start < expected.end else [])
    start, end = day_bounds(zone, day)
    assert all(start <= one.start and one.end <= end for one in found)


@given(ZONES, DAYS, st.integers(0, 60))
def test_hours_repeat_each_week_at_the_same_wall_time(zone: ZoneInfo, first: date, days: int) -> None:
    rule = Rule(first.weekday(), time(9), time(17), date(2020, 1, 1), None)
    found = weekly_spans([rule], zone, first, first + timedelta(days=days))
    assert len(found) == days // 7 + 1
    assert {one.start.astimezone(zone).time() for one in found} == {time(9)}
    assert {one.end.astimezone(zone).time() for one in found} == {time(17)}


def test_a_rule_holds_only_while_it_is_valid() -> None:
    rule = Rule(3, time(9), time(17), date(2026, 11, 12), date(2026, 11, 19))
    found = weekly_spans([rule], LISBON, date(2026, 11, 1), date(2026, 11, 30))
    assert [one.start.date() for one in found] == [date(2026, 11, 12), date(2026, 11, 19)]


def test_two_rules_that_touch_are_one_stretch_of_work() -> None:
    rules = [Rule(3, time(9), time(13), date(2026, 1, 1), None), Rule(3, time(13), time(17), date(2026, 1, 1), None)]
    assert weekly_spans(rules, LISBON, date(2026, 11, 19), date(2026, 11, 19)) == [span(0, 480)]
