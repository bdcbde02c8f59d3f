"""The whole form on a phone, by touch and by keyboard, on one device and on two, and its review; axe on every page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from clinic.people.models import Client, Therapist, User
from intake import services
from intake.models import Submission
from tests.intake.answers import fill_in, send

Check = Callable[[Page], None]
BIRTHDAY = "1988-03-14"
PHONE = 390


@pytest.fixture
def link(alice: Client, dana: User) -> str:
    _invitation, token = services.invite(by=dana, now=timezone.now(), client=alice)
    return reverse("intake:open", args=[token])


def sign_in(page: Page, user: User, address: str) -> None:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key or "", "url": address}]
    )


def begin(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your date of birth").fill(BIRTHDAY)
    page.get_by_role("button", name="Begin").or_(page.get_by_role("button", name="Go on")).click()
    page.wait_for_load_state()


def say_no_to_everything(page: Page) -> None:
    """Answer no wherever it can be answered."""
    page.evaluate("""
        for (const no of document.querySelectorAll("input[value=no]")) {
            if (no.closest("fieldset").checkVisibility()) no.click();
        }
    """)


NEEDED = (
    "Alongside your medical care",
    "What the hands do",
    "You can stop at any time",
    "Covered",
    "Your medicines stay as they are",
    "In an emergency",
    "Your data",
)


def consent(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def sign_by_name(page: Page, title: str) -> None:
    consent(page, title).get_by_label("Your full name").fill("Alice Marques")
    consent(page, title).get_by_role("button", name="I agree: sign").click()
    expect(consent(page, title)).to_contain_text("Signed by Alice Marques")


def sign_alike(page: Page, title: str) -> None:
    consent(page, title).get_by_role("button", name="I agree: sign as Alice Marques").click()
    expect(consent(page, title)).to_contain_text("Signed by Alice Marques")


def go_on(page: Page, step: int) -> None:
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(f"Step {step} of 9")).to_be_visible()


def test_the_form_is_filled_in_on_a_phone(
    open_as: Callable[..., Page], link: str, must_be_accessible: Check, picture: Callable[..., None]
) -> None:
    page = open_as(PHONE, 844, color_scheme="dark")
    page.goto(link)
    must_be_accessible(page)
    picture(page, "intake-open")
    begin(page, link)
    page.get_by_label("On how many days did you have any headache?").fill("9")
    for step in range(1, 9):
        say_no_to_everything(page)
        if step == 5:
            page.get_by_text("Missed meal").click()
        must_be_accessible(page)
        picture(page, f"intake-step-{step}")
        go_on(page, step + 1)
    must_be_accessible(page)
    picture(page, "intake-step-9")
    sign_by_name(page, "Alongside your medical care")
    must_be_accessible(page)
    for title in NEEDED[1:]:
        sign_alike(page, title)
    say_no_to_everything(page)
    must_be_accessible(page)
    picture(page, "intake-step-9-signed")
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", name="Thank you, that is all")).to_be_visible()
    must_be_accessible(page)
    picture(page, "intake-sent")
    sent = Submission.objects.get()
    assert sent.state == Submission.State.SUBMITTED
    assert (sent.answers["headache_days"], sent.answers["triggers"]) == (9, ["missed_meal"])


def test_a_lost_connection_loses_nothing(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.context.set_offline(True)
    page.get_by_label("On how many days did you have any headache?").fill("9")
    page.get_by_label("On how many of them was it a migraine?").fill("4")
    page.get_by_label("On how many of them was it a migraine?").blur()
    expect(page.get_by_text("Not saved yet: no connection")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#saved")).to_contain_text("Saved")
    tablet = open_as(820, 1180)
    begin(tablet, link)
    expect(tablet.get_by_label("On how many of them was it a migraine?")).to_have_value("4")


def test_follow_ups_appear_with_a_yes_and_go_with_a_no(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[7]))
    follow_up = page.get_by_text("Do you see less with it?")
    expect(follow_up).to_be_hidden()
    page.locator("label[for=id_rf_eye_0]").click()
    expect(follow_up).to_be_visible()
    page.locator("label[for=id_rf_eye_1]").click()
    expect(follow_up).to_be_hidden()


def test_the_picture_and_the_chips_are_the_same_choice(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[2]))
    page.locator('[data-map] [data-region="temple"]').first.click()
    expect(page.get_by_label("Temple").first).to_be_checked()
    expect(page.locator('[data-map] [data-region="temple"].is-selected').first).to_be_visible()


def test_the_form_can_be_filled_in_without_script(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844, java_script_enabled=False)
    begin(page, link)
    page.locator("label[for=id_attack_today_1]").click()
    go_on(page, 2)
    page.get_by_role("button", name="Back").click()
    assert page.locator("#id_attack_today_1").is_checked()


def test_what_she_types_last_is_kept_however_she_leaves(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[3]))
    page.get_by_label("Who was that, and when?").fill("Dr Reis, in May")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("Step 2 of 9")).to_be_visible()
    page.goto(reverse("intake:step", args=[3]))
    expect(page.get_by_label("Who was that, and when?")).to_have_value("Dr Reis, in May")
    page.get_by_label("How do you feel the day after?").fill("Tired")
    page.goto(reverse("intake:step", args=[1]))
    page.wait_for_timeout(500)  # the browser sends it behind the page that follows
    page.goto(reverse("intake:step", args=[3]))
    expect(page.get_by_label("How do you feel the day after?")).to_have_value("Tired")


def test_without_a_connection_nothing_is_sent_and_nothing_lost(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.context.set_offline(True)
    page.get_by_label("On how many days did you have any headache?").fill("9")
    page.locator("label[for=id_attack_today_1]").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Not saved yet: no connection")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#saved")).to_contain_text("Saved")
    go_on(page, 2)
    assert Submission.objects.get().answers["headache_days"] == 9


def slowly(route: Route) -> None:
    """Let a request take longer than whatever waits to be saved."""
    time.sleep(2)
    route.continue_()


def test_no_saving_comes_after_the_answers_were_sent(open_as: Callable[..., Page], alice: Client, link: str) -> None:
    fill_in(alice, now=timezone.now())
    page = open_as(PHONE, 844)
    begin(page, link)
    saved_late: list[str] = []
    for title in NEEDED:
        consent(page, title).get_by_label("Your full name").fill("Alice Marques")
    page.route("**/intake/9/", slowly)
    page.on("request", lambda asked: asked.url.endswith("/intake/9/save/") and saved_late.append(asked.url))
    saved_late.clear()
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", name="Thank you, that is all")).to_be_visible()
    assert saved_late == []


def test_an_emergency_answer_stops_her_at_once(
    open_as: Callable[..., Page], link: str, must_be_accessible: Check, picture: Callable[..., None]
) -> None:
    page = open_as(PHONE, 844, color_scheme="dark")
    begin(page, link)
    page.goto(reverse("intake:step", args=[7]))
    page.locator("label[for=id_rf_sudden_0]").click()
    expect(page.get_by_role("heading", name="Please stop here and call 112 now")).to_be_visible()
    must_be_accessible(page)
    picture(page, "intake-stop")
    page.get_by_role("link", name="I ticked this by mistake").click()
    expect(page.locator("#id_rf_sudden_0")).to_be_checked()


def test_a_refused_step_says_what_is_missing_and_leads_there(
    open_as: Callable[..., Page], link: str, must_be_accessible: Check, picture: Callable[..., None]
) -> None:
    page = open_as(PHONE, 844, color_scheme="dark")
    begin(page, link)
    page.goto(reverse("intake:step", args=[7]))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_focused()
    must_be_accessible(page)
    picture(page, "intake-missing", widths=("phone",))


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_the_review_and_the_findings_are_accessible(
    width: int,
    open_as: Callable[..., Page],
    live_server: object,
    alice: Client,
    bea: Therapist,
    must_be_accessible: Check,
    picture: Callable[..., None],
    tmp_path: Path,
) -> None:
    now = timezone.now()
    sent = send(
        alice, now=now, rf_position="yes", botulinum="yes", botulinum_on=now.date().isoformat(), bleeding="unsure"
    )
    page = open_as(width, 1000)
    sign_in(page, bea.user, str(live_server))
    for name, address in (
        ("reviews", reverse("intake:review-list")),
        ("review", reverse("intake:review", args=[sent.pk])),
        ("findings", reverse("intake:findings", args=[alice.pk])),
    ):
        page.goto(address)
        must_be_accessible(page)
        picture(page, f"intake-{name}", widths=({390: "phone", 820: "tablet", 1440: "desk"}[width],))
    page.get_by_role("button", name="Acknowledge").first.click()
    expect(page.get_by_text("known to Bea Lindqvist").first).to_be_visible()


def test_she_is_told_when_her_link_was_closed_meanwhile(
    open_as: Callable[..., Page], alice: Client, dana: User, link: str
) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    services.invite(by=dana, now=timezone.now(), client=alice)
    page.locator("label[for=id_attack_today_1]").click()
    expect(page.get_by_text("Not saved: open your link again")).to_be_visible()
