"""What is moved or cancelled is told once, after second thoughts, as it stands; what was undone is told to nobody."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.core import mail
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.reminders import services
from clinic.reminders.changes import GRACE, NOT_PROMISED, Outcome, changes_of
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment, Series, Status, StatusChange
from clinic.scheduling.services import (
    ChosenMove,
    ChosenVisit,
    Which,
    Wished,
    book_series,
    cancel_appointment,
    cancel_series,
    change_series,
    change_status,
    move_appointment,
    undo,
)
from tests.factories import RoomFactory, TherapistFactory
from tests.reminders.conftest import Book

pytestmark = pytest.mark.usefixtures("consent")

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
VISIT_AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
MOVED_TO = VISIT_AT + 2 * HOUR


def sweep(*minutes: float) -> None:
    for one in minutes:
        services.sweep(NOW + one * MINUTE)


def subjects() -> list[str]:
    return [str(letter.subject) for letter in mail.outbox]


def move(visit: Appointment, to: datetime, minute: float, by: User | None = None) -> None:
    visit.refresh_from_db()
    move_appointment(by=by, now=NOW + minute * MINUTE, appointment=visit, starts_at=to)


@pytest.fixture
def visit(book: Book) -> Appointment:
    """Alice's visit, agreed long ago."""
    return book(VISIT_AT)


def test_a_moved_visit_is_told_once_with_its_new_time_and_its_calendar_file(visit: Appointment) -> None:
    move(visit, MOVED_TO, 0)
    sweep(1, 2)
    assert mail.outbox == []

    sweep(3, 4, 30, 600)

    assert subjects() == ["Now on Sunday 29 November, 15:30"]
    assert mail.outbox[0].attachments[0][0] == "appointment.ics"


def test_a_visit_moved_twice_within_the_grace_is_told_once_with_its_final_time(visit: Appointment) -> None:
    move(visit, VISIT_AT + HOUR, 0)
    sweep(1, 2)
    move(visit, MOVED_TO, 2.5)

    sweep(3, 4, 5, 6, 7)

    assert subjects() == ["Now on Sunday 29 November, 15:30"]


def test_a_visit_moved_and_moved_back_is_told_to_nobody(visit: Appointment) -> None:
    move(visit, MOVED_TO, 0)
    move(visit, VISIT_AT, 2)

    sweep(1, 3, 5, 6, 30)

    assert mail.outbox == []


@pytest.mark.parametrize(("minute", "told"), [(2, 0), (8, 2)])
def test_a_move_that_was_taken_back_is_told_only_if_the_move_had_been(
    visit: Appointment, olga: User, minute: float, told: int
) -> None:
    move(visit, MOVED_TO, 0, by=olga)
    sweep(*range(1, int(minute)))
    undo(by=olga, now=NOW + minute * MINUTE, appointment=visit)

    sweep(*range(int(minute), 20))

    assert subjects() == ["Now on Sunday 29 November, 15:30", "Now on Sunday 29 November, 13:30"][:told]


def test_another_room_is_nothing_to_tell(visit: Appointment, location: Location) -> None:
    move_appointment(
        by=None, now=NOW, appointment=visit, starts_at=VISIT_AT, room=RoomFactory(location=location, name="Room 9")
    )

    sweep(3, 5)

    assert mail.outbox == []


def test_what_the_clinic_cancels_is_said_with_regret_and_what_she_cancels_as_she_asked(
    visit: Appointment, book: Book
) -> None:
    cancel_appointment(by=None, now=NOW, appointment=visit, because=StatusChange.Because.CLINIC)
    cancel_appointment(by=None, now=NOW + MINUTE, appointment=book(MOVED_TO), because=StatusChange.Because.CLIENT)

    sweep(3, 4, 10)

    assert subjects() == ["Cancelled: Sunday 29 November, 13:30", "Cancelled: Sunday 29 November, 15:30"]
    assert "We are sorry: your appointment cannot take place" in mail.outbox[0].body
    assert "cancelled, as you asked" in mail.outbox[1].body
    for letter in mail.outbox:
        assert "Please tell us 24 hours before if you cannot come." in letter.body


def test_a_visit_that_was_never_confirmed_to_her_is_not_said_to_be_cancelled(book: Book) -> None:
    visit = book(VISIT_AT, booked_at=NOW)
    move(visit, MOVED_TO, 1)
    cancel_appointment(by=None, now=NOW + 2 * MINUTE, appointment=visit)

    sweep(1, 2, 3, 4, 5, 6, 30)

    assert not Message.objects.exists()


