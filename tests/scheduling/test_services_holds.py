"""Holding a time for a while, asking for one, and what becomes of both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import (
    SlotTaken,
    accept_request,
    cancel_appointment,
    confirm_hold,
    hold_appointment,
    request_appointment,
)
from tests.factories import ClientFactory, RoomFactory, TherapistFactory
from tests.scheduling.conftest import Book, at

Ask = Callable[..., Appointment]


@pytest.fixture
def wishes(dana: User, alice: Client, bea: Therapist, location: Location, service: Service, hours: None) -> dict:
    return {"client": alice, "service": service, "therapist": bea, "location": location, "by": dana}


@pytest.fixture
def hold(wishes: dict, now: datetime) -> Ask:
    def do(starts_at: datetime, **others: object) -> Appointment:
        return hold_appointment(
            **{"starts_at": starts_at, "until": now + timedelta(minutes=10), "now": now, **wishes} | others
        )

    return do


@pytest.fixture
def ask(wishes: dict, now: datetime) -> Ask:
    def do(starts_at: datetime, **others: object) -> Appointment:
        return request_appointment(**{"starts_at": starts_at, "now": now, **wishes} | others)

    return do


# --- Holds


def test_a_hold_takes_the_time_until_it_runs_out(hold: Ask, book: Book, now: datetime) -> None:
    held = hold(at(10))
    assert (held.status, held.held_until) == (Status.HELD, now + timedelta(minutes=10))
    with pytest.raises(SlotTaken):
        book(at(10), client=ClientFactory())
    later = now + timedelta(minutes=10)
    assert book(at(10), client=ClientFactory(), now=later).status == Status.BOOKED


def test_a_hold_of_what_is_past_is_none(hold: Ask, now: datetime) -> None:
    with pytest.raises(ValidationError, match="until a moment to come"):
        hold(at(10), until=now)


def test_a_hold_asks_the_gates(hold: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.scheduling.gates import gates

    monkeypatch.setitem(gates._entries, "always", lambda visits: [True] * len(visits))
    assert hold(at(10)).review_needed


def test_the_same_hold_sent_twice_holds_once(hold: Ask) -> None:
    key = uuid4()
    assert hold(at(10), idempotency_key=key) == hold(at(10), idempotency_key=key)
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("to", [Status.BOOKED, Status.REQUESTED])
def test_a_hold_is_confirmed_once(hold: Ask, dana: User, now: datetime, to: Status) -> None:
    held = hold(at(10))
    for _time in range(2):
        assert confirm_hold(by=dana, now=now, appointment=held, to=to).status == to
    held.refresh_from_db()
    assert held.held_until is None
    assert [step.after for step in held.status_changes.all()] == [Status.HELD, to]


def test_a_hold_that_ran_out_is_confirmed_while_nobody_else_has_the_time(
    hold: Ask, book: Book, dana: User, now: datetime
) -> None:
    held, later = hold(at(10)), now + timedelta(hours=1)
    book(at(14), client=ClientFactory(), now=later)  # clears holds that ran out
    held.refresh_from_db()
    assert held.status == Status.CANCELLED
    assert confirm_hold(by=dana, now=later, appointment=held).status == Status.BOOKED


def test_a_hold_that_ran_out_is_refused_once_somebody_else_has_the_time(
    hold: Ask, book: Book, dana: User, now: datetime
) -> None:
    held, later = hold(at(10)), now + timedelta(hours=1)
    book(at(10), client=ClientFactory(), now=later)
    with pytest.raises(SlotTaken, match="Bea has another visit until 11:15"):
        confirm_hold(by=dana, now=later, appointment=held)


def test_a_hold_is_not_confirmed_once_its_time_has_passed(hold: Ask, dana: User) -> None:
    held = hold(at(10))
    with pytest.raises(SlotTaken, match="has passed"):
        confirm_hold(by=dana, now=at(10, 1), appointment=held)
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_a_hold_that_was_given_up_stays_so(hold: Ask, dana: User, now: datetime) -> None:
    held = cancel_appointment(by=dana, now=now, appointment=hold(at(10)))
    with pytest.raises(SlotTaken, match="no longer held"):
        confirm_hold(by=dana, now=now, appointment=held)


def test_what_was_held_for_her_elsewhere_gives_way_once_it_ran_out(
    hold: Ask, book: Book, location: Location, now: datetime
) -> None:
    ruth = TherapistFactory(user__name="Ruth Adeyemi", usual_room=RoomFactory(location=location, name="Garden room"))
    held, later = hold(at(10)), now + timedelta(hours=1)
    assert book(at(10), therapist=ruth, override_reason="as a guest", now=later).status == Status.BOOKED
    held.refresh_from_db()
    assert held.status == Status.CANCELLED


# --- Requests


def test_requests_compete_and_the_first_that_is_accepted_has_the_time(ask: Ask, dana: User, now: datetime) -> None:
    first, second = ask(at(10)), ask(at(10), client=ClientFactory())
    assert {first.status, second.status} == {Status.REQUESTED}
    assert accept_request(by=dana, now=now, appointment=second).status == Status.BOOKED
    with pytest.raises(SlotTaken, match="another visit until 11:15"):
        accept_request(by=dana, now=now, appointment=first)


def test_nothing_is_requested_that_is_taken(ask: Ask, book: Book) -> None:
    book(at(10), client=ClientFactory())
    with pytest.raises(SlotTaken):
        ask(at(10))


def test_a_request_accepted_twice_is_booked_once(ask: Ask, dana: User, now: datetime) -> None:
    asked = ask(at(10))
    for _time in range(2):
        assert accept_request(by=dana, now=now, appointment=asked).status == Status.BOOKED
    assert asked.status_changes.count() == 2


def test_a_request_is_not_accepted_once_its_time_has_passed(ask: Ask, dana: User) -> None:
    with pytest.raises(SlotTaken, match="has passed"):
        accept_request(by=dana, now=at(10, 5), appointment=ask(at(10)))


def test_a_request_that_was_cancelled_is_not_accepted(ask: Ask, dana: User, now: datetime) -> None:
    asked = cancel_appointment(by=dana, now=now, appointment=ask(at(10)))
    with pytest.raises(SlotTaken, match="is cancelled"):
        accept_request(by=dana, now=now, appointment=asked)


def test_a_request_gets_another_room_where_its_own_is_taken_by_now(
    ask: Ask, book: Book, dana: User, now: datetime, room: Room
) -> None:
    garden = RoomFactory(location=room.location, name="Garden room")
    asked = ask(at(10))
    other = TherapistFactory(user__name="Ruth Adeyemi")
    book(at(10), client=ClientFactory(), therapist=other, room=room, override_reason="as a guest")
    assert accept_request(by=dana, now=now, appointment=asked).room == garden
