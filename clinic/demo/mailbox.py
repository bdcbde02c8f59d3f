"""Where the example clinic's messages arrive: a folder of letters, that a page shows as their readers see them.

Nothing leaves the house. Only for the servers that come along, and never in production: MAILBOX is read nowhere else.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as as_today
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage as Mail
from django.core.mail.backends import console
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.people.settings_page import SettingRow
from clinic.reminders.texting.providers import Forged, Incoming, Named, Receipt, Text

NAME = re.compile(r"[0-9]{20}-[0-9a-f]{8}\.(?:mail|text)")
# What the oldest ones say is of no interest any more.
MOST_KEPT = 300
MAIL, TEXT = ".mail", ".text"


@dataclass(frozen=True)
class Kept:
    """One letter as it arrived."""

    name: str
    at: datetime
    to: str
    subject: str
    words: str
    html: str
    # The names of what came along with it.
    files: tuple[str, ...]

    @property
    def is_mail(self) -> bool:
        return self.name.endswith(MAIL)


class EmailBackend(console.EmailBackend):
    """Mail into the folder, and to the log as well, where codes for signing in are looked for."""

    def send_messages(self, email_messages: Sequence[Mail]) -> int:
        """Keep them all."""
        for mail in email_messages:
            keep(mail.message().as_bytes(), MAIL)
        return super().send_messages(email_messages) or 0


class Phones:
    """Texts into the folder. Nobody calls back: what a phone writes is typed on the page."""

    deduplicates: ClassVar[bool] = False

    def __init__(self, named: Named) -> None:
        self.named = named

    @contextmanager
    def open(self) -> Iterator[Phones]:
        """Be the line as well."""
        yield self

    def send(self, text: Text) -> str:
        """Keep one, and return its name."""
        letter = EmailMessage()
        letter["To"] = text.to
        letter.set_content(text.words)
        return keep(letter.as_bytes(), TEXT)

    def incoming(self, request: HttpRequest) -> Incoming | None:
        """Take nothing: whoever calls is not us."""
        raise Forged

    def receipt(self, request: HttpRequest, key: UUID) -> Receipt | None:
        """Take nothing: whoever calls is not us."""
        raise Forged


def folder() -> Path:
    """Return where letters are kept, made if need be; for the eyes of this account alone."""
    place = Path(settings.MAILBOX)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def keep(content: bytes, suffix: str) -> str:
    """Write a letter as one whole file, let go of the oldest, and return its name. Names sort by time."""
    place, name = folder(), f"{time.time_ns():020}-{secrets.token_hex(4)}{suffix}"
    unfinished = place / f"{name}.part"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.rename(place / name)
    for old in names()[MOST_KEPT:]:
        (place / old).unlink(missing_ok=True)
    return name


def names() -> list[str]:
    """Return the names of what is kept, newest first."""
    return sorted((path.name for path in folder().iterdir() if NAME.fullmatch(path.name)), reverse=True)


def letters() -> list[Kept]:
    """Return what is kept, newest first."""
    return [letter for name in names() if (letter := letter_named(name))]


def letter_named(name: str) -> Kept | None:
    """Read one, or return None where there is none."""
    if not NAME.fullmatch(name):
        return None
    try:
        letter = message_from_bytes((folder() / name).read_bytes(), policy=as_today)
    except FileNotFoundError:
        return None
    assert isinstance(letter, EmailMessage), "as_today"  # noqa: S101  # for mypy
    return Kept(
        name,
        datetime.fromtimestamp(int(name[:20]) // 10**9, tz=UTC),
        to=str(letter["To"]),
        subject=str(letter["Subject"] or ""),
        words=part_of(letter, "plain"),
        html=part_of(letter, "html"),
        files=tuple(str(one.get_filename()) for one in letter.iter_attachments()),
    )


def part_of(letter: EmailMessage, kind: str) -> str:
    """Return what a letter says in this form, or nothing."""
    part = letter.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _row(_now: datetime) -> SettingRow:
    return SettingRow(_("Mailbox"), _("What the example clinic sends, as its readers see it"), reverse("demo:mailbox"))


SETTINGS = (gettext_lazy("Example clinic"), (_row,))
