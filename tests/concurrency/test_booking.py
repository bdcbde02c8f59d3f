"""Sixteen at once on one slot, with real transactions: one wins, the others get a sentence, nobody deadlocks.

Each race is run once more without locks and constraints, where it ends with two visits in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from time import sleep
from uuid import uuid4

import pytest

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment, Series
from clinic.scheduling.services import (
    ChosenVisit,
    book_series,
    cancel_appointment,
    confirm_hold,
    hold_appointment,
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
    slowly,
    without_constraints,
    works_all_week,
)
from tests.factories import RoomFactory, TherapistFactory
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

HOUR = timedelta(hours=1)
Book = Callable[..., Appointment]


@dataclass
class Races:
    """The roads of each race, ready to start."""

    bea: Therapist
    dana: User
    clients: list[Client]
    location: Location
    service: Service
    book: Book

    def one_slot(self) -> list[Road]:
        return [lambda client=client: self.book(client) for client in self.clients]

    def overlapping_wishes(self) -> list[Road]:
        starts = [TEN + timedelta(minutes=15 * (number % 5)) for number in range(AT_ONCE)]
        return [lambda c=client, s=start: self.book(c, s) for client, start in zip(self.clients, starts, strict=True)]

    def two_rooms(self) -> list[Road]:
        """Everybody has a therapist of her own, and there are two rooms for all."""
        RoomFactory(location=self.location, name="Garden room")
        therapists = self._therapists(AT_ONCE)
        return [lambda c=c, t=t: self.book(c, therapist=t) for c, t in zip(self.clients, therapists, strict=True)]

    def one_client(self) -> list[Road]:
        """One client, sixteen therapists, and a room for each."""
        RoomFactory.create_batch(AT_ONCE, location=self.location)
        return [lambda t=therapist: self.book(self.clients[0], therapist=t) for therapist in self._therapists(AT_ONCE)]

    def moves_and_bookings(self) -> list[Road]:
        """Visits of two therapists trade places with each other while others book there."""
        (ruth,) = self._therapists(1, usual_room=RoomFactory(location=self.location, name="Garden room"))
        starts = [TEN + number * 2 * HOUR for number in range(4)]
        here = [self.book(client, start) for client, start in zip(self.clients[:4], starts, strict=True)]
        there = [
            self.book(client, start, therapist=ruth) for client, start in zip(self.clients[4:8], starts, strict=True)
        ]
        at = TEN - 2 * HOUR
        moves: list[Road] = [
            lambda v=visit, t=therapist: move_appointment(
                by=self.dana, now=NOW, appointment=v, starts_at=at, therapist=t
            )
            for visit, therapist in [*((v, ruth) for v in here), *((v, self.bea) for v in there)]
        ]
        books: list[Road] = [lambda c=client: self.book(c, at) for client in self.clients[8:]]
        return [road for pair in zip(moves, books, strict=True) for road in pair]

    def series_and_single_visits(self) -> list[Road]:
        starts = [TEN + timedelta(weeks=number) for number in range(8)]

        def weekly() -> Series:
            return book_series(
                by=self.dana,
                now=NOW,
                client=self.clients[0],
                service=self.service,
                therapist=self.bea,
                location=self.location,
                first_on=starts[0].date(),
                at_time=time(10),
                every_weeks=1,
                count=8,
                chosen=[ChosenVisit(start, self.bea) for start in starts],
                idempotency_key=uuid4(),
            )

        singles: list[Road] = [lambda c=c, n=n: self.book(c, starts[n % 8]) for n, c in enumerate(self.clients[1:])]
        return [*singles[:7], weekly, *singles[7:]]

    def cancelled_slot(self) -> list[Road]:
        """One cancels what the others want."""
        first = self.book(self.clients[0])
        cancelling: Road = lambda: cancel_appointment(by=self.dana, now=NOW, appointment=first)  # noqa: E731
        return [cancelling, *(lambda c=client: self.book(c) for client in self.clients[1:])]

    def hold_that_ran_out(self) -> list[Road]:
        """One confirms what was held for her until an hour ago, the others want it."""
        held = hold_appointment(
            by=self.dana, now=NOW, client=self.clients[0], service=self.service, therapist=self.bea,
            location=self.location, starts_at=TEN, until=NOW + HOUR,
        )  # fmt: skip
        late = NOW + 2 * HOUR
        confirming: Road = lambda: confirm_hold(by=self.dana, now=late, appointment=held)  # noqa: E731
        return [confirming, *(lambda c=client: self.book(c, now=late) for client in self.clients[1:])]

    def _therapists(self, count: int, **facts: object) -> list[Therapist]:
        therapists: list[Therapist] = TherapistFactory.create_batch(count, **facts)
        for therapist in therapists:
            works_all_week(therapist, self.location)
        return therapists


@pytest.fixture
def races(bea: Therapist, dana: User, clients: list[Client], location: Location, service: Service, book: Book) -> Races:
    return Races(bea, dana, clients, location, service, book)


def test_sixteen_want_one_slot_and_one_gets_it(races: Races) -> None:
    assert race(races.one_slot()) == {"won": 1, "taken": AT_ONCE - 1}
    assert Appointment.objects.count() == 1


def test_overlapping_wishes_never_both_win(races: Races) -> None:
    ended = race(races.overlapping_wishes())
    assert set(ended) == {"won", "taken"}
    assert ended["won"] == Appointment.objects.count()
    assert nobody_shares()


def test_sixteen_therapists_and_two_rooms_hold_two_visits(races: Races) -> None:
    assert race(races.two_rooms()) == {"won": 2, "taken": AT_ONCE - 2}
    assert nobody_shares()


def test_one_client_is_booked_with_one_of_sixteen_therapists(races: Races) -> None:
    assert race(races.one_client()) == {"won": 1, "taken": AT_ONCE - 1}


def test_a_form_sent_sixteen_times_books_once(clients: list[Client], book: Book) -> None:
    key = uuid4()
    assert race([lambda: book(clients[0], idempotency_key=key)] * AT_ONCE) == {"won": AT_ONCE}
    assert Appointment.objects.count() == 1


def test_moves_and_bookings_meet_on_one_slot(races: Races) -> None:
    """Locks in one order, no deadlock."""
    assert race(races.moves_and_bookings()) == {"won": 2, "taken": AT_ONCE - 2}
    assert nobody_shares()


def test_a_series_against_single_bookings_is_booked_whole_or_not_at_all(races: Races) -> None:
    assert set(race(races.series_and_single_visits())) == {"won", "taken"}
    assert Appointment.objects.filter(series__isnull=False).count() in {0, 8}
    assert Appointment.objects.count() == 8  # each date has exactly one winner
    assert nobody_shares()


def test_a_cancelled_slot_is_booked_again_once(races: Races) -> None:
    ended = race(races.cancelled_slot())
    assert ended["won"] in {1, 2}  # the cancellation, and at most one who came after it
    assert ended["won"] + ended["taken"] == AT_ONCE
    assert nobody_shares()


def test_a_hold_that_ran_out_goes_to_one_of_sixteen(races: Races) -> None:
    assert race(races.hold_that_ran_out()) == {"won": 1, "taken": AT_ONCE - 1}
    assert nobody_shares()


# --- What the lock and the constraint are for

NAMES = [
    "one_slot", "overlapping_wishes", "two_rooms", "one_client", "moves_and_bookings", "series_and_single_visits",
    "cancelled_slot", "hold_that_ran_out",
]  # fmt: skip


def looks_late(*_taken: object, **_facts: object) -> None:
    """Stand in for what clears stale holds away; who books looks only after whoever cancels has done so."""
    sleep(0.5)


@pytest.mark.parametrize("name", NAMES)
def test_without_locks_and_constraints_the_same_race_ends_with_two_in_one_place(
    races: Races, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads = getattr(races, name)()
    stand_in(monkeypatch, "lock_places", no_lock)
    stand_in(monkeypatch, "lock_client", lambda client_pk: Client.objects.get(pk=client_pk))
    stand_in(monkeypatch, "expire_holds", looks_late)
    stand_in(monkeypatch, "review_needed", slowly)
    with without_constraints(Appointment):
        race(roads)
        assert not nobody_shares()


@pytest.mark.parametrize("name", NAMES)
def test_with_the_locks_alone_nobody_shares(races: Races, name: str) -> None:
    roads = getattr(races, name)()
    with without_constraints(Appointment):
        assert set(race(roads)) <= {"won", "taken"}
        assert nobody_shares()


def test_with_the_constraint_alone_nobody_shares_either(races: Races, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last witness alone is safe: whatever else happens (it deadlocks now and then), no two visits share."""
    stand_in(monkeypatch, "lock_places", no_lock)
    ended = race(races.one_slot())
    assert ended["won"] <= 1
    assert ended["won"] == Appointment.objects.count()
    assert nobody_shares()
