"""The console: `consoletext://`. Texts are printed where the server runs; nobody calls back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest

from clinic.reminders.texting.providers import Forged, Incoming, Named, Receipt, Text


class Console:
    """A provider for a checkout without an account anywhere."""

    deduplicates: ClassVar[bool] = False

    def __init__(self, named: Named) -> None:
        self.named = named

    @contextmanager
    def open(self) -> Iterator[Console]:
        """Be the line as well."""
        yield self

    def send(self, text: Text) -> str:
        """Print one."""
        sys.stdout.write(f"Text to {text.to}:\n{text.words}\n{'-' * 79}\n")
        sys.stdout.flush()
        return ""

    def incoming(self, request: HttpRequest) -> Incoming | None:
        """Take nothing: whoever calls is not us."""
        raise Forged

    def receipt(self, request: HttpRequest, key: UUID) -> Receipt | None:
        """Take nothing: whoever calls is not us."""
        raise Forged
