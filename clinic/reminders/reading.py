"""Messages as the front desk reads them: who, what about, what became of it. Never what a message says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from clinic.people.models import Location
from clinic.reminders.kinds import message_kinds
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment, StatusChange

State = Message.State

# Kinds whose subject is one appointment.
OF_A_VISIT = ("reminder", "booking", "moved", "cancelled")
# Start and zone; and when it was moved, and from when.
Visit = tuple[datetime, str]
Move = tuple[datetime, datetime]
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
    """Put messages into words, in three more queries however many they are."""
    visits, moves = visits_of(messages), moves_of(messages)
    home = Location.objects.order_by("pk").first()
    zone = home.zone if home else ZoneInfo("UTC")
    return [
        message_row(message, as_told(message, visits.get(message.subject_pk), moves.get(message.subject_pk, ())), zone)
        for message in messages
    ]


def as_told(message: Message, visit: Visit | None, moves: Sequence[Move]) -> Visit | None:
    """Return when a visit was as the message told it: before it was moved for the first time since."""
    told = next((was for at, was in moves if at > message.about_at), None)
    return (told, visit[1]) if visit and told else visit


def message_row(message: Message, visit: Visit | None, zone: ZoneInfo) -> MessageRow:
    """Put one message into words; `visit` is the start and the zone of the appointment with its subject's key."""
    visit_at = None
    if visit and message.kind in OF_A_VISIT:
        visit_at, zone = visit[0], ZoneInfo(visit[1])
    if message.kind == "reminder":
        visit_at = message.about_at
    words = message_kinds[message.kind].words if message.kind in message_kinds else message.kind
    return MessageRow(message, words, zone, visit_at, PILLS.get(State(message.state), ""))


def visits_of(messages: Collection[Message]) -> dict[int, Visit]:
    """Return start and zone of the appointments that messages speak of, by key."""
    found = Appointment.objects.filter(pk__in=_visits_named(messages))
    facts = found.values_list("pk", "starts_at", "location__time_zone")
    return {pk: (starts_at, time_zone) for pk, starts_at, time_zone in facts}


def moves_of(messages: Collection[Message]) -> dict[int, list[Move]]:
    """Return when these appointments were moved, and from when, the oldest first, by their keys."""
    moves: dict[int, list[Move]] = defaultdict(list)
    steps = StatusChange.objects.filter(appointment__in=_visits_named(messages), was__isnull=False)
    for visit, at, was in steps.order_by("at", "pk").values_list("appointment", "at", "was__starts_at"):
        moves[visit].append((at, datetime.fromisoformat(was)))
    return moves


def _visits_named(messages: Collection[Message]) -> set[int]:
    return {message.subject_pk for message in messages if message.kind in OF_A_VISIT}
