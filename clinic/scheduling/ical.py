"""Visits as other calendars read them (RFC 5545). Nothing in here says what a visit is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

MAKER = "-//Stillpoint//Calendar//EN"


@dataclass(frozen=True)
class Entry:
    """One visit. `number` grows with each change, so that a calendar knows which of two versions is the later."""

    visit_pk: int
    starts_at: datetime
    ends_at: datetime
    zone: str
    summary: str
    place: str
    details: str
    is_cancelled: bool
    number: int
    changed_at: datetime


def digest_of(name: str, entries: Sequence[Entry]) -> str:
    """Return what tells two versions of a calendar apart, without writing either."""
    return sha256(repr((name, entries)).encode()).hexdigest()


def as_ics(name: str, entries: Sequence[Entry]) -> bytes:
    """Write a calendar. The same entries give the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", MAKER)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for zone in _zones(entries):
        calendar.add_component(zone)
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _event(entry: Entry) -> Event:
    zone = ZoneInfo(entry.zone)
    event = Event()
    event.add("uid", f"visit-{entry.visit_pk}@{urlsplit(settings.SITE_URL).hostname}")
    event.add("dtstamp", entry.changed_at.astimezone(UTC))
    event.add("last-modified", entry.changed_at.astimezone(UTC))
    event.add("sequence", entry.number)
    event.add("dtstart", _wall(entry.starts_at, zone))
    event.add("dtend", _wall(entry.ends_at, zone))
    event.add("summary", entry.summary)
    event.add("location", entry.place)
    if entry.details:
        event.add("description", entry.details)
    event.add("status", "CANCELLED" if entry.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.is_cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the time on the wall of the place; in the hour that comes twice, the second time only UTC can say."""
    local = instant.astimezone(zone)
    return instant.astimezone(UTC) if local.fold else local


def _zones(entries: Sequence[Entry]) -> Iterator[Timezone]:
    """Yield the rules of each zone, whole years around the entries."""
    names = sorted({entry.zone for entry in entries} - {"UTC"})
    if names:
        first = min(entry.starts_at for entry in entries).year
        last = max(entry.ends_at for entry in entries).year
        yield from (_zone(name, date(first - 1, 12, 31), date(last + 1, 1, 2)) for name in names)


@cache
def _zone(name: str, first: date, last: date) -> Timezone:
    """Write how the clocks of a zone go between two days.

    By hand: the library's `Timezone.from_tzinfo` writes when they spring forward by the new wall clock, where RFC 5545
    wants the old one, and is an hour late that night.
    """
    zone = ZoneInfo(name)
    written = Timezone()
    written.add("tzid", name)
    for instant, before in _changes(zone, first, last):
        local = instant.astimezone(zone)
        observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
        observance.add("dtstart", (instant + before).replace(tzinfo=None))
        observance.add("tzoffsetfrom", before)
        observance.add("tzoffsetto", local.utcoffset())
        observance.add("tzname", local.tzname())
        written.add_component(observance)
    return written


def _changes(zone: ZoneInfo, first: date, last: date) -> Iterator[tuple[datetime, timedelta]]:
    """Yield the beginning, and each instant at which the clocks change, with the offset that held before it."""
    day = datetime.combine(first, time.min, UTC)
    offset = _offset(zone, day)
    yield day, offset
    while day.date() < last:
        following = day + timedelta(days=1)
        if _offset(zone, following) != offset:
            yield _change_between(zone, day, following), offset
            offset = _offset(zone, following)
        day = following


def _change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first minute with the new offset."""
    offset = _offset(zone, before)
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) // 2
        middle = middle.replace(second=0, microsecond=0)
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None  # noqa: S101 -- an aware instant has one; tells the type
    return offset