def test_a_visit_moved_and_then_cancelled_is_cancelled_at_the_time_that_she_knew(visit: Appointment) -> None:
    move(visit, MOVED_TO, 0)
    cancel_appointment(by=None, now=NOW + MINUTE, appointment=visit)

    sweep(4, 5)

    assert subjects() == ["Cancelled: Sunday 29 November, 13:30"]


def test_a_visit_booked_and_moved_within_the_grace_is_confirmed_once_at_its_final_time(book: Book) -> None:
    visit = book(VISIT_AT, booked_at=NOW)
    move(visit, MOVED_TO, 2)

    sweep(3, 4, 5, 6)

    assert subjects() == ["Booked: Sunday 29 November, 15:30"]


def test_a_visit_that_stands_again_after_its_cancellation_was_told_is_confirmed_anew(
    visit: Appointment, olga: User
) -> None:
    cancelled = cancel_appointment(by=olga, now=NOW, appointment=visit)
    sweep(3)
    change_status(by=olga, now=NOW + HOUR, appointment=cancelled, to=Status.BOOKED)

    sweep(62, 63, 64)

    assert subjects() == ["Cancelled: Sunday 29 November, 13:30", "Booked: Sunday 29 November, 13:30"]


def test_what_is_changed_while_its_message_waits_for_the_mail_server_is_told_as_it_stands(
    visit: Appointment,
) -> None:
    move(visit, MOVED_TO, 0)
    services.prepare(NOW + 3 * MINUTE)
    move(visit, VISIT_AT + 4 * HOUR, 3.5)

    sweep(4, 5, 6, 7, 8)

    assert subjects() == ["Now on Sunday 29 November, 17:30"]


def test_a_visit_that_is_moved_while_its_confirmation_waits_for_the_mail_server_is_told_by_one_message(
    book: Book,
) -> None:
    visit = book(VISIT_AT, booked_at=NOW)
    services.prepare(NOW + 3 * MINUTE)
    move(visit, MOVED_TO, 4)

    sweep(5, 6, 7, 8)

    assert subjects() == ["Now on Sunday 29 November, 15:30"]


# --- Series


@pytest.fixture
def series(alice: Client, bea: Therapist, location: Location, service: Service, olga: User, book: Book) -> Series:
    """Four Sundays, booked yesterday and confirmed."""
    booked_at = NOW - 2 * DAY
    starts = [VISIT_AT + week * 7 * DAY for week in range(4)]
    made = book_series(
        by=olga,
        now=booked_at,
        client=alice,
        service=service,
        therapist=bea,
        location=location,
        first_on=date(2026, 11, 29),
        at_time=time(13, 30),
        every_weeks=1,
        count=4,
        chosen=[ChosenVisit(one, bea) for one in starts],
        idempotency_key=uuid4(),
    )
    services.sweep(booked_at + 5 * MINUTE)
    assert subjects() == ["Booked: 4 appointments"]
    mail.outbox.clear()
    return made


def visits_of(series: Series) -> list[Appointment]:
    return list(Appointment.objects.with_people().filter(series=series).order_by("starts_at"))


def test_a_series_that_moves_is_told_by_one_message(series: Series, olga: User, bea: Therapist) -> None:
    visits = visits_of(series)
    moves = {
        one.pk: ChosenMove(ChosenVisit(one.starts_at, bea), ChosenVisit(one.starts_at + HOUR, bea)) for one in visits
    }
    wished = Wished(6, time(14, 30), series.service, bea, series.location)
    change_series(by=olga, now=NOW, appointment=visits[0], which=Which.ALL, wished=wished, chosen=moves, key=uuid4())

    sweep(1, 2, 3, 4, 30)

    assert subjects() == ["Changed: 4 appointments"]
    assert "Sunday 20 December 2026, 14:30" in mail.outbox[0].body
    assert "13:30" not in mail.outbox[0].body


def test_one_of_a_series_that_is_moved_before_the_series_was_told_is_told_by_one_message(
    series: Series, consent: None
) -> None:
    Message.objects.all().delete()
    services.prepare(NOW - 2 * DAY + 4 * MINUTE)
    moved = visits_of(series)[1]
    move_appointment(by=None, now=NOW - 2 * DAY + 5 * MINUTE, appointment=moved, starts_at=moved.starts_at + HOUR)

    for minute in range(6, 12):
        services.sweep(NOW - 2 * DAY + minute * MINUTE)

    assert sorted(subjects()) == ["Booked: 3 appointments", "Now on Sunday 6 December, 14:30"]
    assert "6 December" not in next(letter.body for letter in mail.outbox if "Booked" in letter.subject)


