"""What the pages about locations show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils.formats import date_format
from django.utils.timezone import localtime

from clinic.people.emergencies import emergency_number
from clinic.people.models import Location, OpeningHours, Room
from clinic.people.opening import OpeningLine, OpenSpan, opening_lines


@dataclass(frozen=True)
class LocationRow:
    """A location in the list: where it is and how many rooms are in use there."""

    location: Location
    rooms: int


@dataclass(frozen=True)
class RoomRow:
    """A room, with what it offers in words."""

    room: Room
    features: str


@dataclass(frozen=True)
class LocationPage:
    location: Location
    spans: Sequence[OpenSpan]
    rooms: Sequence[RoomRow]
    archived_rooms: Sequence[RoomRow]
    # What the clock on its wall shows, so that a wrong zone is seen.
    wall_clock: str
    emergency_number: str
    # Who works there, for whoever thinks of archiving it.
    therapists: Sequence[str]

    @property
    def opening(self) -> list[OpeningLine]:
        return opening_lines(self.spans)


def location_rows() -> list[LocationRow]:
    """Return all locations, those in use first. One query."""
    in_use = Count("rooms", filter=Q(rooms__archived_at__isnull=True))
    found = Location.objects.annotate(rooms_in_use=in_use).order_by("pk")
    rows = [LocationRow(location, location.rooms_in_use) for location in found]
    return sorted(rows, key=lambda row: row.location.archived_at is not None)


def location_page(location: Location, *, now: datetime) -> LocationPage:
    """Return a location with its hours and its rooms."""
    rooms = [RoomRow(room, features_in_words(room)) for room in location.rooms.all()]
    return LocationPage(
        location=location,
        spans=spans_of(location),
        rooms=[row for row in rooms if row.room.archived_at is None],
        archived_rooms=[row for row in rooms if row.room.archived_at is not None],
        wall_clock=date_format(localtime(now, location.zone), "D H:i"),
        emergency_number=emergency_number(location),
        therapists=[str(one) for one in location.therapists.filter(archived_at__isnull=True).select_related("user")],
    )


def spans_of(location: Location) -> list[OpenSpan]:
    """Return when a location is open. One query."""
    rows = OpeningHours.objects.filter(location=location).values_list("weekday", "opens", "closes")
    return [OpenSpan(*row) for row in rows]


def features_in_words(room: Room) -> str:
    """Name what a room offers, in the order in which the form asks."""
    return ", ".join(str(feature.label) for feature in Room.Feature if feature in room.features)
