"""Texts on their way out, against a provider that listens on this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from clinic.people.models import Client
from clinic.reminders.channels import Letter, Refused, channels
from clinic.reminders.texting.channel import text_number
from clinic.reminders.texting.checks import text_url_is_understood
from clinic.reminders.texting.providers import text_provider
from tests.conftest import NOW
from tests.factories import ClientFactory

KEY = UUID("0f9b2c34-5d7e-4f1a-8b6c-9d0e1f2a3b4c")
LETTER = Letter(
    key=1, to="+351912345678", subject="", text="Your appointment: Thu 26 Nov, 13:30\n", html="", secret=KEY
)


@dataclass
class Counter:
    """What the provider was asked, and what it answers; None: it hangs up after it has listened."""

    url: str
    status: int | None = 201
    says: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def form(self) -> dict[str, str]:
        """The fields of what was asked last."""
        return {name: values[0] for name, values in parse_qs(self.asked[-1][3].decode()).items()}

    @property
    def body(self) -> dict[str, Any]:
        """The object that was sent last."""
        found: dict[str, Any] = json.loads(self.asked[-1][3])
        return found


@pytest.fixture
def counter() -> Iterator[Counter]:
    class Listener(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.asked.append((self.path, self.headers.get("Authorization", ""), dict(self.headers), body))
            if heard.status is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            said = json.dumps(heard.says).encode()
            self.send_response(heard.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_words: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    heard = Counter(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


Use = Callable[..., Any]


@pytest.fixture
def use(counter: Counter) -> Use:
    """Return a function that sends LETTER through the provider that an address names."""

    def send(url: str, *letters: Letter, site: str = "https://clinic.example.org") -> list[str]:
        with override_settings(TEXT_URL=f"{url}api={counter.url}", SITE_URL=site), channels["text"].open() as line:
            return [line.send(letter) for letter in letters or (LETTER,)]

    return send


TWILIO = "twilio://AC12:to%2Fken@+351210000000?"
VONAGE = "vonage://key:secret@+351210000000?signature=sign&"
BOTH = pytest.mark.parametrize("url", [TWILIO, VONAGE], ids=["twilio", "vonage"])


def test_twilio_is_told_to_whom_from_whom_what_and_where_to_call_back(use: Use, counter: Counter) -> None:
    counter.says = {"sid": "SM1", "status": "queued"}

    assert use(TWILIO) == ["SM1"]

    path, signed_in, _headers, _body = counter.asked[0]
    assert path == "/2010-04-01/Accounts/AC12/Messages.json"
    assert signed_in == httpx.BasicAuth("AC12", "to/ken")._auth_header
    assert counter.form == {
        "To": "+351912345678",
        "From": "+351210000000",
        "Body": "Your appointment: Thu 26 Nov, 13:30",
        "StatusCallback": f"https://clinic.example.org/hooks/texts/{KEY}/",
    }


def test_twilio_chooses_the_sender_where_a_messaging_service_is_named(use: Use, counter: Counter) -> None:
    use("twilio://AC12:token@MG34?")

    assert counter.form["MessagingServiceSid"] == "MG34"
    assert "From" not in counter.form


def test_vonage_is_told_to_whom_from_whom_what_and_where_to_call_back(use: Use, counter: Counter) -> None:
    counter.status, counter.says = 202, {"message_uuid": "aaaa"}

    assert use(VONAGE) == ["aaaa"]

    path, signed_in, _headers, _body = counter.asked[0]
    assert path == "/v1/messages"
    assert signed_in == httpx.BasicAuth("key", "secret")._auth_header
    assert counter.body == {
        "channel": "sms",
        "message_type": "text",
        "to": "351912345678",
        "from": "351210000000",
        "text": "Your appointment: Thu 26 Nov, 13:30",
        "client_ref": str(KEY),
        "webhook_url": f"https://clinic.example.org/hooks/texts/{KEY}/",
        "webhook_version": "v1",
    }


@BOTH
def test_a_provider_that_cannot_reach_us_is_asked_for_no_receipt(use: Use, counter: Counter, url: str) -> None:
    use(url, site="http://127.0.0.1:8000")

    assert b"hooks" not in counter.asked[0][3]


@BOTH
def test_one_connection_serves_a_whole_batch(use: Use, counter: Counter, url: str) -> None:
    counter.says = {"sid": "SM1", "message_uuid": "SM1"}

    assert use(url, LETTER, LETTER, LETTER) == ["SM1"] * 3
    assert len(counter.asked) == 3


@BOTH
@pytest.mark.parametrize(
    ("status", "for_good"),
    [(401, False), (402, False), (403, False), (408, False), (429, False), (503, False), (400, True), (422, True)],
)
def test_a_refusal_is_one_for_a_while_or_for_good(
    use: Use, counter: Counter, url: str, status: int, for_good: bool
) -> None:
    counter.status = status

    with pytest.raises(Refused) as refused:
        use(url)

    assert refused.value.for_good is for_good
    assert str(status) in refused.value.words


def test_the_providers_own_code_stands_in_the_refusal(use: Use, counter: Counter) -> None:
    counter.status, counter.says = 400, {"code": 21211, "message": "The 'To' number +351912345678 is not valid."}
    with pytest.raises(Refused, match=r"refused the message \(21211\)\.$"):
        use(TWILIO)

    counter.status, counter.says = 422, {"type": "https://developer.vonage.com/api-errors/messages#1120", "title": "no"}
    with pytest.raises(Refused, match=r"refused the message \(1120\)\.$"):
        use(VONAGE)


def test_who_has_answered_stop_to_twilio_is_not_tried_again(use: Use, counter: Counter) -> None:
    counter.status, counter.says = 400, {"code": 21610}

    with pytest.raises(Refused, match="STOP") as refused:
        use(TWILIO)
    assert refused.value.for_good


@BOTH
@pytest.mark.parametrize("status", [500, 502, 504, None])
def test_after_any_other_answer_or_none_nobody_knows(use: Use, counter: Counter, url: str, status: int | None) -> None:
    counter.status = status

    with pytest.raises(httpx.HTTPError):
        use(url)
    assert len(counter.asked) == 1


@BOTH
def test_where_nobody_listens_nothing_was_taken(url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with (
            override_settings(TEXT_URL=f"{url}api={nobody}"),
            channels["text"].open() as line,
            pytest.raises(Refused, match="cannot be reached") as refused,
        ):
            line.send(LETTER)
    assert not refused.value.for_good


@override_settings(TEXT_URL="consoletext://")
def test_the_console_prints_what_would_go_out(capsys: pytest.CaptureFixture[str]) -> None:
    with channels["text"].open() as line:
        assert line.send(LETTER) == ""

    assert "Text to +351912345678:\nYour appointment" in capsys.readouterr().out


@override_settings(TEXT_URL="")
def test_a_clinic_without_a_text_service_texts_nobody(alice: Client) -> None:
    alice.phone = "+351912345678"

    assert channels["text"].address_of(alice, NOW) == ""
    with channels["text"].open() as line, pytest.raises(Refused) as refused:
        line.send(LETTER)
    assert refused.value.for_good


@pytest.mark.parametrize(
    ("url", "lacks"),
    [
        ("carrierpigeon://a:b@c", "must begin with one of twilio://"),
        ("twilio://a:b", "account, secret and sender"),
        ("vonage://a:b@c", "signature"),
    ],
)
def test_what_is_wrong_with_the_address_is_said_at_the_start(url: str, lacks: str) -> None:
    with override_settings(TEXT_URL=url):
        with pytest.raises(ImproperlyConfigured, match=lacks):
            text_provider()
        (found,) = text_url_is_understood()

    assert isinstance(found, Error)
    assert lacks in found.msg
    assert "a:b" not in found.msg


@pytest.mark.parametrize(
    ("numbers", "reached"),
    [
        ({"phone": "+351912345678"}, "+351912345678"),
        # A landline takes no texts; a number of the USA may be either.
        ({"phone": "+351212345678", "other_phone": "+351912345678"}, "+351912345678"),
        ({"phone": "+351212345678"}, ""),
        ({"phone": "+12015550123"}, "+12015550123"),
        ({}, ""),
        # Only of somebody under age the guardian's.
        ({"guardian_phone": "+351912345678"}, ""),
        ({"guardian_phone": "+351912345678", "born_on": "2014-05-01"}, "+351912345678"),
        ({"phone": "+351961234567", "guardian_phone": "+351912345678", "born_on": "2014-05-01"}, "+351961234567"),
    ],
)
def test_texts_go_to_a_mobile_and_for_a_child_without_one_to_the_guardians(
    clinic: object, numbers: dict[str, str], reached: str
) -> None:
    client = ClientFactory(phone=numbers.pop("phone", ""), **numbers)
    client.refresh_from_db()

    assert text_number(client, NOW) == reached
