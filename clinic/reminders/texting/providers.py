"""Who carries texts. TEXT_URL names one and its keys: `twilio://`, `vonage://`, `consoletext://`; empty: no texts.

A provider sends, and reads what it calls us with; it decides nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import ClassVar, Literal, Protocol
from urllib.parse import parse_qsl, unquote
from uuid import UUID

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.lib.registry import Registry
from clinic.people.access import ClinicRequest
from clinic.people.models import ContactConsent
from clinic.reminders.channels import Refused

# Well within the lease of a batch; a provider answers within one or two.
TIMEOUT = httpx.Timeout(10, connect=5)
# Refusals that pass: our key or our credit is mended by the owner, too much at once by waiting.
PASSING = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


@dataclass(frozen=True)
class Text:
    """What goes to one phone. By the key the provider's receipt finds the message again."""

    key: UUID
    to: str
    words: str


@dataclass(frozen=True)
class Incoming:
    """What came from a phone. The key is the provider's own; `opts` is set where the provider has understood STOP."""

    key: str
    number: str
    words: str
    opts: Literal["out", "in"] | None = None


@dataclass(frozen=True)
class Receipt:
    """What became of a text, as the provider tells it later. `code` is its own reason for a failure."""

    outcome: Literal["delivered", "failed", "gone"]
    code: str = ""


class Forged(Exception):  # noqa: N818  # reads as the sentence it carries
    """The provider did not sign this."""


class TextLine(Protocol):
    """An open way to the provider, for as many texts as there are."""

    def send(self, text: Text) -> str:
        """Hand one over and return the provider's key of it.

        Raises Refused when it was certainly not taken; after any other exception nobody knows.
        """


class Provider(Protocol):
    """One that carries texts. A webhook that is not signed raises Forged; None is what is of no interest."""

    # Whether the same key sent twice goes out once.
    deduplicates: ClassVar[bool]

    def open(self) -> AbstractContextManager[TextLine]:
        """Open a line."""

    def incoming(self, request: ClinicRequest) -> Incoming | None:
        """Read what came from a phone."""

    def receipt(self, request: ClinicRequest, key: UUID) -> Receipt | None:
        """Read what became of the text with this key."""


@dataclass(frozen=True)
class Named:
    """What TEXT_URL says behind the provider's name: `account:secret@sender?option=…`."""

    account: str
    secret: str
    sender: str
    options: Mapping[str, str]


# By the scheme of TEXT_URL.
text_providers: Registry[Callable[[Named], Provider]] = Registry("text provider")


def text_provider() -> Provider | None:
    """Return the one that TEXT_URL names, or None where the clinic sends no texts. Raises ImproperlyConfigured."""
    return _provider_of(settings.TEXT_URL) if settings.TEXT_URL else None


def is_open(channel: str) -> bool:
    """Say whether the clinic has somebody who carries messages of this channel; mail always has."""
    return channel != ContactConsent.Channel.TEXT or text_provider() is not None


@lru_cache(maxsize=8)
def _provider_of(url: str) -> Provider:
    scheme, _slashes, rest = url.partition("://")
    if scheme not in text_providers:
        known = ", ".join(f"{name}://" for name, _make in text_providers.items())
        raise ImproperlyConfigured(f"TEXT_URL must begin with one of {known}; leave it empty to send no texts.")
    rest, _mark, query = rest.partition("?")
    keys, _at, sender = rest.rpartition("@")
    account, _colon, secret = keys.partition(":")
    named = Named(unquote(account), unquote(secret), unquote(sender.rstrip("/")), dict(parse_qsl(query)))
    return text_providers[scheme](named)


def need(named: Named, *options: str) -> None:
    """Raise ImproperlyConfigured, with a sentence for the owner, where TEXT_URL lacks what the provider needs."""
    if not (named.account and named.secret and named.sender):
        raise ImproperlyConfigured(
            "TEXT_URL must name account, secret and sender: twilio://account:secret@+351210000000."
        )
    for option in options:
        if not named.options.get(option):
            raise ImproperlyConfigured(f"TEXT_URL must also say {option}: …@sender?{option}=….")


def receipts_at(key: UUID) -> str:
    """Return where the provider is to tell what became of a text; nothing where it cannot reach us."""
    if not settings.SITE_URL.startswith("https://"):
        return ""
    return str(settings.SITE_URL + reverse("reminders:text-receipt", args=[key]))


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Return whose certificates count; reading them takes longer than sending a text."""
    return ssl.create_default_context()


def connection(api: str, account: str, secret: str) -> httpx.Client:
    """Return a client that keeps its connection for a whole batch."""
    return httpx.Client(base_url=api, auth=(account, secret), timeout=TIMEOUT, verify=trusted())


@contextmanager
def calling() -> Iterator[None]:
    """Put into words what happens before anything was handed over."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as problem:
        raise Refused(_("The text service cannot be reached."), nobody_answers=True) from problem


def refusal(answer: httpx.Response, code: str) -> Exception:
    """Return what an answer other than yes means: refused for a while, refused for good, or that nobody knows."""
    words = {"code": code or answer.status_code}
    if answer.status_code in PASSING:
        return Refused(_("The text service asked to try again later (%(code)s).") % words)
    if answer.is_client_error:
        return Refused(_("The text service refused the message (%(code)s).") % words, for_good=True)
    return httpx.RemoteProtocolError(f"The text service answered {answer.status_code}.")


def facts_of(answer: httpx.Response) -> dict[str, object]:
    """Return what an answer says, or nothing where it cannot be read: its status counts."""
    try:
        facts = answer.json()
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
