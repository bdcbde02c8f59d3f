"""Letters that are written ahead for a batch go out only as long as what they say stands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection, transaction

from clinic.people.models import Client, Location, User
from clinic.reminders import ahead, delivery, services
from clinic.reminders.delivery import look_again
from clinic.reminders.kinds import message_kinds
from clinic.reminders.models import Message
from clinic.reminders.outbox import LEASE, Claim
from clinic.reminders.wording import reword
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import cancel_appointment, move_appointment
from tests.reminders.conftest import Book
from tests.reminders.support import agree
from tests.reminders.test_races import at_once, until_so_many_wait
from tests.reminders.test_visits import VISIT_AT

State = Message.State
NOW = VISIT_AT - timedelta(days=2)

pytestmark = pytest.mark.usefixtures("consent", "location")


@pytest.fixture
def claimed(book: Book) -> Claim:
    """The reminders of two visits, in one worker's hands."""
    book(VISIT_AT)
    book(VISIT_AT - timedelta(hours=2))
    services.prepare(NOW)
    return services.claim(NOW)


def the_visit() -> Appointment:
    return Appointment.objects.get(starts_at=VISIT_AT)


def cancel_it() -> None:
    cancel_appointment(by=None, now=NOW, appointment=the_visit())


def move_it() -> None:
    move_appointment(by=None, now=NOW, appointment=the_visit(), starts_at=VISIT_AT + timedelta(days=1))


def withdraw_consent() -> None:
    agree(Client.objects.get(), is_given=False, at=NOW)


def archive_her() -> None:
    Client.objects.update(archived_at=NOW)


def give_another_address() -> None:
    Client.objects.update(email="new@example.org")


