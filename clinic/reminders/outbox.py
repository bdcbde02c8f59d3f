"""The rows of the outbox: written down once, taken in hand by one worker at a time, given back, closed.

The statements are set-based: a hundred thousand messages may become due in one minute.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from uuid import UUID, uuid4

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from clinic.lib.lookups import keys
from clinic.reminders.channels import channels
from clinic.reminders.kinds import Due, message_kinds
from clinic.reminders.models import Message
from clinic.reminders.policy import with_channels

Parameters = dict[str, str | int | datetime | UUID | None]

logger = logging.getLogger(__name__)

State = Message.State

# Many enough to share out what is read once for all of them, few enough to be done with soon.
BATCH = 500
WRITTEN_AT_ONCE = 5_000
# What is asked of a message on its way.
READ = ("kind", "subject_pk", "client", "user", "channel", "slot", "about_at", "useless_after", "attempts", "key")
# Longer than a task may run (120 s); short enough that staff see an uncertain message within five minutes.
LEASE = timedelta(minutes=3)
# What the database says when it is gone, and when it asks to try again.
DATABASE_IS_AWAY = (OperationalError, InterfaceError)


@dataclass(frozen=True)
class Claim:
    """Messages that one worker holds until its lease ends."""

    token: UUID
    pks: Sequence[int]

    @cached_property
    def messages(self) -> list[Message]:
        """The messages themselves, soonest due first; read when they are asked for."""
        claimed = Message.objects.filter(pk__among=keys(self.pks)).order_by("due_at", "pk")
        return list(claimed.only(*READ))


@dataclass(frozen=True)
class Outcome:
    """What becomes of a message in hand."""

    state: Message.State
    problem: str = ""
    due_at: datetime | None = None
    provider_key: str = ""
    # It was handed to the provider, whatever came of it.
    was_tried: bool = False


# --- The sweep


def prepare(now: datetime) -> None:
    """Write down what became due and close what is past; any number of sweeps may do this at once."""
    for name, kind in message_kinds.items():
        try:
            write_down(name, kind.find_due(now), now)
        except Exception:  # one room's fault must not silence the others
            logger.exception("What is due of the kind %s could not be found.", name)
    close_past(now)


def write_down(kind: str, found: Iterable[Due], now: datetime) -> None:
    """Insert the rows that do not exist yet; between two sweeps at once the unique key decides."""
    dues = iter(found)
    while some := list(islice(dues, WRITTEN_AT_ONCE)):
        rows = [
            (str(channel), *facts_of(due))
            for due, its_channels in with_channels(message_kinds[kind], some)
            for channel in its_channels
        ]
        if rows:
            columns = [literal(column) for column in zip(*rows, strict=True)]
            with connection.cursor() as cursor:
                cursor.execute(WRITE_DOWN, [kind, now, *columns, kind])


def literal(column: Iterable[str | int | datetime | None]) -> str:
    """Write a column as a PostgreSQL array; as one word it costs a fifth of what a list does."""
    return f"{{{','.join('NULL' if one is None else str(one) for one in column)}}}"


facts_of = attrgetter("subject_pk", "client_pk", "user_pk", "slot", "about_at", "due_at", "useless_after")

# What stands already is left out first, and not only by the key: else each sweep would use up a number for it.
WRITE_DOWN = """
    INSERT INTO reminders_message (
        kind, channel, subject_pk, client_id, user_id, slot, about_at, due_at, useless_after, created_at,
        state, attempts, problem
    )
    SELECT %s, due.*, %s, 'waiting', 0, '' FROM (
        SELECT * FROM unnest(
            %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[],
            %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]
        )
    ) AS due (channel, subject_pk, client_id, user_id, slot, about_at, due_at, useless_after)
    WHERE NOT EXISTS (
        SELECT FROM reminders_message AS known
        WHERE (known.kind, known.subject_pk, known.channel, known.slot, known.about_at)
            = (%s, due.subject_pk, due.channel, due.slot, due.about_at)
        AND known.user_id IS NOT DISTINCT FROM due.user_id
    )
    ON CONFLICT (kind, subject_pk, channel, slot, about_at, user_id) DO NOTHING
