"""What holds for whom: the clinic's policy, a service's in place of it, a client's in place of both. Changing them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.people.models import Client, Service, User
from clinic.people.services.clients import last_words
from clinic.reminders.kinds import Due, MessageKind, message_kinds
from clinic.reminders.models import MessagePolicy, PolicyOverride
from clinic.reminders.texting.providers import is_open


@dataclass(frozen=True)
class Offset:
    """One reminder of the list: how long before, and the number by which the outbox knows it."""

    minutes: int
    slot: int
    # What was due before was the business of the list before.
    since: datetime | None


@dataclass(frozen=True)
class Policies:
    """All policies, read once: the clinic's, and those of services and clients that differ, by key."""

    clinic: MessagePolicy
    by_service: Mapping[int, PolicyOverride]
    by_client: Mapping[int, PolicyOverride]

    def offsets(self, client_pk: int, service_pk: int) -> tuple[Offset, ...]:
        """Return how long before a visit she is reminded of it."""
        for one in self._above(client_pk, service_pk):
            if one.offsets_minutes is not None:
                return _offsets(one.offsets_minutes, one.offset_slots, one.offsets_since)
        return self._offsets_of_the_clinic

    @cached_property
    def _offsets_of_the_clinic(self) -> tuple[Offset, ...]:
        return _offsets(self.clinic.offsets_minutes, self.clinic.offset_slots, self.clinic.offsets_since)

    def channels(self, client_pk: int | None, service_pk: int | None) -> Sequence[str]:
        """Return by what she is written to, where she agrees."""
        for one in self._above(client_pk, service_pk):
            if one.channels is not None:
                return one.channels
        return self.clinic.channels

    @property
    def longest_offset(self) -> int:
        """Return, in minutes, how long before a visit the first of all reminders is due."""
        lists = [self.clinic.offsets_minutes]
        lists += [one.offsets_minutes or [] for one in (*self.by_service.values(), *self.by_client.values())]
        return max((minutes for offsets in lists for minutes in offsets), default=0)

    def _above(self, client_pk: int | None, service_pk: int | None) -> Iterator[PolicyOverride]:
        overrides = (self.by_client.get(client_pk or 0), self.by_service.get(service_pk or 0))
        return (one for one in overrides if one is not None)


def policies() -> Policies:
    """Return what holds. Two queries."""
    overrides = list(PolicyOverride.objects.all())
    return Policies(
        clinic=message_policy(),
        by_service={one.service_id: one for one in overrides if one.service_id is not None},
        by_client={one.client_id: one for one in overrides if one.client_id is not None},
    )


def message_policy() -> MessagePolicy:
    """Return when and how the clinic writes."""
    return MessagePolicy.objects.get(pk=1)


def _offsets(minutes: Sequence[int], slots: Sequence[int], since: datetime | None) -> tuple[Offset, ...]:
    return tuple(Offset(minutes, slot, since) for minutes, slot in zip(minutes, slots, strict=True))


# --- By which channels


def with_channels(kind: MessageKind, found: Iterable[Due]) -> Iterator[tuple[Due, Sequence[str]]]:
    """Yield what is due with the channels that it goes by. Three queries, however many there are.

    They are those of the policy which are open, for which the kind has words and she has agreed. Where she has agreed
    to none of them the first is tried, so that it stands in the list of messages why nothing went out.
    """
    dues = list(found)
    if not dues:
        return
    known = policies()
    clients = {due.client_pk for due in dues if due.client_pk is not None} if kind.needs_consent else set()
    speaking = [one for one in kind.channels if is_open(one)] or kind.channels[:1]
    said = last_words(clients, *speaking) if clients else {}
    for due in dues:
        if due.user_pk is not None:
            yield due, kind.channels[:1]
            continue
        wished = due.channels if due.channels is not None else known.channels(due.client_pk, due.service_pk)
        spoken = [one for one in wished if one in speaking] or kind.channels[:1]
        agreed = [one for one in spoken if due.client_pk and said.get((due.client_pk, one))]
        yield due, agreed or spoken[:1]


