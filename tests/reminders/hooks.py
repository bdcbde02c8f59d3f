"""What providers would call us with, signed as they sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.test import Client as Browser

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

SITE = "https://clinic.example.org"
TWILIO_URL = "twilio://AC12:token@+351210000000"
VONAGE_URL = "vonage://key:secret@+351210000000?signature=sign"
INCOMING = "/hooks/texts/"
# What the two addresses above say, for those who know it.
TOKEN, SIGNS = "token", "sign"


def twilio(path: str, said: dict[str, str], *, token: str = TOKEN, site: str = SITE) -> _MonkeyPatchedWSGIResponse:
    """Call as Twilio calls: a form, and a keyed hash of the address and of what is sent."""
    words = site + path + "".join(name + said[name] for name in sorted(said))
    signature = base64.b64encode(hmac.new(token.encode(), words.encode(), hashlib.sha1).digest()).decode()
    return Browser().post(path, said, headers={"X-Twilio-Signature": signature})


def vonage(
    path: str, said: dict[str, Any], *, secret: str = SIGNS, alg: str = "HS256", **claimed: Any
) -> _MonkeyPatchedWSGIResponse:
    """Call as Vonage calls: an object, and a token that claims its hash."""
    body = json.dumps(said).encode()
    claims = {"iat": int(time.time()), "iss": "Vonage", "payload_hash": hashlib.sha256(body).hexdigest()} | claimed
    signed = f"{packed({'alg': alg, 'typ': 'JWT'})}.{packed(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    token = f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    return Browser().post(path, body, content_type="application/json", headers={"Authorization": f"Bearer {token}"})


def packed(said: dict[str, Any]) -> str:
    """Write one part of a token."""
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def text_in(words: str, *, number: str = "+351912345678", key: str = "", **more: str) -> _MonkeyPatchedWSGIResponse:
    """Let a text come in by Twilio."""
    return twilio(INCOMING, {"MessageSid": key or uuid4().hex, "From": number, "Body": words} | more)
