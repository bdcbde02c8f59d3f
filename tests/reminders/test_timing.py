"""When a message is due: pure functions, over zones and clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from clinic.lib.times import at_wall
from clinic.reminders.timing import end_of_quiet, moment_before, reminder_moments

ZONES = ["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "UTC"]
zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
days = st.dates(date(2026, 1, 1), date(2028, 12, 31))
walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
offset_lists = st.lists(st.integers(5, 10 * 24 * 60), min_size=1, max_size=5, unique=True)
LISBON = ZoneInfo("Europe/Lisbon")


def test_a_day_before_across_a_clock_change_is_the_same_time_on_the_wall() -> None:
    visit = at_wall(LISBON, date(2026, 10, 25), time(9))  # the clocks go back that night

    day_before = moment_before(visit, 24 * 60, LISBON)

    assert day_before.astimezone(LISBON).time() == time(9)
    assert visit - day_before == timedelta(hours=25)


def test_two_hours_before_are_two_hours_also_across_a_clock_change() -> None:
    visit = at_wall(LISBON, date(2026, 3, 29), time(3))  # from 1:00 the clocks go to 2:00

    assert visit - moment_before(visit, 120, LISBON) == timedelta(hours=2)


@given(days, walls, zones, st.integers(1, 10))
def test_whole_days_before_keep_the_wall_unless_the_clocks_skip_that_time(
    day: date, wall: time, zone: ZoneInfo, count: int
) -> None:
    visit = at_wall(zone, day, wall)
    local = visit.astimezone(zone)
    expected = at_wall(zone, local.date() - timedelta(days=count), local.time())

    assert moment_before(visit, count * 24 * 60, zone) == expected


@given(days, walls, zones, offset_lists)
def test_every_reminder_has_its_own_time_and_none_is_of_use_once_the_visit_starts(
    day: date, wall: time, zone: ZoneInfo, offsets: list[int]
) -> None:
    visit = at_wall(zone, day, wall)

    moments = list(reminder_moments(visit, offsets, zone))

    assert [moment.slot for moment in moments] == list(range(len(offsets)))
    assert all(moment.due_at < moment.useless_after <= visit for moment in moments)
    assert max(moment.useless_after for moment in moments) == visit


@given(days, walls, zones, offset_lists, st.integers(0, 10 * 24 * 60))
def test_at_no_moment_are_two_reminders_of_one_visit_of_use(
    day: date, wall: time, zone: ZoneInfo, offsets: list[int], earlier: int
) -> None:
    visit = at_wall(zone, day, wall)
    now = visit - timedelta(minutes=earlier)

    of_use = {m.due_at for m in reminder_moments(visit, offsets, zone) if m.due_at <= now < m.useless_after}

    assert len(of_use) <= 1


@given(days, walls, zones, walls, walls)
def test_quiet_hours_end_at_their_end_on_the_wall_and_not_before_now(
    day: date, wall: time, zone: ZoneInfo, quiet_from: time, quiet_until: time
) -> None:
    now = at_wall(zone, day, wall)

    end = end_of_quiet(now, quiet_from, quiet_until, zone)

    shown = now.astimezone(zone).time()
    spans_midnight = quiet_from > quiet_until
    after, before = shown >= quiet_from, shown < quiet_until
    assert (end is not None) == ((after or before) if spans_midnight else (after and before))
    if end is not None:
        assert timedelta(0) < end - now <= timedelta(hours=25)


def test_quiet_hours_that_ended_in_the_first_of_two_equal_hours_do_not_begin_again() -> None:
    second_half_past_one = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert second_half_past_one.astimezone(LISBON).fold == 1

    assert end_of_quiet(second_half_past_one, time(20), time(1, 45), LISBON) is None


def test_the_night_is_quiet_until_eight() -> None:
    night = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    early = datetime(2026, 11, 20, 7, 59, tzinfo=UTC)
    eight = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    assert end_of_quiet(night, time(20), time(8), LISBON) == eight
    assert end_of_quiet(early, time(20), time(8), LISBON) == eight
    assert end_of_quiet(eight, time(20), time(8), LISBON) is None
