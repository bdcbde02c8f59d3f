"""Merging two records while others merge them too, or book for the one that goes. Real transactions, in threads.

The last test takes the clients' lock away and shows the visit that would be left behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier, Event

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, transaction

from clinic.people.merging import MergeStep, Moved, Pair, merge_steps
from clinic.people.models import Client, Location, Merge, Service, Therapist, User
from clinic.people.services import lock_client, merging
from clinic.people.services.merging import merge_clients
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import add_weekly_hours, book_appointment
from tests.factories import BEFORE, ClientFactory, ServiceFactory
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
AT_ONCE = 8
# So long the merge stands still before it ends, unless the other one is through before.
STANDS_STILL = 1.0
Road = Callable[[], object]


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(minutes=60, buffer_after=0)


@pytest.fixture
def ali(alice: Client) -> Client:
    return ClientFactory(legal_name="Ali Marques")


@pytest.fixture
def merge(dana: User, alice: Client, ali: Client) -> Road:
    return lambda: merge_clients(by=dana, now=NOW, kept=alice, gone=ali)


@pytest.fixture
def book(ali: Client, dana: User, bea: Therapist, location: Location, service: Service) -> Road:
    """Book for the record that goes, as somebody does who has it open."""
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(8),
            closes=time(20),
            valid_from=date(2026, 1, 1),
        )
    return lambda: book_appointment(
        by=dana, now=NOW, client=ali, service=service, therapist=bea, location=location, starts_at=TEN
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


def test_of_many_who_merge_the_same_two_one_does_whichever_they_keep(dana: User, alice: Client, ali: Client) -> None:
    together = Barrier(AT_ONCE)

    def merge_them(number: int) -> str:
        kept, gone = (alice, ali) if number % 2 else (ali, alice)
        together.wait(timeout=10)
        return outcome(lambda: merge_clients(by=dana, now=NOW, kept=kept, gone=gone))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = Counter(pool.map(merge_them, range(AT_ONCE)))
    assert ended["done"] == 1
    assert all("merged into another one already" in words for words in ended if words != "done")
    assert Merge.objects.count() == 1


def test_a_merge_waits_only_a_little_for_whoever_works_with_a_record(
    merge: Road, ali: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "LOCK_TIMEOUT", timedelta(seconds=1))
    is_held, is_over = Event(), Event()

    def work_with_the_record() -> None:
        with transaction.atomic():
            lock_client(ali.pk)
            is_held.set()
            is_over.wait(10)
        connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(work_with_the_record)
        is_held.wait(10)
        merged = pool.submit(outcome, merge)
        try:
            words = merged.result(8)
        finally:
            is_over.set()
        working.result()
    assert words == "Somebody is working with one of these records right now. Please try again."
    assert not Merge.objects.exists()


def book_during(merge: Road, book: Road, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Let the booking begin when the merge has moved everything and not ended; return how both ended."""
    has_moved, is_booked = Event(), Event()

    def stand_still(_pair: Pair) -> Moved:
        has_moved.set()
        is_booked.wait(STANDS_STILL)
        return {}

    steps = dict(merge_steps.items()) | {"still": MergeStep(move=stand_still)}
    monkeypatch.setattr(merge_steps, "_entries", steps)

    def book_then() -> str:
        has_moved.wait(10)
        ended = outcome(book)
        is_booked.set()
        return ended

    with ThreadPoolExecutor(2) as pool:
        merged, booked = pool.submit(outcome, merge), pool.submit(book_then)
        return merged.result(), booked.result()


def test_a_booking_for_the_record_that_goes_waits_and_is_refused(
    merge: Road, book: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert book_during(merge, book, monkeypatch) == ("done", "Ali Marques is archived.")
    assert not Appointment.objects.exists()


def test_a_merge_waits_for_a_booking_and_takes_the_visit_along(
    merge: Road, book: Road, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_locked, is_merged = Event(), Event()
    lock = lock_client

    def lock_and_stand_still(client_pk: int) -> Client:
        client = lock(client_pk)
        if not has_locked.is_set():
            has_locked.set()
            is_merged.wait(STANDS_STILL)
        return client

    stand_in(monkeypatch, "lock_client", lock_and_stand_still)

    def merge_then() -> str:
        has_locked.wait(10)
        ended = outcome(merge)
        is_merged.set()
        return ended

    with ThreadPoolExecutor(2) as pool:
        booked, merged = pool.submit(outcome, book), pool.submit(merge_then)
        assert (booked.result(), merged.result()) == ("done", "done")
    assert Appointment.objects.get().client == alice


def test_without_the_clients_lock_a_visit_is_left_behind(
    merge: Road, book: Road, ali: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "lock_client", lambda client_pk: Client.objects.get(pk=client_pk))
    assert book_during(merge, book, monkeypatch) == ("done", "done")
    assert Appointment.objects.get().client == ali
