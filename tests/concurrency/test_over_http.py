"""The same races through the pages, B1 to B4 and B6 of the reliability table, at a size that fits into the suite.

One winner, a 409 for everybody else, and never a fault; a form that is sent many times counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from random import Random
from threading import Barrier
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Clinic, Location, Role, Service, Therapist, User
from clinic.public import booking
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, Series, Status
from clinic.scheduling.services import locks, request_appointment
from tests.concurrency.racing import AT_ONCE, NOW, TEN, no_lock, nobody_shares, slowly, without_constraints
from tests.factories import ClientFactory, UserFactory, give_login
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.usefixtures("now")]

FOUND, OK, CONFLICT = HTTPStatus.FOUND, HTTPStatus.OK, HTTPStatus.CONFLICT
TWENTY = 20
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
NEW, SERIES = reverse("scheduling:appointment-new"), reverse("scheduling:series-new")
Send = Callable[[], HttpResponse]
Form = dict[str, Any]
Book = Callable[..., Appointment]


def signed_in(user: User) -> Browser:
    """Return a window that shows a fault as the page it is, and does not raise it."""
    window = Browser(raise_request_exception=False)
    window.force_login(user)
    return window


def at_once(sends: Sequence[Send]) -> list[int]:
    """Send all at the same moment, each over a connection of its own; return the statuses."""
    start = Barrier(len(sends))

    def run(send: Send) -> int:
        start.wait(timeout=20)
        try:
            return send().status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(sends)) as pool:
        return list(pool.map(run, sends))


@pytest.fixture
def form(bea: Therapist, location: Location, service: Service) -> Callable[..., Form]:
    """Return a function that fills in what the booking page sends."""

    def fill(client: Client, starts_at: datetime = TEN, **more: object) -> Form:
        return {
            "client": client.pk, "service": service.pk, "therapist": bea.pk, "location": location.pk,
            "on": f"{starts_at:%Y-%m-%d}", "slot": choice_value(starts_at, bea, location), "key": str(uuid4()),
        } | more  # fmt: skip

    return fill


@pytest.fixture
def wanted(clients: list[Client], form: Callable[..., Form], dana: User) -> Callable[[int], list[Send]]:
    """Return a function that prepares many bookings of one day, of which any two overlap and few are the same."""

    def prepare(day: int) -> list[Send]:
        starts = [TEN + timedelta(days=day) + QUARTER * (number % 4) for number in range(AT_ONCE)]
        forms = [form(client, start) for client, start in zip(clients, starts, strict=True)]
        return [partial(signed_in(dana).post, NEW, sent) for sent in forms]

    return prepare


# --- B1: a slot


def test_of_sixteen_overlapping_bookings_one_is_made_and_the_others_read_what_is_free(
    wanted: Callable[[int], list[Send]],
) -> None:
    for day in range(3):
        assert Counter(at_once(wanted(day))) == {FOUND: 1, CONFLICT: AT_ONCE - 1}
    assert Appointment.objects.count() == 3
    assert nobody_shares()


def test_without_locks_and_constraints_many_of_them_are_made(
    wanted: Callable[[int], list[Send]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "lock_places", no_lock)
    stand_in(monkeypatch, "review_needed", slowly)
    with without_constraints(Appointment):
        assert Counter(at_once(wanted(0)))[FOUND] > 1
        assert not nobody_shares()


# --- B2: series


def test_of_sixteen_series_of_ten_weeks_one_is_booked_whole_and_of_the_others_nothing(
    clients: list[Client], bea: Therapist, location: Location, service: Service, dana: User
) -> None:
    sends: list[Send] = []
    for number, client in enumerate(clients):
        # Each begins in another week, and names its dates in another order: all of them want the last ones.
        first = TEN + timedelta(weeks=number % 8)
        starts = [first + timedelta(weeks=week) for week in range(10)]
        rule = {
            "client": client.pk, "service": service.pk, "therapist": bea.pk, "location": location.pk,
            "first_on": f"{first:%Y-%m-%d}", "at_time": "10:00", "every_weeks": 1, "ends": "count", "count": 10,
        }  # fmt: skip
        sent = {
            "visit": [choice_value(start, bea, location) for start in sorted(starts, reverse=bool(number % 2))],
            "key": str(uuid4()),
        }
        sends.append(partial(signed_in(dana).post, f"{SERIES}?{urlencode(rule)}", sent))
    assert Counter(at_once(sends)) == {FOUND: 1, CONFLICT: AT_ONCE - 1}
    assert [series.appointments.count() for series in Series.objects.all()] == [10]
    assert Appointment.objects.count() == 10


# --- B3: the same form


def test_a_form_that_is_sent_twenty_times_books_once_and_every_answer_is_the_same(
    clients: list[Client], form: Callable[..., Form], dana: User
) -> None:
    sent = form(clients[0])
    sends = [partial(signed_in(dana).post, NEW, sent) for _number in range(TWENTY)]
    assert Counter(at_once(sends)) == {FOUND: TWENTY}
    (visit,) = Appointment.objects.all()
    assert visit.status_changes.count() == 1


def test_the_key_of_a_form_is_of_no_use_for_other_wishes_or_to_somebody_else(
    clients: list[Client], form: Callable[..., Form], dana: User, location: Location
) -> None:
    key = str(uuid4())
    other = signed_in(UserFactory(name="Ines Rocha", roles=[Role.FRONT_DESK]))
    mine, changed = form(clients[0], key=key), form(clients[1], TEN + 2 * HOUR, key=key)
    sends: list[Send] = [partial(signed_in(dana).post, NEW, sent) for sent in (mine, changed) for _number in range(8)]
    sends.append(partial(other.post, NEW, mine))
    assert set(at_once(sends)) <= {FOUND, OK, CONFLICT}
    (visit,) = Appointment.objects.all()
    assert visit.status_changes.count() == 1
    # Whichever was first stands; what differs from it is refused in words, and nothing typed is lost.
    sent, refused = (mine, changed) if visit.client == clients[0] else (changed, mine)
    whose, stranger = (signed_in(visit.booked_by), other if visit.booked_by == dana else signed_in(dana))
    assert whose.post(NEW, sent).status_code == FOUND
    for answer in (whose.post(NEW, refused), stranger.post(NEW, sent)):
        assert answer.status_code in {OK, CONFLICT}
        assert "This form was sent before, with other wishes." in answer.content.decode()
    assert Appointment.objects.count() == 1


# --- B4: requests accepted, a visit moved and one dragged


@pytest.fixture
def reaching(
    clients: list[Client],
    book: Book,
    bea: Therapist,
    dana: User,
    location: Location,
    service: Service,
) -> list[Send]:
    """Twelve overlapping requests that are accepted, and two visits that are put to the same time."""
    asked = [
        request_appointment(
            by=dana, now=NOW, client=client, service=service, therapist=bea, location=location,
            starts_at=TEN + QUARTER * (number % 4),
        )
        for number, client in enumerate(clients[:12])
    ]  # fmt: skip
    moved, dragged = book(clients[12], TEN + 3 * HOUR), book(clients[13], TEN + 5 * HOUR)
    move = {
        "location": location.pk, "therapist": bea.pk, "on": f"{TEN:%Y-%m-%d}", "key": str(uuid4()),
        "slot": choice_value(TEN + QUARTER, bea, location), "seen": choice_value(moved.starts_at, bea, location),
    }  # fmt: skip
    drop = {"at": f"{TEN:%Y-%m-%dT%H:%M}", "location": location.pk}
    forms = [("scheduling:appointment-status", visit, {"to": Status.BOOKED}) for visit in asked]
    forms += [("scheduling:appointment-move", moved, move), ("desk:visit-place", dragged, drop)]
    return [partial(signed_in(dana).post, reverse(name, args=[visit.pk]), sent) for name, visit, sent in forms]


def near_ten() -> int:
    return Appointment.objects.filter(status=Status.BOOKED, starts_at__lt=TEN + 2 * HOUR).count()


def test_of_requests_accepted_a_move_and_a_drag_one_has_the_time(reaching: list[Send]) -> None:
    assert max(at_once(reaching)) < HTTPStatus.INTERNAL_SERVER_ERROR
    assert near_ten() == 1
    assert nobody_shares()


def test_without_locks_and_constraints_many_of_them_have_it(
    reaching: list[Send], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "lock_places", no_lock)
    stand_in(monkeypatch, "review_needed", slowly)
    with without_constraints(Appointment):
        at_once(reaching)
        assert near_ten() > 1
        assert not nobody_shares()


# --- B6: what the database calls off


class Unsteady:
    """Let the database itself call off almost every third statement that locks or writes visits."""

    STATES = ("40001", "40P01", "55P03")  # a serialization failure, a deadlock, a lock that is not to be had

    def __init__(self, seed: int) -> None:
        self.random, self.count = Random(seed), 0  # noqa: S311 -- no secret

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        words = str(sql).strip()
        takes = "scheduling_" in words and words.startswith(("INSERT", "UPDATE", "DELETE"))
        if (takes or "FOR NO KEY UPDATE" in words) and self.random.random() < 0.3:
            self.count += 1
            state = self.random.choice(self.STATES)
            execute(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$", None, many, context)
        return execute(sql, params, many, context)


def insists(send: Send, unsteady: Unsteady) -> Counter[int]:
    """Send a form until it is taken, as somebody does who reads “please try again”; count the answers."""
    answers = Counter[int]()
    with connection.execute_wrapper(unsteady):
        while not answers[FOUND] and answers.total() < 60:
            answers[send().status_code] += 1
    return answers


@pytest.fixture
def ways(
    clients: list[Client], book: Book, form: Callable[..., Form], dana: User, bea: Therapist, location: Location,
    service: Service, clinic: Clinic,
) -> dict[str, Send]:  # fmt: skip
    """Each form that takes or frees time, ready to be sent."""
    clinic.online_booking = Clinic.OnlineBooking.AT_ONCE
    clinic.save()
    visit, gone = book(clients[0], TEN + 2 * HOUR), book(clients[1], TEN + 4 * HOUR)
    booked = form(clients[2])
    desk, her = signed_in(dana), ClientFactory(email="nina@example.org", primary_therapist=bea)
    nina = signed_in(give_login(her))
    move = form(clients[0], TEN + 6 * HOUR) | {"seen": choice_value(visit.starts_at, bea, location)}
    starts = [TEN + timedelta(weeks=number, hours=8) for number in range(4)]
    rule = {
        "client": clients[3].pk, "service": service.pk, "therapist": bea.pk, "location": location.pk,
        "first_on": f"{TEN:%Y-%m-%d}", "at_time": "18:00", "every_weeks": 1, "ends": "count", "count": 4,
    }  # fmt: skip
    series = {"visit": [choice_value(start, bea, location) for start in starts], "key": str(uuid4())}
    online = {"location": location.pk, "at": choice_value(TEN + timedelta(days=3), bea, location)}
    cancel = {"because": "client", "why": ""}
    return {
        "book": partial(desk.post, NEW, booked),
        "move": partial(desk.post, reverse("scheduling:appointment-move", args=[visit.pk]), move),
        "cancel": partial(desk.post, reverse("scheduling:appointment-cancel", args=[gone.pk]), cancel),
        "series": partial(desk.post, f"{SERIES}?{urlencode(rule)}", series),
        "hold": partial(nina.post, reverse("booking:hold", args=[service.pk]), online),
    }


WAYS = ["book", "move", "cancel", "series", "hold"]
EFFECTS = {"book": 1, "move": 0, "cancel": 0, "series": 4, "hold": 1}


@pytest.mark.parametrize("name", WAYS)
def test_what_the_database_calls_off_is_no_fault_and_counts_once_when_it_is_sent_again(
    ways: dict[str, Send], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever insists so long is told to come back later; that is another matter.
    monkeypatch.setattr(booking, "MOST_HOLDS_AN_HOUR", 1000)
    monkeypatch.setattr(booking, "MOST_HOLDS_FROM_ONE", 1000)
    before, unsteady = Appointment.objects.count(), Unsteady(seed=WAYS.index(name))
    answers = Counter[int]()
    for _again in range(6):
        # Sent again after it was taken, it changes nothing.
        answers += insists(ways[name], unsteady)
    assert unsteady.count > 0
    assert max(answers) < HTTPStatus.INTERNAL_SERVER_ERROR, answers
    assert Appointment.objects.count() == before + EFFECTS[name]
    assert all(visit.status_changes.count() == 1 for visit in Appointment.objects.order_by("-pk")[: EFFECTS[name]])
    assert nobody_shares()


def test_where_it_is_not_put_into_words_it_would_be_a_fault(
    ways: dict[str, Send], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""

    monkeypatch.setattr(locks, "CALLED_OFF", ())
    assert max(insists(ways["book"], Unsteady(seed=0))) == HTTPStatus.INTERNAL_SERVER_ERROR
