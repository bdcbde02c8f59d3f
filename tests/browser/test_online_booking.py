"""Booking online in a real browser: on a phone in the dark, and without a script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, time

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from clinic.people.models import Clinic, Location, Therapist
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import add_weekly_hours
from intake.models import Finding
from tests.factories import BEFORE, ServiceFactory

# The rows of the migrations (modalities, form and rules) come back after each test.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PHONE = {"width": 390, "height": 844, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture(autouse=True)
def _open(clinic: Clinic, bea: Therapist, location: Location) -> Iterator[None]:
    """Bea is there every day, and the clinic is booked online."""
    clinic.online_booking, clinic.late_fee_percent = Clinic.OnlineBooking.AT_ONCE, 50
    clinic.save()
    bea.biography = "Slow and light."
    bea.save()
    ServiceFactory(name="Myofascial release, 60 min", description="Head, neck and jaw.", price_minor=8200)
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(8),
            closes=time(18),
            valid_from=date(2026, 1, 1),
        )
    yield
    mail.outbox.clear()


@pytest.mark.parametrize("with_script", [True, False], ids=["phone, dim", "without a script"])
def test_a_newcomer_books_on_her_phone(
    open_as: Callable[..., Page], must_be_accessible: Callable[[Page], None], with_script: bool
) -> None:
    page = open_as(**PHONE, java_script_enabled=with_script)

    def look() -> None:
        if with_script:
            must_be_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.goto("/book/")
    look()
    page.get_by_role("link", name="Myofascial release").click()
    look()
    page.locator(".days a").last.click()
    page.locator(".times label").first.click()
    page.get_by_role("button", name="Continue with this time").click()
    look()
    page.get_by_label("Your e-mail").fill("nina@example.org")
    page.get_by_role("button", name="Send the code").click()
    look()
    page.get_by_label("Code").fill(_code())
    page.get_by_role("button", name="Go on").click()
    look()
    page.get_by_role("button", name="Hold the time for me").click()
    expect(page.get_by_role("alert")).to_contain_text("3 things to put right")
    look()
    page.get_by_label("Full name of who comes").fill("Nina Prates")
    page.get_by_label("Date of birth").fill("4.3.1990")
    page.get_by_label("Your phone").fill("+351 912 345 678")
    page.get_by_role("button", name="Hold the time for me").click()
    expect(page.get_by_text(re.compile(r"Held for you until \d\d:\d\d"))).to_be_visible()
    expect(page.get_by_text("After that, or if you do not come: €41.00.")).to_be_visible()
    look()
    # The signs are asked after a yes only, also without a script.
    expect(page.get_by_label("Double vision")).to_be_hidden()
    page.locator("label", has_text=re.compile("^Yes$")).click()
    expect(page.get_by_label("Double vision")).to_be_visible()
    look()
    page.locator("label", has_text=re.compile("^No$")).first.click()
    page.locator("label", has_text="Yes, write to me").click()
    page.get_by_role("button", name="Confirm booking").click()
    expect(page.get_by_role("heading", name="Your visit is booked")).to_be_visible()
    look()
    assert Appointment.objects.get().status == Status.BOOKED


def test_a_red_answer_shows_the_number_and_books_nothing(
    open_as: Callable[..., Page], must_be_accessible: Callable[[Page], None], alice_user: object
) -> None:
    page = open_as(**PHONE)
    page.goto("/book/")
    page.get_by_role("link", name="Myofascial release").click()
    page.locator(".times label").first.click()
    page.get_by_role("button", name="Continue with this time").click()
    page.get_by_label("Your e-mail").fill("alice@example.org")
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code").fill(_code())
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Another time").click()
    # What only she sees who has signed in.
    must_be_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator(".times label").first.click()
    page.get_by_role("button", name="Continue with this time").click()
    page.locator("label", has_text=re.compile("^Yes$")).first.click()
    page.get_by_label("Drooping lid").check()
    page.locator("label", has_text="Yes, write to me").click()
    page.get_by_role("button", name="Confirm booking").click()
    expect(page.get_by_role("link", name="Call 112")).to_be_visible()
    must_be_accessible(page)
    assert set(Appointment.objects.values_list("status", flat=True)) == {Status.CANCELLED}
    assert Finding.objects.filter(rule="neck_artery_signs").exists()


def _code() -> str:
    found = re.search(r"^\s+([A-Z0-9-]{6,})$", mail.outbox[-1].body, re.MULTILINE)
    assert found
    return found[1]
