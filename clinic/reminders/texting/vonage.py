"""Vonage: `vonage://key:secret@sender?signature=…`, with the signature secret of the account's webhooks.

It has no idempotency key for messages: one whose fate nobody knows waits for its receipt, then for a person.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import ClassVar
from uuid import UUID

import httpx
from django.utils.crypto import constant_time_compare

from clinic.people.access import ClinicRequest
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

# So long Vonage tries to reach us again, with the token of the first time; what is older is somebody's who kept it.
OLDEST, CLOCKS_DIFFER = timedelta(hours=24), timedelta(minutes=5)
# The number takes no messages: another try is of no use.
GONE = frozenset({"1050"})


@dataclass(frozen=True)
class Vonage:
    """One account."""

    key: str
    secret: str
    sender: str
    signature_secret: str
    api: str = "https://api.nexmo.com"
    deduplicates: ClassVar[bool] = False

    @classmethod
    def named(cls, named: Named) -> Vonage:
        """Read TEXT_URL."""
        need(named, "signature")
        api = named.options.get("api", cls.api)
        return cls(named.account, named.secret, named.sender, named.options["signature"], api)

    @contextmanager
    def open(self) -> Iterator[VonageLine]:
        """Open a line."""
        with connection(self.api, self.key, self.secret) as http:
            yield VonageLine(self, http)

    def incoming(self, request: ClinicRequest) -> Incoming | None:
        """Read what came from a phone."""
        said = self._signed(request)
        key, number = said.get("message_uuid"), said.get("from")
        if not (isinstance(key, str) and isinstance(number, str)):
            return None
        return Incoming(key, f"+{number.lstrip('+')}", str(said.get("text") or ""))

    def receipt(self, request: ClinicRequest, key: UUID) -> Receipt | None:
        """Read what became of a text; the steps on its way there are of no interest."""
        said = self._signed(request)
        # The address is not signed: what is about another text was sent here by somebody else.
        if said.get("client_ref") != str(key):
            raise Forged
        error = said.get("error")
        code = kind_of(error) if isinstance(error, dict) else ""
        match said.get("status"):
            case "delivered" | "read":
                return Receipt("delivered")
            case "rejected" | "undeliverable":
                return Receipt("gone" if code in GONE else "failed", code)
            case _:
                return None

    def _signed(self, request: ClinicRequest) -> dict[str, object]:
        """Return what was sent. Raises Forged where the token is not Vonage's, is old, or is not about this body."""
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        claims = self._claims(token) if scheme.lower() == "bearer" else {}
        digest = hashlib.sha256(request.body).hexdigest()
        is_of_this = constant_time_compare(str(claims.get("payload_hash", "")).lower(), digest)
        if not (is_of_this and is_fresh(claims.get("iat"), request.now)):
            raise Forged
        return as_object(request.body)

    def _claims(self, token: str) -> dict[str, object]:
        """Return what a JSON web token claims that is signed with HMAC and SHA-256, and nothing of any other."""
        signed, _dot, signature = token.rpartition(".")
        head, _dot, claims = signed.partition(".")
        expected = hmac.new(self.signature_secret.encode(), signed.encode(), hashlib.sha256).digest()
        is_theirs = constant_time_compare(unpacked(signature), expected)
        # The token may not choose by what it is judged.
        return as_object(unpacked(claims)) if is_theirs and as_object(unpacked(head)).get("alg") == "HS256" else {}


class VonageLine:
    """An open connection."""

    def __init__(self, account: Vonage, http: httpx.Client) -> None:
        self.account = account
        self.http = http

    def send(self, text: Text) -> str:
        """Hand one over and return its UUID."""
        said = {
            "channel": "sms",
            "message_type": "text",
            "to": text.to.removeprefix("+"),
            "from": self.account.sender.removeprefix("+"),
            "text": text.words,
            "client_ref": str(text.key),
        }
        if address := receipts_at(text.key):
            said |= {"webhook_url": address, "webhook_version": "v1"}
        with calling():
            answer = self.http.post("/v1/messages", json=said)
        facts = facts_of(answer)
        if answer.is_success:
            return str(facts.get("message_uuid", ""))
        raise refusal(answer, kind_of(facts))


def is_fresh(issued: object, now: datetime) -> bool:
    """Say whether a token was issued lately; by when, it says in seconds."""
    age = now.timestamp() - issued if isinstance(issued, int | float) else inf
    return -CLOCKS_DIFFER.total_seconds() <= age <= OLDEST.total_seconds()


def kind_of(problem: Mapping[str, object]) -> str:
    """Return the code of a problem, the last part of its address: …/api-errors/messages#1050."""
    return str(problem.get("type", "")).rpartition("#")[2]


def unpacked(part: str) -> bytes:
    """Return the bytes of one part of a token, or nothing where it is none."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return b""


def as_object(content: bytes) -> dict[str, object]:
    """Return what a JSON object says, or nothing where it is none."""
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
