"""The dates of a series. Pure: a rule is thought in local time, so every visit is at the same time by the wall clock.

A wall-clock time that a clock change skips moves forward; one that comes twice is the first.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from clinic.lib.times import at_wall


class Visit(NamedTuple):
    """One date of the rule, and the instant that it means."""

    on: date
    starts_at: datetime
    # The clocks have changed since the visit before; the wall still shows the same time, unless it was skipped.
    clocks_changed: bool


def dates(first_on: date, every_weeks: int, count: int, leaving_out: Collection[date] = ()) -> list[date]:
    """Return `count` dates of the rule; those left out do not use up the count."""
    found: list[date] = []
    day = first_on
    while len(found) < count:
        if day not in leaving_out:
            found.append(day)
        day += timedelta(weeks=every_weeks)
    return found


def visits(days: Collection[date], at_time: time, zone: ZoneInfo) -> list[Visit]:
    """Return the visits on these days, in order, all at `at_time` by the wall clock."""
    found: list[Visit] = []
    offset: timedelta | None = None
    for day in days:
        starts_at = at_wall(zone, day, at_time)
        new_offset = starts_at.astimezone(zone).utcoffset()
        found.append(Visit(day, starts_at, clocks_changed=offset is not None and new_offset != offset))
        offset = new_offset
    return found


class Rule(NamedTuple):
    """When the visits of a series are."""

    first_on: date
    at_time: time
    every_weeks: int

    def holds(self, starts_at: datetime, zone: ZoneInfo) -> bool:
        """Tell whether a visit is where the rule puts it; one that is not was put elsewhere by hand."""
        on = starts_at.astimezone(zone).date()
        is_its_day = (on - self.first_on).days % (7 * self.every_weeks) == 0
        return is_its_day and at_wall(zone, on, self.at_time) == starts_at


def in_same_week(day: date, weekday: int) -> date:
    """Return the day of the same week that is this weekday; Monday is 0."""
    return day + timedelta(days=weekday - day.weekday())


def dates_until(first_on: date, every_weeks: int, until: date, leaving_out: Collection[date] = ()) -> list[date]:
    """Return the dates of the rule up to and including `until`; those left out are not made up for."""
    weeks = max((until - first_on).days // (7 * every_weeks) + 1, 0)
    days = [first_on + timedelta(weeks=every_weeks * number) for number in range(weeks)]
    return [day for day in days if day not in leaving_out]
