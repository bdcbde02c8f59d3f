"""Twilio: `twilio://AccountSid:AuthToken@sender`, where the sender is a number, a name or a messaging service (MG…).

It has no idempotency key for messages: one whose fate nobody knows waits for its receipt, then for a person.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from clinic.reminders.channels import Refused
from clinic.reminders.texting.providers import (
    Forged,
    Incoming,
    Named,
    Receipt,
    Text,
    calling,
    connection,
    facts_of,
    need,
    receipts_at,
    refusal,
)

# She has sent STOP, and Twilio itself keeps to it.
HAS_STOPPED = "21610"
# Unknown number, landline, out of service: another try is of no use.
GONE = frozenset({"30005", "30006", "21211", "21614"})
OPTS: dict[str, Literal["out", "in"]] = {"STOP": "out", "START": "in"}


@dataclass(frozen=True)
class Twilio:
    """One account."""

    sid: str
    token: str
    sender: str
    api: str = "https://api.twilio.com"
    deduplicates: ClassVar[bool] = False

    @classmethod
    def named(cls, named: Named) -> Twilio:
        """Read TEXT_URL."""
        need(named)
        return cls(named.account, named.secret, named.sender, named.options.get("api", cls.api))

    @contextmanager
    def open(self) -> Iterator[TwilioLine]:
        """Open a line."""
        with connection(self.api, self.sid, self.token) as http:
            yield TwilioLine(self, http)

    def incoming(self, request: HttpRequest) -> Incoming | None:
        """Read what came from a phone."""
        said = self._signed(request)
        if "MessageSid" not in said or "From" not in said:
            return None
        opts = OPTS.get(said.get("OptOutType", ""))
        return Incoming(said["MessageSid"], said["From"], said.get("Body", ""), opts)

    def receipt(self, request: HttpRequest, key: UUID) -> Receipt | None:
        """Read what became of a text; the steps on its way are of no interest. The key is signed with the address."""
        said = self._signed(request)
        code = said.get("ErrorCode", "")
        match said.get("MessageStatus"):
            case "delivered" | "read":
                return Receipt("delivered")
            case "undelivered" | "failed" | "canceled":
                return Receipt("gone" if code in GONE else "failed", code)
            case _:
                return None

    def signature(self, url: str, said: dict[str, list[str]]) -> str:
        """Return what Twilio writes beside a call: a keyed hash of the address and, by name, all that is sent."""
        words = "".join(name + value for name in sorted(said) for value in sorted(set(said[name])))
        # SHA-1 is Twilio's choice, and sound as a keyed hash.
        digest = hmac.new(self.token.encode(), (url + words).encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    def _signed(self, request: HttpRequest) -> dict[str, str]:
        """Return what was sent. Raises Forged. It is signed for the address that Twilio was given."""
        said = dict(request.POST.lists())
        signed = request.headers.get("X-Twilio-Signature", "")
        # Twilio itself is not of one mind whether the usual port belongs to the address.
        expected = [self.signature(site + request.get_full_path(), said) for site in addresses_of(settings.SITE_URL)]
        if not any([constant_time_compare(signed, one) for one in expected]):  # noqa: C419  # each is compared
            raise Forged
        return request.POST.dict()


class TwilioLine:
    """An open connection."""

    def __init__(self, account: Twilio, http: httpx.Client) -> None:
        self.account = account
        self.http = http

    def send(self, text: Text) -> str:
        """Hand one over and return its SID."""
        sender = "MessagingServiceSid" if self.account.sender.startswith("MG") else "From"
        said = {"To": text.to, sender: self.account.sender, "Body": text.words}
        if address := receipts_at(text.key):
            said["StatusCallback"] = address
        with calling():
            answer = self.http.post(f"/2010-04-01/Accounts/{self.account.sid}/Messages.json", data=said)
        facts = facts_of(answer)
        if answer.is_success:
            return str(facts.get("sid", ""))
        code = str(facts.get("code", ""))
        if code == HAS_STOPPED:
            raise Refused(_("This phone has answered STOP."), for_good=True)
        raise refusal(answer, code)


def addresses_of(site: str) -> tuple[str, ...]:
    """Return how an address may be written: with the usual port of https, and without."""
    return (site,) if urlsplit(site).port else (site, f"{site}:443")
