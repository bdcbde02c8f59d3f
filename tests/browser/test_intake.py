"""The whole form on a phone, by touch and by keyboard, on one device and on two, and its review; axe on every page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
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
from intake.models import Consent, Submission
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


def in_both_themes(page: Page, check: Check) -> None:
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
        check(page)


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
        in_both_themes(page, must_be_accessible)
        picture(page, f"intake-step-{step}")
        go_on(page, step + 1)
    must_be_accessible(page)
    picture(page, "intake-step-9")
    in_both_themes(page, must_be_accessible)
    sign_by_name(page, "Alongside your medical care")
    in_both_themes(page, must_be_accessible)
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


def test_the_picture_is_marked_by_touch_from_every_side(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844, has_touch=True)
    begin(page, link)
    page.goto(reverse("intake:step", args=[2]))
    for side, region, name in (
        ("Front", "forehead", "Forehead"),
        ("Back", "suboccipital", "Base of the skull"),
        ("Left", "temple", "Temple"),
        ("Right", "mastoid", "Behind the ear"),
    ):
        page.locator("[data-view]", has_text=side).tap()
        drawn = page.locator(f'[data-drawing]:visible [data-region="{region}"]').first
        drawn.dispatch_event("click")
        expect(page.get_by_label(name, exact=True).first).to_be_checked()
        expect(drawn).to_have_class(re.compile("is-selected"))
    expect(page.locator("[data-drawing]:visible")).to_have_count(1)
    expect(page.locator("#saved")).to_contain_text("Saved")
    go_on_with_nothing_new(page)
    assert Submission.objects.get().answers["headache_regions"] == ["forehead", "temple", "mastoid", "suboccipital"]


def go_on_with_nothing_new(page: Page) -> None:
    say_no_to_everything(page)
    go_on(page, 3)


def test_a_finger_hits_the_region_it_points_at(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844, has_touch=True)
    begin(page, link)
    page.goto(reverse("intake:step", args=[2]))
    box = page.locator("[data-drawing]:visible svg").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 0.5 + 15, box["y"] + box["height"] * 0.13)
    expect(page.locator("[data-map] .region.is-selected").first).to_be_visible()
    assert page.locator("#id_headache_regions input:checked").count() == 1


def test_the_picture_is_marked_from_the_keyboard_by_its_list(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[2]))
    page.get_by_label("Forehead").first.focus()
    page.keyboard.press("Space")
    expect(page.locator('[data-drawing]:visible [data-region="forehead"]').first).to_have_class(
        re.compile("is-selected")
    )
    page.keyboard.press("Space")
    expect(page.locator(".is-selected")).to_have_count(0)
    assert page.locator("[data-map] [tabindex='0'], [data-map] button:not([tabindex='-1'])").count() == 0


def test_chips_are_found_by_a_word(open_as: Callable[..., Page], link: str, must_be_accessible: Check) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[5]))
    search = page.get_by_label("Find one")
    search.press_sequentially("chocol")
    expect(page.get_by_text("Chocolate")).to_be_visible()
    expect(page.get_by_text("Weather", exact=True)).to_be_hidden()
    page.get_by_text("Chocolate").click()
    search.press("Enter")
    search.fill("no such thing")
    expect(page.get_by_text("None is called so.")).to_be_visible()
    must_be_accessible(page)
    search.fill("")
    expect(page.get_by_text("Weather", exact=True)).to_be_visible()
    expect(page.get_by_label("Chocolate")).to_be_checked()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Step 6 of 9")).to_be_visible()
    assert Submission.objects.get().answers["triggers"] == ["chocolate"]


def test_a_known_medicine_chooses_its_kind_and_one_more_line_needs_no_page(
    open_as: Callable[..., Page], link: str, must_be_accessible: Check
) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[4]))
    first = page.get_by_role("group", name="Medicine 1")
    first.get_by_label("Name").fill("sumatriptan")
    expect(first.get_by_label("Kind")).to_have_value("triptan")
    first.get_by_label("days").fill("6")
    page.get_by_role("button", name="Add a medicine").click()
    second = page.get_by_role("group", name="Medicine 2")
    expect(second.get_by_label("Name")).to_be_focused()
    second.get_by_label("Kind").select_option("simple")
    second.get_by_label("days").fill("3")
    second.get_by_label("days").blur()
    must_be_accessible(page)
    say_no_to_everything(page)
    go_on(page, 5)
    assert Submission.objects.get().answers["acute_medicines"] == [
        {"class": "triptan", "name": "sumatriptan", "days": 6},
        {"class": "simple", "days": 3},
    ]


def kept_in(page: Page) -> list[str]:
    return [key for key in page.evaluate("Object.keys(sessionStorage)") if "-intake-" in key]


def test_what_was_not_saved_is_back_after_the_page_was_loaded_anew(open_as: Callable[..., Page], link: str) -> None:
    page = open_as(PHONE, 844)
    begin(page, link)
    page.goto(reverse("intake:step", args=[4]))
    page.route("**/save/", lambda route: route.abort())
    page.get_by_role("group", name="Medicine 1").get_by_label("Name").fill("Ibuprofen")
    page.get_by_role("button", name="Add a medicine").click()
    page.get_by_role("group", name="Medicine 2").get_by_label("Name").fill("Sumatriptan")
    page.get_by_label("What do you take to prevent attacks?").fill("Magnesium 🌙")
    page.get_by_label("What do you take to prevent attacks?").blur()
    expect(page.get_by_text("Not saved yet: no connection")).to_be_visible()
    assert Submission.objects.get().answers == {}
    page.unroute("**/save/")
    page.evaluate("navigator.sendBeacon = () => false")
    page.reload()
    expect(page.get_by_role("group", name="Medicine 2").get_by_label("Name")).to_have_value("Sumatriptan")
    expect(page.get_by_label("What do you take to prevent attacks?")).to_have_value("Magnesium 🌙")
    expect(page.locator("#saved")).to_contain_text("Saved")
    assert Submission.objects.get().answers["preventives"] == "Magnesium 🌙"
    assert kept_in(page) == []


def test_a_shared_tablet_keeps_nothing_once_the_answers_were_sent(
    open_as: Callable[..., Page], alice: Client, link: str
) -> None:
    fill_in(alice, now=timezone.now())
    page = open_as(820, 1180)
    begin(page, link)
    for title in NEEDED:
        page.locator(f"section.consent:has-text('{title}') details").first.evaluate("fold => { fold.open = true }")
        consent(page, title).get_by_label("Your full name").fill("Alice Marques")
    assert len(kept_in(page)) == 1
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", name="Thank you, that is all")).to_be_visible()
    assert kept_in(page) == []


def test_whoever_signs_out_leaves_nothing_in_the_browser(
    open_as: Callable[..., Page], live_server: object, alice: Client, alice_user: User, link: str
) -> None:
    page = open_as(PHONE, 844)
    sign_in(page, alice_user, str(live_server))
    page.goto(reverse("intake:own", args=[alice.pk]))
    page.get_by_role("button", name="Begin").click()
    page.route("**/save/", lambda route: route.abort())
    page.get_by_label("On how many days did you have any headache?").fill("9")
    assert len(kept_in(page)) == 1
    page.goto(reverse("account_logout"))
    assert len(kept_in(page)) == 1
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    assert kept_in(page) == []


def test_two_devices_are_told_of_each_other(
    open_as: Callable[..., Page], link: str, must_be_accessible: Check, picture: Callable[..., None]
) -> None:
    phone, tablet = open_as(PHONE, 844), open_as(820, 1180)
    for page in (phone, tablet):
        begin(page, link)
    days = "On how many days did you have any headache?"
    phone.get_by_label(days).fill("9")
    phone.get_by_label(days).blur()
    expect(phone.locator("#saved")).to_contain_text("Saved")
    phone.wait_for_timeout(600)
    tablet.get_by_label(days).fill("12")
    say_no_to_everything(tablet)
    expect(tablet.locator("#saved")).to_contain_text("Answered otherwise on another page")
    tablet.get_by_role("button", name="Continue").click()
    expect(tablet.get_by_text("Meanwhile you answered “9 of 28 days” on another page.").first).to_be_visible()
    expect(tablet.get_by_label(days)).to_have_value("12")
    must_be_accessible(tablet)
    picture(tablet, "intake-elsewhere", widths=("phone",))
    go_on(tablet, 2)
    assert Submission.objects.get().answers["headache_days"] == 12


def test_a_signature_is_drawn_with_a_finger_or_a_mouse(
    open_as: Callable[..., Page], alice: Client, link: str, must_be_accessible: Check, picture: Callable[..., None]
) -> None:
    fill_in(alice, now=timezone.now())
    page = open_as(PHONE, 844, color_scheme="dark")
    begin(page, link)
    first = consent(page, NEEDED[0])
    first.get_by_text("Or draw your signature").click()
    canvas = first.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] * 0.7)
    page.mouse.down()
    for at in range(1, 12):
        page.mouse.move(box["x"] + 20 + at * 20, box["y"] + box["height"] * (0.3 if at % 2 else 0.7))
    page.mouse.up()
    must_be_accessible(page)
    picture(page, "intake-drawing", widths=("phone",))
    first.get_by_role("button", name="I agree: sign").click()
    expect(first.get_by_role("img", name="Drawn signature of Alice Marques")).to_be_visible()
    must_be_accessible(page)
    picture(page, "intake-drawn", widths=("phone",))
    signed = Consent.objects.get()
    assert signed.drawing
    assert max(signed.drawing[0][::2]) > 300
    first.get_by_role("button", name="Take back").click()
    expect(first.get_by_role("button", name="I agree: sign")).to_be_visible()
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()


def test_enter_under_a_consent_signs_this_one(open_as: Callable[..., Page], alice: Client, link: str) -> None:
    fill_in(alice, now=timezone.now())
    page = open_as(PHONE, 844)
    begin(page, link)
    asked = consent(page, "Your data")
    asked.get_by_text("Sign this").click()
    asked.get_by_label("Your full name").fill("Alice Marques")
    asked.get_by_label("Your full name").press("Enter")
    expect(asked).to_contain_text("Signed by Alice Marques")
    assert Consent.objects.get().code == "privacy"
    assert page.evaluate("document.activeElement.id") == "id_privacy_sign"


def test_a_year_later_the_answers_stand_there_to_be_confirmed(
    open_as: Callable[..., Page],
    alice: Client,
    dana: User,
    must_be_accessible: Check,
    picture: Callable[..., None],
) -> None:
    send(alice, now=timezone.now() - timedelta(days=400))
    _invitation, token = services.invite(by=dana, now=timezone.now(), client=alice)
    page = open_as(PHONE, 844)
    begin(page, reverse("intake:open", args=[token]))
    expect(page.get_by_text("What has changed?")).to_be_visible()
    days = page.get_by_label("On how many days did you have any headache?")
    expect(days).to_have_value("9")
    expect(page.get_by_role("radio", checked=True, name="No", exact=True)).to_have_count(0)
    days.fill("4")
    must_be_accessible(page)
    picture(page, "intake-again", widths=("phone",))
    say_no_to_everything(page)
    page.get_by_role("button", name="Confirm and continue").click()
    expect(page.get_by_text("Step 2 of 9")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("Last time: 9 of 28 days")).to_be_visible()


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
    page.get_by_text("If you have time: 3 more questions").click()
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
        if title != NEEDED[0]:
            consent(page, title).get_by_text("Sign this").click()
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
    page.wait_for_timeout(500)  # what the tab had kept would be put back, and stop her again
    with page.expect_response(re.compile("/intake/7/save/")):
        page.locator("label[for=id_rf_sudden_1]").click()
    expect(page.locator("#saved")).to_contain_text("Saved")
    expect(page).to_have_url(re.compile(r"/intake/7/"))
    assert Submission.objects.get().answers["rf_sudden"] == "no"


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
