"""The link of a message: whoever holds it confirms, moves or cancels one visit; opening it changes nothing."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core import mail
from django.test import Client as Browser
from django.urls import reverse

from clinic.lib.logs import DiscreetFormatter, without_tokens
from clinic.people.models import Client, Clinic, Location, Service, Therapist
from clinic.reminders import services
from clinic.reminders.links import message_by, token_for
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment, Status, StatusChange
from clinic.scheduling.services import add_weekly_hours, book_appointment, cancel_appointment
from tests.factories import BEFORE, ServiceFactory
from tests.reminders.support import LONG_AGO, agree

# Sunday 29 November, half past one, in Lisbon winter time.
VISIT_AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)
DAY = timedelta(days=1)
VISIT, MOVE, CANCEL = (reverse(f"booking:{name}") for name in ("visit", "visit-move", "visit-cancel"))


@pytest.fixture
def visit(alice: Client, bea: Therapist, location: Location, now: datetime) -> Appointment:
    """Alice's visit; its confirmation has just gone out, and clients book by themselves."""
    agree(alice)
    Clinic.objects.update(online_booking=Clinic.OnlineBooking.AT_ONCE)
    Location.objects.update(phone="+351213456789", address="2 Harbour Street")
    service: Service = ServiceFactory(name="Deep neck work for migraine", buffer_after=0)
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(9),
            closes=time(18),
            valid_from=date(2026, 1, 1),
        )
    booked = book_appointment(
        by=None,
        now=now - timedelta(minutes=5),
        client=alice,
        service=service,
        therapist=bea,
        location=location,
        starts_at=VISIT_AT,
    )
    services.sweep(now)
    return booked


@pytest.fixture
def link(visit: Appointment) -> str:
    return re.search(r"http://[^/]+(/v/\S+/)\n", mail.outbox[0].body).group(1)


@pytest.fixture
def browser() -> Browser:
    """A phone on which nobody has signed in."""
    return Browser()


@pytest.fixture
def opened(link: str, browser: Browser) -> Browser:
    browser.get(link)
    return browser


def facts() -> tuple[object, ...]:
    visit = Appointment.objects.values_list("status", "starts_at").get()
    return visit, StatusChange.objects.count(), Message.objects.count(), list(Message.objects.values_list("state"))


def status() -> str:
    return Appointment.objects.get().status


def test_opening_any_of_its_addresses_changes_nothing(link: str, browser: Browser) -> None:
    before = facts()
    for address in (link, f"{link}move/", f"{link}cancel/"):
        for method in (browser.get, browser.head):
            assert method(address, follow=True).status_code == 200
    assert facts() == before


def test_the_token_is_exchanged_at_once_and_stands_on_no_page(link: str, browser: Browser) -> None:
    token = link.split("/")[2]
    answer = browser.get(link)
    assert (answer.status_code, answer["Location"], answer.content) == (302, VISIT, b"")
    assert "no-store" in answer["Cache-Control"]
    assert browser.get(f"{link}cancel/")["Location"] == CANCEL
    for page in (VISIT, MOVE, CANCEL):
        answer = browser.get(page)
        assert token not in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]


def test_it_tells_when_and_where_and_neither_who_nor_what_for(opened: Browser) -> None:
    for page in (VISIT, MOVE, CANCEL):
        words = opened.get(page).content.decode()
        assert "Sunday 29 November" in words
        assert "Harbour Street" in words
        for secret in ("Alice", "Marques", "Bea", "Lindqvist", "migraine", "neck", "alice@example.org"):
            assert secret not in words, (page, secret)


def test_yes_confirms_the_visit_and_may_be_said_twice(opened: Browser) -> None:
    assert "Will you come?" in opened.get(VISIT).content.decode()
    for _once in range(2):
        page = opened.post(VISIT, follow=True).content.decode()
        assert "Thank you, we look forward to seeing you" in page
    assert status() == Status.CONFIRMED
    assert StatusChange.objects.filter(after=Status.CONFIRMED, by=None).count() == 1


def test_no_cancels_it_after_saying_what_it_costs(opened: Browser) -> None:
    assert "Cancelling costs nothing now." in opened.get(CANCEL).content.decode()
    page = opened.post(CANCEL, follow=True).content.decode()
    assert "This appointment is cancelled" in page
    assert status() == Status.CANCELLED
    assert opened.post(VISIT).status_code == 409
    assert status() == Status.CANCELLED


def test_it_moves_to_a_free_time_with_the_same_therapist(opened: Browser, bea: Therapist) -> None:
    page = opened.get(f"{MOVE}?day=2026-12-01").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page).group(1)
    at = re.findall(r'name="at" id="[^"]+" value="([^"]+)"', page)[0]
    assert opened.post(MOVE, {"seen": seen, "at": at}).status_code == 302
    visit = Appointment.objects.get()
    assert (visit.starts_at.date(), visit.therapist) == (date(2026, 12, 1), bea)
    assert "Your appointment is now on Tue 1 Dec" in opened.get(VISIT).content.decode()
    assert "Your appointment is now on" not in opened.get(VISIT).content.decode()


