"""A request that is declined is told once, by mail, to her who asked; one that is accepted is confirmed as booked."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core import mail

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.reminders import services
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import (
    accept_request,
    add_weekly_hours,
    cancel_appointment,
    change_status,
    request_appointment,
    undo,
)
from tests.factories import BEFORE, ServiceFactory
from tests.reminders.support import agree

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOW = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@pytest.fixture
def asked(alice: Client, alice_user: User, bea: Therapist, location: Location) -> Appointment:
    """Alice asks for Tuesday at ten; she has agreed to mail."""
    agree(alice)
    location.phone = "+351213456789"
    location.save(update_fields=["phone"])
    service: Service = ServiceFactory()
    add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=bea,
        location=location,
        weekday=1,
        opens=time(9),
        closes=time(18),
        valid_from=date(2026, 1, 1),
    )
    return request_appointment(
        by=alice_user, now=NOW, client=alice, service=service, therapist=bea, location=location, starts_at=TEN
    )


def sweep(*after: timedelta) -> None:
    for one in after:
        services.sweep(NOW + one)


def test_what_the_clinic_declines_is_told_once(asked: Appointment, dana: User) -> None:
    cancel_appointment(by=dana, now=NOW + 60 * MINUTE, appointment=asked)
    sweep(*(60 * MINUTE + n * MINUTE for n in (1, 4, 5, 90)))
    (letter,) = mail.outbox
    assert letter.subject == "Not possible: Tuesday 24 November, 10:00"
    assert letter.to == ["alice@example.org"]
    assert "Please choose another time, or phone +351 21 345 6789." in str(letter.body)
    for word in ("massage", "headache", "Myofascial"):
        assert word not in str(letter.body)


def test_what_she_takes_back_herself_is_told_to_nobody(asked: Appointment, alice_user: User) -> None:
    cancel_appointment(by=alice_user, now=NOW + MINUTE, appointment=asked)
    sweep(10 * MINUTE, DAY)
    assert mail.outbox == []


def test_a_slip_of_the_desk_is_not_told(asked: Appointment, dana: User) -> None:
    declined = cancel_appointment(by=dana, now=NOW, appointment=asked)
    undo(by=dana, now=NOW + MINUTE, appointment=declined)
    sweep(10 * MINUTE)
    assert mail.outbox == []


def test_what_is_accepted_days_later_is_confirmed_as_a_booking(asked: Appointment, dana: User) -> None:
    accept_request(by=dana, now=NOW + 2 * DAY, appointment=asked)
    sweep(2 * DAY + 5 * MINUTE)
    assert [letter.subject for letter in mail.outbox] == ["Booked: Tuesday 24 November, 10:00"]
    assert not Message.objects.filter(kind="declined").exists()


def test_a_booking_that_is_cancelled_is_not_a_request_that_was_declined(asked: Appointment, dana: User) -> None:
    booked = accept_request(by=dana, now=NOW, appointment=asked)
    change_status(by=dana, now=NOW + MINUTE, appointment=booked, to=Status.CANCELLED)
    sweep(10 * MINUTE)
    assert not Message.objects.filter(kind="declined").exists()
