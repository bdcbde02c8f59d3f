"""Kinds of messages. This room sends; what a message means is known by the room that registers its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clinic.lib.registry import Registry
from clinic.people.models import ContactConsent

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


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
class MessageKind:
    """One kind of message.

    `find_due(now)` is one set-based read of what became due and is still of use; what already has its row is no matter.
    `template` is a folder under templates/emails/ with subject.txt, text.txt and html.html.
    `context(subject_pk, now)` is read again at the moment of sending, in the transaction that begins it, and returns
    None when the message is no longer needed (cancelled, done). It locks what it speaks of, so that no sending begins
    after a change was committed. Beside the words of the template it may hold
    - `about_at`: where it is no longer that of the message (a moved visit), the message is dropped;
    - `client`: to whom it goes now, where what it is about may pass to another record (two were merged, or parted);
    - `zone`: the ZoneInfo in whose wall clock times are written and quiet hours kept; else that of the first location;
    - `calendar`: a calendar file that goes with the letter.
    The template is also given `clinic` and `called`. No health detail ever goes into a message.
    """

    template: str
    find_due: Callable[[datetime], Iterable[Due]]
    context: Callable[[int, datetime], dict[str, Any] | None]
    # Urgent and answering kinds (a code, a confirmation of what she just did) do not wait for the morning.
    keeps_quiet_hours: bool = True
    # A message that only answers what she asked for herself needs no consent of its own.
    needs_consent: bool = True
    # What the front desk calls it, translated lazily.
    words: StrOrPromise = ""


message_kinds: Registry[MessageKind] = Registry("kind of message")
