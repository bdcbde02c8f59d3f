"""What a provider tells after it took a message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from clinic.people.models import Client, User
from clinic.reminders import delivery, outbox, services
from clinic.reminders.channels import Letter, Refused, channels
from clinic.reminders.models import Message
from tests.reminders.support import due_now
from tests.reminders.test_rails import ChannelThat, raising

State = Message.State
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("consent", "location")


class KnowingChannel(ChannelThat):
    """A provider that knows a letter by its key."""

    deduplicates = True


@pytest.fixture
def due(only_kind: dict[str, Any], alice: Client, now: datetime) -> None:
    """One message is due."""
    only_kind["dues"] = [due_now(alice, now)]


def take(letter: Letter) -> None:
    """Take it and say so."""


def vanish(letter: Letter) -> None:
    """Take it, perhaps, and say nothing."""
    raise TimeoutError


@pytest.fixture
def sent(due: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Message:
    monkeypatch.setitem(channels, "email", ChannelThat(take))
    services.sweep(now)
    return Message.objects.get()


@pytest.fixture
def uncertain(due: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Message:
    monkeypatch.setitem(channels, "email", ChannelThat(vanish))
    services.sweep(now)
    message = Message.objects.get()
    assert message.state == State.UNCERTAIN
    return message


def told(message: Message) -> tuple[str, str, datetime | None]:
    message.refresh_from_db()
    return message.state, message.problem, message.delivered_at


def test_the_arrival_is_noted_however_often_it_is_told(sent: Message, now: datetime) -> None:
    for minutes in (1, 5):
        services.receipt(channel="email", key=sent.key, outcome="delivered", at=now + minutes * MINUTE)

    assert told(sent) == (State.SENT, "", now + MINUTE)


def test_what_came_back_needs_a_person(sent: Message, now: datetime) -> None:
    services.receipt(channel="email", key=sent.key, outcome="failed", words="No such mailbox.", at=now + MINUTE)

    assert told(sent) == (State.FAILED, "No such mailbox.", None)
    assert list(Message.objects.needing_a_person()) == [sent]


def test_an_arrival_settles_what_was_uncertain(uncertain: Message, now: datetime) -> None:
    services.receipt(channel="email", key=uncertain.key, outcome="delivered", at=now + MINUTE)

    assert told(uncertain) == (State.SENT, "", now + MINUTE)
    assert not Message.objects.needing_a_person().exists()


def test_a_failure_that_is_told_late_does_not_undo_the_arrival(sent: Message, now: datetime) -> None:
    services.receipt(channel="email", key=sent.key, outcome="delivered", at=now + 2 * MINUTE)
    services.receipt(channel="email", key=sent.key, outcome="failed", words="Busy.", at=now + MINUTE)

    assert told(sent) == (State.SENT, "", now + 2 * MINUTE)


def test_an_old_failure_does_not_stop_what_somebody_has_sent_again(
    uncertain: Message, dana: User, now: datetime
) -> None:
    services.try_again(by=dana, now=now, message=uncertain)
    services.receipt(channel="email", key=uncertain.key, outcome="failed", words="Busy.", at=now)

    assert told(uncertain)[0] == State.WAITING


def test_without_that_rule_an_old_failure_would_stop_it(
    uncertain: Message, dana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAY_STILL_FAIL", (*delivery.MAY_STILL_FAIL, State.WAITING))
    services.try_again(by=dana, now=now, message=uncertain)
    services.receipt(channel="email", key=uncertain.key, outcome="failed", words="Busy.", at=now)

    assert told(uncertain)[0] == State.FAILED


def told_while_it_is_sent(now: datetime, monkeypatch: pytest.MonkeyPatch) -> Message:
    """Let a provider tell that a letter did not arrive before it says that it took it."""

    def take_and_tell(letter: Letter) -> None:
        services.receipt(channel="email", key=letter.secret, outcome="failed", words="No such mailbox.", at=now)

    monkeypatch.setitem(channels, "email", ChannelThat(take_and_tell))
    services.sweep(now)
    return Message.objects.get()


@pytest.mark.usefixtures("due")
def test_what_is_told_while_a_letter_is_sent_stands(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(told_while_it_is_sent(now, monkeypatch)) == (State.FAILED, "No such mailbox.", None)


@pytest.mark.usefixtures("due")
def test_without_a_look_at_its_state_the_worker_would_undo_it(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RECORD", outbox.RECORD.partition("AND state IN")[0])

    assert told(told_while_it_is_sent(now, monkeypatch))[0] == State.SENT


def test_an_arrival_stops_what_somebody_was_about_to_send_again(
    uncertain: Message, dana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.try_again(by=dana, now=now, message=uncertain)
    services.receipt(channel="email", key=uncertain.key, outcome="delivered", at=now)
    monkeypatch.setitem(channels, "email", ChannelThat(raising(AssertionError())))

    services.sweep(now + MINUTE)

    assert told(uncertain)[0] == State.SENT


def test_it_is_found_by_the_providers_key_and_on_its_own_channel_only(sent: Message, now: datetime) -> None:
    Message.objects.update(provider_key="abc")

    assert services.receipt(channel="text", provider_key="abc", outcome="delivered", at=now) is None
    assert services.receipt(channel="email", provider_key="abc", outcome="delivered", at=now) == sent
    assert services.receipt(channel="email", key=uuid4(), outcome="delivered", at=now) is None


def test_no_key_at_all_finds_nothing(sent: Message, now: datetime) -> None:
    assert services.receipt(channel="email", outcome="delivered", at=now) is None


def test_what_a_dead_worker_was_sending_counts_as_tried_so_that_she_can_answer_it(
    due: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(letter: Letter) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(channels, "email", ChannelThat(die))
    with pytest.raises(KeyboardInterrupt):
        services.sweep(now)
    services.prepare(now + 5 * MINUTE)

    message = Message.objects.get()
    assert (message.state, message.tried_at) == (State.UNCERTAIN, now + 5 * MINUTE)

    Message.objects.update(state=State.SENDING, tried_at=None)
    services.receipt(channel="email", key=message.key, outcome="delivered", at=now + MINUTE)
    message.refresh_from_db()
    assert (message.state, message.tried_at) == (State.SENT, now + MINUTE)


# --- A provider that knows a letter by its key


def test_such_a_provider_is_asked_again_after_silence(
    due: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[int] = []

    def vanish_once(letter: Letter) -> None:
        keys.append(letter.key)
        if len(keys) == 1:
            raise TimeoutError

    monkeypatch.setitem(channels, "email", KnowingChannel(vanish_once))
    services.sweep(now)
    assert Message.objects.get().state == State.RETRY
    services.sweep(now + MINUTE)

    assert (Message.objects.get().state, len(set(keys)), len(keys)) == (State.SENT, 1, 2)


def test_what_a_dead_worker_was_sending_is_sent_again_by_such_a_provider_only(
    due: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(letter: Letter) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(channels, "email", KnowingChannel(die))
    with pytest.raises(KeyboardInterrupt):
        services.sweep(now)
    monkeypatch.setitem(channels, "email", KnowingChannel(take))
    services.sweep(now + 5 * MINUTE)

    assert Message.objects.get().state == State.SENT


def test_what_may_have_gone_out_and_is_of_no_more_use_is_uncertain_and_not_failed(
    only_kind: dict[str, Any], alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_kind["dues"] = [due_now(alice, now, useless_after=now + MINUTE)]
    monkeypatch.setitem(channels, "email", KnowingChannel(vanish))

    services.sweep(now)

    assert Message.objects.get().state == State.UNCERTAIN


def test_what_was_tried_and_when_is_written_down(due: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels, "email", ChannelThat(raising(Refused("Not now."))))

    services.sweep(now)

    assert Message.objects.values_list("state", "tried_at", "attempts").get() == (State.RETRY, now, 1)
