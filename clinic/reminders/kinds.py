"""Kinds of messages. This room sends; what a message means is known by the room that registers its kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clinic.lib.registry import Registry
from clinic.people.models import ContactConsent

if TYPE_CHECKING:
    from django.db.models import Model
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Due:
    """Something the sweep should see sent once."""

    subject_pk: int
    # To a client; or to one of the staff, by `user_pk`.
    client_pk: int | None
    about_at: datetime
    due_at: datetime
    useless_after: datetime
    slot: int = 0
    # None: as the policy says.
    channels: tuple[str, ...] | None = None
    user_pk: int | None = None
    # The service of the visit, whose policy holds where it has one.
    service_pk: int | None = None


@dataclass(frozen=True)
class MessageKind:
    """One kind of message.

    `find_due(now)` is one set-based read of what became due and is still of use; what already has its row is no matter.
    `template` is a folder under templates/emails/ with subject.txt, text.txt and html.html, and a file
    templates/texts/<template>.txt where it also goes as a text.
    `context(subject_pk, now)` is read again at the moment of sending, in the transaction that begins it, and returns
    None when the message is no longer needed (cancelled, done). It locks what it speaks of, so that no sending begins
    after a change was committed. Beside the words of the template it may hold
    - `about_at`: where it is no longer that of the message (a moved visit), the message is dropped;
    - `client`: to whom it goes now, where what it is about may pass to another record (two were merged, or parted);
    - `zone`: the ZoneInfo in whose wall clock times are written and quiet hours kept; else that of the first location;
    - `calendar`: a calendar file that goes with the letter.
    It may hold `not_before` alone: what it is about is being changed right now, and is looked at again then.
    The template is also given `clinic` and `called`. No health detail ever goes into a message.

    A kind of which thousands may be due at once also offers `contexts(subject_pks, now)`: the same words for a whole
    batch in a few reads, without locks, and only of those that plainly stand; the others are asked for one by one.
    `subject` is then the model in whose row each of its changes leaves a mark: the letters are written ahead, and go
    out as long as that row is untouched. They differ in no more than `wording.values_of_one` and the place, so that
    the templates are rendered once for each place and language.
    """

    template: str
    find_due: Callable[[datetime], Iterable[Due]]
    context: Callable[[int, datetime], dict[str, Any] | None]
    contexts: Callable[[Collection[int], datetime], Mapping[int, dict[str, Any]]] | None = None
    subject: type[Model] | None = None
    # Answering kinds (a code, a confirmation of what she just did) do not wait for the morning.
    keeps_quiet_hours: bool = True
    # Staff alerts that cannot wait: neither for the morning nor for second thoughts.
    is_urgent: bool = False
    # The channels it has words for, of which the policy chooses.
    channels: tuple[str, ...] = (ContactConsent.Channel.EMAIL,)
    # A message that only answers what she asked for herself needs no consent of its own.
    needs_consent: bool = True
    # The placeholders (`wording.VALUES`) of which a clinic's own words for it may be made, and those they must hold;
    # a kind without them is said in our words only.
    may_say: tuple[str, ...] = ()
    must_say: tuple[str, ...] = ()
    # What the front desk calls it, translated lazily.
    words: StrOrPromise = ""


message_kinds: Registry[MessageKind] = Registry("kind of message")
