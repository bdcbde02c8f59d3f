"""Replies as staff see them: who, about which visit, what she wants. The words are on a page of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from phonenumber_field.phonenumber import PhoneNumber, to_python

from clinic.people.models import clinic_zone
from clinic.reminders.reading import message_rows
from clinic.reminders.texting.models import Reply

Meaning = Reply.Meaning
URGENT = frozenset({Meaning.NO, Meaning.CANCEL})


@dataclass(frozen=True)
class ReplyRow:
    """One reply, with its times ready for the wall of the place it is about."""

    reply: Reply
    zone: ZoneInfo
    visit_at: datetime | None
    phone: PhoneNumber | None

    @property
    def name(self) -> str:
        """Who wrote, as far as it is known."""
        if self.reply.client:
            return self.reply.client.name
        return self.phone.as_international if self.phone else self.reply.number

    @property
    def is_urgent(self) -> bool:
        """Whether a visit may not take place."""
        return self.reply.meaning in URGENT

    @property
    def pill(self) -> str:
        """How the meaning is coloured."""
        return "todo" if self.is_urgent else ""


def reply_rows(replies: Sequence[Reply]) -> list[ReplyRow]:
    """Put replies into words, in as many queries for many as for one."""
    rows = {row.message.pk: row for row in message_rows([reply.message for reply in replies if reply.message])}
    home = clinic_zone()
    return [
        ReplyRow(
            reply,
            zone=row.zone if (row := rows.get(reply.message_id or 0)) else home,
            visit_at=row.visit_at if row else None,
            phone=phone_of(reply),
        )
        for reply in replies
    ]


def phone_of(reply: Reply) -> PhoneNumber | None:
    """Return the phone that wrote, where it can be called."""
    number = to_python(reply.number)
    return number if number and number.is_valid() else None
