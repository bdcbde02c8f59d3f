"""What she agreed to, on her own page and on her therapist's, and taking it back; axe on every page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from clinic.people.models import Client, Therapist, User
from intake import services
from intake.models import Consent
from tests.intake.answers import fill_in

Check = Callable[[Page], None]
DRAWN = [[20, 150, 120, 40, 220, 160, 320, 40, 420, 160]]


@pytest.fixture
def signed(alice: Client) -> None:
    """Alice has sent the form; one consent is drawn, the others are signed by name."""
    now = timezone.now()
    draft = fill_in(alice, now=now, aroma="yes")
    services.sign_consent(now=now, submission=draft, code="complementary", drawing=DRAWN)
    services.submit(now=now, submission=draft, signed_name="Alice Marques")


def sign_in(page: Page, user: User, address: str) -> None:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key or "", "url": address}]
    )


@pytest.mark.usefixtures("signed")
def test_she_reads_it_again_and_takes_one_back(
    open_as: Callable[..., Page],
    live_server: object,
    alice: Client,
    alice_user: User,
    must_be_accessible: Check,
    picture: Callable[..., None],
) -> None:
    page = open_as(390, 844, color_scheme="dark")
    sign_in(page, alice_user, str(live_server))
    page.goto(reverse("portal:home"))
    page.get_by_role("link", name="What you agreed to").click()
    page.locator("summary", has_text="Alongside your medical care").click()
    expect(page.get_by_role("img", name="Drawn signature of Alice Marques")).to_be_visible()
    must_be_accessible(page)
    picture(page, "agreed")
    page.locator("summary", has_text="Scented products").click()
    page.get_by_role("link", name=re.compile("^Take it back.*Scented products")).click()
    must_be_accessible(page)
    picture(page, "agreed-take-back")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("region", name="Taken back")).to_contain_text("Scented products")
    must_be_accessible(page)
    assert Consent.objects.get(code="aroma").revoked_by == alice_user


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_her_therapist_writes_down_that_one_is_taken_back(
    width: int,
    open_as: Callable[..., Page],
    live_server: object,
    alice: Client,
    bea: Therapist,
    must_be_accessible: Check,
    picture: Callable[..., None],
) -> None:
    page = open_as(width, 1000)
    sign_in(page, bea.user, str(live_server))
    page.goto(reverse("intake:findings", args=[alice.pk]))
    page.get_by_role("link", name="Consents", exact=True).click()
    page.locator("summary", has_text="Scented products").click()
    must_be_accessible(page)
    name = {390: "phone", 820: "tablet", 1440: "desk"}[width]
    picture(page, "consents", widths=(name,))
    page.get_by_role("link", name=re.compile("Write down.*Scented products")).click()
    must_be_accessible(page)
    picture(page, "consents-take-back", widths=(name,))
    page.get_by_role("button", name="It is taken back").click()
    expect(page.get_by_role("region", name="Taken back")).to_contain_text("by Bea Lindqvist")
    must_be_accessible(page)
