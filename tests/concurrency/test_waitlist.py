"""The waitlist with real transactions: rounds at once, and answers at the moment at which a hold runs out.

Whatever meets, a time goes to one client, and she who is told "booked" is booked. The last test takes the lock away and
shows the race that it holds off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier, Event, current_thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import QuerySet

from clinic.people.models import Location, Service, Therapist, User
from clinic.scheduling import waitlist
from clinic.scheduling.models import TAKING, Appointment, Offer, Status, Wish
from clinic.scheduling.services import add_weekly_hours, book_appointment
from clinic.scheduling.waitlist import Wished, accept_offer, add_wish, decline_offer, offer_times, remove_wish
from tests.factories import BEFORE, ClientFactory, ServiceFactory

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

AT_ONCE = 8
NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
MONDAY_AT_TEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOLD = timedelta(hours=2)
Road = Callable[[], Any]


def at_once(roads: list[Road]) -> list[str]:
    """Let all roads start at the same moment, each in a connection of its own; return how each ended."""
    start = Barrier(len(roads))

    def run(road: Road) -> str:
        try:
            start.wait(timeout=20)
            road()
        except ValidationError:
            return "refused"
        except Exception as fault:  # noqa: BLE001 -- any other end is what the test looks for
            return type(fault.__cause__ or fault).__name__
        else:
            return "done"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(roads)) as pool:
        return list(pool.map(run, roads))


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(minutes=60, buffer_before=0, buffer_after=0)


@pytest.fixture
def two_hours(bea: Therapist, location: Location) -> None:
    """Bea has two hours free, on Monday and on Tuesday at ten."""
    for weekday in (0, 1):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(10),
            closes=time(11),
            valid_from=date(2026, 11, 20),
            valid_until=date(2026, 11, 26),
        )


def wait(service: Service, count: int) -> list[Wish]:
    return [
        add_wish(by=None, now=NOW - timedelta(hours=9 - n), client=ClientFactory(), wished=Wished([service]))
        for n in range(count)
    ]


def nobody_shares() -> bool:
    """Check in Python, apart from the constraint, that no two visits share the time."""
    taken = Appointment.objects.filter(status__in=TAKING).values_list("starts_at", flat=True)
    return len(set(taken)) == len(taken)


def told_and_true(offer: Offer) -> tuple[str, str]:
    """Return what was told of an offer, and how the visit really is."""
    offer.refresh_from_db()
    return offer.answer, Appointment.objects.get(pk=offer.appointment_id).status


def test_rounds_at_once_offer_two_freed_times_to_two_who_wait(two_hours: None, service: Service) -> None:
    first, second, *_others = wait(service, 4)
    ended = at_once([lambda: offer_times(now=NOW)] * AT_ONCE)
    assert Counter(ended) == {"done": AT_ONCE}
    assert set(Offer.objects.values_list("wish", flat=True)) == {first.pk, second.pk}
    assert Appointment.objects.filter(status=Status.HELD).count() == 2
    assert nobody_shares()


def test_rounds_at_once_offer_one_who_waits_one_of_two_times(two_hours: None, service: Service) -> None:
    wait(service, 1)
    assert Counter(at_once([lambda: offer_times(now=NOW)] * AT_ONCE)) == {"done": AT_ONCE}
    assert Offer.objects.count() == 1
    assert Appointment.objects.filter(status=Status.HELD).count() == 1


def test_a_round_and_bookings_at_the_desk_meet_on_the_same_times(
    two_hours: None, service: Service, bea: Therapist, location: Location, dana: User
) -> None:
    wait(service, 4)

    def book() -> Appointment:
        return book_appointment(
            by=dana,
            now=NOW,
            client=ClientFactory(),
            service=service,
            therapist=bea,
            location=location,
            starts_at=MONDAY_AT_TEN,
        )

    ended = at_once([lambda: offer_times(now=NOW), book] * (AT_ONCE // 2))
    assert set(ended) <= {"done", "refused"}
    assert Appointment.objects.filter(status__in=TAKING).count() == 2
    assert nobody_shares()


@pytest.mark.parametrize("attempt", range(4))
def test_a_yes_at_the_moment_at_which_the_hold_runs_out_has_one_outcome(
    two_hours: None, service: Service, attempt: int
) -> None:
    """Both clients wait for Monday; the first says yes just as three rounds find that her hold is over."""
    _first, second = wait(service, 2)
    Wish.objects.update(last_on=date(2026, 11, 23))
    offer_times(now=NOW)
    offer = Offer.objects.with_all().get()
    over = NOW + HOLD
    roads: list[Road] = [lambda: offer_times(now=over)] * 3
    roads.insert(attempt % 4, lambda: accept_offer(by=None, now=over - timedelta(milliseconds=1), offer=offer))
    ended = at_once(roads)
    said_yes = ended[attempt % 4]
    assert Counter(ended)["done"] >= 3
    if said_yes == "done":
        assert told_and_true(offer) == ("accepted", Status.BOOKED)
        assert Offer.objects.count() == 1
    else:
        assert said_yes == "refused"
        assert told_and_true(offer) == ("none", Status.CANCELLED)
        offer_times(now=over)
        assert list(Offer.objects.open().values_list("wish", flat=True)) == [second.pk]
    assert nobody_shares()


def test_many_answers_at_once_are_one(two_hours: None, service: Service) -> None:
    wait(service, 1)
    offer_times(now=NOW)
    offer = Offer.objects.with_all().get()
    accept = lambda: accept_offer(by=None, now=NOW, offer=offer)  # noqa: E731 -- a road
    decline = lambda: decline_offer(by=None, now=NOW, offer=offer)  # noqa: E731
    ended = at_once([accept, decline] * (AT_ONCE // 2))
    assert set(ended) <= {"done", "refused"}
    yes, no = Counter(ended[::2]), Counter(ended[1::2])
    if told_and_true(offer) == ("accepted", Status.BOOKED):
        assert (yes["done"], no["done"]) == (AT_ONCE // 2, 0)
        assert Wish.objects.get().ending == "booked"
    else:
        assert told_and_true(offer) == ("declined", Status.CANCELLED)
        assert (yes["done"], no["done"]) == (0, AT_ONCE // 2)


def test_a_yes_and_the_desk_taking_her_off_have_one_outcome(two_hours: None, service: Service, dana: User) -> None:
    (wish,) = wait(service, 1)
    offer_times(now=NOW)
    offer = Offer.objects.with_all().get()
    yes, off = at_once(
        [
            lambda: accept_offer(by=None, now=NOW, offer=offer),
            lambda: remove_wish(by=dana, now=NOW, wish=wish),
        ]
    )
    wish.refresh_from_db()
    expected = {"done": ("accepted", Status.BOOKED), "refused": ("declined", Status.CANCELLED)}
    assert told_and_true(offer) == expected[yes]
    assert wish.ending == {"done": "booked", "refused": "removed"}[yes]
    assert off == {"done": "refused", "refused": "done"}[yes]


# --- And without the lock


def settle_while_she_says_yes(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> tuple[str, tuple[str, str]]:
    """Let a round find the hold over, and her say yes before that is written. Return what she was told, and what is."""
    found, answered = Event(), Event()
    write = waitlist.change_status

    def write_late(**facts: Any) -> Appointment:
        if current_thread().name.endswith("_0"):
            found.set()
            answered.wait(timeout=1)
        return write(**facts)

    monkeypatch.setattr(waitlist, "change_status", write_late)
    told: list[str] = []

    def say_yes() -> None:
        assert found.wait(timeout=10)
        try:
            accept_offer(by=None, now=NOW + HOLD - timedelta(milliseconds=1), offer=offer)
            told.append("booked")
        except ValidationError:
            told.append("too late")
        finally:
            answered.set()
            connections.close_all()

    def settle() -> None:
        try:
            waitlist.settle_offers(now=NOW + HOLD)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(settle), pool.submit(say_yes)]:
            done.result(timeout=30)
    return told[0], told_and_true(offer)


@pytest.fixture
def offer(two_hours: None, service: Service) -> Offer:
    wait(service, 1)
    offer_times(now=NOW)
    return Offer.objects.with_all().get()


def test_with_the_lock_she_is_told_what_is(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settle_while_she_says_yes(offer, monkeypatch) == ("too late", ("none", Status.CANCELLED))


def test_without_the_lock_she_is_told_booked_and_is_not(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda found, **_how: found)
    assert settle_while_she_says_yes(offer, monkeypatch) == ("booked", ("none", Status.CANCELLED))
