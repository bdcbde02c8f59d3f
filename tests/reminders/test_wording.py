"""Every message in our words and in the clinic's: what it says, what it never says, and how long its texts are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone, translation

from clinic.people.models import Clinic, Location, Service, User
from clinic.reminders import services
from clinic.reminders.kinds import MessageKind, message_kinds
from clinic.reminders.models import Wording
from clinic.reminders.previews import LINK
from clinic.reminders.texting.segments import segments
from clinic.reminders.wording import VALUES, check, our_words, reword, said, values_of
from tests.reminders.conftest import Book

VISIT_AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OF_CLIENTS = {name: kind for name, kind in message_kinds.items() if kind.may_say}
BY_TEXT = {name: kind for name, kind in message_kinds.items() if "text" in kind.channels}
POLICY = "Please tell us 24 hours before if you cannot come."


@pytest.fixture
def example(location: Location, clinic: Clinic) -> Mapping[str, Any]:
    """What a message about a visit at a clinic with an ordinary name is made of."""
    clinic.name = "Migraine Massage Lisbon"
    location.address, location.phone = "2 Harbour Street, Lisbon", "+351213456789"
    location.save()
    location.refresh_from_db()
    return {
        "clinic": clinic,
        "called": "Alexandra",
        "starts_at": VISIT_AT,
        "starts": [VISIT_AT + week * 7 * DAY for week in range(12)],
        "until": VISIT_AT - DAY,
        "minutes": 60,
        "location": location,
        "therapist": "Konstantina",
        "is_hers": False,
        "link": f"https://clinic.example.org{LINK}",
    }


def written(kind: MessageKind, channel: str, example: Mapping[str, Any], own: Wording | None = None) -> str:
    clinic = example["clinic"]
    with translation.override("en"), timezone.override(example["location"].zone):
        values = values_of(example, clinic=clinic, called=example["called"], channel=channel, link="")
        letter = said(kind.template, channel, own, example, values)
    return "\n".join([letter.subject, letter.text, letter.html])


@pytest.mark.parametrize("name", OF_CLIENTS)
@pytest.mark.parametrize("channel", ["email", "text"])
def test_every_message_to_a_client_names_the_clinic_and_its_cancellation_policy_and_no_placeholder(
    name: str, channel: str, example: Mapping[str, Any]
) -> None:
    words = written(OF_CLIENTS[name], channel, example)
    assert "Migraine Massage Lisbon" in words
    assert POLICY in words
    if "day" in OF_CLIENTS[name].must_say:
        assert re.search(r"29 Nov.*13:30", words)
    assert not re.search(r"\{\w+\}", words)


@pytest.mark.parametrize("name", BY_TEXT)
def test_a_text_is_sent_in_two_parts_at_most(name: str, example: Mapping[str, Any]) -> None:
    text = written(BY_TEXT[name], "text", example).strip()
    assert segments(text) <= 2, (len(text), text)


@pytest.mark.parametrize("name", OF_CLIENTS)
@pytest.mark.parametrize("channel", ["email", "text"])
def test_our_own_words_pass_the_check_that_the_clinics_must_pass(name: str, channel: str, clinic: Clinic) -> None:
    kind = OF_CLIENTS[name]
    ours = our_words(kind.template, channel, kind.may_say)
    check(ours.text, may_say=kind.may_say, must_say=kind.must_say)
    check(ours.subject, may_say=kind.may_say)


def test_no_placeholder_tells_what_the_visit_is_for() -> None:
    assert not {"service", "modality", "note", "diagnosis", "plan"} & set(VALUES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("On {day}, {time}: {service}. {policy}", "There is no {service} here; there are {day}, {time}, {policy}."),
        ("On {day}. {policy}", "{time} is missing."),
        ("Hello", "{day}, {time}, {policy} are missing."),
        ("On {day}, {time}. {policy", "A placeholder stands between two braces, as in {day}: one of them is missing."),
        ("On {day.__class__}, {day}, {time} {policy}", "There is no {day.__class__} here"),
        ("On {}, {day}, {time} {policy}", "There is no {} here"),
    ],
)
def test_an_unknown_or_missing_placeholder_gets_a_sentence(text: str, sentence: str) -> None:
    names = ("day", "time", "policy")
    with pytest.raises(ValidationError) as refused:
        check(text, may_say=names, must_say=names)
    assert any(words.startswith(sentence) for words in refused.value.messages)


OWN = "Dear {called},\n\nsee you on {day} at {time}. <b>Bring a scarf.</b>\n\n{link}\n\n{policy}"


@pytest.fixture
def reworded(olga: User, now: datetime) -> None:
    reword(by=olga, now=now, kind="reminder", channel="email", language="en", subject="{day}, {time}", text=OWN)


def test_the_clinics_own_words_go_out_in_place_of_ours(
    consent: None, reworded: None, book: Book, service: Service
) -> None:
    book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)

    (letter,) = mail.outbox
    html = letter.alternatives[0].content
    assert letter.subject == "Sunday 29 November, 13:30"
    assert letter.body.startswith("Dear Alice,\n\nsee you on Sunday 29 November at 13:30. <b>Bring a scarf.</b>")
    assert "&lt;b&gt;Bring a scarf.&lt;/b&gt;" in html
    link = re.search(r"http\S+/v/\S+/", letter.body).group(0)
    assert f'<a class="button" href="{link}">' in html
    for words in (letter.body, html):
        assert POLICY in words
        assert "migraine" not in words.lower()


def test_a_name_that_looks_like_a_placeholder_or_like_html_stays_a_name(
    consent: None, reworded: None, book: Book, alice: Any
) -> None:
    alice.preferred_name = "{policy} <i>"
    alice.save(update_fields=["preferred_name"])
    book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)
    assert mail.outbox[0].body.startswith("Dear {policy} <i>,")
    assert "Dear {policy} &lt;i&gt;," in mail.outbox[0].alternatives[0].content


def test_words_in_one_language_leave_the_others_as_they_are(consent: None, book: Book, olga: User) -> None:
    Wording.objects.create(kind="reminder", channel="email", language="pt", subject="{day}", text=OWN)
    book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)
    assert mail.outbox[0].subject == "Your appointment on Sunday 29 November, 13:30"


# --- The page


def address(kind: str = "reminder", channel: str = "text") -> str:
    return reverse("reminders:wording", args=[kind, channel, "en"])


GOOD = "See you on {day}, {time}. {policy} {link}"


def test_the_owner_changes_the_words_and_gets_ours_back(as_olga: Browser, location: Location) -> None:
    page = as_olga.get(address()).content.decode()
    assert "your appointment is on {day}, {time}, {location}." in page
    assert as_olga.post(address(), {"text": GOOD}).status_code == 302
    assert Wording.objects.get().text == GOOD
    assert "your own words" in as_olga.get(reverse("reminders:policy")).content.decode()
    as_olga.post(address(), {"ours": "1"})
    assert not Wording.objects.exists()


def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(as_olga: Browser, location: Location) -> None:
    page = as_olga.post(address(), {"text": "Your {modality} on {day}. {policy}"}).content.decode()
    assert "There is no {modality} here" in page
    assert "{time}, {link} are missing." in page
    assert "Your {modality} on {day}. {policy}" in page
    assert not Wording.objects.exists()


@pytest.mark.parametrize(
    ("channel", "typed", "said"),
    [
        ("text", {"text": f"{GOOD} {'Bring a scarf. ' * 40}"}, "A text takes 480 characters at most."),
        ("email", {"subject": "Open {link}", "text": GOOD}, "There is no {link} here"),
    ],
)
def test_a_text_has_an_end_and_a_subject_no_link(
    as_olga: Browser, location: Location, channel: str, typed: dict[str, str], said: str
) -> None:
    page = as_olga.post(address(channel=channel), typed).content.decode()
    assert said in page
    assert not Wording.objects.exists()


def test_a_preview_shows_what_was_typed_as_its_reader_sees_it_and_saves_nothing(
    as_olga: Browser, location: Location, now: datetime
) -> None:
    page = as_olga.post(address(), {"text": f"{GOOD} Bring a scarf.", "preview": "1"}).content.decode()
    assert "See you on Thu 26 Nov, 10:00." in page
    assert "As typed. Nothing is saved yet." in page
    assert "Sent, and paid for, in" in page
    assert not Wording.objects.exists()


@pytest.mark.parametrize("missing", ["licence/email", "nothing/email", "reminder/pigeon"])
def test_there_are_no_other_words(as_olga: Browser, location: Location, missing: str) -> None:
    kind, _slash, channel = missing.partition("/")
    assert as_olga.get(address(kind, channel)).status_code == 404
