"""Kinds of messages. This room sends; what a message means is known by the room that registers its kind."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clinic.lib.registry import Registry
from clinic.people.models import ContactConsent


@dataclass(frozen=True)
class Due:
    """Something the sweep should see sent once."""

    subject_pk: int
    client_pk: int
    about_at: datetime
    due_at: datetime
    useless_after: datetime
    slot: int = 0
    channels: tuple[str, ...] = (ContactConsent.Channel.EMAIL,)


@dataclass(frozen=True)
class Kind:
    """One kind of message.

    `find_due(now)` is one set-based read of what became due and is still of use; what already has its row is no matter.
    `context(subject_pk, now)` is read again at the moment of sending and returns None when the message is no longer
    needed (cancelled, moved, done). `template` is the stem under templates/emails/: subject, text and html.
    No health detail ever goes into a message.
    """

    template: str
    find_due: Callable[[datetime], Iterable[Due]]
    context: Callable[[int, datetime], dict[str, Any] | None]
    # Urgent and answering kinds (a code, a confirmation of what she just did) do not wait for the morning.
    keeps_quiet_hours: bool = True
    # A message that only answers what she asked for herself needs no consent of its own.
    needs_consent: bool = True
    words: str = field(default="")


kinds: Registry[Kind] = Registry("reminder kind")


def register_kind(name: str, kind: Kind) -> None:
    """Add a kind; called by the AppConfig.ready of the room that knows its meaning."""
    kinds.register(name, kind)