"""


def close_past(now: datetime) -> None:
    """Mark as missed what is of no more use, let go of old failures, and take from dead workers what they held.

    What these were sending is uncertain; only a provider that knows it by its key is asked again.
    """
    waiting = Message.objects.filter(state__in=[State.WAITING, State.RETRY], is_open=True)
    waiting.filter(useless_after__lte=now).update(state=State.MISSED)
    knowing = [name for name, channel in channels.items() if channel.deduplicates]
    stuck, problem = Message.objects.stuck(now), _("The sending was interrupted.")
    stuck.filter(channel__in=knowing, useless_after__gt=now).update(state=State.RETRY, due_at=now, problem=problem)
    stuck.update(state=State.UNCERTAIN, problem=problem, tried_at=now)
    Message.objects.needing_a_person().filter(useless_after__lte=now).update(settled_at=now)


def due_batches(now: datetime) -> Iterator[tuple[str, list[int]]]:
    """Yield the keys of what may be claimed now in batches for the workers, each of one channel, soonest first."""
    due = Message.objects.due(now).order_by("channel", "due_at", "pk").values_list("channel", "pk")
    for channel, its_own in groupby(due.iterator(), itemgetter(0)):
        pks = (pk for _channel, pk in its_own)
        while batch := list(islice(pks, BATCH)):
            yield channel, batch


# --- In hand


@transaction.atomic
def claim(now: datetime, *, only: Collection[int] | None = None) -> Claim:
    """Take up to a batch of what is due; rows that another worker is just taking are passed over, not waited for."""
    messages = Message.objects
    due = messages.due(now) if only is None else messages.filter(pk__among=keys(only)).free(now)
    free = due.select_for_update(skip_locked=True).order_by("due_at", "pk").values("pk")[:BATCH]
    statement, parameters = free.query.sql_with_params()
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(free=statement), [*parameters, token, now + LEASE])
        return Claim(token, [pk for (pk,) in cursor.fetchall()])


CLAIM = """
    WITH free (id) AS MATERIALIZED ({free})
    UPDATE reminders_message AS message
    SET state = 'claimed', claimed_by = %s, lease_until = %s, attempts = attempts + 1
    FROM free WHERE message.id = free.id
    RETURNING message.id
"""


def give_back(pks: Collection[int], token: UUID) -> None:
    """Let others take what this worker claimed and has certainly not handed over."""
    held = Message.objects.filter(pk__in=pks, claimed_by=token, state__in=[State.CLAIMED, State.SENDING])
    held.update(state=State.WAITING, attempts=F("attempts") - 1)


def record(pk: int, outcome: Outcome, token: UUID, now: datetime) -> None:
    """Write down the outcome of a message that is still this worker's.

    A late answer also settles what was meanwhile taken for dead, unless a person or another worker has taken it over.
    """
    with connection.cursor() as cursor:
        cursor.execute(RECORD, recorded(pk, outcome, token, now))


def recorded(pk: int | None, outcome: Outcome, token: UUID, now: datetime) -> Parameters:
    """Return the parameters of RECORD."""
    return {
        "settled": pk,
        "token": token,
        "state": outcome.state.value,
        "problem": outcome.problem,
        "due_at": outcome.due_at,
        "provider_key": outcome.provider_key,
        "tried_at": now if outcome.was_tried else None,
        "sent_at": now if outcome.state == State.SENT else None,
        # What only waits has not been tried.
        "untried": int(outcome.state == State.WAITING),
    }


RECORD = """
    UPDATE reminders_message
    SET state = %(state)s, problem = %(problem)s, provider_key = %(provider_key)s,
        due_at = coalesce(%(due_at)s::timestamptz, due_at), sent_at = coalesce(%(sent_at)s::timestamptz, sent_at),
        tried_at = coalesce(%(tried_at)s::timestamptz, tried_at), attempts = attempts - %(untried)s
    WHERE id = %(settled)s::bigint AND claimed_by = %(token)s
    AND state IN ('claimed', 'sending', 'uncertain', 'retry')
"""
