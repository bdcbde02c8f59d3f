"""A booking and an intake at the same moment: whichever is later sees the other. Real transactions, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from threading import Event
from time import sleep
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from clinic.people.models import Client, Clinic, Location, Service, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.gates import PlannedVisit, review_needed
from clinic.scheduling.matching import Match
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.online import HOLD, hold_online, move_online
from clinic.scheduling.services import (
    ChosenVisit,
    accept_request,
    add_weekly_hours,
    book_appointment,
    book_series,
    cancel_appointment,
    change_service,
    change_status,
    hold_appointment,
    move_appointment,
    request_appointment,
)
from clinic.scheduling.waitlist import Wished, add_wish, offer_time
from intake.services import LinkClosed, invite, open_invitation, submit
from tests.factories import BEFORE, ServiceFactory, modality
from tests.intake.answers import NAME, fill_in, reviewed_intake
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities, form and rules) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
# So long the booking stands still between its gates and its writing, unless the intake is through before.
STANDS_STILL = 1.0
Road = Callable[[], object]


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(minutes=60, buffer_before=0, buffer_after=15)


@pytest.fixture
def known(alice: Client, bea: Therapist, location: Location) -> Client:
    """Alice, whose answers a therapist has read; Bea works on every day."""
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
    reviewed_intake(alice, bea.user, now=NOW - timedelta(days=30))
    return alice


@pytest.fixture
def book(known: Client, dana: User, bea: Therapist, location: Location, service: Service) -> Callable[[], Appointment]:
    return lambda: book_appointment(
        by=dana, now=NOW, client=known, service=service, therapist=bea, location=location, starts_at=TEN
    )


@pytest.fixture
def her_ways(
    known: Client, dana: User, bea: Therapist, location: Location, service: Service, book: Callable[[], Appointment],
    open_clinic: Clinic,
) -> dict[str, Callable[[], Road]]:  # fmt: skip
    """Those on which no desk stands between."""

    def hold() -> Road:
        place = {"client": known, "service": service, "therapist": bea, "location": location}
        return lambda: hold_appointment(by=dana, now=NOW, starts_at=TEN, until=NOW + HOLD, **place)

    def request() -> Road:
        place = {"client": known, "service": service, "therapist": bea, "location": location}
        return lambda: request_appointment(by=None, now=NOW, starts_at=TEN, **place)

    def online() -> Road:
        return lambda: hold_online(
            by=dana, now=NOW, client=known, service=service, therapist=bea, location=location, starts_at=TEN
        )

    def online_move() -> Road:
        visit, seen = book(), ChosenVisit(TEN, bea)
        return lambda: move_online(
            by=None, now=NOW, appointment=visit, starts_at=TEN + timedelta(hours=2), therapist=bea, seen=seen
        )

    def waitlist() -> Road:
        wished = add_wish(by=None, now=NOW, client=known, wished=Wished([service]))
        match = Match(service, bea, location, TEN)
        return lambda: offer_time(by=None, now=NOW, wish=wished, match=match)

    return {"hold": hold, "request": request, "online": online, "online move": online_move, "waitlist": waitlist}


@pytest.fixture
def ways(
    known: Client,
    dana: User,
    bea: Therapist,
    location: Location,
    service: Service,
    book: Callable[[], Appointment],
    her_ways: dict[str, Callable[[], Road]],
) -> dict[str, Callable[[], Road]]:
    """The roads that ask the gates, each after what has to be there before."""

    def series() -> Road:
        return lambda: book_series(
            by=dana,
            now=NOW,
            client=known,
            service=service,
            therapist=bea,
            location=location,
            first_on=TEN.date(),
            at_time=time(10),
            every_weeks=1,
            count=1,
            chosen=[ChosenVisit(TEN, bea)],
            idempotency_key=uuid4(),
        )

    def move() -> Road:
        visit = book()
        at = TEN + timedelta(hours=2)
        return lambda: move_appointment(by=dana, now=NOW, appointment=visit, starts_at=at)

    def bring_back() -> Road:
        gone = cancel_appointment(by=dana, now=NOW, appointment=book())
        return lambda: change_status(by=dana, now=NOW, appointment=gone, to=Status.BOOKED)

    def accept() -> Road:
        asked = her_ways["request"]()()
        return lambda: accept_request(by=dana, now=NOW, appointment=asked)

    def other_service() -> Road:
        visit, other = book(), ServiceFactory(minutes=60, modality=modality("craniosacral"))
        return lambda: change_service(by=dana, now=NOW, appointment=visit, service=other)

    return her_ways | {
        "book": lambda: book,
        "series": series,
        "move": move,
        "bring back": bring_back,
        "accept": accept,
        "other service": other_service,
    }


def stored_answer(road: Road, client: Client, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Send an intake between the gates of `road` and its writing, and return what the visit says afterwards."""
    asked, sent = Event(), Event()
    draft = fill_in(client, now=NOW, rf_position="yes")

    def slow(visits: Sequence[PlannedVisit]) -> list[bool]:
        answers = review_needed(visits)
        if not asked.is_set():
            asked.set()
            sent.wait(STANDS_STILL)
        return answers

    def take() -> None:
        try:
            road()
        finally:
            connections.close_all()

    def send() -> None:
        try:
            assert asked.wait(10)
            submit(now=NOW, submission=draft, signed_name=NAME)
            sent.set()
        finally:
            connections.close_all()

    stand_in(monkeypatch, "review_needed", slow)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(take), pool.submit(send)]:
            done.result(20)
    return Appointment.objects.get().review_needed


WAYS = (
    "book", "series", "move", "bring back", "hold", "request", "accept", "other service", "online", "online move",
    "waitlist",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_an_intake_sent_during_a_booking_is_seen(
    ways: dict[str, Callable[[], Road]], way: str, known: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = ways[way]()
    assert stored_answer(road, known, monkeypatch)


def test_without_the_lock_the_intake_would_be_missed(
    book: Callable[[], Appointment], known: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "lock_client", lambda client_pk: Client.objects.get(pk=client_pk))
    assert not stored_answer(book, known, monkeypatch)


def until_so_many_wait(count: int) -> None:
    """Stand still until so many connections wait for a row."""
    for _try in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the picture stays otherwise
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= count:
                return
        sleep(0.05)
    raise AssertionError("nobody waits")


def test_a_form_that_is_sent_and_its_link_opened_at_once_both_come_through(known: Client, dana: User) -> None:
    """Both lock the client before anything else of hers, so that neither holds what the other wants."""
    invitation, _token = invite(by=dana, now=NOW, client=known)
    draft = fill_in(known, now=NOW)

    def send() -> None:
        submit(now=NOW, submission=draft, signed_name=NAME)

    def open_again() -> None:
        until_so_many_wait(1)
        with suppress(LinkClosed):  # which it is by then
            open_invitation(now=NOW, invitation=invitation, born_on=known.born_on)

    def run(road: Road) -> None:
        try:
            road()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            lock_client(known.pk)
            done = [pool.submit(run, road) for road in (send, open_again)]
            until_so_many_wait(2)
        for one in done:
            one.result(20)
    draft.refresh_from_db()
    assert draft.state == "submitted"