def test_the_message_about_another_time_names_the_old_one_and_that_about_another_therapist_does_not(
    visit: Appointment,
) -> None:
    other = TherapistFactory(usual_room=RoomFactory(location=visit.location))
    move(visit, MOVED_TO, 0)
    sweep(4)
    visit.refresh_from_db()
    move_appointment(
        by=None, now=NOW + HOUR, appointment=visit, starts_at=MOVED_TO, therapist=other, override_reason="Bea is ill."
    )
    sweep(64)

    first, second = (letter.body for letter in mail.outbox)
    assert "Before, it was Sunday 29 November, 13:30." in first
    assert "Before" not in second


def test_a_series_that_is_cancelled_is_told_by_one_message_and_by_one_when_it_is_taken_back(
    series: Series, olga: User
) -> None:
    visits = visits_of(series)
    cancel_series(
        by=olga, now=NOW, appointment=visits[0], which=Which.ALL, seen=[one.pk for one in visits], key=uuid4()
    )
    sweep(3, 4)
    undo(by=olga, now=NOW + 6 * MINUTE, appointment=visits[0])

    sweep(8, 9, 10, 30)

    assert subjects() == ["Cancelled: 4 appointments", "Booked: 4 appointments"]


def test_one_of_a_series_that_stands_again_is_told_by_itself_and_the_others_once(series: Series, olga: User) -> None:
    visits = visits_of(series)
    cancel_series(
        by=olga, now=NOW, appointment=visits[1], which=Which.FOLLOWING, seen=[one.pk for one in visits[1:]], key=uuid4()
    )
    sweep(3)
    visits[1].refresh_from_db()
    change_status(by=olga, now=NOW + HOUR, appointment=visits[1], to=Status.BOOKED)

    sweep(61, 62, 63, 64, 100)

    assert subjects() == ["Cancelled: 3 appointments", "Booked: Sunday 6 December, 13:30"]


# --- Anything that may happen


steps = st.lists(
    st.tuples(st.sampled_from(["move", "back", "cancel", "again"]), st.sampled_from([20, 100, 170, 181, 400])),
    min_size=1,
    max_size=5,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_is_done_she_knows_at_the_end_what_stands_and_hears_nothing_twice(
    visit: Appointment, steps: list[tuple[str, int]]
) -> None:
    with transaction.atomic():
        mail.outbox.clear()
        now = NOW
        for what, seconds in steps:
            _do(visit, what, now)
            ends = now + seconds * SECOND
            while now < ends:
                services.sweep(now)
                now = min(now + MINUTE, ends)
        for minute in range(5):
            services.sweep(now + minute * MINUTE)

        visit.refresh_from_db()
        told = subjects()
        assert all(one != following for one, following in pairwise(told))
        known = told[-1] if told else "Booked: Sunday 29 November, 13:30"
        if visit.status in NOT_PROMISED:
            assert known.startswith("Cancelled")
        else:
            assert known.endswith(f"{visit.starts_at:%H:%M}")
            assert not known.startswith("Cancelled")
        assert not Message.objects.exclude(state__in=[Message.State.SENT, Message.State.DROPPED]).exists()
        transaction.set_rollback(True)


def _do(visit: Appointment, what: str, now: datetime) -> None:
    visit.refresh_from_db()
    is_off = visit.status in NOT_PROMISED
    if what == "cancel" and not is_off:
        cancel_appointment(by=None, now=now, appointment=visit)
    elif what == "again" and is_off:
        change_status(by=None, now=now, appointment=visit, to=Status.BOOKED)
    elif what in {"move", "back"} and not is_off:
        move_appointment(by=None, now=now, appointment=visit, starts_at=MOVED_TO if what == "move" else VISIT_AT)


def test_without_the_grace_what_is_moved_and_moved_back_would_be_told(
    visit: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinic.reminders.changes.GRACE", timedelta(0))
    monkeypatch.setattr("clinic.reminders.visits.GRACE", timedelta(0))
    move(visit, MOVED_TO, 0)
    sweep(1)
    move(visit, VISIT_AT, 2)
    sweep(3)
    assert len(subjects()) == 2


def test_a_change_tells_what_she_knew_before_it_began(visit: Appointment) -> None:
    move(visit, VISIT_AT + HOUR, 0)
    move(visit, MOVED_TO, 1)

    change = changes_of([visit.pk], NOW - DAY)[visit.pk]

    assert (change.outcome, change.place_before.starts_at, change.place.starts_at) == (
        Outcome.MOVED,
        VISIT_AT,
        MOVED_TO,
    )
    assert change.settled_at == NOW + MINUTE + GRACE
