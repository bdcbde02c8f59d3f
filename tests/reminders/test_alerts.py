"""What the staff are told by mail: a licence that ends, and a channel by which nothing goes out any more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail

from clinic.people.models import Client, Clinic, Therapist, User
from clinic.reminders import services
from clinic.reminders.alerts import fails
from clinic.reminders.models import Message
from tests.factories import ClientFactory

State = Message.State
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ENDS_ON = date(2027, 1, 31)
# Sixty days before, at nine in Lisbon.
DUE_AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 19, 22, 0, tzinfo=UTC)  # in the quiet hours


def told() -> list[tuple[str, str]]:
    return sorted((letter.to[0], letter.subject.partition(": ")[2]) for letter in mail.outbox)


@pytest.fixture
def ending(bea: Therapist, olga: User, dana: User) -> Therapist:
    """Bea's licence ends on the last of January."""
    Therapist.objects.update(licence_expires_on=ENDS_ON)
    return bea


def test_owners_and_the_therapist_are_told_once_sixty_days_before_a_licence_ends(ending: Therapist) -> None:
    services.sweep(DUE_AT - MINUTE)
    assert told() == []
    for days in (0, 1, 30):
        services.sweep(DUE_AT + days * DAY)
    words = "a licence or qualification ends soon"
    assert told() == [("bea@example.org", words), ("olga@example.org", words)]
    assert "Bea Lindqvist: The licence ends on Sun 31 Jan 2027." in mail.outbox[0].body
    assert "cancel" not in mail.outbox[0].body


def test_a_licence_that_was_renewed_before_the_notice_went_out_is_none(ending: Therapist) -> None:
    services.prepare(DUE_AT)
    Therapist.objects.update(licence_expires_on=date(2029, 1, 31))
    services.sweep(DUE_AT)
    assert told() == []
    assert set(Message.objects.values_list("state", flat=True)) == {State.DROPPED}


def test_whoever_has_left_is_neither_told_nor_told_of(ending: Therapist, olga: User) -> None:
    User.objects.filter(pk=ending.user_id).update(is_active=False)
    services.sweep(DUE_AT)
    assert told() == []


def tried(number: int, state: State, *, at: datetime, client: Client | None = None) -> None:
    """Hand a text over, to somebody else each time unless it is said to whom."""
    Message.objects.create(
        kind="declined",
        subject_pk=1000 + number,
        client=client or ClientFactory(),
        channel="text",
        about_at=at,
        due_at=at + DAY,
        useless_after=at + 2 * DAY,
        created_at=at,
        state=state,
        attempts=4,
        tried_at=at,
        sent_at=at if state == State.SENT else None,
    )


def refused_for_a_while() -> None:
    tried(0, State.SENT, at=NOW - HOUR)
    for number in range(1, 4):
        tried(number, State.RETRY, at=NOW - 6 * MINUTE)


def test_a_channel_that_refuses_for_five_minutes_is_told_at_once_and_once_a_day(
    alice: Client, olga: User, dana: User
) -> None:
    refused_for_a_while()
    for minute in range(3):
        services.sweep(NOW + minute * MINUTE)
    words = "nothing goes out by text message"
    assert told() == [("dana@example.org", words), ("olga@example.org", words)]
    assert "The last one was taken on Thursday 19 November, 21:00." in mail.outbox[0].body

    tried(10, State.SENT, at=NOW + 5 * MINUTE)
    assert not fails("text", NOW + 6 * MINUTE)
    for hours in range(3):
        for number in range(3):
            tried(20 + 3 * hours + number, State.RETRY, at=NOW + 6 * MINUTE + hours * HOUR)
        services.sweep(NOW + 12 * MINUTE + hours * HOUR)
    assert len(mail.outbox) == 4  # on the next day, once more


def test_an_outage_that_is_over_before_the_notice_goes_out_is_none(alice: Client, olga: User) -> None:
    refused_for_a_while()
    services.prepare(NOW)
    tried(10, State.SENT, at=NOW)
    services.sweep(NOW)
    assert told() == []


@pytest.mark.parametrize(
    ("refusals", "is_failing"),
    [
        ([(State.FAILED, 60)] * 3, False),  # three addresses that are no more
        ([(State.FAILED, 1)] * 10, True),
        ([(State.RETRY, 2)] * 5, False),  # for two minutes
        ([(State.RETRY, 30)] * 2, False),
        ([(State.RETRY, 8)] * 3, True),
        ([(State.UNCERTAIN, 8)] * 3, True),
        ([(State.WAITING, 8)] * 4, False),
    ],
)
def test_what_counts_as_failing(clinic: Clinic, refusals: list[tuple[State, int]], is_failing: bool) -> None:
    for number, (state, minutes) in enumerate(refusals):
        tried(number, state, at=NOW - minutes * MINUTE)
    assert fails("text", NOW) == is_failing


def test_a_full_mailbox_is_no_failure_of_the_channel_however_much_goes_to_it(alice: Client) -> None:
    for number in range(12):
        tried(number, State.RETRY, at=NOW - 30 * MINUTE, client=alice)
    assert not fails("text", NOW)
