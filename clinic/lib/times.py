"""Store instants, think in walls: arithmetic between a location's wall clock and UTC."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all time zones. They lie on the disk, where looking each of them up takes long: once."""
    return frozenset(available_timezones())


def at_wall(zone: ZoneInfo, day: date, wall: time) -> datetime:
    """Return the instant (UTC) at which the wall clock of `zone` shows `wall` on `day`.

    A time that the clocks skip moves forward by the skipped span; one that they show twice is the first.
    """
    local = datetime.combine(day, wall, tzinfo=zone).replace(fold=0)
    # With fold=0, a skipped time is read with the offset from before the change, which lands after the gap.
    return local.astimezone(UTC)


def day_bounds(zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return the first instant of `day` in `zone` and the first of the next day; 23 to 25 hours apart."""
    return at_wall(zone, day, time.min), at_wall(zone, day + timedelta(days=1), time.min)


def local_date(zone: ZoneInfo, instant: datetime) -> date:
    """Return the calendar day that the wall of `zone` shows at `instant`."""
    return instant.astimezone(zone).date()
