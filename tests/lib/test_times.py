"""Between the wall clock of a place and the line of instants."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from clinic.lib import times
from clinic.lib.times import at_wall, day_bounds, local_date, zone_names

LISBON, KATHMANDU, LORD_HOWE = ZoneInfo("Europe/Lisbon"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")
ZONES = some.sampled_from(
    [ZoneInfo(name) for name in ("Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")]
)
DAYS = some.dates(date(2020, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant"),
    [
        (LISBON, date(2026, 11, 19), time(9), datetime(2026, 11, 19, 9, tzinfo=UTC)),
        (LISBON, date(2026, 7, 1), time(9), datetime(2026, 7, 1, 8, tzinfo=UTC)),
        (KATHMANDU, date(2026, 7, 1), time(9), datetime(2026, 7, 1, 3, 15, tzinfo=UTC)),
        # On 29 March 2026 the clocks of Lisbon skip from 1:00 to 2:00: 1:30 becomes 2:30.
        (LISBON, date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # On 25 October 2026 they show 1:30 twice: the first counts.
        (LISBON, date(2026, 10, 25), time(1, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (LISBON, date(2026, 10, 25), time(1, 30, fold=1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        # Lord Howe skips half an hour only: 2:10 becomes 2:40.
        (LORD_HOWE, date(2026, 10, 4), time(2, 10), datetime(2026, 10, 3, 15, 40, tzinfo=UTC)),
    ],
)
def test_the_wall_of_a_place_names_an_instant(zone, day, wall, instant):
    assert at_wall(zone, day, wall) == instant


def test_a_skipped_time_shows_later_on_the_wall_by_what_was_skipped():
    assert at_wall(LISBON, date(2026, 3, 29), time(1, 30)).astimezone(LISBON).time() == time(2, 30)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 19), 24)]
)
def test_a_day_lasts_as_long_as_its_clocks_say(day, hours):
    start, end = day_bounds(LISBON, day)
    assert end - start == timedelta(hours=hours)


def test_the_calendar_day_is_that_of_the_place():
    late = datetime(2026, 11, 19, 22, tzinfo=UTC)
    assert (local_date(LISBON, late), local_date(KATHMANDU, late)) == (date(2026, 11, 19), date(2026, 11, 20))


@given(ZONES, DAYS)
def test_days_follow_each_other_without_gap_or_overlap(zone, day):
    assert day_bounds(zone, day)[1] == day_bounds(zone, day + timedelta(days=1))[0]


@given(ZONES, DAYS, some.times())
def test_every_instant_named_by_a_day_lies_within_that_day(zone, day, wall):
    start, end = day_bounds(zone, day)
    instant = at_wall(zone, day, wall)
    assert start <= instant < end
    assert local_date(zone, instant) == day


@given(ZONES, DAYS, some.integers(0, 24 * 60 - 1))
def test_what_the_wall_shows_leads_back_to_the_first_instant_that_shows_it(zone, day, minute):
    instant = day_bounds(zone, day)[0] + timedelta(minutes=minute)
    shown = instant.astimezone(zone)
    back = at_wall(zone, shown.date(), shown.time())
    assert back.astimezone(zone).time() == shown.time()
    assert back == instant or (shown.fold == 1 and back < instant)


def test_the_names_of_the_zones_are_read_from_the_disk_once(monkeypatch):
    reads = []
    monkeypatch.setattr(times, "available_timezones", lambda: reads.append(1) or {"Europe/Lisbon"})
    zone_names.cache_clear()
    try:
        assert zone_names() == zone_names() == {"Europe/Lisbon"}
    finally:
        zone_names.cache_clear()
    assert len(reads) == 1
