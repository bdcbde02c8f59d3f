"""Who may call us, and that calling twice does no harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.test import Client as Browser
from django.test import override_settings

from clinic.people.models import Client, ContactConsent
from clinic.reminders import services
from clinic.reminders.models import Message
from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.twilio import Twilio, addresses_of
from clinic.reminders.texting.vonage import Vonage
from clinic.reminders.webhooks import MOST_BYTES, MOST_FORGED_A_MINUTE
from tests.conftest import NOW
from tests.reminders.conftest import Book
from tests.reminders.hooks import INCOMING, SITE, TWILIO_URL, VONAGE_URL, text_in, twilio, vonage
from tests.reminders.support import agree
from tests.reminders.test_providers import Counter, counter

__all__ = ["counter"]

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

State = Message.State
pytestmark = pytest.mark.usefixtures("now", "clinic")


@pytest.fixture(autouse=True)
def _from_twilio() -> Any:
    with override_settings(TEXT_URL=TWILIO_URL, SITE_URL=SITE):
        yield


def sent_text(client: Client, **facts: Any) -> Message:
    """Return a text that has gone out."""
    known = {
        "kind": "reminder",
        "subject_pk": 1,
        "client": client,
        "channel": ContactConsent.Channel.TEXT,
        "about_at": NOW + timedelta(days=1),
        "due_at": NOW,
        "useless_after": NOW + timedelta(days=1),
        "state": State.SENT,
        "sent_at": NOW,
        "tried_at": NOW,
        "created_at": NOW,
    }
    return Message.objects.create(**known | facts)


@pytest.fixture
def text(alice: Client) -> Message:
    message = sent_text(alice)
    message.refresh_from_db()
    return message


# Of Twilio's documentation, and of the tests of the libraries that it publishes; the key is 12345.
CALL = {"CallSid": ["CA1234567890ABCDE"], "To": ["+18005551212"], "Digits": ["1234"]}
OLD_CALL, NEW_CALL = ({"From": [who], "Caller": [who], **CALL} for who in ("+14158675309", "+12349013030"))
TWICE = {"Sid": ["CA123"], "SidAccount": ["AC123"], "Digits": ["5678", "1234", "1234"]}


@pytest.mark.parametrize(
    ("site", "said", "signature"),
    [
        ("https://mycompany.com", OLD_CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com", NEW_CALL, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        ("https://mycompany.com", TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("https://mycompany.com:443", OLD_CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ],
)
def test_twilios_own_examples_of_a_signature_hold(site: str, said: dict[str, list[str]], signature: str) -> None:
    account = Twilio("AC12", "12345", "+351210000000")

    assert account.signature(f"{site}/myapp.php?foo=1&bar=2", said) == signature
    assert site in addresses_of("https://mycompany.com")


def test_vonages_own_example_of_a_token_holds() -> None:
    # Of the tests of the library that Vonage publishes.
    token = (
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9."
        "88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM"
    )

    def claims(secret: str, token: str = token) -> dict[str, object]:
        return Vonage("key", "secret", "Clinic", secret)._claims(token)

    assert claims("qwertyuiopasdfghjklzxcvbnm123456")["iat"] == 1697634680
    assert claims("asdf") == {}
    assert claims("qwertyuiopasdfghjklzxcvbnm123456", "asdf") == {}


def said_by_twilio(**more: str) -> dict[str, str]:
    return {"MessageSid": "SM1", "From": "+351912345678", "Body": "STOP"} | more


FORGERIES: dict[str, Callable[[], _MonkeyPatchedWSGIResponse]] = {
    "no signature": lambda: Browser().post(INCOMING, said_by_twilio()),
    "another key": lambda: twilio(INCOMING, said_by_twilio(), token="guessed"),
    "another address": lambda: twilio(INCOMING, said_by_twilio(), site="https://elsewhere.example.org"),
    "the signature of another text": lambda: Browser().post(
        INCOMING,
        said_by_twilio(),
        headers={"X-Twilio-Signature": Twilio("AC12", "token", "").signature(SITE + INCOMING, {"Body": ["hello"]})},
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_twilio_did_not_sign_changes_nothing(alice: Client, forgery: str) -> None:
    Client.objects.update(phone="+351912345678")

    assert FORGERIES[forgery]().status_code == 403
    assert not Reply.objects.exists()
    assert not ContactConsent.objects.exists()


SAID_BY_VONAGE = {"message_uuid": "u1", "from": "351912345678", "to": "351210000000", "text": "STOP", "channel": "sms"}
VONAGE_FORGERIES: dict[str, Callable[[], _MonkeyPatchedWSGIResponse]] = {
    "no token": lambda: Browser().post(INCOMING, SAID_BY_VONAGE, content_type="application/json"),
    "another key": lambda: vonage(INCOMING, SAID_BY_VONAGE, secret="guessed"),
    "the token of another text": lambda: vonage(INCOMING, SAID_BY_VONAGE, payload_hash="0" * 64),
    "a token that chooses how it is judged": lambda: vonage(INCOMING, SAID_BY_VONAGE, alg="none"),
    "a token that somebody kept": lambda: vonage(INCOMING, SAID_BY_VONAGE, iat=(NOW - timedelta(hours=25)).timestamp()),
    "a token of tomorrow": lambda: vonage(INCOMING, SAID_BY_VONAGE, iat=(NOW + timedelta(days=1)).timestamp()),
    "a token of no time": lambda: vonage(INCOMING, SAID_BY_VONAGE, iat=None),
    "a token without a hash": lambda: vonage(INCOMING, SAID_BY_VONAGE, payload_hash=None),
    "rubbish": lambda: Browser().post(
        INCOMING, SAID_BY_VONAGE, content_type="application/json", headers={"Authorization": "Bearer a.é.ß"}
    ),
}


@pytest.mark.parametrize("forgery", VONAGE_FORGERIES)
def test_what_vonage_did_not_sign_changes_nothing(alice: Client, forgery: str) -> None:
    Client.objects.update(phone="+351912345678")

    with override_settings(TEXT_URL=VONAGE_URL):
        assert VONAGE_FORGERIES[forgery]().status_code == 403
    assert not Reply.objects.exists()
    assert not ContactConsent.objects.exists()


def test_what_is_signed_is_taken(alice: Client) -> None:
    Client.objects.update(phone="+351912345678")

    assert twilio(INCOMING, said_by_twilio(Body="hello")).status_code == 204
    with override_settings(TEXT_URL=VONAGE_URL):
        assert vonage(INCOMING, SAID_BY_VONAGE | {"text": "hello"}).status_code == 204

    found = Reply.objects.values_list("provider_key", "number", "words", "client")
    assert set(found) == {
        ("SM1", "+351912345678", "hello", alice.pk),
        ("u1", "+351912345678", "hello", alice.pk),
    }


def test_twilio_may_write_the_usual_port_into_the_address() -> None:
    assert twilio(INCOMING, said_by_twilio(), site=f"{SITE}:443").status_code == 204
    assert twilio(INCOMING, said_by_twilio(), site=f"{SITE}:8443").status_code == 403


def test_what_vonage_could_not_tell_for_some_hours_is_taken_then(alice: Client) -> None:
    Client.objects.update(phone="+351912345678")

    with override_settings(TEXT_URL=VONAGE_URL):
        for _ in range(2):
            token_of = (NOW - timedelta(hours=23)).timestamp()
            assert vonage(INCOMING, SAID_BY_VONAGE, iat=token_of).status_code == 204

    assert Reply.objects.get().meaning == Reply.Meaning.STOP


def test_what_comes_twice_is_taken_once(alice: Client) -> None:
    Client.objects.update(phone="+351912345678")
    text_in("STOP", key="SM1")
    text_in("START", key="SM2")

    assert text_in("STOP", key="SM1").status_code == 204

    assert Reply.objects.count() == 2
    assert ContactConsent.objects.latest("at", "pk").is_given


def test_a_clinic_without_texts_has_no_such_address() -> None:
    with override_settings(TEXT_URL=""):
        assert text_in("hello").status_code == 404
        assert twilio(f"{INCOMING}{uuid4()}/", {}).status_code == 404


def test_the_console_calls_nobody() -> None:
    with override_settings(TEXT_URL="consoletext://"):
        assert text_in("hello").status_code == 403


def test_what_is_too_long_is_not_even_read() -> None:
    assert text_in("a" * MOST_BYTES).status_code == 413
    assert not Reply.objects.exists()


def test_whoever_forges_often_is_let_wait() -> None:
    answers = [twilio(INCOMING, said_by_twilio(), token="guessed").status_code for _ in range(MOST_FORGED_A_MINUTE + 1)]

    assert answers == [403] * MOST_FORGED_A_MINUTE + [429]
    assert text_in("hello").status_code == 204  # the provider is let in all the same


def test_looking_changes_nothing() -> None:
    assert Browser().get(INCOMING).status_code == 405
    assert Browser().get(f"{INCOMING}{uuid4()}/").status_code == 405


# --- What became of a text


def receipt(message: Message, status: str, **more: str) -> _MonkeyPatchedWSGIResponse:
    return twilio(f"{INCOMING}{message.key}/", {"MessageSid": "SM1", "MessageStatus": status} | more)


def test_a_receipt_tells_that_a_text_arrived(text: Message) -> None:
    assert receipt(text, "delivered").status_code == 204

    text.refresh_from_db()
    assert (text.state, text.delivered_at) == (State.SENT, NOW)


@pytest.mark.parametrize("status", ["queued", "sending", "sent"])
def test_a_step_on_the_way_is_of_no_interest(text: Message, status: str) -> None:
    assert receipt(text, status).status_code == 204

    text.refresh_from_db()
    assert (text.state, text.delivered_at) == (State.SENT, None)


@pytest.mark.parametrize(
    ("code", "words"),
    [("30003", "The text did not arrive (30003)."), ("30006", "This phone takes no texts (30006).")],
)
def test_a_receipt_of_a_failure_needs_a_person(text: Message, code: str, words: str) -> None:
    receipt(text, "undelivered", ErrorCode=code)

    text.refresh_from_db()
    assert (text.state, text.problem) == (State.FAILED, words)
    assert Message.objects.needing_a_person().get() == text


def test_a_receipt_settles_what_nobody_knew(alice: Client) -> None:
    text = sent_text(alice, state=State.UNCERTAIN, sent_at=None)
    text.refresh_from_db()

    receipt(text, "delivered")

    text.refresh_from_db()
    assert text.state == State.SENT
    assert not Message.objects.needing_a_person().exists()


def test_a_receipt_of_a_text_that_nobody_knows_is_no_error() -> None:
    assert twilio(f"{INCOMING}{uuid4()}/", {"MessageSid": "SM1", "MessageStatus": "delivered"}).status_code == 204


def test_a_receipt_that_is_not_signed_for_this_text_changes_nothing(alice: Client, text: Message) -> None:
    other = sent_text(alice, subject_pk=2)
    other.refresh_from_db()
    genuine = twilio(f"{INCOMING}{other.key}/", {"MessageSid": "SM1", "MessageStatus": "failed"}).wsgi_request

    answer = Browser().post(
        f"{INCOMING}{text.key}/",
        genuine.POST.dict(),
        headers={"X-Twilio-Signature": genuine.headers["X-Twilio-Signature"]},
    )

    assert answer.status_code == 403
    text.refresh_from_db()
    assert text.state == State.SENT


@pytest.mark.parametrize(
    ("said", "state", "problem"),
    [
        ({"status": "delivered"}, State.SENT, ""),
        (
            {"status": "rejected", "error": {"type": "https://developer.vonage.com/api-errors/messages#1050"}},
            State.FAILED,
            "This phone takes no texts (1050).",
        ),
        ({"status": "undeliverable"}, State.FAILED, "The text did not arrive (?)."),
    ],
)
def test_vonage_tells_what_became_of_a_text(text: Message, said: dict[str, Any], state: str, problem: str) -> None:
    with override_settings(TEXT_URL=VONAGE_URL):
        answer = vonage(f"{INCOMING}{text.key}/", said | {"message_uuid": "u1", "client_ref": str(text.key)})

    assert answer.status_code == 204
    text.refresh_from_db()
    assert (text.state, text.problem) == (state, problem)


def test_what_vonage_says_of_one_text_cannot_be_sent_as_said_of_another(text: Message) -> None:
    with override_settings(TEXT_URL=VONAGE_URL):
        answer = vonage(f"{INCOMING}{text.key}/", {"status": "rejected", "client_ref": str(uuid4())})

    assert answer.status_code == 403
    text.refresh_from_db()
    assert text.state == State.SENT


# --- From the sweep to the receipt


def test_a_reminder_goes_out_as_a_text_and_its_arrival_is_heard_of(alice: Client, book: Book, counter: Counter) -> None:
    Client.objects.filter(pk=alice.pk).update(phone="+351912345678")
    agree(alice, channel="text")
    counter.says = {"sid": "SM77"}
    book(NOW + timedelta(days=2))

    with override_settings(TEXT_URL=f"{TWILIO_URL}?api={counter.url}"):
        services.sweep(NOW)
        (text,) = Message.objects.all()
        assert (text.state, text.channel, text.provider_key) == (State.SENT, "text", "SM77")
        callback = counter.form["StatusCallback"]
        assert callback == f"{SITE}{INCOMING}{text.key}/"
        assert counter.form["To"] == "+351912345678"
        assert "Sat 21 Nov, 09:00" in counter.form["Body"]

        twilio(callback.removeprefix(SITE), {"MessageSid": "SM77", "MessageStatus": "delivered"})

    text.refresh_from_db()
    assert text.delivered_at == NOW


def test_a_provider_that_is_silent_leaves_a_text_uncertain_and_unsent_by_itself(
    alice: Client, book: Book, counter: Counter
) -> None:
    Client.objects.filter(pk=alice.pk).update(phone="+351912345678")
    agree(alice, channel="text")
    counter.status = None
    book(NOW + timedelta(days=2))

    with override_settings(TEXT_URL=f"{TWILIO_URL}?api={counter.url}"):
        for minute in range(0, 20, 5):
            services.sweep(NOW + timedelta(minutes=minute))

    assert Message.objects.get().state == State.UNCERTAIN
    assert len(counter.asked) == 1
