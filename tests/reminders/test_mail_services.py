"""A mail service instead of a mail server: what it refuses, and what it tells later. Postmark stands for all."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from clinic.people.models import Client
from clinic.people.services import has_contact_consent
from clinic.reminders import mail_services
from clinic.reminders.channels import EmailChannel, Letter, Refused
from clinic.reminders.models import Message
from clinic.reminders.texting.checks import mail_service_is_secured
from tests.conftest import NOW
from tests.reminders.support import agree
from tests.reminders.test_providers import Counter, counter

__all__ = ["counter"]

State = Message.State
LETTER = Letter(
    key=7,
    secret=UUID("0f9b2c34-5d7e-4f1a-8b6c-9d0e1f2a3b4c"),
    to="alice@example.org",
    subject="Your appointment",
    text="Hello",
    html="<p>Hello</p>",
)
KNOWN = "name:word"
SECURED = {"POSTMARK_SERVER_TOKEN": "token", "WEBHOOK_SECRET": KNOWN}


@pytest.fixture(autouse=True)
def _service(counter: Counter) -> Iterator[None]:
    counter.status, counter.says = (
        200,
        {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "alice@example.org"},
    )
    with override_settings(
        MAIL_SERVICE="postmark",
        EMAIL_BACKEND="anymail.backends.postmark.EmailBackend",
        ANYMAIL=SECURED | {"POSTMARK_API_URL": counter.url, "REQUESTS_TIMEOUT": 5},
    ):
        yield


def send() -> str:
    with EmailChannel().open() as line:
        return line.send(LETTER)


def test_the_services_key_of_a_mail_is_kept(counter: Counter) -> None:
    assert send() == "pm-1"
    assert counter.body["To"] == "alice@example.org"
    assert counter.body["Subject"] == "Your appointment"


@pytest.mark.parametrize(("status", "for_good"), [(401, False), (429, False), (503, False), (400, True), (422, True)])
def test_a_refusal_is_one_for_a_while_or_for_good(counter: Counter, status: int, for_good: bool) -> None:
    counter.status, counter.says = status, {"ErrorCode": 10, "Message": "No to alice@example.org"}

    with pytest.raises(Refused) as refused:
        send()

    assert refused.value.for_good is for_good
    assert "alice" not in refused.value.words


@pytest.mark.parametrize("status", [500, 502, None])
def test_after_any_other_answer_or_none_nobody_knows_and_no_address_is_told(
    counter: Counter, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    counter.status, counter.says = status, {"Message": "alice@example.org"}

    with pytest.raises(OSError, match="The mail service answered") as unknown:
        send()
    logging.getLogger("test").error("It failed.", exc_info=unknown.value)

    assert "alice" not in caplog.text


def test_where_nobody_listens_nothing_was_taken() -> None:
    with (
        override_settings(ANYMAIL=SECURED | {"POSTMARK_API_URL": "http://127.0.0.1:9/"}),
        pytest.raises(Refused, match="cannot be reached"),
    ):
        send()


# --- What it tells later


@pytest.fixture
def mail(alice: Client, now: datetime) -> Message:
    """A mail that went out."""
    return Message.objects.create(
        kind="reminder",
        subject_pk=1,
        client=alice,
        channel="email",
        provider_key="pm-1",
        about_at=NOW,
        due_at=NOW,
        useless_after=NOW,
        state=State.SENT,
        sent_at=NOW,
        tried_at=NOW,
        created_at=NOW,
    )


@pytest.fixture(autouse=True)
def _listening() -> Iterator[None]:
    mail_services.listen()
    yield
    mail_services.tracking.disconnect(dispatch_uid="reminders")


def tell(said: dict[str, Any], *, secret: str = KNOWN) -> HttpResponse:
    """Call as Postmark calls."""
    (hook,) = mail_services.events_at("postmark")
    signed_in = f"Basic {base64.b64encode(secret.encode()).decode()}"
    request = RequestFactory().post(
        "/hooks/mail/",
        json.dumps({"MessageID": "pm-1"} | said),
        content_type="application/json",
        headers={"Authorization": signed_in},
    )
    answer: HttpResponse = hook.callback(request)
    return answer


def test_a_bounce_needs_a_person(mail: Message) -> None:
    tell({"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "Email": "alice@example.org"})

    mail.refresh_from_db()
    assert (mail.state, mail.problem) == (State.FAILED, "The mail came back (bounced).")
    assert Message.objects.needing_a_person().get() == mail


def test_what_may_still_arrive_is_no_bounce(mail: Message) -> None:
    tell({"RecordType": "Bounce", "Type": "Transient", "ID": 1, "Email": "alice@example.org"})

    mail.refresh_from_db()
    assert mail.state == State.SENT


def test_it_tells_that_a_mail_arrived(mail: Message) -> None:
    tell({"RecordType": "Delivery", "Recipient": "alice@example.org", "DeliveredAt": "2026-11-19T09:00:00Z"})

    mail.refresh_from_db()
    assert (mail.state, mail.delivered_at) == (State.SENT, NOW)


def test_who_calls_it_spam_is_written_to_no_more(mail: Message, alice: Client) -> None:
    agree(alice)

    tell({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "ID": 1, "Email": "alice@example.org"})

    assert not has_contact_consent(alice, "email")


def test_what_is_told_of_a_mail_that_nobody_knows_is_no_error(mail: Message) -> None:
    assert tell({"RecordType": "Bounce", "Type": "HardBounce", "ID": 1, "MessageID": "pm-2"}).status_code == 200

    mail.refresh_from_db()
    assert mail.state == State.SENT


def test_what_the_service_did_not_sign_changes_nothing(mail: Message) -> None:
    with pytest.raises(mail_services.AnymailError, match="invalid basic auth"):  # Django answers it with 400
        tell({"RecordType": "Bounce", "Type": "HardBounce", "ID": 1}, secret="name:guess")

    mail.refresh_from_db()
    assert mail.state == State.SENT


def test_a_service_whose_events_anybody_could_forge_is_refused() -> None:
    assert mail_service_is_secured() == []
    with override_settings(ANYMAIL={}):
        (found,) = mail_service_is_secured()
    assert "WEBHOOK_SECRET" in found.msg


def test_of_every_service_there_is_one_address() -> None:
    for service in ("brevo", "mailersend", "mailgun", "mailjet", "mandrill", "postmark", "resend", "sparkpost"):
        assert len(mail_services.events_at(service)) == 1
