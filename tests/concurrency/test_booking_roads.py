"""Every road that takes time, against another that wants the same: one has it, and nobody gets a fault.

In each meeting the one has checked all and not yet written when the other begins. Without the locks and without the
last witness, the same meetings end with two visits in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier, Event
from time import sleep
from uuid import uuid4

import pytest
from django.db import transaction

from clinic.people.models import Client, Location, Modality, Service, Therapist, User
from clinic.scheduling import absences
from clinic.scheduling.absences import Wanted, enter_absences
from clinic.scheduling.models import Appointment, Series, Status, TimeOff
from clinic.scheduling.services import (
    ChosenMove,
    ChosenVisit,
    Which,
    Wished,
    accept_request,
    book_series,
    cancel_appointment,
    change_length,
    change_series,
    change_status,
    confirm_hold,
    hold_appointment,
    move_appointment,
    request_appointment,
    undo,
    undoing,
)
from clinic.scheduling.slots import Span
from clinic.scheduling.working_week import set_hours
from tests.concurrency.racing import (
    AT_ONCE,
    NOW,
    STANDS_STILL,
    TEN,
    Road,
    meeting,
    no_lock,
    nobody_shares,
    outcome,
    race,
    slowly,
    without_constraints,
)
from tests.factories import ServiceFactory
from tests.scheduling.standing_in import stand_in

# The rows of the migrations (modalities) come back after each test, also when this file runs alone.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

HOUR = timedelta(hours=1)
Book = Callable[..., Appointment]
TWENTY = 20


@pytest.fixture
def wishes(dana: User, bea: Therapist, location: Location, service: Service) -> dict[str, object]:
    return {"by": dana, "now": NOW, "service": service, "therapist": bea, "location": location}


@pytest.fixture
def weekly(dana: User, bea: Therapist, location: Location, service: Service) -> Callable[..., Series]:
    """Return a function that books four Fridays for a client, the first at the given time."""

    def do(client: Client, starts_at=TEN, key=None) -> Series:
        return book_series(
            by=dana,
            now=NOW,
            client=client,
            service=service,
            therapist=bea,
            location=location,
            first_on=starts_at.date(),
            at_time=starts_at.time(),
            every_weeks=1,
            count=4,
            chosen=[ChosenVisit(starts_at + timedelta(weeks=number), bea) for number in range(4)],
            idempotency_key=key or uuid4(),
        )

    return do


@pytest.fixture
def change_to_ten(dana: User, bea: Therapist, location: Location, service: Service) -> Callable[..., object]:
    """Return a function that moves a series, booked elsewhere on Fridays, to ten."""

    def do(series: Series, key=None) -> object:
        visits = list(series.appointments.with_people().order_by("starts_at"))
        chosen = {
            visit.pk: ChosenMove(ChosenVisit(visit.starts_at, bea), ChosenVisit(TEN + timedelta(weeks=number), bea))
            for number, visit in enumerate(visits)
        }
        wished = Wished(TEN.weekday(), TEN.time(), service, bea, location)
        return change_series(
            by=dana, now=NOW, appointment=visits[0], which=Which.ALL, wished=wished, chosen=chosen, key=key or uuid4()
        )

    return do


@dataclass
class Roads:
    """Two roads to the same time, prepared under the name of what the first of them does."""

    alice: Client
    carol: Client
    dana: User
    wishes: dict[str, object]
    book: Book
    weekly: Callable[..., Series]
    change_to_ten: Callable[..., object]

    def single(self) -> Appointment:
        return self.book(self.carol)

    def rescheduled(self) -> tuple[Road, Road]:
        visit = self.book(self.alice, TEN + 5 * HOUR)
        return lambda: move_appointment(by=self.dana, now=NOW, appointment=visit, starts_at=TEN), self.single

    def partial(self) -> tuple[Road, Road]:
        return lambda: self.book(self.alice), lambda: self.book(self.carol, TEN + timedelta(minutes=45))

    def long_over_a_short_gap(self) -> tuple[Road, Road]:
        long, short = (ServiceFactory(minutes=minutes, buffer_after=0) for minutes in (180, 30))
        return lambda: self.book(self.alice, TEN - HOUR, service=long), lambda: self.book(
            self.carol, TEN + HOUR, service=short
        )

    def lengthened(self) -> tuple[Road, Road]:
        visit = self.book(self.alice, TEN - timedelta(minutes=75))
        return lambda: change_length(by=self.dana, now=NOW, appointment=visit, minutes=75), self.single

    def series(self) -> tuple[Road, Road]:
        return lambda: self.weekly(self.alice), lambda: self.book(self.carol, TEN + timedelta(weeks=2))

    def changed_series(self) -> tuple[Road, Road]:
        booked = self.weekly(self.alice, TEN + 5 * HOUR)
        return lambda: self.change_to_ten(booked), lambda: self.book(self.carol, TEN + timedelta(weeks=3))

    def requests(self) -> tuple[Road, Road]:
        first, second = (
            request_appointment(client=client, starts_at=TEN, **self.wishes) for client in (self.alice, self.carol)
        )
        return (
            lambda: accept_request(by=self.dana, now=NOW, appointment=first),
            lambda: accept_request(by=self.dana, now=NOW, appointment=second),
        )

    def stale_hold(self) -> tuple[Road, Road]:
        held = hold_appointment(client=self.alice, starts_at=TEN, until=NOW + HOUR, **self.wishes)
        late = NOW + 2 * HOUR
        return lambda: confirm_hold(by=self.dana, now=late, appointment=held), lambda: self.book(self.carol, now=late)

    def taken_back(self) -> tuple[Road, Road]:
        moved = move_appointment(by=self.dana, now=NOW, appointment=self.book(self.alice), starts_at=TEN + 5 * HOUR)
        return lambda: undo(by=self.dana, now=NOW, appointment=moved), self.single

    def brought_back(self) -> tuple[Road, Road]:
        gone = cancel_appointment(by=self.dana, now=NOW, appointment=self.book(self.alice))
        return lambda: change_status(by=self.dana, now=NOW, appointment=gone, to=Status.BOOKED), self.single


@pytest.fixture
def roads(
    clients: list[Client],
    book: Book,
    dana: User,
    wishes: dict[str, object],
    weekly: Callable[..., Series],
    change_to_ten: Callable[..., object],
) -> Callable[[str], tuple[Road, Road]]:
    """Return a function that prepares two roads of that name to the same time."""
    Modality.objects.update(shortest_minutes=30, longest_minutes=180)
    prepared = Roads(clients[0], clients[1], dana, wishes, book, weekly, change_to_ten)
    return lambda name: getattr(prepared, name)()


NAMES = [
    "rescheduled", "partial", "long_over_a_short_gap", "lengthened", "series", "changed_series", "requests",
    "stale_hold", "taken_back", "brought_back",
]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_of_two_roads_to_one_time_one_arrives(
    roads: Callable[[str], tuple[Road, Road]], name: str, turned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = roads(name)
    ended = meeting(second, first, monkeypatch) if turned else meeting(first, second, monkeypatch)
    assert ended == ("won", "taken")
    assert nobody_shares()


@pytest.mark.parametrize("name", NAMES)
def test_without_locks_and_last_witness_both_would(
    roads: Callable[[str], tuple[Road, Road]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = roads(name)
    stand_in(monkeypatch, "lock_places", no_lock)
    stand_in(monkeypatch, "expire_holds", no_lock)  # it locks the hold's row
    with without_constraints(Appointment):
        assert meeting(first, second, monkeypatch) == ("won", "won")
        assert not nobody_shares()


# --- Absences and hours


@pytest.fixture
def absent(bea: Therapist, dana: User) -> Road:
    """Enter an absence over ten, as somebody who saw no visit in it."""
    span = Span(TEN - HOUR, TEN + 2 * HOUR)
    return lambda: enter_absences(by=dana, now=NOW, wanted=[Wanted(span, "Course", therapist=bea)])


@pytest.fixture
def afternoons(bea: Therapist, dana: User) -> Road:
    """Let her work no more from tomorrow on, as somebody who saw no visit."""
    return lambda: set_hours(by=dana, now=NOW, therapist=bea, lines=[], first=TEN.date(), seen=[])


@pytest.mark.parametrize("way", ["absent", "afternoons"])
def test_whoever_ends_her_hours_during_a_booking_is_shown_the_visit(
    way: str, request: pytest.FixtureRequest, clients: list[Client], book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = request.getfixturevalue(way)
    assert meeting(lambda: book(clients[0]), road, monkeypatch) == ("won", "VisitsInTheWay")
    assert not TimeOff.objects.exists()


@pytest.mark.parametrize("way", ["absent", "afternoons"])
def test_without_the_lock_the_visit_would_lie_there_unseen(
    way: str, request: pytest.FixtureRequest, clients: list[Client], book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = request.getfixturevalue(way)
    stand_in(monkeypatch, "lock_places", no_lock)
    assert meeting(lambda: book(clients[0]), road, monkeypatch) == ("won", "won")


@pytest.mark.parametrize("way", ["absent", "afternoons"])
def test_a_booking_after_it_is_refused(
    way: str, request: pytest.FixtureRequest, clients: list[Client], book: Book
) -> None:
    assert outcome(request.getfixturevalue(way)) == "won"
    assert outcome(lambda: book(clients[0])) == "ValidationError"


def test_an_absence_that_is_sent_many_times_is_entered_once(clients: list[Client], absent: Road) -> None:
    assert race([absent] * AT_ONCE) == {"won": AT_ONCE}
    assert TimeOff.objects.count() == 1


def test_without_the_lock_it_would_be_entered_twice(
    clients: list[Client], absent: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_looked, enter = Barrier(2), absences.add_time_off

    def enter_together(**facts: object) -> TimeOff:
        have_looked.wait(20)
        return enter(**facts)

    monkeypatch.setattr(absences, "lock_absence", no_lock)
    monkeypatch.setattr(absences, "add_time_off", enter_together)
    assert race([absent] * 2) == {"won": 2}
    assert TimeOff.objects.count() == 2


# --- Taking back what somebody else has just gone on from


def arriving_while_taken_back(visit: Appointment, dana: User, olga: User) -> str:
    """Let Olga's step be written, and not yet seen, when Dana takes hers back. Return how Dana's ended."""
    is_written, nine = Event(), TEN - HOUR

    def arrive() -> None:
        with transaction.atomic():
            change_status(by=olga, now=nine, appointment=visit, to=Status.ARRIVED)
            is_written.set()
            sleep(STANDS_STILL)

    def take_back() -> None:
        assert is_written.wait(20)
        undo(by=dana, now=nine, appointment=visit)

    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(outcome, road) for road in (arrive, take_back)]
        return ended[1].result(30)


def test_nobody_takes_back_what_somebody_else_goes_on_from_at_this_moment(
    clients: list[Client], book: Book, dana: User, olga: User
) -> None:
    moved = move_appointment(by=dana, now=TEN - HOUR, appointment=book(clients[0]), starts_at=TEN + 5 * HOUR)
    assert arriving_while_taken_back(moved, dana, olga) == "taken"
    moved.refresh_from_db()
    assert (moved.status, moved.starts_at) == (Status.ARRIVED, TEN + 5 * HOUR)


def test_without_the_visits_lock_she_would_no_longer_have_arrived(
    clients: list[Client], book: Book, dana: User, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = move_appointment(by=dana, now=TEN - HOUR, appointment=book(clients[0]), starts_at=TEN + 5 * HOUR)
    monkeypatch.setattr(undoing, "_locked", lambda steps: [Appointment.objects.get(pk=moved.pk)])
    assert arriving_while_taken_back(moved, dana, olga) == "won"
    moved.refresh_from_db()
    assert (moved.status, moved.starts_at) == (Status.BOOKED, TEN)


# --- Sent many times, and all at once


@pytest.mark.parametrize("road", ["book", "hold", "request", "series", "change"])
def test_a_form_sent_twenty_times_is_taken_once(
    road: str,
    clients: list[Client],
    book: Book,
    wishes: dict[str, object],
    weekly: Callable[..., Series],
    change_to_ten: Callable[..., object],
) -> None:
    key, alice = uuid4(), clients[0]
    booked = weekly(alice, TEN + 5 * HOUR) if road == "change" else None
    ways: dict[str, Road] = {
        "book": lambda: book(alice, idempotency_key=key),
        "hold": lambda: hold_appointment(client=alice, starts_at=TEN, until=NOW + HOUR, idempotency_key=key, **wishes),
        "request": lambda: request_appointment(client=alice, starts_at=TEN, idempotency_key=key, **wishes),
        "series": lambda: weekly(alice, key=key),
    }
    if booked is not None:
        visits = list(booked.appointments.with_people().select_related("series").order_by("starts_at"))
        therapist = visits[0].therapist
        chosen = {
            one.pk: ChosenMove(ChosenVisit(one.starts_at, therapist), ChosenVisit(one.starts_at - 5 * HOUR, therapist))
            for one in visits
        }
        wished = Wished(TEN.weekday(), TEN.time(), visits[0].service, therapist, visits[0].location)
        ways["change"] = lambda: change_series(
            by=wishes["by"], now=NOW, appointment=visits[0], which=Which.ALL, wished=wished, chosen=chosen, key=key
        )
    assert race([ways[road]] * TWENTY) == {"won": TWENTY}
    count = {"series": 4, "change": 4}.get(road, 1)
    assert Appointment.objects.count() == count
    assert all(visit.status_changes.count() == (2 if road == "change" else 1) for visit in Appointment.objects.all())


def test_without_the_locks_the_second_of_two_equal_forms_is_refused(
    clients: list[Client], book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = uuid4()
    stand_in(monkeypatch, "lock_places", no_lock)
    stand_in(monkeypatch, "lock_client", lambda client_pk: Client.objects.get(pk=client_pk))
    twice: Road = lambda: book(clients[0], idempotency_key=key)  # noqa: E731
    assert meeting(twice, twice, monkeypatch) == ("IntegrityError", "won")


@pytest.fixture
def all_roads(
    clients: list[Client],
    book: Book,
    dana: User,
    wishes: dict[str, object],
    weekly: Callable[..., Series],
    change_to_ten: Callable[..., object],
) -> list[Road]:
    """Every road at once, most of them to ten."""
    later = TEN + 5 * HOUR
    series = weekly(clients[0], later)
    moving, gone = (
        book(clients[1], TEN + 3 * HOUR),
        cancel_appointment(by=dana, now=NOW, appointment=book(clients[2])),
    )
    asked = [request_appointment(client=client, starts_at=TEN, **wishes) for client in clients[3:5]]
    held = hold_appointment(client=clients[5], starts_at=TEN - 2 * HOUR, until=NOW + HOUR, **wishes)
    visit = series.appointments.with_people().order_by("starts_at")[0]
    return [
        lambda: change_to_ten(series),
        lambda: move_appointment(by=dana, now=NOW, appointment=moving, starts_at=TEN),
        lambda: change_length(by=dana, now=NOW, appointment=moving, minutes=75),
        lambda: undo(by=dana, now=NOW, appointment=visit),
        lambda: change_status(by=dana, now=NOW, appointment=gone, to=Status.BOOKED),
        *(lambda one=one: accept_request(by=dana, now=NOW, appointment=one) for one in asked),
        lambda: confirm_hold(by=dana, now=NOW, appointment=held),
        lambda: cancel_appointment(by=dana, now=NOW, appointment=held),
        *(lambda c=client: book(c) for client in clients[6:10]),
        *(lambda c=client: weekly(c) for client in clients[10:12]),
        lambda: book(clients[12], TEN - 2 * HOUR),
    ]


def test_all_roads_at_once_end_with_a_sentence_at_worst(all_roads: list[Road]) -> None:
    """Nobody deadlocks, nobody gets a fault, whichever of them comes first."""
    ended = race(all_roads)
    assert set(ended) <= {"won", "taken", "ValidationError"}, ended
    assert ended["won"] >= 1
    assert nobody_shares()


def test_without_locks_and_last_witness_all_roads_at_once_end_with_many_in_one_place(
    all_roads: list[Road], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, "lock_places", no_lock)
    stand_in(monkeypatch, "lock_client", lambda client_pk: Client.objects.get(pk=client_pk))
    stand_in(monkeypatch, "expire_holds", no_lock)
    stand_in(monkeypatch, "review_needed", slowly)
    with without_constraints(Appointment):
        race(all_roads)
        assert not nobody_shares()
