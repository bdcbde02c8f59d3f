"""Offers of the waitlist by mail: what the letter says, and what its link does."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, time, timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.test import Client as Browser
from django.urls import reverse

from clinic.lib.logs import DiscreetFormatter, without_tokens
from clinic.people.models import Client, Clinic, Location, Therapist, User
from clinic.reminders import services
from clinic.reminders.models import Message
from clinic.scheduling.models import Appointment, Offer, OnlineConcern, Status, StatusChange, Wish
from clinic.scheduling.offer_links import key_in, token_for
from clinic.scheduling.online import mark, settle
from clinic.scheduling.services import add_weekly_hours
from clinic.scheduling.waitlist import Wished, accept_offer, add_wish, decline_offer, offer_times
from intake.models import Finding
from intake.services import close_finding
from tests.factories import BEFORE, ServiceFactory

State = Message.State
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Friday 27 November, four in the afternoon, in Lisbon winter time.
FREE_AT = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
YES = {"accept": "", "is_different": "no"}


@pytest.fixture
def offer(alice: Client, bea: Therapist, location: Location, now: datetime) -> Offer:
    """Bea has an hour on Friday, and it is held for Alice until eleven."""
    Location.objects.update(address="2 Harbour Street, Lisbon", phone="+351213456789")
    add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=bea,
        location=location,
        weekday=4,
        opens=time(16),
        closes=time(17),
        valid_from=date(2026, 11, 27),
        valid_until=date(2026, 11, 27),
    )
    service = ServiceFactory(name="Deep neck work for migraine", buffer_after=0)
    add_wish(by=None, now=now - HOUR, client=alice, wished=Wished([service]))
    offer_times(now=now)
    return Offer.objects.with_all().get()


def link_in(letter: str) -> str:
    return re.search(r"http\S+(/offers/\S+/)", letter).group(1)


@pytest.fixture
def link(offer: Offer) -> str:
    return reverse("booking:offer", args=[token_for(offer)])


@pytest.fixture
def browser() -> Browser:
    """A phone on which nobody has signed in, and which keeps to what forms must bring."""
    return Browser(enforce_csrf_checks=False)


def counts() -> tuple[int, ...]:
    return StatusChange.objects.count(), Wish.objects.filter(ended_at=None).count(), Offer.objects.open().count()


def test_she_is_written_to_once_when_where_and_until_when_and_never_what_for(
    consent: None, offer: Offer, now: datetime
) -> None:
    services.sweep(now)
    services.sweep(now + MINUTE)

    (letter,) = mail.outbox
    assert letter.subject == "Free for you: Friday 27 November, 16:00"
    for body in (letter.body, letter.alternatives[0].content):
        for said in (
            "Friday 27 November, 16:00",
            "Bea",
            "2 Harbour Street, Lisbon",
            "until Thursday, 11:00",
            "60",
        ):
            assert said in body
        assert "migraine" not in body.lower()
        assert "neck" not in body.lower()
        assert link_in(body).endswith("/")


def test_the_link_in_the_mail_opens_the_offer(consent: None, offer: Offer, now: datetime, browser: Browser) -> None:
    services.sweep(now)
    page = browser.get(link_in(mail.outbox[0].body))
    assert page.status_code == 200
    assert "Book this time" in page.content.decode()
    assert "migraine" not in page.content.decode().lower()


def test_without_consent_nothing_is_mailed(offer: Offer, now: datetime) -> None:
    services.sweep(now)
    assert mail.outbox == []
    assert Message.objects.get().state == State.DROPPED


def on_the_waitlist(browser: Browser) -> list[str]:
    """Return what the waitlist says beside the offer."""
    page = browser.get(reverse("scheduling:waitlist")).content.decode()
    return re.findall(r'<span class="pill(?: todo)?">([^<]+)</span>', page)


def test_the_waitlist_says_what_became_of_the_mail(
    consent: None, offer: Offer, now: datetime, as_dana: Browser
) -> None:
    services.prepare(now)
    assert "offer goes out" in on_the_waitlist(as_dana)
    services.sweep(now)
    assert "offer sent" in on_the_waitlist(as_dana)
    Message.objects.filter(kind="offer").update(state=State.UNCERTAIN)
    assert "offer perhaps not sent" in on_the_waitlist(as_dana)


def test_the_waitlist_does_not_say_it_is_mailed_where_the_mail_failed_for_good(
    consent: None, offer: Offer, now: datetime, as_dana: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_letters: object) -> None:
        raise SMTPRecipientsRefused({"alice@example.org": (550, b"no such mailbox")})

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    services.sweep(now)
    assert Message.objects.get(kind="offer").state == State.FAILED
    said = on_the_waitlist(as_dana)
    assert "offer not sent" in said
    assert "offer goes out" not in said


@pytest.mark.parametrize("answered", [accept_offer, decline_offer])
def test_what_is_answered_already_is_not_mailed(consent: None, offer: Offer, now: datetime, answered) -> None:
    services.prepare(now)
    answered(by=None, now=now, offer=offer)
    services.sweep(now)
    assert mail.outbox == []


def test_an_offer_that_could_not_be_sent_in_time_is_missed(consent: None, offer: Offer, now: datetime) -> None:
    services.prepare(now)
    services.sweep(now + 2 * HOUR)
    assert (mail.outbox, Message.objects.get(kind="offer").state) == ([], State.MISSED)


def test_a_yes_is_confirmed_with_a_calendar_file(consent: None, offer: Offer, now: datetime) -> None:
    services.sweep(now)
    accept_offer(by=None, now=now + HOUR, offer=offer)
    services.sweep(now + HOUR + 5 * MINUTE)
    assert [letter.subject for letter in mail.outbox][1] == "Booked: Friday 27 November, 16:00"
    assert mail.outbox[1].attachments[0][0] == "appointment.ics"


def test_whoever_has_signed_in_finds_the_offer_on_her_own_page_and_no_visit_yet(
    link: str, as_alice: Browser, as_carl: Browser, browser: Browser
) -> None:
    home, visits = reverse("portal:home"), reverse("portal:visits")
    page = as_alice.get(home).content.decode()
    assert "Friday 27 November, 16:00 with Bea, held for you until Thursday, 11:00." in page
    assert link in page
    assert "No visit is booked." in page
    assert "27 November" not in as_alice.get(visits).content.decode()
    assert "27 November" not in as_carl.get(home).content.decode()
    browser.post(link, YES)
    page = as_alice.get(home).content.decode()
    assert link not in page
    assert "Friday 27 November" in page


# --- The link


def test_opening_the_link_does_nothing(link: str, browser: Browser) -> None:
    before = counts()
    for method in (browser.get, browser.head):
        assert method(link).status_code == 200
    assert counts() == before


def test_a_visit_so_near_that_it_cannot_be_cancelled_any_more_says_so(
    link: str, browser: Browser, clinic: Clinic
) -> None:
    assert "can be taken back" not in browser.get(link).content.decode()
    Clinic.objects.update(cancellation_hours=24 * 10)
    assert "a yes can be taken back free of charge for 15 minutes" in browser.get(link).content.decode()


def test_yes_books_the_visit(link: str, offer: Offer, browser: Browser) -> None:
    page = browser.post(link, YES, follow=True)
    assert "It is booked" in page.content.decode()
    assert Appointment.objects.get(pk=offer.appointment_id).status == Status.BOOKED
    offer.refresh_from_db()
    assert (offer.answer, offer.answered_by) == ("accepted", None)


def test_no_frees_it(link: str, offer: Offer, browser: Browser) -> None:
    page = browser.post(link, {"decline": ""}, follow=True)
    assert "You keep your place on the waitlist" in page.content.decode()
    assert Appointment.objects.get(pk=offer.appointment_id).status == Status.CANCELLED


def test_a_form_without_an_answer_does_nothing(link: str, browser: Browser) -> None:
    before = counts()
    browser.post(link, {})
    assert counts() == before


def test_the_question_of_every_visit_must_be_answered_before_a_yes(link: str, browser: Browser) -> None:
    before = counts()
    page = browser.post(link, {"accept": ""})
    assert "we ask it before every visit" in page.content.decode()
    assert counts() == before


def test_a_red_answer_books_nothing_here_either_and_offers_nothing_until_somebody_spoke_with_her(
    link: str, offer: Offer, browser: Browser, now: datetime, dana: User, bea: Therapist
) -> None:
    page = browser.post(link, {"accept": "", "is_different": "yes", "signs": ["eyelid"]})
    assert "Nothing is booked." in page.content.decode()
    assert Appointment.objects.get().status == Status.CANCELLED
    assert browser.post(link, YES).status_code == 409
    assert Appointment.objects.get().status == Status.CANCELLED
    later = now + timedelta(days=1)
    Offer.objects.all().delete()
    assert offer_times(now=later) == 0
    settle(by=dana, now=later, concern=OnlineConcern.objects.get())
    assert offer_times(now=later) == 0, "what she answered is still open"
    for finding in Finding.objects.open():
        close_finding(by=bea.user, now=later, finding=finding, reason="Seen by her doctor.")
    assert offer_times(now=later) == 1


def test_whoever_gave_a_red_answer_elsewhere_does_not_accept_by_the_link(
    link: str, offer: Offer, alice: Client, browser: Browser, now: datetime
) -> None:
    mark(alice, OnlineConcern.Kind.CALL, by=None, now=now)
    refused = browser.post(link, YES)
    assert (refused.status_code, "please speak with us" in refused.content.decode()) == (409, True)
    assert Appointment.objects.get().status == Status.HELD


def test_a_form_from_elsewhere_is_refused(link: str) -> None:
    assert Browser(enforce_csrf_checks=True).post(link, YES).status_code == 403


def test_once_it_has_gone_to_the_next_the_link_says_so(
    link: str, offer: Offer, browser: Browser, now: datetime
) -> None:
    offer_times(now=now + 2 * HOUR)
    refused = browser.post(link, YES)
    assert refused.status_code == 409
    assert "This time is no longer held" in refused.content.decode()
    assert "no longer held" in browser.get(link).content.decode()


def test_yes_and_then_no_leaves_it_booked(link: str, offer: Offer, browser: Browser) -> None:
    browser.post(link, YES)
    refused = browser.post(link, {"decline": ""})
    assert (refused.status_code, "It is booked" in refused.content.decode()) == (409, True)
    assert Appointment.objects.get(pk=offer.appointment_id).status == Status.BOOKED


@pytest.mark.parametrize("change", ["other key", "other signature", "no signature"])
def test_a_link_that_this_clinic_did_not_make_opens_nothing(offer: Offer, browser: Browser, change: str) -> None:
    key, _dot, signature = token_for(offer).rpartition(".")
    forged = {
        "other key": f"{'0' * 32}.{signature}",
        "other signature": f"{key}.{signature[:-1]}{'a' if signature[-1] != 'a' else 'b'}",
        "no signature": key,
    }[change]
    assert key_in(forged) is None
    for method in (browser.get, browser.post):
        assert method(reverse("booking:offer", args=[forged]), YES).status_code == 404


def test_after_the_visit_the_link_opens_nothing(link: str, browser: Browser) -> None:
    Appointment.objects.update(
        starts_at=datetime(2026, 11, 18, 9, tzinfo=UTC),
        ends_at=datetime(2026, 11, 18, 10, tzinfo=UTC),
        occupied_from=datetime(2026, 11, 18, 9, tzinfo=UTC),
        occupied_until=datetime(2026, 11, 18, 10, tzinfo=UTC),
    )
    assert browser.get(link).status_code == 404


def test_the_link_is_in_no_log(link: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Conflict: %s", (link,), None)
    token = link.rstrip("/").rpartition("/")[2]
    for part in token.split("."):
        assert part not in DiscreetFormatter().format(record)
        assert part not in without_tokens(link)
