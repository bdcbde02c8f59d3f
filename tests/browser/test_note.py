"""What the note's script promises: typed text reaches the note whatever was clicked before, and outlives a sign-out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client as Browser
from playwright.sync_api import Page, expect

from sessions.models import Note
from tests.sessions.conftest import book, calm, draft, record, service, start, visit

__all__ = ["book", "calm", "draft", "record", "service", "start", "visit"]

TYPED = "Slept badly on Tuesday."


@pytest.fixture
def page(
    transactional_db: None, draft: Note, as_bea: Browser, open_as: Callable[..., Page], live_server: object
) -> Page:
    """Bea's window on the note, on her tablet."""
    page = open_as(820, 1180)
    sign_in(page, as_bea, str(live_server))
    page.goto(f"/notes/{draft.pk}/#before")
    return page


def sign_in(page: Page, browser: Browser, site: str) -> None:
    page.context.add_cookies([{"name": "sessionid", "value": browser.cookies["sessionid"].value, "url": site}])


def test_what_is_typed_after_a_mark_is_saved(page: Page, draft: Note) -> None:
    page.get_by_label("Kind of mark").select_option("avoid")
    page.locator("[data-map] .region[data-region=temple][data-side=left]").first.click()
    expect(page.locator(".n-marklist")).to_contain_text("Temple, left: avoid")
    expect(page.get_by_label("Kind of mark")).to_have_value("avoid")
    with page.expect_response(lambda answer: answer.request.method == "POST") as saving:
        page.get_by_label("Since last time").fill(TYPED)
    assert saving.value.url.endswith(f"/notes/{draft.pk}/")
    draft.refresh_from_db()
    assert draft.since_last == TYPED


def test_what_is_typed_while_signed_out_comes_back(
    page: Page, draft: Note, as_bea: Browser, live_server: object
) -> None:
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Since last time").fill(TYPED)
    expect(page.locator("#saved")).to_contain_text("Not saved: you are signed out.")
    sign_in(page, as_bea, str(live_server))
    page.reload()
    expect(page.get_by_label("Since last time")).to_have_value(TYPED)
    expect(page.locator("#saved")).to_contain_text("Saved")
    draft.refresh_from_db()
    assert draft.since_last == TYPED


def test_a_stroke_opens_the_search_but_is_a_letter_in_a_field(page: Page, draft: Note) -> None:
    page.get_by_label("Since last time").press_sequentially("1/2 day")
    expect(page.get_by_label("Since last time")).to_have_value("1/2 day")
    page.get_by_label("Since last time").blur()
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search clients")
    expect(search).to_be_focused()
    search.press_sequentially(draft.client.legal_name[:4])
    expect(page.get_by_role("option", name=draft.client.name)).to_be_visible()
    search.press("Escape")
    expect(search).to_be_hidden()


def test_the_search_opens_from_a_key_and_gives_the_focus_back_to_it(page: Page, draft: Note) -> None:
    key = page.get_by_role("radio").first
    key.focus()
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search clients")
    expect(search).to_be_focused()
    search.press("Escape")
    expect(key).to_be_focused()


def kept_in(page: Page) -> list[str]:
    """Return under which names typed text waits in this tab."""
    found: list[str] = page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('kept-'))")
    return found


def test_what_is_typed_while_signed_out_is_gone_when_another_login_appears(
    page: Page, draft: Note, as_bea: Browser, as_dana: Browser, live_server: object
) -> None:
    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Since last time").fill(TYPED)
    expect(page.locator("#saved")).to_contain_text("Not saved: you are signed out.")
    assert kept_in(page) == [f"kept-{draft.therapist.user_id}-{draft.pk}"]
    sign_in(page, as_dana, str(live_server))
    page.goto("/clients/")
    assert kept_in(page) == []


def test_what_is_typed_is_gone_from_the_tab_after_signing_out(page: Page) -> None:
    page.route("**/notes/**", lambda route: route.abort())
    page.get_by_label("Since last time").fill(TYPED)
    expect(page.locator("#saved")).to_contain_text("the clinic cannot be reached")
    assert kept_in(page)
    page.goto("/day/")
    page.locator(".who-summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("login"))
    assert kept_in(page) == []


def test_the_head_follows_what_is_changed(page: Page) -> None:
    page.locator("#before").get_by_text("Early signs").click()
    expect(page.locator(".n-strip")).to_contain_text("Early signs, pain 4 of 10.")


def test_the_keyboard_goes_on_where_the_next_block_begins(page: Page) -> None:
    page.get_by_role("link", name="Treatment").click()
    page.get_by_role("button", name="Myofascial release").click()
    expect(page.get_by_label("Region").first).to_be_focused()
    block = page.locator("#block-form")
    # Region and technique each ask what holds here.
    with page.expect_response("**/blocks/add/"):
        block.get_by_label("Region").select_option("thoracic_upper")
    with page.expect_response("**/blocks/add/"):
        block.locator("label").filter(has_text="Cross-hand").click()
    expect(block.get_by_role("radio", name="Cross-hand")).to_be_checked()
    block.get_by_label("Minutes").fill("12")
    for choice in ("Both", "light"):
        block.locator("label").filter(has_text=choice).click()
    page.get_by_role("button", name="Add block").click()
    expect(page.locator(".n-blocks .tb-row")).to_have_count(1)
    expect(page.locator(".n-add button").first).to_be_focused()
