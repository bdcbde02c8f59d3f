"""Words typed into the settings are not lost without a question."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client as Browser
from playwright.sync_api import Page, expect

from clinic.people.models import Clinic, User

TYPED = "No scents, please."
URL = "/settings/clinic/"


@pytest.fixture
def asked() -> list[str]:
    """The questions that the browser has put; each is answered with yes."""
    return []


@pytest.fixture
def page(
    transactional_db: None,
    olga: User,
    signed_in: Callable[[User], Browser],
    open_as: Callable[..., Page],
    live_server: object,
    asked: list[str],
) -> Page:
    """Olga's window on the clinic's settings, with words typed into it."""
    page = open_as()
    cookie = signed_in(olga).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": str(live_server)}])
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(URL)
    page.get_by_label("House rules").fill(TYPED)
    return page


def leave(page: Page) -> None:
    page.locator(".crumb a").click()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()


def test_a_form_with_unsaved_words_asks_before_it_is_left(page: Page, asked: list[str]) -> None:
    leave(page)
    assert asked == ["beforeunload"]


def test_after_a_preview_the_words_stand_and_back_leads_to_the_form(page: Page, asked: list[str]) -> None:
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text(TYPED)
    expect(page.get_by_label("House rules")).to_have_value(TYPED)
    leave(page)
    assert asked == ["beforeunload"]
    page.go_back()
    expect(page.get_by_label("House rules")).to_be_visible()


def test_a_refused_save_asks_too(page: Page, asked: list[str]) -> None:
    page.get_by_label("Name").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    leave(page)
    assert asked == ["beforeunload"]


def test_saving_and_leaving_on_purpose_ask_nothing(page: Page, asked: list[str]) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("The clinic is saved.")
    assert Clinic.objects.get().house_rules == TYPED
    page.get_by_label("House rules").fill("Nothing of it.")
    page.get_by_role("link", name="Leave as it was").click()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    assert asked == []