def after_writing(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen between the writing of a batch and its sending."""
    write = ahead.written_ahead

    def write_then(messages: list[Message], now: datetime) -> dict[int, ahead.Sealed]:
        written = write(messages, now)
        assert len(written) == len(messages)
        happens()
        return written

    monkeypatch.setattr(delivery, "written_ahead", write_then)


def subjects() -> list[str]:
    return [letter.subject for letter in mail.outbox]


def test_a_batch_is_read_at_once_and_each_letter_costs_two_statements_at_most(
    claimed: Claim, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    # Of the batch: messages, versions, consents, policy, visits, people, places, their steps, …; and the last outcome.
    with django_assert_max_num_queries(16 + len(claimed.pks)):
        services.deliver(claimed, NOW)

    assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


@pytest.mark.parametrize("own", ["", "Dear {called},\n\n{day}, {time}, {therapist}. {policy}\n\n{link}"])
@pytest.mark.parametrize("channel", ["email", "text"])
def test_a_form_that_is_filled_in_reads_as_a_letter_that_is_written_by_itself(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch, olga: User, channel: str, own: str
) -> None:
    Location.objects.update(phone="+351210000000", address="Rua A & B 7", directions="Ring <twice>.")
    Client.objects.update(preferred_name="Al & <Ice>", phone="+351912345678")
    agree(Client.objects.get(), channel=channel)
    Message.objects.update(channel=channel)
    if own:
        reword(by=olga, now=NOW, kind="reminder", channel=channel, language="en", subject="{called}: {day}", text=own)

    filled = {pk: one.letter for pk, one in ahead.written_ahead(claimed.messages, NOW).items()}
    monkeypatch.setitem(message_kinds._entries, "reminder", replace(message_kinds["reminder"], contexts=None))
    written = {message.pk: look_again(message, NOW) for message in Message.objects.all()}

    assert filled == written
    assert len({letter.text for letter in filled.values()}) == len(claimed.pks)
    assert "Al & <Ice>" not in "".join(letter.html for letter in filled.values())


@pytest.mark.parametrize("happens", [cancel_it, move_it])
def test_what_was_cancelled_or_moved_after_it_was_written_does_not_go_out(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    after_writing(monkeypatch, happens)

    services.deliver(claimed, NOW)

    assert len(subjects()) == 1
    assert "11:30" in subjects()[0]


@pytest.mark.parametrize("happens", [withdraw_consent, archive_her])
def test_nobody_is_written_to_who_withdrew_or_left_after_it_was_written(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    after_writing(monkeypatch, happens)

    services.deliver(claimed, NOW)

    assert subjects() == []
    assert set(Message.objects.values_list("state", flat=True)) == {State.DROPPED}


def test_it_goes_to_the_address_that_holds_when_it_is_sent(claimed: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    after_writing(monkeypatch, give_another_address)

    services.deliver(claimed, NOW)

    assert {to for letter in mail.outbox for to in letter.to} == {"new@example.org"}


@pytest.mark.parametrize(
    ("happens", "seal"),
    [(cancel_it, "AND EXISTS (SELECT FROM unchanged)"), (withdraw_consent, f"AND {ahead.CLIENT_VERSION} = %(client)s")],
)
def test_without_the_seal_it_would_go_out(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], seal: str
) -> None:
    assert seal in ahead.BEGIN
    monkeypatch.setattr(ahead, "BEGIN", ahead.BEGIN.replace(seal, ""))
    after_writing(monkeypatch, happens)

    services.deliver(claimed, NOW)

    assert len(subjects()) == 2


def begun_while_it_is_cancelled(claimed: Claim) -> bool:
    """Begin to send while a cancellation is being made; say whether the message was marked as being sent."""
    message = next(one for one in claimed.messages if one.about_at == VISIT_AT)
    sealed = ahead.written_ahead([message], NOW)[message.pk]
    is_cancelled, may_commit = threading.Event(), threading.Event()
    begun: list[bool] = []

    def cancel() -> None:
        with transaction.atomic():
            cancel_it()
            is_cancelled.set()
            may_commit.wait(timeout=20)

    def begin() -> None:
        is_cancelled.wait(timeout=20)
        begun.append(ahead.begin_sealed(message, sealed, None, claimed.token, NOW))

    def let_it_commit() -> None:
        is_cancelled.wait(timeout=20)
        try:
            until_so_many_wait(1)
        finally:
            may_commit.set()

    at_once(cancel, begin, let_it_commit)
    return begun[0]


@pytest.mark.django_db(transaction=True)
def test_a_cancellation_that_is_being_made_is_waited_for(claimed: Claim) -> None:
    assert not begun_while_it_is_cancelled(claimed)


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_it_would_not_be_waited_for(claimed: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "BEGIN", ahead.BEGIN.replace("FOR SHARE", ""))

    with pytest.raises(AssertionError, match="nobody waits"):
        begun_while_it_is_cancelled(claimed)


def test_the_commit_that_begins_a_letter_records_the_one_before(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[list[str]] = []
    hand_over = delivery.hand_over

    def look_and_hand_over(*facts: object) -> object:
        states.append(list(Message.objects.order_by("due_at", "pk").values_list("state", flat=True)))
        return hand_over(*facts)

    monkeypatch.setattr(delivery, "hand_over", look_and_hand_over)
    services.deliver(claimed, NOW)

    assert states == [[State.SENDING, State.CLAIMED], [State.SENT, State.SENDING]]
    assert set(Message.objects.values_list("state", "lease_until")) == {(State.SENT, NOW + LEASE)}


def test_a_kind_that_cannot_be_written_ahead_is_written_one_by_one(
    claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*facts: object) -> None:
        raise LookupError("a fault in an upper room")

    monkeypatch.setattr(ahead, "_written_of", fail)

    services.deliver(claimed, NOW)

    assert len(subjects()) == 2


def test_a_row_that_is_only_locked_keeps_its_version(claimed: Claim) -> None:
    message = claimed.messages[0]
    sealed = ahead.written_ahead([message], NOW)[message.pk]
    with transaction.atomic():
        Appointment.objects.select_for_update().get(pk=message.subject_pk)

    assert ahead.begin_sealed(message, sealed, None, claimed.token, NOW)
    assert connection.is_usable()


def test_what_is_of_no_more_use_by_then_is_missed_and_not_sent(claimed: Claim) -> None:
    for message in claimed.messages:
        message.useless_after = NOW + timedelta(minutes=1)
        message.save(update_fields=["useless_after"])

    services.deliver(claimed, NOW + timedelta(minutes=1))

    assert subjects() == []
    assert set(Message.objects.values_list("state", flat=True)) == {State.MISSED}


def test_no_reminder_of_a_batch_goes_out_after_the_visit_has_begun(claimed: Claim) -> None:
    only_the_last = Claim(claimed.token, [one.pk for one in claimed.messages if one.about_at == VISIT_AT])

    services.deliver(only_the_last, VISIT_AT - timedelta(seconds=30))

    assert subjects() == []
    assert Message.objects.get(about_at=VISIT_AT).state == State.MISSED
