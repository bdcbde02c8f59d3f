"""The outbox: found once, claimed by one, sent once, and honest about what nobody can know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, time, timedelta
from smtplib import SMTPServerDisconnected
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.people.models import Client, Location, User
from clinic.reminders import delivery, outbox, services
from clinic.reminders.channels import Letter, Refused, channels
from clinic.reminders.kinds import MessageKind, message_kinds
from clinic.reminders.models import Message
from clinic.reminders.outbox import BATCH, LEASE
from clinic.reminders.policy import message_policy
from tests.reminders.support import agree, due_now

State = Message.State
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("consent", "location")


class ChannelThat:
    """A channel that does what the test wants with each letter."""

    deduplicates = False

    def __init__(self, does: Callable[[Letter], None]) -> None:
        self.does = does

    def address_of(self, client: Client, now: datetime) -> str:
        return client.email

    def open(self) -> AbstractContextManager[ChannelThat]:
        return nullcontext(self)

    def send(self, letter: Letter) -> str:
        self.does(letter)
        return ""


@pytest.fixture
def channel_that(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Letter], None]], None]:
    return lambda does: monkeypatch.setitem(channels, "email", ChannelThat(does))


def raising(problem: Exception) -> Callable[[Letter], None]:
    def refuse(letter: Letter) -> None:
        raise problem

    return refuse


def the_message() -> Message:
    return Message.objects.get()


def test_it_sends_what_is_due_once_however_often_it_sweeps(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now)]

    for _ in range(3):
        services.sweep(now)

    assert len(mail.outbox) == 1
    assert (the_message().state, the_message().sent_at) == (State.SENT, now)


def test_a_sweep_with_nothing_new_asks_as_much_however_much_there_is(
    only_kind: dict[str, Any], alice: Client, now: datetime, django_assert_num_queries: Any
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(40)]
    services.sweep(now)

    # Policy, its exceptions, consents, what is known; three closings; savepoint, claim, release.
    with django_assert_num_queries(10):
        services.sweep(now)


def test_the_same_message_by_another_slot_or_about_another_time_is_another_message(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now), due_now(alice, now, slot=1), due_now(alice, now, about_at=now + MINUTE)]
    only_kind["words"] = {}

    services.sweep(now)

    assert Message.objects.count() == 3


def test_it_drops_what_is_no_longer_needed(only_kind: dict[str, Any], alice: Client, now: datetime) -> None:
    only_kind |= {"dues": [due_now(alice, now)], "words": None}

    services.sweep(now)

    assert (the_message().state, mail.outbox) == (State.DROPPED, [])


def test_it_drops_what_is_about_another_time_by_now(only_kind: dict[str, Any], alice: Client, now: datetime) -> None:
    only_kind |= {"dues": [due_now(alice, now)], "words": {"about_at": now + MINUTE}}

    services.sweep(now)

    assert (the_message().state, mail.outbox) == (State.DROPPED, [])


def test_it_does_not_write_to_somebody_who_withdrew_consent(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    services.prepare(now)
    agree(alice, is_given=False, at=now)

    services.sweep(now)

    assert (the_message().state, mail.outbox) == (State.DROPPED, [])
    assert "consent" in the_message().problem


def test_an_answer_to_what_she_asked_for_needs_no_consent(
    only_kind: dict[str, Any], alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(alice, is_given=False, at=now)
    asked = MessageKind(
        "booking", lambda _: [due_now(alice, now)], lambda *_: {}, keeps_quiet_hours=False, needs_consent=False
    )
    monkeypatch.setattr(message_kinds, "_entries", {"asked": asked})

    services.sweep(now)

    assert len(mail.outbox) == 1


def test_it_does_not_write_to_an_archived_client(only_kind: dict[str, Any], alice: Client, now: datetime) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    Client.objects.update(archived_at=now)

    services.sweep(now)

    assert (the_message().state, mail.outbox) == (State.DROPPED, [])


def test_a_client_without_an_address_needs_a_person(only_kind: dict[str, Any], alice: Client, now: datetime) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    Client.objects.update(email="")

    services.sweep(now)

    assert Message.objects.needing_a_person().count() == 1


def keep_quiet_hours(made_up: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    kind = MessageKind("booking", lambda now: made_up["dues"], lambda pk, now: made_up["words"])
    monkeypatch.setattr(message_kinds, "_entries", {"quiet": kind})


def test_in_the_quiet_hours_of_the_location_it_waits_for_the_morning(
    only_kind: dict[str, Any], alice: Client, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    location.time_zone = "America/New_York"
    location.save()
    night = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # nine in the evening in New York
    eight = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    keep_quiet_hours(only_kind, monkeypatch)
    only_kind["dues"] = [due_now(alice, night)]

    services.sweep(night)
    assert (the_message().state, the_message().due_at, mail.outbox) == (State.WAITING, eight, [])

    services.sweep(eight - MINUTE)
    assert mail.outbox == []
    services.sweep(eight)
    assert len(mail.outbox) == 1


def test_what_is_of_no_more_use_when_the_quiet_hours_end_is_missed(
    only_kind: dict[str, Any], alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
    keep_quiet_hours(only_kind, monkeypatch)
    only_kind["dues"] = [due_now(alice, night, useless_after=night + timedelta(hours=2))]

    services.sweep(night)

    assert (the_message().state, mail.outbox) == (State.MISSED, [])


def test_what_nobody_swept_in_time_is_missed_and_the_rest_goes_out(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=1, useless_after=now), due_now(alice, now, subject_pk=2)]

    services.sweep(now)

    states = dict(Message.objects.values_list("subject_pk", "state"))
    assert (states, len(mail.outbox)) == ({1: State.MISSED, 2: State.SENT}, 1)


def test_a_refusal_that_may_pass_is_tried_again_later_and_later(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any
) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    channel_that(raising(Refused("Try again later.")))
    pauses = []
    at = now
    for _ in range(6):
        services.sweep(at)
        pauses.append((the_message().due_at - at) // MINUTE)
        assert the_message().state == State.RETRY
        at = the_message().due_at

    assert pauses == [1, 5, 15, 60, 60, 60]


def test_what_was_refused_goes_out_when_the_provider_is_back(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    email = channels["email"]
    channel_that(raising(Refused("Try again later.")))
    services.sweep(now)
    monkeypatch.setitem(channels, "email", email)

    services.sweep(now + 59 * MINUTE / 60)
    assert mail.outbox == []
    services.sweep(now + MINUTE)

    assert (the_message().state, the_message().problem, len(mail.outbox)) == (State.SENT, "", 1)


def test_it_gives_up_when_the_next_attempt_would_come_too_late(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any
) -> None:
    only_kind["dues"] = [due_now(alice, now, useless_after=now + MINUTE)]
    channel_that(raising(Refused("Try again later.")))

    services.sweep(now)

    assert (the_message().state, the_message().problem) == (State.FAILED, "Try again later.")


def test_a_refusal_for_good_needs_a_person_at_once(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any
) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    channel_that(raising(Refused("No such address.", for_good=True)))

    services.sweep(now)

    assert the_message() in Message.objects.needing_a_person()


def test_a_time_out_after_the_hand_over_is_uncertain_and_never_sent_again_by_itself(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any
) -> None:
    taken: list[int] = []

    def take_and_hang_up(letter: Letter) -> None:
        taken.append(letter.key)
        raise SMTPServerDisconnected("…")

    only_kind["dues"] = [due_now(alice, now)]
    channel_that(take_and_hang_up)
    for minutes in (0, 1, 10, 60, 600):
        services.sweep(now + minutes * MINUTE)

    assert len(taken) == 1
    assert the_message() in Message.objects.needing_a_person()
    assert the_message().state == State.UNCERTAIN


def test_a_worker_killed_between_the_providers_yes_and_our_commit_leaves_it_uncertain(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any
) -> None:
    taken: list[int] = []

    def take_and_die(letter: Letter) -> None:
        taken.append(letter.key)
        raise KeyboardInterrupt  # as SystemExit or SIGKILL, it passes every handler of ours

    only_kind["dues"] = [due_now(alice, now)]
    channel_that(take_and_die)
    with pytest.raises(KeyboardInterrupt):
        services.sweep(now)
    assert the_message().state == State.SENDING

    services.sweep(now + MINUTE)
    assert the_message().state == State.SENDING  # the lease still runs: somebody may be at it
    services.sweep(now + LEASE + MINUTE)

    assert (the_message().state, len(taken)) == (State.UNCERTAIN, 1)


def test_a_worker_killed_before_it_began_to_send_loses_nothing(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    services.prepare(now)
    assert len(services.claim(now).pks) == 1  # and dies

    services.sweep(now + MINUTE)
    assert mail.outbox == []
    services.sweep(now + LEASE + MINUTE)

    assert (the_message().state, len(mail.outbox)) == (State.SENT, 1)


def test_a_worker_whose_claim_ran_out_and_went_to_another_sends_nothing(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now)]
    services.prepare(now)
    slow = services.claim(now)
    later = now + LEASE + MINUTE
    services.claim(later)

    services.deliver(slow, later)

    assert (the_message().state, mail.outbox) == (State.CLAIMED, [])


def test_a_late_yes_settles_what_was_taken_for_uncertain(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any
) -> None:
    def take_so_long_that_another_sweep_comes_by(letter: Letter) -> None:
        outbox.close_past(now + LEASE + MINUTE)
        assert the_message().state == State.UNCERTAIN

    only_kind["dues"] = [due_now(alice, now)]
    channel_that(take_so_long_that_another_sweep_comes_by)

    services.sweep(now)

    assert the_message().state == State.SENT


def test_a_late_yes_does_not_undo_what_a_person_has_taken_over(
    only_kind: dict[str, Any], alice: Client, dana: User, now: datetime, channel_that: Any
) -> None:
    later = now + LEASE + MINUTE

    def take_very_long(letter: Letter) -> None:
        outbox.close_past(later)
        services.try_again(by=dana, now=later, message=the_message())

    only_kind["dues"] = [due_now(alice, now)]
    channel_that(take_very_long)
    services.prepare(now)
    services.deliver_batch([the_message().pk], now)

    assert (the_message().state, the_message().tried_again_by) == (State.WAITING, dana)


def test_a_letter_that_cannot_be_written_does_not_hold_up_the_others(
    alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def context(pk: int, now: datetime) -> dict[str, Any]:
        if pk == 1:
            raise LookupError("a fault in an upper room")
        return {}

    dues = [due_now(alice, now, subject_pk=pk) for pk in (1, 2)]
    monkeypatch.setattr(
        message_kinds, "_entries", {"a": MessageKind("booking", lambda _: dues, context, keeps_quiet_hours=False)}
    )

    services.sweep(now)

    states = dict(Message.objects.values_list("subject_pk", "state"))
    assert (states, len(mail.outbox)) == ({1: State.RETRY, 2: State.SENT}, 1)


def test_a_message_of_a_kind_that_is_known_no_more_does_not_hold_up_the_others(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in (1, 2)]
    services.prepare(now)
    Message.objects.filter(subject_pk=1).update(kind="of another release")

    services.sweep(now)

    states = dict(Message.objects.exclude(kind="plain", subject_pk=1).values_list("kind", "state"))
    assert states == {"of another release": State.RETRY, "plain": State.SENT}


def test_a_kind_that_cannot_find_what_is_due_does_not_silence_the_others(
    alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(now: datetime) -> list[Any]:
        raise LookupError("a fault in an upper room")

    entries = {
        "broken": MessageKind("booking", broken, lambda *_: {}),
        "well": MessageKind("booking", lambda _: [due_now(alice, now)], lambda *_: {}, keeps_quiet_hours=False),
    }
    monkeypatch.setattr(message_kinds, "_entries", entries)

    services.sweep(now)

    assert len(mail.outbox) == 1


def test_a_slow_batch_is_given_back_in_time(
    only_kind: dict[str, Any], alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(3)]
    services.prepare(now)
    clock = iter([0, 1, delivery.PATIENCE_SECONDS + 1])
    monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    left = services.deliver(services.claim(now), now)

    assert len(mail.outbox) == 1
    due = Message.objects.due(now)
    assert set(due.values_list("pk", "attempts")) == {(pk, 0) for pk in left}
    assert len(left) == 2


def test_batches_hold_everything_due_once_and_soonest_first(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    count = BATCH + 5
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk, due_at=now - pk * MINUTE) for pk in range(count)]
    services.prepare(now)

    batches = [batch for _channel, batch in services.due_batches(now)]

    soonest_first = list(Message.objects.order_by("due_at").values_list("pk", flat=True))
    assert [len(batch) for batch in batches] == [BATCH, 5]
    assert [pk for batch in batches for pk in batch] == soonest_first


@pytest.fixture
def failed(only_kind: dict[str, Any], alice: Client, now: datetime, channel_that: Any) -> Message:
    """A message that was refused for good; from now on the channel works."""
    only_kind["dues"] = [due_now(alice, now)]
    sent: list[Letter] = []
    channel_that(raising(Refused("No such address.", for_good=True)))
    services.sweep(now)
    channel_that(sent.append)
    return the_message()


def test_a_person_can_have_it_sent_once_more(failed: Message, dana: User, now: datetime) -> None:
    services.try_again(by=dana, now=now, message=failed)
    services.sweep(now)

    assert (the_message().state, the_message().tried_again_by) == (State.SENT, dana)


def test_once_somebody_phoned_it_needs_nobody_and_is_not_sent(failed: Message, dana: User, now: datetime) -> None:
    services.settle(by=dana, now=now, message=failed)

    assert not Message.objects.needing_a_person().exists()
    with pytest.raises(ValidationError, match="already"):
        services.try_again(by=dana, now=now, message=failed)


def test_it_cannot_be_sent_again_when_it_is_of_no_more_use(failed: Message, dana: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="too late"):
        services.try_again(by=dana, now=failed.useless_after, message=failed)


def test_a_failure_whose_visit_has_passed_bothers_nobody(failed: Message, now: datetime) -> None:
    services.sweep(failed.useless_after)

    assert (the_message().state, the_message().settled_by) == (State.FAILED, None)
    assert not Message.objects.needing_a_person().exists()


def test_a_message_in_somebodys_hands_has_an_owner(failed: Message) -> None:
    with pytest.raises(IntegrityError, match="message_in_hand_has_an_owner_and_a_lease"), transaction.atomic():
        Message.objects.update(state=State.CLAIMED, claimed_by=None)
    Message.objects.update(state=State.CLAIMED, claimed_by=uuid4(), lease_until=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_policy_stands_from_the_first_migration() -> None:
    policy = message_policy()

    assert policy.offsets_minutes == [48 * 60, 2 * 60]
    assert (policy.quiet_from, policy.quiet_until) == (time(20), time(8))
