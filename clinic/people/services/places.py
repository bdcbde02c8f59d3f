"""Writing about locations, their hours and their rooms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypedDict, Unpack
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from clinic.audit.services import recorded
from clinic.lib.registry import Registry
from clinic.people.models import Location, OpeningHours, Room, User
from clinic.people.opening import OpenSpan, overlap_in
from clinic.people.refusals import refuse_zone
from clinic.people.services.writing import tidy, trimmed, write_changes


class LocationFields(TypedDict, total=False):
    """What may be said about a location; what is left out stays as it is."""

    name: str
    time_zone: str
    address: str
    directions: str
    phone: str
    emergency_number: str


class RoomFields(TypedDict, total=False):
    name: str
    features: list[str]


class LocationStep(Protocol):
    """What an upper room does once a location is added, in the same transaction."""

    def __call__(self, location: Location, *, by: User | None, now: datetime) -> None: ...


location_steps: Registry[LocationStep] = Registry("step for a new location")


@recorded
def add_location(
    *,
    by: User | None,
    now: datetime,
    name: str,
    time_zone: str,
    address: str = "",
    directions: str = "",
    phone: str = "",
    emergency_number: str = "",
) -> Location:
    """Add a place where the clinic works."""
    location = Location(
        name=name.strip(),
        time_zone=time_zone,
        address=address.strip(),
        directions=tidy(directions),
        phone=phone,
        emergency_number=emergency_number.strip(),
    )
    location.full_clean()
    location.save()
    for follow in location_steps:
        follow(location, by=by, now=now)
    return location


@recorded
def update_location(*, by: User, now: datetime, location: Location, **fields: Unpack[LocationFields]) -> Location:
    """Change a location. Another time zone is refused where something stands by the old clock."""
    wait_for_bookings(location.pk)
    kept = Location.objects.select_for_update().get(pk=location.pk)
    zone = fields.get("time_zone", kept.time_zone)
    if zone != kept.time_zone:
        refuse_zone(kept, ZoneInfo(zone), now=now)
    write_changes(kept, trimmed(fields))
    return kept


@recorded
def set_opening_hours(*, by: User, now: datetime, location: Location, spans: Iterable[OpenSpan]) -> None:
    """Open a location at these hours of the week and no others; what stays is not written anew."""
    wanted = set(spans)
    if words := overlap_in(sorted(wanted)):
        raise ValidationError(words)
    Location.objects.select_for_update().get(pk=location.pk)
    for hours in OpeningHours.objects.filter(location=location):
        span = OpenSpan(hours.weekday, hours.opens, hours.closes)
        if span in wanted:
            wanted.remove(span)
        else:
            hours.delete()
    for span in sorted(wanted):
        added = OpeningHours(location=location, weekday=span.weekday, opens=span.opens, closes=span.closes)
        added.full_clean()
        added.save()


@recorded
def add_room(*, by: User | None, now: datetime, location: Location, name: str, features: Iterable[str] = ()) -> Room:
    """Add a room to a location."""
    room = Room(location=location, name=name.strip(), features=[str(feature) for feature in features])
    room.full_clean()
    room.save()
    return room


@recorded
def update_room(*, by: User, now: datetime, room: Room, **fields: Unpack[RoomFields]) -> Room:
    """Change a room's name or what is special about it."""
    kept = Room.objects.select_for_update().get(pk=room.pk)
    write_changes(kept, trimmed(fields))
    return kept


def wait_for_bookings(location_pk: int) -> None:
    """Lock the rooms that a booking locks: of a booking and another write at one moment, the later sees the earlier."""
    list(Room.objects.filter(location=location_pk).order_by("pk").select_for_update(no_key=True).values_list("pk"))
