"""What needs a clock that can be set: the same sweep and delivery, in this process, at moments of our choosing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from clinic.people.models import Client, Location, User
from clinic.people.worklist import worklists
from clinic.reminders import services, timing
from clinic.reminders.delivery import begin_anew
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment
from tests.drills.filling import add_clients, add_therapists, empty, put, put_visits, write_by

if TYPE_CHECKING:
    from tests.drills.experiments import Figures
    from tests.drills.house import House

TICK = timedelta(hours=1)
QUIET = (time(21), time(8))
OFFSETS = (24 * 60, 2 * 60)
# Some of these never change.
ZONES = [
    "Europe/Lisbon", "Europe/London", "Europe/Berlin", "Europe/Helsinki", "Atlantic/Azores", "America/New_York",
    "America/Denver", "America/Los_Angeles", "America/St_Johns", "America/Havana", "Asia/Beirut", "Asia/Tokyo",
    "Asia/Kathmandu", "Africa/Lagos", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham",
]  # fmt: skip
MANY = 1_000
# Five days around each change: in Europe, then in America; and forward, the other way round.
WINDOWS = [
    (begins, begins + timedelta(days=5))
    for begins in (
        datetime(2027, 10, 28, tzinfo=UTC),
        datetime(2027, 11, 4, tzinfo=UTC),
        datetime(2028, 3, 9, tzinfo=UTC),
        datetime(2028, 3, 23, tzinfo=UTC),
    )
]


def clock_changes(house: House, count: int, without: str) -> Figures:
    """Live through the weeks around the clock changes, hour by hour, and look at when each was written to."""
    from tests.drills.experiments import Figures

    figures = Figures()
    windows = WINDOWS if count >= MANY else WINDOWS[:2]
    for window in windows:
        empty(os.environ["MIGRATION_DATABASE_URL"])
        write_by("email", offsets=OFFSETS, quiet=QUIET)
        visits = put_around(count // len(windows), window)
        house.sink.behave()
        with counted_in_utc(really=without == "walls"):
            now = window[0]
            while now <= window[1]:
                services.sweep(now)
                now += TICK
        judge(house, visits, window[0], figures)
    figures.facts["visits"] = count
    return figures


def put_around(count: int, window: tuple[datetime, datetime]) -> list[Appointment]:
    """Put visits at any quarter of an hour into houses in all these zones, booked long before."""
    random = Random(20261120)  # noqa: S311  # invented visits
    begins, ends = window
    quarters = int((ends - begins - timedelta(days=2)) / timedelta(minutes=15))
    add_clients(100)
    clients = list(Client.objects.order_by("pk")[:100])
    planned = []
    for number, zone in enumerate(ZONES):
        location, _new = Location.objects.get_or_create(name=zone, defaults={"time_zone": zone})
        (therapist,) = add_therapists(1, location)
        its_own = count // len(ZONES) + (number < count % len(ZONES))
        for quarter in random.sample(range(quarters), its_own):
            start = begins + timedelta(days=2, minutes=15 * quarter)
            planned.append((therapist, start, random.choice(clients)))
    return put(planned, begins)


@contextmanager
def counted_in_utc(*, really: bool) -> Iterator[None]:
    """Count days as so many hours, as a house would that never heard of clock changes."""
    right = timing.moment_before
    if really:
        timing.moment_before = lambda instant, minutes, _zone: instant - timedelta(minutes=minutes)
    try:
        yield
    finally:
        timing.moment_before = right


def judge(house: House, visits: list[Appointment], first_tick: datetime, figures: Figures) -> None:
    """Compare each message with what a calendar on the wall says."""
    zones = dict(Location.objects.values_list("pk", "time_zone"))
    passed_on = Counter(key for key, _at in house.sink.taken())
    found = {(one.subject_pk, one.slot): one for one in Message.objects.filter(kind="reminder")}
    wrong = 0
    for visit in visits:
        zone = ZoneInfo(zones[visit.location_id])
        for slot, minutes in enumerate(OFFSETS):
            message = found.pop((visit.pk, slot), None)
            if message is None:
                figures.lost += 1
                continue
            times = passed_on.pop(str(message.pk), 0)
            figures.doubled += max(0, times - 1)
            figures.lost += message.state == "sent" and not times
            due_at = on_the_wall(visit.starts_at, minutes, zone)
            wrong += not went_rightly(message, due_at, zone, first_tick)
    figures.doubled += len(found) + sum(passed_on.values())
    figures.expect_none_lost_or_doubled()
    figures.expect(not wrong, f"{wrong} at the wrong time")


def on_the_wall(start: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    """Return when so many minutes before `start` are: whole days on the calendar, the rest as it passes."""
    days, rest = divmod(timedelta(minutes=minutes), timedelta(days=1))
    naive = start.astimezone(zone).replace(tzinfo=None) - timedelta(days=days)
    fold = start.astimezone(zone).fold if not days else 0
    return naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) - rest


def is_quiet(moment: datetime, zone: ZoneInfo) -> bool:
    """Say whether the wall shows a quiet hour."""
    wall = moment.astimezone(zone).time()
    return wall >= QUIET[0] or wall < QUIET[1]


def went_rightly(message: Message, due_at: datetime, zone: ZoneInfo, first_tick: datetime) -> bool:
    """Say whether it went out at the first tick when it was due and might, or at none because there was none."""
    tick = first_tick
    while tick < due_at or (tick < message.useless_after and is_quiet(tick, zone)):
        tick += TICK
    if tick >= message.useless_after:
        return message.state == "missed"
    return message.state == "sent" and message.sent_at == tick


def seen_after(house: House) -> timedelta:
    """Return how long after a worker died the front desk sees what it was sending, where a sweep comes each minute."""
    now = datetime.now(UTC)
    empty(os.environ["MIGRATION_DATABASE_URL"])
    write_by("email")
    put_visits(1, now)
    house.sink.behave()
    services.prepare(now)
    claimed = services.claim(now)
    assert begin_anew(claimed.messages[0], claimed.token, now), "nothing was begun"
    olga = User.objects.get(email="olga@example.org")
    # The sweep before the lease ends comes just too soon.
    tick = now + timedelta(seconds=59)
    while not worklists["messages"].rows(olga, tick) and tick < now + timedelta(hours=1):
        tick += timedelta(minutes=1)
        services.sweep(tick)
    assert house.sink.count() == 0, "it was sent again by itself"
    return tick - now


def after_half_an_hour(house: House, figures: Figures) -> None:
    """Begin to sweep again after half an hour: what is of use goes out within two ticks, the rest is missed."""
    now, each = datetime.now(UTC), 10
    empty(os.environ["MIGRATION_DATABASE_URL"])
    write_by("email", offsets=(20,))
    add_clients(each)
    therapists = add_therapists(2 * each, Location.objects.earliest("pk"))
    clients = list(Client.objects.order_by("pk")[:each])
    to_come = [(one, now + timedelta(minutes=15), clients[n]) for n, one in enumerate(therapists[:each])]
    past = [(one, now - timedelta(minutes=7), clients[n]) for n, one in enumerate(therapists[each:])]
    put([*to_come, *past], now)
    house.sink.behave()
    for tick in (now, now + timedelta(minutes=1)):
        services.sweep(tick)
    states = Counter(Message.objects.values_list("about_at", "state"))
    right = {(now + timedelta(minutes=15), "sent"): each, (now - timedelta(minutes=7), "missed"): each}
    figures.facts["missed"] = states[now - timedelta(minutes=7), "missed"]
    figures.expect(states == right and house.sink.count() == each, "not caught up within two ticks")