# --- Changing it


@transaction.atomic
def change_policy(*, by: User, now: datetime, **facts: object) -> MessagePolicy:
    """Change when and by which channels the clinic writes."""
    policy = MessagePolicy.objects.select_for_update().get(pk=1)
    _set(policy, facts, now, before=_numbers(policy))
    policy.full_clean()
    policy.save()
    record_change(by=by.pk, client=None, what=policy, words=_("messages: when and by which channels"), now=now)
    return policy


@transaction.atomic
def override_policy(
    *,
    by: User,
    now: datetime,
    of: Service | Client,
    channels: Collection[str] | None,
    offsets_minutes: Sequence[int] | None,
) -> None:
    """Let other channels or reminders hold for a service or a client; None is as above, and both are no override."""
    whose = {"client": of} if isinstance(of, Client) else {"service": of}
    # Of two who save at once, the later waits here, also where there is no override yet.
    policy = MessagePolicy.objects.select_for_update().get(pk=1)
    kept = PolicyOverride.objects.filter(**whose).first()
    if channels is None and offsets_minutes is None:
        if kept is None:
            return
        _write_down_what_is_due(now)
        kept.delete()
    else:
        override = kept or PolicyOverride(**whose, offset_slots=[])
        # Its first list takes the place of the clinic's, and gives it back one day: she was reminded by either.
        before = _numbers(policy if override.offsets_minutes is None else override)
        _set(override, {"channels": channels, "offsets_minutes": offsets_minutes}, now, before=before)
        override.full_clean()
        override.save()
    client_pk = of.pk if isinstance(of, Client) else None
    words = (
        _("messages to her: channels and reminders") if client_pk else _("messages about it: channels and reminders")
    )
    record_change(by=by.pk, client=client_pk, what=of if client_pk else policy, words=words, now=now)


def _numbers(policy: MessagePolicy | PolicyOverride) -> dict[int, int]:
    """Return the numbers of its reminders, by minutes."""
    return dict(zip(policy.offsets_minutes or [], policy.offset_slots, strict=True))


def _set(
    kept: MessagePolicy | PolicyOverride, facts: Mapping[str, object], now: datetime, *, before: Mapping[int, int]
) -> None:
    """Set facts, unsaved; a reminder keeps its number where it stays, or takes the place of another one."""
    was = kept.offsets_minutes
    for name, fact in facts.items():
        setattr(kept, name, fact)
    if was == kept.offsets_minutes:
        return
    _write_down_what_is_due(now)
    kept.offset_slots = slots_for(kept.offsets_minutes or [], before)
    # What takes the place of another is due where that was not; what is added, only from now on.
    if not {*kept.offset_slots} <= {*before.values()}:
        kept.offsets_since = now


def _write_down_what_is_due(now: datetime) -> None:
    """Put into the outbox what became due by the lists so far since the last sweep, and goes out all the same."""
    from clinic.reminders.outbox import write_down  # which asks us by which channels

    write_down("reminder", message_kinds["reminder"].find_due(now), now)


def slots_for(offsets: Sequence[int], before: Mapping[int, int]) -> list[int]:
    """Return the numbers of the reminders in a list, given those of the list before, by minutes.

    One that is as long before keeps its number. Of the others each takes over that of one that went, in their order;
    so 47 h in the place of 48 h remind nobody twice. What is added gets a number of its own, which begins with its
    minutes: so one that is added anew, after another had its number, is not taken for that.
    """
    slots = {minutes: before[minutes] for minutes in offsets if minutes in before}
    freed = [slot for minutes, slot in before.items() if minutes not in slots]
    for minutes in offsets:
        if minutes not in slots:
            slots[minutes] = freed.pop(0) if freed else _unused(minutes, {*slots.values(), *before.values()})
    return [slots[minutes] for minutes in offsets]


def _unused(number: int, used: Collection[int]) -> int:
    while number in used:
        number += 1
    return number
