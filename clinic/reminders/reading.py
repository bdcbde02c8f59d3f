"""Messages as the front desk reads them: who, what about, what became of it. Never what a message says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from clinic.people.models import Location
from clinic.reminders.kinds import message_kinds
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment

State = Message.State

# Kinds whose subject is one appointment.
OF_A_VISIT = ("reminder", "booking", "moved", "cancelled")
PILLS = {State.SENT: "ok", State.FAILED: "todo", State.UNCERTAIN: "todo"}


@dataclass(frozen=True)
class MessageRow:
    """One message, with its times ready for the wall of the place it is about."""

    message: Message
    words: str | Promise
    zone: ZoneInfo
    visit_at: datetime | None
    pill: str

    @property
    def at(self) -> datetime:
        """When it was sent, else when its turn is or was."""
        return self.message.sent_at or self.message.due_at


def message_rows(messages: Sequence[Message]) -> list[MessageRow]:
    """Put messages into words, in two more queries however many they are."""
    visits = visits_of(messages)
    home = Location.objects.order_by("pk").first()
    zone = home.zone if home else ZoneInfo("UTC")
    return [message_row(message, visits.get(message.subject_pk), zone) for message in messages]


def message_row(message: Message, visit: tuple[datetime, str] | None, zone: ZoneInfo) -> MessageRow:
    """Put one message into words; `visit` is the start and the zone of the appointment with its subject's key."""
    visit_at = None
    if visit and message.kind in OF_A_VISIT:
        visit_at, zone = visit[0], ZoneInfo(visit[1])
    if message.kind == "reminder":
        visit_at = message.about_at
    words = message_kinds[message.kind].words if message.kind in message_kinds else message.kind
    return MessageRow(message, words, zone, visit_at, PILLS.get(State(message.state), ""))


def visits_of(messages: Collection[Message]) -> dict[int, tuple[datetime, str]]:
    """Return start and zone of the appointments that messages speak of, by key."""
    keys = {message.subject_pk for message in messages if message.kind in OF_A_VISIT}
    found = Appointment.objects.filter(pk__in=keys).values_list("pk", "starts_at", "location__time_zone")
    return {pk: (starts_at, time_zone) for pk, starts_at, time_zone in found}
