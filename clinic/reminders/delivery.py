"""Delivering what a worker has claimed.

A message is marked “being sent” in a committed transaction before the provider is called outside any. So whatever
dies, nothing is lost, nothing is sent twice, and what nobody can know is shown to a person as uncertain. A worker has
one message at most in that state.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Literal
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from clinic.reminders.ahead import Sealed, begin_sealed, written_ahead
from clinic.reminders.channels import Letter, Line, Refused, channels
from clinic.reminders.kinds import message_kinds
from clinic.reminders.models import Message
from clinic.reminders.outbox import DATABASE_IS_AWAY, LEASE, Claim, Outcome, claim, give_back, record
from clinic.reminders.silence import nobody_answered
from clinic.reminders.writing import Words, is_of_use, letter_or_obstacle, recipient, what_is_known

logger = logging.getLogger(__name__)

State = Message.State

# A worker takes no new message after this long, so that a batch ends well within the task's time limit and its lease.
PATIENCE_SECONDS = 20
# After a refusal that may pass: soon, then less often, the last pause again and again until it is of no more use.
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
# A database that is being restarted is waited for as long.
DATABASE_COMES_BACK_WITHIN_SECONDS = 20


def deliver_batch(message_pks: Collection[int], now: datetime) -> list[int]:
    """Deliver those of a batch that are still due and free; return those there was no time for."""
    wait_for_the_database()
    return deliver(claim(now, only=message_pks), now)


def deliver(claimed: Claim, now: datetime) -> list[int]:
    """Deliver what was claimed, by one line for each channel; give back, and return, what there was no time for."""
    until = time.monotonic() + PATIENCE_SECONDS
    left: list[int] = []
    by_channel = sorted(claimed.messages, key=attrgetter("channel"))
    for name, messages in groupby(by_channel, attrgetter("channel")):
        with channels[name].open() as line:
            left += deliver_by(line, list(messages), claimed.token, now, until)
    return left


def deliver_by(line: Line, messages: Sequence[Message], token: UUID, now: datetime, until: float) -> list[int]:
    """Deliver these one after another; each is begun in the same commit that records the one before."""
    before: tuple[int, Outcome] | None = None
    begun = 0
    try:
        ahead = written_ahead(messages, now)
        for message in messages:
            if time.monotonic() > until:
                break
            letter = begin(message, ahead.get(message.pk), before, token, now)
            begun += 1
            before = (message.pk, hand_over(message, letter, line, now)) if letter else None
    except DATABASE_IS_AWAY:
        # What was begun last may be marked as being sent; it has not been handed over.
        logger.warning("The database is away; the rest of a batch is given back.")
        wait_for_the_database()
    if before is not None:
        record(*before, token, now)
    left = [message.pk for message in messages[begun:]]
    give_back(left, token)
    return left


def begin(
    message: Message, sealed: Sealed | None, before: tuple[int, Outcome] | None, token: UUID, now: datetime
) -> Letter | None:
    """Mark a message as being sent and return its letter, unless it is not to be sent; record the one before."""
    if sealed is not None:
        if begin_sealed(message, sealed, before, token, now):
            return sealed.letter
    elif before is not None:
        record(*before, token, now)
    try:
        return begin_anew(message, token, now)
    except DATABASE_IS_AWAY:
        raise
    except Exception:  # a letter that cannot be written must not hold up the rest of its batch
        logger.exception("Message %s could not be written.", message.pk)
        record(message.pk, try_later(message, _("The message could not be written."), now), token, now)
        return None


@transaction.atomic
def begin_anew(message: Message, token: UUID, now: datetime) -> Letter | None:
    """Look once more, under locks, whether a message is to be sent; if so, write it and mark it as being sent."""
    in_hand = Message.objects.select_for_update(of=("self",)).select_related("client", "user")
    held = in_hand.filter(pk=message.pk, state=State.CLAIMED, claimed_by=token).first()
    if held is None:
        return None
    letter = look_again(held, now)
    if isinstance(letter, Outcome):
        record(held.pk, letter, token, now)
        return None
    Message.objects.filter(pk=held.pk).update(state=State.SENDING, lease_until=now + LEASE)
    return letter


def look_again(message: Message, now: datetime) -> Letter | Outcome:
    """Write the letter from what holds now, or say what becomes of the message instead."""
    if not is_of_use(message, now):
        return Outcome(State.MISSED)
    words: Words | None = message_kinds[message.kind].context(message.subject_pk, now)
    if words is None:
        return Outcome(State.DROPPED)
    whom = recipient(message, words)
    return letter_or_obstacle(message, words, what_is_known([whom.pk]), now)


def hand_over(message: Message, letter: Letter, line: Line, now: datetime) -> Outcome:
    """Call the provider, outside any transaction, and say what came of it."""
    try:
        provider_key = line.send(letter)
    except Refused as refused:
        if refused.for_good:
            return Outcome(State.FAILED, refused.words, was_tried=True)
        if refused.nobody_answers:
            nobody_answered(message.channel, now)
        return try_later(message, refused.words, now, was_tried=True)
    except Exception:  # whatever it was, it came after the hand-over began: nobody knows
        logger.exception("Message %s may or may not have been sent.", message.pk)
        problem = _("The provider did not say whether it took the message.")
        uncertain = Outcome(State.UNCERTAIN, problem, was_tried=True)
        again = try_later(message, problem, now, was_tried=True)
        return again if channels[message.channel].deduplicates and again.state == State.RETRY else uncertain
    return Outcome(State.SENT, provider_key=provider_key, was_tried=True)


def try_later(message: Message, problem: str, now: datetime, *, was_tried: bool = False) -> Outcome:
    """Plan the next attempt, or give up when it would come too late."""
    due_at = now + PAUSES[min(message.attempts, len(PAUSES)) - 1]
    if due_at >= message.useless_after:
        return Outcome(State.FAILED, problem, was_tried=was_tried)
    return Outcome(State.RETRY, problem, due_at, was_tried=was_tried)


def wait_for_the_database() -> None:
    """Have a connection that works; a database that is being restarted is waited for. Raises OperationalError."""
    until = time.monotonic() + DATABASE_COMES_BACK_WITHIN_SECONDS
    while True:
        try:
            if connection.connection is not None and not connection.is_usable():
                connection.close()
            connection.ensure_connection()
        except DATABASE_IS_AWAY:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


# --- What the provider tells later


@transaction.atomic
def receipt(
    *,
    channel: str,
    outcome: Literal["delivered", "failed", "gone"],
    at: datetime,
    words: str = "",
    provider_key: str = "",
    key: UUID | None = None,
) -> Message | None:
    """Record what a provider tells of a message that it took; by its key of it, or ours. None: no such message.

    A receipt that comes again, or too late to be news, changes nothing. One for an uncertain message settles it.
    """
    found = Message.objects.select_for_update(no_key=True).filter(channel=channel)
    found = (
        found.filter(key=key) if key is not None else found.filter(provider_key=provider_key).exclude(provider_key="")
    )
    message = found.first()
    if message is None:
        return None
    if outcome == "delivered" and message.delivered_at is None:
        message.state, message.problem, message.delivered_at = State.SENT, "", at
        message.sent_at, message.tried_at = message.sent_at or at, message.tried_at or at
    elif outcome != "delivered" and message.state in MAY_STILL_FAIL and (message.delivered_at or at) <= at:
        message.state, message.problem, message.delivered_at = State.FAILED, words[:PROBLEM_LENGTH], None
    message.provider_key = message.provider_key or provider_key
    message.save(update_fields=["provider_key", "state", "problem", "delivered_at", "sent_at", "tried_at"])
    return message


# What is to be sent once more no longer depends on what became of it before.
MAY_STILL_FAIL = (State.SENDING, State.SENT, State.UNCERTAIN)
PROBLEM_LENGTH = 160
