"""Who has not been here for as long as the clinic says is invited once; who has a visit to come, or waits, is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from clinic.people.models import Client, Clinic, Service, User
from clinic.people.services.merging import merge_clients
from clinic.reminders import services
from clinic.reminders.models import Message
from clinic.reminders.policy import change_policy
from clinic.scheduling.models import Appointment, OnlineConcern, Status
from clinic.scheduling.online import mark
from clinic.scheduling.services import cancel_appointment
from clinic.scheduling.waitlist import Wished, add_wish
from tests.factories import ClientFactory
from tests.reminders.conftest import Book
from tests.reminders.support import LONG_AGO, agree

pytestmark = pytest.mark.usefixtures("consent")

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
# Six weeks before half past ten on Thursday 19 November, in Lisbon: before the clocks went back.
LAST_VISIT = datetime(2026, 10, 8, 9, 30, tzinfo=UTC)
DUE_AT = datetime(2026, 11, 19, 10, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _six_weeks(clinic: Clinic, olga: User) -> None:
    change_policy(by=olga, now=LONG_AGO, recall_weeks=6)


@pytest.fixture
def visit(book: Book) -> Appointment:
    """A visit that took place."""
    booked = book(LAST_VISIT)
    Appointment.objects.update(status=Status.COMPLETED)
    return booked


def invited() -> list[str]:
    return [letter.to[0] for letter in mail.outbox if "shall we see you again" in letter.subject]


def test_she_is_invited_once_at_the_same_time_of_day(visit: Appointment) -> None:
    services.sweep(DUE_AT - timedelta(minutes=1))
    assert invited() == []
    for days in (0, 1, 7, 30):
        services.sweep(DUE_AT + days * DAY)
    assert invited() == ["alice@example.org"]
    assert "Please tell us 24 hours before" in mail.outbox[0].body


def test_the_link_leads_to_booking_only_where_clients_book_by_themselves(visit: Appointment) -> None:
    Clinic.objects.update(online_booking=Clinic.OnlineBooking.AT_ONCE)
    services.sweep(DUE_AT)
    assert "/book/" in mail.outbox[0].body
    mail.outbox.clear()
    Message.objects.all().delete()
    Clinic.objects.update(online_booking=Clinic.OnlineBooking.CLOSED)
    services.sweep(DUE_AT)
    assert "/book/" not in mail.outbox[0].body


def test_a_clinic_that_says_nothing_invites_nobody(visit: Appointment, olga: User) -> None:
    change_policy(by=olga, now=LONG_AGO, recall_weeks=None)
    services.sweep(DUE_AT)
    assert not Message.objects.exists()


def test_who_was_here_long_before_the_clinic_began_to_invite_is_left_alone(visit: Appointment) -> None:
    services.sweep(DUE_AT + 2 * WEEK)
    assert not Message.objects.exists()


@pytest.mark.parametrize("what", ["a visit to come", "a wish", "to be called", "no consent"])
def test_whoever_comes_waits_must_be_called_or_does_not_agree_is_not_invited(
    what: str, visit: Appointment, book: Book, alice: Client, service: Service, dana: User
) -> None:
    if what == "a visit to come":
        book(DUE_AT + WEEK)
    elif what == "a wish":
        add_wish(by=dana, now=LONG_AGO, client=alice, wished=Wished([service]))
    elif what == "to be called":
        mark(alice, OnlineConcern.Kind.CALL, by=dana, now=LONG_AGO)
    else:
        agree(alice, is_given=False, at=DUE_AT - DAY)
    services.sweep(DUE_AT)
    assert invited() == []


def test_a_visit_that_was_called_off_does_not_count_as_one_to_come(visit: Appointment, book: Book) -> None:
    cancel_appointment(by=None, now=LONG_AGO, appointment=book(DUE_AT + WEEK))
    services.sweep(DUE_AT)
    assert invited() == ["alice@example.org"]


def test_who_books_before_it_goes_out_is_not_invited(visit: Appointment, book: Book) -> None:
    services.prepare(DUE_AT)
    book(DUE_AT + WEEK)
    services.sweep(DUE_AT)
    assert invited() == []
    assert Message.objects.get(kind="recall").state == Message.State.DROPPED


def test_of_two_records_of_one_person_the_later_visit_counts_and_the_kept_one_is_written_to(
    visit: Appointment, alice: Client, book: Book, dana: User
) -> None:
    kept = ClientFactory(legal_name="Alice Marques-Reis", email="reis@example.org")
    agree(kept, at=LONG_AGO + DAY)
    merge_clients(by=dana, now=LONG_AGO + DAY, kept=kept, gone=alice)
    services.sweep(DUE_AT)
    assert invited() == ["reis@example.org"]
