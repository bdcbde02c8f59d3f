"""Finding, claiming and delivering messages.

The database is the only truth: a row exists once by its unique key, is claimed by one worker at a time, and is marked
“being sent” in a committed transaction before the provider is called outside any. So whatever dies, nothing is
lost, nothing is sent twice, and what nobody can know is shown to a person as uncertain.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from clinic.people.models import User
from clinic.people.services import has_contact_consent
from clinic.reminders.channels import Letter, Refused, channels
from clinic.reminders.kinds import Due, message_kinds
from clinic.reminders.models import Message, MessagePolicy
from clinic.reminders.timing import end_of_quiet
from clinic.reminders.writing import write_letter, zone_of

logger = logging.getLogger(__name__)

State = Message.State

BATCH = 50
# A worker takes no new message after this long, so that a batch ends well within the task's time limit and its lease.
PATIENCE_SECONDS = 60
# Longer than a batch with its slowest letter; short enough that staff see an uncertain message within five minutes.
LEASE = timedelta(minutes=4)
# After a refusal that may pass: soon, then less often, the last pause again and again until it is of no more use.
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))


@dataclass(frozen=True)
class Claim:
    """Messages that one worker holds until its lease ends."""

    token: UUID
    pks: list[int]


@dataclass(frozen=True)
class Outcome:
    """What becomes of a message in hand."""

    state: Message.State
    problem: str = ""
    due_at: datetime | None = None
    provider_key: str = ""


def message_policy() -> MessagePolicy:
    """Return when and how the clinic writes."""
    return MessagePolicy.objects.get(pk=1)


# --- The sweep


def sweep(now: datetime) -> int:
    """Do a whole round in this process: find, insert, claim, deliver. Return how many messages were taken in hand."""
    prepare(now)
    handled = 0
    while (claimed := claim(now)).pks:
        for pk in claimed.pks:
            deliver_claimed(pk, claimed.token, now)
        handled += len(claimed.pks)
    return handled


def prepare(now: datetime) -> None:
    """Write down what became due and close what is past; any number of sweeps may do this at once."""
    for name, kind in message_kinds.items():
        try:
            insert_due(name, kind.find_due(now), now)
        except Exception:  # one room's fault must not silence the others
            logger.exception("What is due of the kind %s could not be found.", name)
    close_past(now)


def insert_due(kind: str, found: Iterable[Due], now: datetime) -> int:
    """Insert the rows that do not exist yet and return how many were missing; the unique key has the last word."""
    rows = [
        Message(
            kind=kind,
            subject_pk=due.subject_pk,
            client_id=due.client_pk,
            user_id=due.user_pk,
            channel=channel,
            slot=due.slot,
            about_at=due.about_at,
            due_at=due.due_at,
            useless_after=due.useless_after,
            created_at=now,
        )
        for due in found
        for channel in due.channels or ("email",)
    ]
    subjects = {row.subject_pk for row in rows}
    known = set(
        Message.objects.filter(kind=kind, subject_pk__in=subjects).values_list(
            "subject_pk", "channel", "slot", "about_at"
        )
    )
    fresh = [row for row in rows if (row.subject_pk, row.channel, row.slot, row.about_at) not in known]
    Message.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=1000)
    return len(fresh)


def close_past(now: datetime) -> None:
    """Mark as missed what is of no more use, as uncertain what a dead worker held, and let go of old failures."""
    Message.objects.filter(state__in=[State.WAITING, State.RETRY], useless_after__lte=now).update(state=State.MISSED)
    Message.objects.stuck(now).update(state=State.UNCERTAIN, problem=_("The sending was interrupted."))
    Message.objects.needing_a_person().filter(useless_after__lte=now).update(settled_at=now)


def due_batches(now: datetime) -> list[list[int]]:
    """Return the keys of what may be claimed now, soonest first, in batches for the workers."""
    pks = list(Message.objects.due(now).order_by("due_at", "pk").values_list("pk", flat=True))
    return [pks[start : start + BATCH] for start in range(0, len(pks), BATCH)]


@transaction.atomic
def claim(now: datetime, *, only: Collection[int] | None = None) -> Claim:
    """Take up to a batch of what is due; rows that another worker is just taking are passed over, not waited for."""
    due = Message.objects.due(now)
    if only is not None:
        due = due.filter(pk__in=only)
    token = uuid4()
    pks = list(due.select_for_update(skip_locked=True).order_by("due_at", "pk").values_list("pk", flat=True)[:BATCH])
    Message.objects.filter(pk__in=pks).update(
        state=State.CLAIMED, claimed_by=token, lease_until=now + LEASE, attempts=F("attempts") + 1
    )
    return Claim(token, pks)


# --- Delivery


def deliver_batch(message_pks: Collection[int], now: datetime) -> None:
    """Deliver those of a batch that are still due and free; give back what there was no time for."""
    began = time.monotonic()
    claimed = claim(now, only=message_pks)
    for pk in claimed.pks:
        if time.monotonic() - began > PATIENCE_SECONDS:
            give_back(claimed)
            return
        deliver_claimed(pk, claimed.token, now)


def give_back(claimed: Claim) -> None:
    """Let others take what this worker claimed and has not begun."""
    Message.objects.filter(state=State.CLAIMED, claimed_by=claimed.token).update(state=State.WAITING)


def deliver_claimed(pk: int, token: UUID, now: datetime) -> None:
    """Deliver one claimed message: commit that it is being sent, call the provider, record what came of it."""
    try:
        begun = begin_sending(pk, token, now)
    except Exception:  # a letter that cannot be written must not hold up the rest of its batch
        logger.exception("Message %s could not be written.", pk)
        message = Message.objects.get(pk=pk)
        record(pk, token, try_later(message, _("The message could not be written."), now), now)
        return
    if begun is not None:
        message, letter = begun
        record(pk, token, hand_over(message, letter, now), now)


@transaction.atomic
def begin_sending(pk: int, token: UUID, now: datetime) -> tuple[Message, Letter] | None:
    """Look once more whether it is to be sent; if so, mark it as being sent and return it with its letter."""
    in_hand = Message.objects.select_for_update(of=("self",)).select_related("client")
    message = in_hand.filter(pk=pk, state=State.CLAIMED, claimed_by=token).first()
    if message is None:
        return None
    letter = letter_or_obstacle(message, now)
    if isinstance(letter, Outcome):
        record(pk, token, letter, now)
        return None
    Message.objects.filter(pk=pk).update(state=State.SENDING, lease_until=now + LEASE)
    return message, letter


def letter_or_obstacle(message: Message, now: datetime) -> Letter | Outcome:
    """Write the letter, or say what becomes of the message instead."""
    kind, channel = message_kinds[message.kind], channels[message.channel]
    if now >= message.useless_after:
        return Outcome(State.MISSED)
    context = kind.context(message.subject_pk, now)
    client = None if context is None else context.pop("client", message.client)
    if context is None or context.get("about_at", message.about_at) != message.about_at or client.archived_at:
        return Outcome(State.DROPPED)
    if kind.needs_consent and not has_contact_consent(client, message.channel):
        return Outcome(State.DROPPED, _("There is no consent to write."))
    to = channel.address_of(client, now)
    if not to:
        return Outcome(State.FAILED, _("There is no address to write to."))
    if kind.keeps_quiet_hours and (end := quiet_until(context, now)):
        too_late = Outcome(State.MISSED, _("It would have come in the quiet hours."))
        return Outcome(State.WAITING, due_at=end) if end < message.useless_after else too_late
    return write_letter(message, client=client, to=to, template=kind.template, context=context)


def quiet_until(context: dict[str, Any], now: datetime) -> datetime | None:
    """Return when the quiet hours end where the message is about, or None outside them."""
    policy = message_policy()
    return end_of_quiet(now, policy.quiet_from, policy.quiet_until, zone_of(context))


def hand_over(message: Message, letter: Letter, now: datetime) -> Outcome:
    """Call the provider, outside any transaction, and say what came of it."""
    try:
        with channels[message.channel].open() as line:
            provider_key = line.send(letter)
    except Refused as refused:
        if refused.for_good:
            return Outcome(State.FAILED, refused.words)
        return try_later(message, refused.words, now)
    except Exception:  # whatever it was, it came after the hand-over began: nobody knows
        logger.exception("Message %s may or may not have been sent.", message.pk)
        return Outcome(State.UNCERTAIN, _("The mail server did not say whether it took the message."))
    return Outcome(State.SENT, provider_key=provider_key)


def try_later(message: Message, problem: str, now: datetime) -> Outcome:
    """Plan the next attempt, or give up when it would come too late."""
    due_at = now + PAUSES[min(message.attempts, len(PAUSES)) - 1]
    if due_at >= message.useless_after:
        return Outcome(State.FAILED, problem)
    return Outcome(State.RETRY, problem, due_at)


def record(pk: int, token: UUID, outcome: Outcome, now: datetime) -> None:
    """Write down the outcome of a message that is still this worker's.

    A late answer also settles what was meanwhile marked uncertain, unless a person has taken it over.
    """
    facts: dict[str, Any] = {"state": outcome.state, "problem": outcome.problem}
    if outcome.due_at:
        facts["due_at"] = outcome.due_at
    if outcome.state == State.SENT:
        facts |= {"sent_at": now, "provider_key": outcome.provider_key}
    ours = Message.objects.filter(pk=pk, claimed_by=token, state__in=[State.CLAIMED, State.SENDING, State.UNCERTAIN])
    ours.update(**facts)


# --- What a person does


@transaction.atomic
def try_again(*, by: User, now: datetime, message: Message) -> Message:
    """Have a failed or uncertain message sent once more; the next sweep takes it. Raises ValidationError."""
    message = open_trouble(message)
    if now >= message.useless_after:
        raise ValidationError(_("It is too late to send this message."))
    message.state, message.problem = State.WAITING, ""
    message.due_at, message.attempts, message.claimed_by = now, 0, None
    message.tried_again_by = by
    message.save(update_fields=["state", "problem", "due_at", "attempts", "claimed_by", "tried_again_by"])
    return message


@transaction.atomic
def settle(*, by: User, now: datetime, message: Message) -> Message:
    """Record that somebody saw to a failed or uncertain message otherwise, as by phoning. Raises ValidationError."""
    message = open_trouble(message)
    message.settled_at, message.settled_by = now, by
    message.save(update_fields=["settled_at", "settled_by"])
    return message


def open_trouble(message: Message) -> Message:
    """Lock a message that still needs a person. Raises ValidationError when it no longer does."""
    locked = Message.objects.select_for_update().needing_a_person().filter(pk=message.pk).first()
    if locked is None:
        raise ValidationError(_("Somebody has already seen to this message."))
    return locked