def test_a_time_that_nobody_offers_is_refused(opened: Browser, visit: Appointment) -> None:
    page = opened.get(MOVE).content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page).group(1)
    night = seen.replace("13:30", "03:30")
    assert opened.post(MOVE, {"seen": seen, "at": night}).status_code in {200, 409}
    assert opened.post(MOVE, {"seen": seen}).status_code == 409
    assert Appointment.objects.get().starts_at == VISIT_AT


@pytest.mark.parametrize(("page", "until"), [(CANCEL, "Cancelling online was possible until"), (MOVE, "Moving online")])
def test_after_the_cut_off_the_policy_and_the_phone_are_told(opened: Browser, page: str, until: str) -> None:
    Clinic.objects.update(online_cancel_hours=24 * 20, online_move_hours=24 * 20)
    for method in (opened.get, opened.post):
        answer = method(page)
        words = answer.content.decode()
        assert answer.status_code == 409
        assert until in words
        assert "Please tell us 24 hours before if you cannot come." in words
        assert "+351 21 345 6789" in words
    assert status() == Status.BOOKED


def test_while_clients_do_not_book_by_themselves_it_confirms_and_tells_where_to_call(opened: Browser) -> None:
    Clinic.objects.update(online_booking=Clinic.OnlineBooking.CLOSED)
    page = opened.get(VISIT).content.decode()
    assert "I will come" in page
    assert CANCEL not in page
    assert MOVE not in page
    assert "+351 21 345 6789" in page
    opened.post(CANCEL)
    assert status() == Status.BOOKED


def test_once_the_visit_is_over_the_link_has_run_out(link: str, browser: Browser) -> None:
    span = {"starts_at": LONG_AGO, "ends_at": LONG_AGO + DAY, "occupied_from": LONG_AGO}
    Appointment.objects.update(**span, occupied_until=LONG_AGO + DAY)
    for method in (browser.get, browser.post):
        browser.get(link)
        answer = method(VISIT)
        assert (answer.status_code, "This link has run out" in answer.content.decode()) == (410, True)


def test_a_visit_that_the_clinic_cancelled_says_so(opened: Browser, visit: Appointment, now: datetime) -> None:
    cancel_appointment(by=None, now=now, appointment=visit)
    assert "This appointment is cancelled" in opened.get(VISIT).content.decode()
    assert opened.post(CANCEL)["Location"] == VISIT


def test_without_an_opened_link_no_page_shows_a_visit(visit: Appointment, browser: Browser) -> None:
    for page in (VISIT, MOVE, CANCEL):
        for method in (browser.get, browser.post):
            assert method(page).status_code == 410


def test_a_form_from_elsewhere_is_refused(link: str) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.get(link)
    assert strict.post(VISIT).status_code == 403
    assert status() == Status.BOOKED


def forged(token: str) -> list[str]:
    number, _dot, secret = token.partition(".")
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    return [f"{number}.{other}", f"1{number}.{secret}", number, f"{number}.", secret, f"{'z' * 13}.{secret}", "é.x"]


def test_a_link_that_this_clinic_did_not_make_opens_nothing(link: str, browser: Browser) -> None:
    token = link.split("/")[2]
    assert message_by(token) == Message.objects.get()
    for guess in forged(token):
        assert message_by(guess) is None
        assert browser.get(reverse("booking:visit-link", args=[guess])).status_code == 404
    assert browser.get(VISIT).status_code == 410


def test_who_opens_half_a_link_reads_whom_to_call(link: str, browser: Browser) -> None:
    half = link.split("/")[2][:-3]

    answer = browser.get(reverse("booking:visit-link", args=[half]))

    said = answer.content.decode()
    assert answer.status_code == 404
    assert "This link is not whole" in said
    assert "+351 21 345 6789" in said


def test_guessing_ends_after_a_while(visit: Appointment, browser: Browser) -> None:
    answers = {browser.get(reverse("booking:visit-link", args=["1.guess"])).status_code for _guess in range(61)}
    assert answers == {404, 429}


def test_each_link_has_128_bits_that_the_database_alone_does_not_tell(visit: Appointment, settings: object) -> None:
    message = Message.objects.get()
    secret = token_for(message).partition(".")[2]
    assert len(secret) == 22  # of six bits each
    assert secret.encode() not in message.key.bytes
    settings.SECRET_KEY = "another installation's"  # type: ignore[attr-defined]
    assert token_for(message).partition(".")[2] != secret


def test_the_link_is_in_no_log(link: str) -> None:
    secret = link.split("/")[2].partition(".")[2]
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: %s", (link,), None)
    assert secret not in DiscreetFormatter().format(record)
    assert secret not in without_tokens(f"{link}cancel/")
