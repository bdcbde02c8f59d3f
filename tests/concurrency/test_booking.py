"""Sixteen at once on one slot, with real transactions: one wins, the others get a sentence, nobody deadlocks.

The last tests take the lock or the constraint away and show the race that they hold off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import time, timedelta
from uuid import uuid4

import pytest

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.models import Appointment, Series
from clinic.scheduling.services import (
    ChosenVisit,
    book_series,
    cancel_appointment,
    move_appointment,
)
from tests.concurrency.racing import (
    AT_ONCE,
    NOW,
    TEN,
    Road,
    no_lock,
    nobody_shares,
    race,
    without_constraints,
    works_all_week,
)
from tests.factories import RoomFactory, TherapistFactory
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_sixteen_want_one_slot_and_one_gets_it(clients: list[Client], book: Callable[..., Appointment]) -> None:
    ended = race([lambda client=client: book(client) for client in clients])
    assert ended == {"won": 1, "taken": AT_ONCE - 1}
    assert Appointment.objects.count() == 1


def test_overlapping_wishes_never_both_win(clients: list[Client], book: Callable[..., Appointment]) -> None:
    starts = [TEN + timedelta(minutes=15 * (number % 5)) for number in range(AT_ONCE)]
    ended = race([lambda c=client, s=start: book(c, s) for client, start in zip(clients, starts, strict=True)])
    assert set(ended) == {"won", "taken"}
    assert ended["won"] == Appointment.objects.count()
    assert nobody_shares()


def test_sixteen_therapists_and_two_rooms_hold_two_visits(
    clients: list[Client], book: Callable[..., Appointment], location: Location, room: Room
) -> None:
    RoomFactory(location=location, name="Garden room")
    therapists = TherapistFactory.create_batch(AT_ONCE)
    for therapist in therapists:
        works_all_week(therapist, location)
    ended = race([lambda c=c, t=t: book(c, therapist=t) for c, t in zip(clients, therapists, strict=True)])
    assert ended == {"won": 2, "taken": AT_ONCE - 2}
    assert nobody_shares()


def test_one_client_is_booked_with_one_of_sixteen_therapists(
    clients: list[Client], book: Callable[..., Appointment], location: Location
) -> None:
    therapists = TherapistFactory.create_batch(AT_ONCE)
    for number, therapist in enumerate(therapists):
        works_all_week(therapist, location)
        RoomFactory(location=location, name=f"Spare {number}")
    ended = race([lambda t=therapist: book(clients[0], therapist=t) for therapist in therapists])
    assert ended == {"won": 1, "taken": AT_ONCE - 1}


def test_a_form_sent_sixteen_times_books_once(clients: list[Client], book: Callable[..., Appointment]) -> None:
    key = uuid4()
    assert race([lambda: book(clients[0], idempotency_key=key)] * AT_ONCE) == {"won": AT_ONCE}
    assert Appointment.objects.count() == 1


def test_moves_and_bookings_meet_on_one_slot(
    clients: list[Client], book: Callable[..., Appointment], dana: User, location: Location, room: Room
) -> None:
    """Two visits of two therapists trade places with each other while others book: locks in one order, no deadlock."""
    ruth = TherapistFactory(usual_room=RoomFactory(location=location, name="Garden room"))
    works_all_week(ruth, location)
    bea = Therapist.objects.exclude(pk=ruth.pk).get()
    here = [book(client, TEN + timedelta(hours=2 * n)) for n, client in enumerate(clients[:4])]
    there = [book(client, TEN + timedelta(hours=2 * n), therapist=ruth) for n, client in enumerate(clients[4:8])]
    at = TEN - timedelta(hours=2)
    moves: list[Road] = [
        lambda v=visit, t=therapist: move_appointment(by=dana, now=NOW, appointment=v, starts_at=at, therapist=t)
        for visit, therapist in [*((v, ruth) for v in here), *((v, bea) for v in there)]
    ]
    books: list[Road] = [lambda c=client: book(c, at) for client in clients[8:]]
    ended = race([road for pair in zip(moves, books, strict=True) for road in pair])
    assert ended == {"won": 2, "taken": AT_ONCE - 2}
    assert nobody_shares()


def test_a_series_against_single_bookings_is_booked_whole_or_not_at_all(
    clients: list[Client],
    book: Callable[..., Appointment],
    dana: User,
    bea: Therapist,
    location: Location,
    service: Service,
) -> None:
    starts = [TEN + timedelta(weeks=number) for number in range(8)]

    def book_the_series() -> Series:
        return book_series(
            by=dana,
            now=NOW,
            client=clients[0],
            service=service,
            therapist=bea,
            location=location,
            first_on=starts[0].date(),
            at_time=time(10),
            every_weeks=1,
            count=8,
            chosen=[ChosenVisit(start, bea) for start in starts],
            idempotency_key=uuid4(),
        )

    singles: list[Road] = [lambda c=c, n=n: book(c, starts[n % 8]) for n, c in enumerate(clients[1:])]
    ended = race([*singles[:7], book_the_series, *singles[7:]])
    assert set(ended) == {"won", "taken"}
    assert Appointment.objects.filter(series__isnull=False).count() in {0, 8}
    assert Appointment.objects.count() == 8  # each date has exactly one winner
    assert nobody_shares()


def test_a_cancelled_slot_is_booked_again_once(
    clients: list[Client], book: Callable[..., Appointment], dana: User
) -> None:
    first = book(clients[0])
    cancelling: Road = lambda: cancel_appointment(by=dana, now=NOW, appointment=first)  # noqa: E731
    ended = race([cancelling, *(lambda c=client: book(c) for client in clients[1:])])
    assert ended["won"] in {1, 2}  # the cancellation, and at most one who came after it
    assert ended["won"] + ended["taken"] == AT_ONCE
    assert nobody_shares()


# --- What the lock and the constraint are for


def test_without_lock_and_constraint_the_same_race_books_one_slot_many_times(
    clients: list[Client], book: Callable[..., Appointment], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "lock_places", no_lock)
    with without_constraints(Appointment):
        ended = Counter[str]()
        for day in range(10):
            ended += race([lambda c=client, d=day: book(c, TEN + timedelta(days=d)) for client in clients])
            if ended["won"] > day + 1:
                break
        assert ended["won"] > day + 1, ended
        assert not nobody_shares()


def test_with_the_lock_alone_the_same_race_has_one_winner(
    clients: list[Client], book: Callable[..., Appointment]
) -> None:
    with without_constraints(Appointment):
        assert race([lambda c=client: book(c) for client in clients]) == {"won": 1, "taken": AT_ONCE - 1}


def test_with_the_constraint_alone_nobody_shares_either(
    clients: list[Client], book: Callable[..., Appointment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last witness alone is safe: whatever else happens (it deadlocks now and then), no two visits share."""
    stand_in(monkeypatch, "lock_places", no_lock)
    ended = race([lambda c=client: book(c) for client in clients])
    assert ended["won"] <= 1
    assert ended["won"] == Appointment.objects.count()
    assert nobody_shares()
