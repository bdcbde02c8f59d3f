"""Archiving a room or a location, or moving its clock, while somebody books there. Real transactions, in threads.

The last test takes the rooms' lock away and shows the visit that would lie in an archived room.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from threading import Event

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from clinic.people.models import Client, Location, Room, Therapist, User
from clinic.people.services import archiving, lock_client
from clinic.people.services.archiving import archive
from clinic.people.services.places import update_location
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import add_weekly_hours, book_appointment
from tests.factories import BEFORE, ServiceFactory
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
# So long the booking stands still before it ends, unless the other one is through before.
STANDS_STILL = 1.0
Road = Callable[[], object]


@pytest.fixture
def book(alice: Client, dana: User, bea: Therapist, location: Location, room: Room) -> Road:
    service = ServiceFactory(minutes=60)
    add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=bea,
        location=location,
        weekday=TEN.weekday(),
        opens=time(8),
        closes=time(20),
        valid_from=date(2026, 1, 1),
    )
    return lambda: book_appointment(
        by=dana, now=NOW, client=alice, service=service, therapist=bea, location=location, starts_at=TEN
    )


def outcome(road: Road) -> str:
    """Say how it ended: done, or with which words it was refused."""
    try:
        road()
    except ValidationError as refused:
        return " ".join(refused.messages)
    else:
        return "done"
    finally:
        connections.close_all()


def during(book: Road, other: Road, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the other road begin when the booking holds its locks and has not ended; return how the other one ended."""
    has_locked, is_over = Event(), Event()
    lock = lock_client

    def lock_and_stand_still(client_pk: int) -> Client:
        client = lock(client_pk)
        has_locked.set()
        is_over.wait(STANDS_STILL)
        return client

    stand_in(monkeypatch, "lock_client", lock_and_stand_still)

    def other_then() -> str:
        has_locked.wait(10)
        ended = outcome(other)
        is_over.set()
        return ended

    with ThreadPoolExecutor(2) as pool:
        booked, ended = pool.submit(outcome, book), pool.submit(other_then)
        assert booked.result() == "done"
        return ended.result()


def test_a_room_is_not_archived_under_a_booking(
    book: Road, olga: User, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = during(book, lambda: archive(by=olga, now=NOW, thing=room), monkeypatch)
    assert "A visit is still to come here" in ended
    room.refresh_from_db()
    assert room.archived_at is None


def test_a_location_is_not_archived_under_a_booking(
    book: Road, olga: User, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = during(book, lambda: archive(by=olga, now=NOW, thing=location), monkeypatch)
    assert "A visit is still to come here" in ended


def test_the_clock_is_not_moved_under_a_booking(
    book: Road, olga: User, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = lambda: update_location(by=olga, now=NOW, location=location, time_zone="Europe/Paris")  # noqa: E731
    assert "A visit is booked by the old clock" in during(book, change, monkeypatch)


def test_without_the_rooms_lock_a_visit_lies_in_an_archived_room(
    book: Road, olga: User, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "wait_for_bookings", lambda _location: None)
    assert during(book, lambda: archive(by=olga, now=NOW, thing=room), monkeypatch) == "done"
    room.refresh_from_db()
    assert room.archived_at is not None
    assert Appointment.objects.get().room == room
