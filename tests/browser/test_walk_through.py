"""One client walks all the way through, each step in the browser of the person whose step it is.

The front desk adds her and sends the intake form; she fills it in on a phone; her therapist reviews it and agrees a
plan; the front desk books her weekly; a reminder goes out; she comes; the session is recorded by modality and signed;
and the plan shows where she stands, to the therapist and to her.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from playwright.sync_api import Locator, Page, expect

from clinic.celery import app as celery
from clinic.people.models import Client, Therapist, User
from clinic.reminders.tasks import sweep
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import add_weekly_hours
from sessions.models import Note
from tests.factories import BEFORE, PASSWORD, ServiceFactory, modality

THURSDAY = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
FIRST_VISIT = datetime(2026, 11, 26, 14, 45, tzinfo=UTC)  # a Thursday, 14:45 in Lisbon

Travel = Callable[[datetime], None]
Accessible = Callable[[Page], None]


@pytest.fixture
def travel() -> Iterator[Travel]:
    """Return a function that moves the clock of the whole house; from there it ticks on."""
    journey: list[time_machine.travel] = []

    def to(moment: datetime) -> None:
        for earlier in journey:
            earlier.stop()
        journey[:] = [time_machine.travel(moment, tick=True)]
        journey[0].start()

    to(THURSDAY)
    yield to
    journey[0].stop()


@pytest.fixture(autouse=True)
def _worker_at_once() -> Iterator[None]:
    """Run what beat and the worker run, in their place: the tasks themselves, handed on without a broker."""
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


@pytest.fixture
def house(transactional_db: None, bea: Therapist, dana: User) -> Therapist:
    """A clinic with one therapist at work and one service, and nobody treated yet."""
    ServiceFactory(name="Myofascial release, 60 min", modality=modality("myofascial"), minutes=60, price_minor=6800)
    for weekday in range(5):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=bea.usual_room.location,
            weekday=weekday,
            opens=time(9),
            closes=time(18),
            valid_from=THURSDAY.date(),
        )
    return bea


@dataclass
class Walk:
    """What every step of the walk needs."""

    open_as: Callable[..., Page]
    travel: Travel
    must_be_accessible: Accessible
    picture: Callable[..., None]

    def sign_in(self, email: str, **window: object) -> Page:
        """Open a window in which this member of staff has signed in by password."""
        page = self.open_as(**window)
        page.goto("/")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        return page


@pytest.fixture
def walk(
    house: Therapist,
    travel: Travel,
    open_as: Callable[..., Page],
    must_be_accessible: Accessible,
    picture: Callable[..., None],
) -> Walk:
    return Walk(open_as, travel, must_be_accessible, picture)


def sent_to_alice() -> list[EmailMessage]:
    return [message for message in mail.outbox if "alice@example.org" in message.to]


def link_in(message: EmailMessage) -> str:
    """Return the path of the private link in a mail."""
    found = re.search(r"https?://[^/\s]+(/i/\S+)", str(message.body))
    assert found, message.body
    return found[1]


def test_one_client_walks_all_the_way_through(walk: Walk) -> None:
    desk = walk.sign_in("dana@example.org")
    alice = the_desk_adds_her_and_sends_the_form(walk, desk)
    she_fills_it_in_on_her_phone(walk)
    therapist = walk.sign_in("bea@example.org")
    her_therapist_reviews_it(walk, therapist)
    her_therapist_agrees_a_plan(walk, therapist, alice)
    the_desk_books_her_weekly(walk, desk, alice)
    a_reminder_goes_out(walk)
    # A week later everybody signs in anew.
    walk.travel(FIRST_VISIT - timedelta(minutes=10))
    desk, therapist = walk.sign_in("dana@example.org"), walk.sign_in("bea@example.org")
    she_arrives(walk, desk)
    the_session_is_recorded_and_signed(walk, therapist)
    the_plan_shows_where_she_stands(walk, therapist, alice)
    she_sees_it_too(walk)


def the_desk_adds_her_and_sends_the_form(walk: Walk, desk: Page) -> Client:
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Thursday 19 November")
    desk.goto("/clients/new/")
    walk.must_be_accessible(desk)
    desk.get_by_label("Full name").fill("Alice Moreau")
    desk.get_by_label("Date of birth").fill("1992-03-12")
    desk.get_by_label("E-mail", exact=True).fill("alice@example.org")
    desk.get_by_label("We may write by e-mail").check()
    desk.get_by_label("Therapist").select_option(label="Bea Lindqvist")
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Alice Moreau")
    walk.must_be_accessible(desk)
    desk.get_by_role("button", name="Send the form").click()
    walk.travel(THURSDAY + timedelta(minutes=10))
    sweep()
    (invitation,) = sent_to_alice()
    assert "migraine" not in f"{invitation.subject} {invitation.body}".lower()
    return Client.objects.get(legal_name="Alice Moreau")


def she_fills_it_in_on_her_phone(walk: Walk) -> None:
    phone = walk.open_as(390, 844, color_scheme="dark")
    phone.goto(link_in(sent_to_alice()[0]))
    walk.must_be_accessible(phone)
    phone.get_by_label("Date of birth").fill("1992-03-12")
    phone.get_by_role("button", name="Begin").click()
    for number in range(1, 10):
        expect(phone.get_by_text(f"Step {number} of 9")).to_be_visible()
        answer_step(phone, number)
        walk.must_be_accessible(phone)
        if number == 5:
            walk.picture(phone, "intake")
        phone.get_by_role("button", name="Send my answers" if number == 9 else "Continue").click()
    expect(phone).to_have_url(re.compile(r"/intake/sent/$"))
    walk.must_be_accessible(phone)


def answer_step(phone: Page, number: int) -> None:
    """Answer what the step asks: "no" to every safety question, and what brings her."""
    answer_all(phone, "Not sure", "No")
    if number == 1:
        phone.locator("#id_headache_days").fill("16")
        phone.locator("#id_migraine_days").fill("11")
    if number == 5:
        for trigger in ("Stress", "Missed meal"):
            phone.get_by_text(trigger, exact=True).click()
    if number == 9:
        answer_all(phone, "Yes", "Yes")
        first = phone.get_by_role("region", name="Alongside your medical care")
        first.get_by_label("Your full name").fill("Alice Moreau")
        first.get_by_role("button", name="I agree: sign").click()
        expect(first).to_contain_text("Signed by Alice Moreau")
        alike = phone.get_by_role("button", name="I agree: sign as Alice Moreau")
        while left := alike.count():
            alike.first.click()
            expect(alike).to_have_count(left - 1)


def answer_all(phone: Page, offering: str, answer: str) -> None:
    """Give this answer to every question in sight that offers `offering`."""
    for question in phone.get_by_role("group").filter(has=phone.get_by_role("radio", name=offering)).all():
        if question.is_visible():
            question.locator("label", has_text=re.compile(rf"^\s*{answer}\s*$")).click()


def her_therapist_reviews_it(walk: Walk, therapist: Page) -> None:
    expect(therapist.get_by_role("heading", level=1)).to_contain_text("Thursday 19 November")
    walk.must_be_accessible(therapist)
    therapist.get_by_role("link", name=re.compile("^Review")).last.click()
    expect(therapist.get_by_role("heading", level=1)).to_contain_text("Alice Moreau")
    walk.must_be_accessible(therapist)
    walk.picture(therapist, "review", widths=("desk",), themes=("light",))
    # Her answers raise nothing; what holds for everybody needs no acknowledgement.
    expect(therapist.get_by_text("The answers raise none.")).to_be_visible()
    therapist.get_by_role("button", name="Reviewed").click()
    expect(therapist.get_by_text("Reviewed: Alice Moreau")).to_be_visible()


def her_therapist_agrees_a_plan(walk: Walk, therapist: Page, alice: Client) -> None:
    therapist.goto(f"/clients/{alice.pk}/plan/new/")
    walk.must_be_accessible(therapist)
    walk.picture(therapist, "plan-new", widths=("desk",), themes=("light",))
    therapist.get_by_role("button", name="Make this plan").click()
    expect(therapist).to_have_url(re.compile(rf"/clients/{alice.pk}/plan/$"))


def the_desk_books_her_weekly(walk: Walk, desk: Page, alice: Client) -> None:
    desk.goto(f"/series/new/?client={alice.pk}")
    desk.get_by_label("Service").select_option(label="Myofascial release, 60 min")
    desk.get_by_label("Therapist").select_option(label="Bea Lindqvist")
    desk.locator("#id_first_on").fill("2026-11-26")
    desk.locator("#id_at_time").fill("14:45")
    desk.get_by_text("week", exact=True).click()
    desk.locator("#id_count").fill("6")
    desk.get_by_role("button", name="Show the dates").click()
    walk.must_be_accessible(desk)
    walk.picture(desk, "series", widths=("desk",), themes=("light",))
    desk.get_by_role("button", name="Book 6 visits").click()
    visits = Appointment.objects.filter(client=alice).order_by("starts_at")
    assert [visit.starts_at for visit in visits] == [FIRST_VISIT + timedelta(weeks=week) for week in range(6)]


def a_reminder_goes_out(walk: Walk) -> None:
    walk.travel(THURSDAY + timedelta(minutes=30))
    sweep()
    assert len(sent_to_alice()) == 2, "the summary of the series, once"
    walk.travel(FIRST_VISIT - timedelta(hours=47))
    sweep()
    sweep()
    reminder = sent_to_alice()[-1]
    assert len(sent_to_alice()) == 3, "the reminder, once"
    assert "14:45" in str(reminder.body)
    assert "massage" not in f"{reminder.subject} {reminder.body}".lower()


def she_arrives(walk: Walk, desk: Page) -> None:
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Thursday 26 November")
    walk.must_be_accessible(desk)
    desk.locator(".blk", has_text="Alice Moreau").first.click()
    desk.get_by_role("button", name=re.compile("^Arrive")).click()
    expect(desk.locator(".blk.st-arrived", has_text="Alice Moreau").first).to_be_attached()
    desk.locator(".blk", has_text="Alice Moreau").first.click()
    expect(desk.get_by_role("heading", name="Alice Moreau")).to_be_visible()
    walk.must_be_accessible(desk)
    walk.picture(desk, "visit", widths=("desk",), themes=("light",))
    assert Appointment.objects.get(starts_at=FIRST_VISIT).status == Status.ARRIVED


def the_session_is_recorded_and_signed(walk: Walk, therapist: Page) -> None:
    walk.travel(FIRST_VISIT)
    therapist.goto("/my-day/")
    walk.picture(therapist, "my-day")
    therapist.get_by_role("link", name=re.compile("Start")).first.click()
    walk.must_be_accessible(therapist)
    choose(therapist, "phase", "interictal")
    choose(therapist, "is_different", "no")
    therapist.get_by_label("Pain now").fill("6")
    therapist.get_by_label("Agreed to today").check()
    therapist.get_by_role("button", name="Start the session").click()
    therapist.wait_for_url(re.compile(r"/notes/\d+/"))  # with its scripts
    record_a_block(walk, therapist)
    walk.travel(FIRST_VISIT + timedelta(minutes=58))
    therapist.get_by_role("link", name="After", exact=True).click()
    therapist.get_by_label("Pain after").fill("3")
    therapist.get_by_role("link", name="Plan", exact=True).click()
    therapist.get_by_label("Home care").fill("Neck self-massage, 5 minutes in the evening.")
    expect(therapist.get_by_text(re.compile(r"Saved \d\d:\d\d"))).to_be_visible()
    walk.must_be_accessible(therapist)
    therapist.get_by_role("link", name="Treatment", exact=True).click()
    walk.picture(therapist, "note")
    therapist.get_by_role("button", name="Sign").first.click()
    walk.must_be_accessible(therapist)
    therapist.get_by_role("button", name="Sign for ever").click()
    expect(therapist.get_by_text("Signed by Bea Lindqvist")).to_be_visible()
    note = Note.objects.get()
    expect(therapist.get_by_text(note.digest[:8])).to_be_visible()
    walk.must_be_accessible(therapist)
    assert note.state == Note.State.SIGNED
    assert note.appointment.status == Status.COMPLETED


def record_a_block(walk: Walk, therapist: Page) -> None:
    therapist.get_by_role("button", name=re.compile("Myofascial")).click()
    block = therapist.locator("#block-form")
    # The form asks again what holds for the region before it goes on.
    with therapist.expect_response(re.compile("blocks/add")):
        block.locator("#id_region").select_option("upper_trapezius")
    choose(block, "side", "left")
    choose(block, "details-technique", "indirect")
    choose(block, "pressure", "2")
    block.locator("#id_minutes").fill("20")
    walk.must_be_accessible(therapist)
    block.get_by_role("button", name="Add block").click()
    expect(therapist.locator(".n-total")).to_contain_text("20 of 60 min recorded")


def choose(within: Page | Locator, name: str, value: str) -> None:
    """Choose in a segmented control by its label, as a finger does."""
    chosen = within.locator(f'input[name="{name}"][value="{value}"]')
    within.locator(f"label[for={chosen.get_attribute('id')}]").click()


def the_plan_shows_where_she_stands(walk: Walk, therapist: Page, alice: Client) -> None:
    walk.travel(FIRST_VISIT + timedelta(minutes=70))
    therapist.goto(f"/clients/{alice.pk}/plan/")
    expect(therapist.get_by_text("1 of 13 visits done")).to_be_visible()
    walk.must_be_accessible(therapist)
    walk.picture(therapist, "plan")
    therapist.goto(f"/clients/{alice.pk}/progress/")
    walk.must_be_accessible(therapist)
    therapist.goto(f"/clients/{alice.pk}/")
    walk.must_be_accessible(therapist)


def she_sees_it_too(walk: Walk) -> None:
    phone = walk.open_as(390, 844, color_scheme="dark")
    phone.goto("/")
    walk.must_be_accessible(phone)
    phone.get_by_label("E-mail").fill("alice@example.org")
    phone.get_by_role("link", name="Send me a code").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Enter the code")
    walk.must_be_accessible(phone)
    code = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", str(sent_to_alice()[-1].body), re.MULTILINE)
    assert code, sent_to_alice()[-1].body
    phone.get_by_label("Code").fill(code[1])
    phone.get_by_role("button", name="Go on").click()
    expect(phone).to_have_url(re.compile(r"/me/$"))
    expect(phone.get_by_text("1 of 6 visits done")).to_be_visible()
    walk.must_be_accessible(phone)
    walk.picture(phone, "portal")
