"""Whom the drill writes to: a clinic, clients who agreed to everything, and visits of which they are reminded now."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import islice, product

from django.core.cache import cache
from django.db import connections

from clinic.people.models import (
    Client,
    ContactConsent,
    Location,
    Modality,
    Qualification,
    Room,
    Service,
    Therapist,
    User,
)
from clinic.people.services import add_service, found_clinic
from clinic.reminders.models import Message, MessagePolicy
from clinic.scheduling.models import Appointment, Status, StatusChange
from tests.benchmarks.database import bare, copy_in

CLIENTS = 10_000
# Shorter than any visit is, so that few therapists have many.
MINUTES = 5
LONG_AGO = timedelta(days=30)
AT_ONCE = 5_000


def found() -> None:
    """Found the clinic, once."""
    now = datetime.now(UTC)
    found_clinic(
        now=now, name="Drill Clinic", currency="EUR", owner_name="Olga Marques", owner_email="olga@example.org",
        owner_password=secrets.token_urlsafe(), location_name="Harbour Street", time_zone="Europe/Lisbon",
        location_address="Harbour Street 7, 1200 Lisbon", location_phone="+351210000000",
    )  # fmt: skip
    add_service(
        by=User.objects.get(), now=now, name="Swedish, 60 min", modality=Modality.objects.get(slug="swedish"),
        minutes=60, buffer_after=0, price_minor=100,
    )  # fmt: skip


def add_clients(count: int) -> None:
    """Add clients who can be reached by mail and by text, and agreed to both."""
    missing = count - Client.objects.count()
    if missing <= 0:
        return
    now = datetime.now(UTC)
    begins = Client.objects.count()
    fresh = [
        Client(
            legal_name=f"Client {number}", email=f"client{number}@example.org", phone=f"+35191{number:07d}",
            created_at=now - LONG_AGO,
        )
        for number in range(begins, begins + missing)
    ]  # fmt: skip
    copy_in(Client, fresh)
    copy_in(
        ContactConsent,
        [
            ContactConsent(client=client, channel=channel, is_given=True, at=now - LONG_AGO, source="drill")
            for client in fresh
            for channel in ContactConsent.Channel.values
        ],
    )


def add_therapists(count: int, location: Location) -> list[Therapist]:
    """Have so many therapists at a place, each with a room."""
    here = list(Therapist.objects.filter(usual_room__location=location).order_by("pk")[:count])
    names = [f"{location.pk}-{number}" for number in range(len(here), count)]
    users = User.objects.bulk_create(
        User(email=f"therapist{name}@example.org", name=f"Bea {name}", roles=["therapist"], password="!")
        for name in names
    )
    rooms = Room.objects.bulk_create(Room(location=location, name=f"Room {name}") for name in names)
    made = Therapist.objects.bulk_create(
        Therapist(user=user, usual_room=room) for user, room in zip(users, rooms, strict=True)
    )
    modality = Modality.objects.get(slug="swedish")
    Qualification.objects.bulk_create(Qualification(therapist=one, modality=modality) for one in made)
    location.therapists.add(*made)
    return [*here, *made]


def put_visits(count: int, now: datetime, *, behind: int = 0, minutes: int = MINUTES) -> list[Appointment]:
    """Put so many visits into the book, behind those that are there; each is to be reminded of now, once."""
    add_clients(min(behind + count, CLIENTS))
    starts = [now + timedelta(hours=4, minutes=minutes * number) for number in range(40 * 60 // minutes)]
    therapists = add_therapists(-(-(behind + count) // len(starts)), Location.objects.earliest("pk"))
    clients = list(Client.objects.order_by("pk")[:CLIENTS])
    places = islice(product(therapists, starts), behind, behind + count)
    # One further at each round, or the same client would come to the same hour again.
    planned = [
        (therapist, start, clients[(n + n // len(clients)) % len(clients)])
        for n, (therapist, start) in enumerate(places, behind)
    ]
    return put(planned, now, minutes=minutes)


def put(
    planned: Sequence[tuple[Therapist, datetime, Client]], now: datetime, *, minutes: int = MINUTES
) -> list[Appointment]:
    """Put these visits into the book, each booked long ago."""
    service, length = Service.objects.get(), timedelta(minutes=minutes)
    visits = [
        Appointment(
            client=client, service=service, therapist=therapist, room=therapist.usual_room,
            location_id=therapist.usual_room.location_id, starts_at=start, ends_at=start + length,
            occupied_from=start, occupied_until=start + length, status=Status.BOOKED,
            booked_at=now - LONG_AGO,
        )
        for therapist, start, client in planned
    ]  # fmt: skip
    for begins in range(0, len(visits), AT_ONCE):
        some = visits[begins : begins + AT_ONCE]
        copy_in(Appointment, some)
        copy_in(
            StatusChange,
            [StatusChange(appointment=one, before="", after=Status.BOOKED, at=one.booked_at) for one in some],
        )
    return visits


def empty(owner: str) -> None:
    """Empty the book and the outbox, as their owner."""
    connections.close_all()
    with bare(owner) as connection:
        connection.execute("TRUNCATE scheduling_appointment, reminders_message CASCADE")
        connection.execute("VACUUM ANALYZE")
    cache.clear()


def write_by(channel: str, *, offsets: Sequence[int] = (48 * 60,), quiet: tuple[time, time] | None = None) -> None:
    """Set by what, how long before and when not."""
    quiet_from, quiet_until = quiet or (time.min, time.min)
    MessagePolicy.objects.update(
        channels=[channel], offsets_minutes=list(offsets), offset_slots=list(range(len(offsets))), offsets_since=None,
        quiet_from=quiet_from, quiet_until=quiet_until,
    )  # fmt: skip


def is_drained(count: int) -> bool:
    """Say whether all of them were written down and none is on its way any more."""
    open_states = ["waiting", "claimed", "sending", "retry"]
    reminders = Message.objects.filter(kind="reminder")
    return reminders.count() >= count and not reminders.filter(state__in=open_states).exists()
