"""Writing about places and services."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinic.audit.services import recorded
from clinic.people.models import Location, Modality, Room, Service, User


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
) -> Location:
    """Add a place where the clinic works."""
    location = Location(name=name.strip(), time_zone=time_zone, address=address, directions=directions, phone=phone)
    location.full_clean()
    location.save()
    return location


@recorded
def add_room(*, by: User | None, now: datetime, location: Location, name: str, features: Iterable[str] = ()) -> Room:
    """Add a room to a location."""
    room = Room(location=location, name=name.strip(), features=[str(feature) for feature in features])
    room.full_clean()
    room.save()
    return room


@recorded
def add_service(
    *,
    by: User | None,
    now: datetime,
    name: str,
    modality: Modality,
    minutes: int,
    price_minor: int,
    buffer_before: int = 0,
    buffer_after: int = 15,
    is_bookable_online: bool = True,
    is_open_to_new_clients: bool = True,
) -> Service:
    """Add what can be booked; the price in minor units of the clinic's currency."""
    service = Service(
        name=name.strip(),
        modality=modality,
        minutes=minutes,
        price_minor=price_minor,
        buffer_before=buffer_before,
        buffer_after=buffer_after,
        is_bookable_online=is_bookable_online,
        is_open_to_new_clients=is_open_to_new_clients,
    )
    service.full_clean()
    service.save()
    return service
