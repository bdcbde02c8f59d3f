"""When a message is due: pure arithmetic between instants and the wall clock of a location."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic.lib.times import at_wall

MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True)
class Moment:
    """One reminder of one visit: its place in the list of offsets, when it is due, when it is of no more use."""

    slot: int
    due_at: datetime
    useless_after: datetime


def moment_before(instant: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the moment so many minutes before `instant`, as people count in `zone`.

    Whole days are counted on the wall: a day before 9:00 is 9:00, also across a clock change. What is left over is
    counted as it passes: two hours before are two hours.
    """
    days, rest = divmod(minutes, MINUTES_OF_A_DAY)
    if days:
        local = instant.astimezone(zone)
        instant = at_wall(zone, local.date() - timedelta(days=days), local.time())
    return instant - timedelta(minutes=rest)


def reminder_moments(starts_at: datetime, offsets: Sequence[int], zone: ZoneInfo) -> Iterator[Moment]:
    """Yield the reminders of a visit. Each is of use until the next one is due, the last until the visit starts."""
    due = [moment_before(starts_at, minutes, zone) for minutes in offsets]
    for slot, due_at in enumerate(due):
        yield Moment(slot, due_at, min((later for later in due if later > due_at), default=starts_at))


def end_of_quiet(now: datetime, quiet_from: time, quiet_until: time, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours around `now` end, None outside them. They may span midnight; equal ends: none."""
    local = now.astimezone(zone)
    wall, day = local.time(), local.date()
    if quiet_from <= quiet_until:
        is_quiet = quiet_from <= wall < quiet_until
    else:
        is_quiet = wall >= quiet_from or wall < quiet_until
        day += timedelta(days=wall >= quiet_from)
    end = at_wall(zone, day, quiet_until)
    # In an hour that the clocks show twice the end may have been shown already: then it is over.
    return end if is_quiet and end > now else None
