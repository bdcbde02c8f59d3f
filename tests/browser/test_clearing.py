"""From new answers to what they allow: reviewed, taken into the record, asked of a doctor, cleared; axe throughout."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.people.models import Client, Therapist, User
from intake.models import Submission
from intake.models_clearing import Clearance
from tests.intake.answers import A_PDF, reviewed_intake, send

Check = Callable[[Page], None]
DAYS = timedelta(days=200)


def sign_in(page: Page, user: User, address: str) -> None:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key or "", "url": address}]
    )


@pytest.fixture
def sent(alice: Client, bea: Therapist) -> Submission:
    """Alice has answered a second time: there is more migraine, and something that wants a doctor's word."""
    now = timezone.now()
    reviewed_intake(alice, bea.user, now=now - DAYS)
    return send(
        alice, now=now, rf_position="yes", migraine_days=11, physician="yes", doctor="Dr Lemaire, Rua das Flores 1"
    )


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "Dr Lemaire.pdf"
    path.write_bytes(A_PDF)
    return path


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1440, "light")])
def test_a_therapist_goes_from_new_answers_to_a_clearance(
    width: int,
    scheme: str,
    open_as: Callable[..., Page],
    live_server: object,
    alice: Client,
    bea: Therapist,
    sent: Submission,
    letter: Path,
    must_be_accessible: Check,
) -> None:
    page = open_as(width, 1000, color_scheme=scheme)
    sign_in(page, bea.user, str(live_server))
    page.goto(reverse("intake:review-list"))
    must_be_accessible(page)
    page.get_by_role("link", name="Alice Marques").click()
    expect(page.get_by_text("11 of 28 days")).to_be_visible()
    folded = page.get_by_text("How bad is it usually?")
    expect(folded).to_be_hidden()
    page.locator("summary", has_text="answers as they were").first.click()
    expect(folded).to_be_visible()
    must_be_accessible(page)
    take_into_the_record(page, must_be_accessible)
    write_to_the_doctor(page, must_be_accessible)
    record_what_came(page, letter, must_be_accessible)
    review_is_done(page, sent)
    alice.refresh_from_db()
    assert (alice.physician_name, alice.physician_contact) == ("Dr Lemaire", "Rua das Flores 1")
    assert Clearance.objects.get().document.name == "Dr Lemaire.pdf"


def take_into_the_record(page: Page, must_be_accessible: Check) -> None:
    page.get_by_role("link", name="Use these answers").click()
    must_be_accessible(page)
    expect(page.get_by_label("Take: Dr Lemaire")).to_be_checked()
    page.get_by_role("button", name="Write into the record").click()
    expect(page.get_by_text("The record of Alice Marques is up to date.")).to_be_visible()


def write_to_the_doctor(page: Page, must_be_accessible: Check) -> None:
    page.get_by_role("link", name=re.compile("Clearance.*Depends on position")).click()
    must_be_accessible(page)
    page.get_by_role("link", name="Write to the doctor").click()
    must_be_accessible(page)
    expect(page.get_by_label("To")).to_have_value("Dr Lemaire")
    page.get_by_role("button", name="Write the letter").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Letter to Dr Lemaire").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def record_what_came(page: Page, letter: Path, must_be_accessible: Check) -> None:
    page.get_by_role("link", name="Record a clearance").click()
    page.get_by_label("Date on the paper").fill((timezone.localdate() - timedelta(days=1)).isoformat())
    page.get_by_text("On the whole body").click()
    expect(page.get_by_role("group", name="Regions")).to_be_hidden()
    page.get_by_text("Only in these regions").click()
    page.get_by_text("Back of the neck, upper").click()
    page.get_by_text("3, moderate").click()
    page.get_by_label("New file").set_input_files(letter)
    page.get_by_role("button", name="Record the clearance").click()
    # The last day was forgotten: the paper is kept and chosen, and what was typed stands.
    expect(page.get_by_role("alert")).to_contain_text("Please choose a day.")
    must_be_accessible(page)
    expect(page.get_by_label("The paper", exact=True)).to_contain_text("Dr Lemaire.pdf")
    expect(page.get_by_label("Back of the neck, upper")).to_be_checked()
    page.get_by_label("Until, that day included").fill((timezone.localdate() + timedelta(days=90)).isoformat())
    page.get_by_role("button", name="Record the clearance").click()
    expect(page.get_by_text("Back of the neck, upper · pressure up to 3")).to_be_visible()
    must_be_accessible(page)


def review_is_done(page: Page, sent: Submission) -> None:
    page.goto(reverse("intake:review", args=[sent.pk]))
    expect(page.locator(".finding", has_text="Depends on position")).to_contain_text("known to Bea Lindqvist")
    expect(page.locator(".finding", has_text="Depends on position")).to_contain_text("Dr Lemaire,")
    unknown = page.get_by_role("button", name="Acknowledge")
    while unknown.count():
        unknown.first.click()
        page.wait_for_load_state()
    page.get_by_role("button", name="Reviewed", exact=True).click()
    expect(page.get_by_text("Reviewed: Alice Marques.")).to_be_visible()


def test_without_script_a_clearance_is_taken_back(
    open_as: Callable[..., Page], live_server: object, alice: Client, bea: Therapist, must_be_accessible: Check
) -> None:
    from tests.intake.answers import clearance_of

    clearance = clearance_of(alice, bea, now=timezone.now())
    page = open_as(390, 844, java_script_enabled=False)
    sign_in(page, bea.user, str(live_server))
    page.goto(reverse("intake:clearances", args=[alice.pk]))
    page.locator("summary", has_text="Take back with a reason").click()
    page.get_by_role("button", name="Take the clearance back").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in a line why the clearance no longer counts.")
    page.get_by_label("Why it no longer counts").fill("Her doctor called.")
    page.get_by_role("button", name="Take the clearance back").click()
    expect(page.get_by_text("Her doctor called.")).to_be_visible()
    clearance.refresh_from_db()
    assert clearance.revoked_by == bea.user


def test_she_takes_her_answers_along(
    open_as: Callable[..., Page],
    live_server: object,
    alice: Client,
    alice_user: User,
    sent: Submission,
    must_be_accessible: Check,
) -> None:
    page = open_as(390, 844, color_scheme="dark")
    sign_in(page, alice_user, str(live_server))
    page.goto(reverse("portal:home"))
    page.get_by_role("link", name="What you told us").click()
    must_be_accessible(page)
    for name, ending in (("PDF", "pdf"), ("Data (JSON)", "json")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).first.click()
        assert download.value.suggested_filename.endswith(ending)
