"""Letters written ahead for a whole batch, each with a seal that breaks when what it was written from has changed.

To read and to lock for each message by itself what it speaks of costs more than to send it. So a batch is read at once,
without locks. PostgreSQL knows each version of a row by who wrote it and where it lies: where the rows are still
those that were read, the letter is as good as one written this moment. `begin_sealed` looks at that, holds the subject
against a change, and marks the message as being sent, in one statement that also writes down what came of the letter
before. So each message costs one durable commit.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from clinic.reminders.channels import Letter
from clinic.reminders.kinds import MessageKind, message_kinds
from clinic.reminders.models import Message
from clinic.reminders.outbox import DATABASE_IS_AWAY, LEASE, RECORD, Outcome, recorded
from clinic.reminders.writing import Words, is_of_use, letter_or_obstacle, recipient, what_is_known

logger = logging.getLogger(__name__)

# Versions of the rows of which a letter speaks; a client's counts each of her words on being written to.
VERSION = "one.xmin::text || one.ctid::text"
LATEST_WORD = "(SELECT coalesce(max(said.id), 0) FROM people_contactconsent AS said WHERE said.client_id = one.id)"
CLIENT_VERSION = f"{VERSION} || {LATEST_WORD}::text"


@dataclass(frozen=True)
class Sealed:
    """A letter, and the versions of the rows that it was written from."""

    letter: Letter
    table: str
    subject_pk: int
    subject: str
    client_pk: int
    client: str


def written_ahead(messages: Sequence[Message], now: datetime) -> dict[int, Sealed]:
    """Write what can be written of a batch, by the messages' keys; the rest is looked at one by one."""
    by_kind: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        if message.client_id and is_of_use(message, now):
            by_kind[message.kind].append(message)
    written: dict[int, Sealed] = {}
    for kind, its_own in by_kind.items():
        if kind not in message_kinds or message_kinds[kind].contexts is None:
            continue
        try:
            written |= _written_of(message_kinds[kind], its_own, now)
        except DATABASE_IS_AWAY:
            raise
        except Exception:  # one room's fault must not hold up the rest of the batch
            logger.exception("Messages of the kind %s could not be written ahead.", kind)
    return written


def _written_of(kind: MessageKind, messages: Sequence[Message], now: datetime) -> dict[int, Sealed]:
    assert kind.contexts is not None and kind.subject is not None, "they come together"  # noqa: S101, PT018
    table = kind.subject._meta.db_table  # noqa: SLF001  # public by Django's documentation
    # Versions first: what changes between the two reads breaks the seal.
    subjects = _versions(table, VERSION, {message.subject_pk for message in messages})
    client_pks = {message.client_id for message in messages if message.client_id}
    clients = _versions("people_client", CLIENT_VERSION, client_pks)
    known = what_is_known(client_pks)
    contexts = kind.contexts([message.subject_pk for message in messages], now)
    written = {}
    for message in messages:
        words: Words | None = contexts.get(message.subject_pk)
        if words is None or recipient(message, words).pk != message.client_id:
            continue
        letter = letter_or_obstacle(message, dict(words), known, now)
        if isinstance(letter, Letter):
            subject, client = subjects.get(message.subject_pk, ""), clients.get(message.client_id, "")
            written[message.pk] = Sealed(letter, table, message.subject_pk, subject, message.client_id, client)
    return written


def _versions(table: str, version: str, pks: set[int]) -> Mapping[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT one.id, {version} FROM {table} AS one WHERE one.id = ANY(%s)", [list(pks)])  # noqa: S608 -- of names, not of values
        return dict(cursor.fetchall())


def begin_sealed(
    message: Message, sealed: Sealed, before: tuple[int, Outcome] | None, token: UUID, now: datetime
) -> bool:
    """Mark a message as being sent if its seal is unbroken, and write down what came of the one before, if any.

    A change that is just being made is waited for; one that comes later waits for this.
    """
    before_pk, outcome = before or (None, Outcome(Message.State.DROPPED))
    parameters = recorded(before_pk, outcome, token, now) | {
        "pk": message.pk,
        "lease_until": now + LEASE,
        "subject_pk": sealed.subject_pk,
        "subject": sealed.subject,
        "client_pk": sealed.client_pk,
        "client": sealed.client,
    }
    with connection.cursor() as cursor:
        cursor.execute(BEGIN.format(table=sealed.table), parameters)
        return cursor.fetchone() is not None


BEGIN = f"""
    WITH settled AS ({RECORD}), unchanged AS MATERIALIZED (
        SELECT FROM {{table}} AS one WHERE one.id = %(subject_pk)s AND {VERSION} = %(subject)s FOR SHARE
    )
    UPDATE reminders_message AS message SET state = 'sending', lease_until = %(lease_until)s
    WHERE message.id = %(pk)s AND message.claimed_by = %(token)s AND message.state = 'claimed'
    AND EXISTS (SELECT FROM unchanged)
    AND EXISTS (SELECT FROM people_client AS one WHERE one.id = %(client_pk)s AND {CLIENT_VERSION} = %(client)s)
    RETURNING message.id
"""  # noqa: S608 -- of names, not of values
