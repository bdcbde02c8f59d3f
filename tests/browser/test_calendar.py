"""The calendar as the front desk uses it all day: with the mouse, from the keyboard, and by two people at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse
from playwright.sync_api import Locator, Page, Route, expect

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import add_time_off, add_weekly_hours, book_appointment, change_status
from tests.factories import ClientFactory, RoomFactory, ServiceFactory, TherapistFactory, modality

BEFORE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
DAY = "/day/?on=2026-11-19"
HOUR = 72  # pixels
MOST_MS = 10_000  # within which others see a change


def at(hour: int, minute: int = 0, *, day: int = 19) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def ruth(bea: Therapist, location: Location) -> Therapist:
    """A colleague; both work from nine to five, from Monday to Friday."""
    ruth: Therapist = TherapistFactory(
        user__name="Ruth Adeyemi", usual_room=RoomFactory(location=location, name="Room 5")
    )
    for therapist in (bea, ruth):
        for weekday in range(5):
            add_weekly_hours(
                by=None, now=BEFORE, therapist=therapist, location=location, weekday=weekday,
                opens=time(9), closes=time(17), valid_from=BEFORE.date(),
            )  # fmt: skip
    return ruth


@pytest.fixture
def service(db: None) -> Service:
    service: Service = ServiceFactory(name="Deep tissue, 60 min", modality=modality("deep_tissue"))
    return service


@pytest.fixture
def book(
    dana: User, bea: Therapist, ruth: Therapist, location: Location, service: Service
) -> Callable[..., Appointment]:
    def do(client: Client, starts_at: datetime, therapist: Therapist = bea) -> Appointment:
        return book_appointment(
            by=dana, now=BEFORE, client=client, service=service, therapist=therapist, location=location,
            starts_at=starts_at,
        )  # fmt: skip

    return do


@pytest.fixture
def visit(transactional_db: None, book: Callable[..., Appointment], alice: Client) -> Appointment:
    """Alice comes at ten."""
    return book(alice, at(10))


@pytest.fixture
def open_day(
    visit: Appointment, as_dana: Browser, open_as: Callable[..., Page], live_server: object, now: datetime
) -> Callable[..., Page]:
    """Return a function that opens Dana's day in another window."""

    def do(address: str = DAY, **options: object) -> Page:
        page = open_as(**options)
        session = as_dana.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": str(live_server)}])
        page.goto(address)
        return page

    return do


@pytest.fixture
def page(open_day: Callable[..., Page]) -> Page:
    page = open_day()
    expect(page.locator("[data-block]").first).to_be_visible()
    return page


def block(page: Page, visit: Appointment) -> Locator:
    return page.locator(f'[data-block="{visit.pk}"]:not(.ec-ghost, .ec-preview)')


def drag(page: Page, what: Locator, *, down: float = 0, right: float = 0, from_foot: bool = False) -> None:
    """Drag a block, or its lower edge, in steps as a hand does."""
    box = what.bounding_box()
    assert box
    x, y = box["x"] + 30, box["y"] + (box["height"] - 3 if from_foot else 12)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2, steps=4)
    page.mouse.move(x + right, y + down, steps=4)
    page.mouse.up()


def fresh(visit: Appointment) -> Appointment:
    return Appointment.objects.with_people().get(pk=visit.pk)


def column_width(page: Page) -> float:
    box = page.locator(".ec-body .ec-day").first.bounding_box()
    assert box
    return box["width"]


def toast(page: Page) -> Locator:
    return page.locator("[data-toast]").last


# --- With the mouse


def test_a_dragged_visit_moves_and_can_be_taken_back(page: Page, visit: Appointment) -> None:
    drag(page, block(page, visit), down=HOUR)
    expect(toast(page)).to_contain_text("Alice Marques is moved: Thu 19 Nov, 11:00, Bea, Room 1.")
    assert fresh(visit).starts_at == at(11)
    toast(page).get_by_role("button", name="Undo").click()
    expect(toast(page)).to_contain_text("Taken back:")
    expect(block(page, visit)).to_have_attribute("aria-label", re.compile("10:00–11:00"))
    assert fresh(visit).starts_at == at(10)


def test_dragged_into_a_colleagues_column_it_is_hers(page: Page, visit: Appointment, ruth: Therapist) -> None:
    drag(page, block(page, visit), right=column_width(page))
    expect(toast(page)).to_contain_text("Ruth, Room 5")
    assert fresh(visit).therapist == ruth


def test_its_lower_edge_makes_it_longer(page: Page, visit: Appointment) -> None:
    drag(page, block(page, visit), down=HOUR / 2, from_foot=True)
    expect(toast(page)).to_contain_text("Alice Marques has 90 minutes.")
    assert fresh(visit).ends_at == at(11, 30)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
def test_where_the_browser_stands_does_not_matter(zone: str, visit: Appointment, open_day: Callable[..., Page]) -> None:
    page = open_day(timezone_id=zone)
    drag(page, block(page, visit), down=HOUR)
    expect(toast(page)).to_contain_text("Thu 19 Nov, 11:00")
    expect(block(page, visit)).to_have_attribute("aria-label", re.compile("11:00–12:00"))
    drag(page, block(page, visit), down=HOUR / 2, from_foot=True)
    expect(toast(page)).to_contain_text("Alice Marques has 90 minutes.")
    assert (fresh(visit).starts_at, fresh(visit).ends_at) == (at(11), at(12, 30))
    # In New York, the clocks leave out the hour from two to three of this night.
    assert page.evaluate("minutesBetween('2027-03-14T01:30', '2027-03-14T03:30')") == 120


def test_on_a_taken_time_it_snaps_back_and_offers_what_is_free(
    visit: Appointment, book: Callable[..., Appointment], open_day: Callable[..., Page]
) -> None:
    book(ClientFactory(legal_name="Marek Nowicki"), at(13))
    page = open_day()
    drag(page, block(page, visit), down=3 * HOUR)
    refused = page.get_by_role("dialog", name="The visit stays where it was")
    expect(refused).to_contain_text("Bea has another visit until 14:15.")
    expect(block(page, visit)).to_have_attribute("aria-label", re.compile("10:00–11:00"))
    assert fresh(visit).starts_at == at(10)
    refused.get_by_role("button", name="Thu 19 Nov, 14:15, Bea").click()
    expect(toast(page)).to_contain_text("14:15")
    assert fresh(visit).starts_at == at(14, 15)


def test_outside_the_hours_it_asks_for_a_reason_first(page: Page, visit: Appointment) -> None:
    drag(page, block(page, visit), down=-1.5 * HOUR)
    asked = page.get_by_role("dialog", name="This needs a reason")
    asked.get_by_role("button", name="Leave it where it was").click()
    expect(block(page, visit)).to_have_attribute("aria-label", re.compile("10:00–11:00"))
    assert fresh(visit).starts_at == at(10)
    drag(page, block(page, visit), down=-1.5 * HOUR)
    asked.get_by_label("Reason").fill("before her train")
    asked.get_by_role("button", name="Change it with this reason").click()
    expect(toast(page)).to_contain_text("08:30")
    moved = fresh(visit)
    assert (moved.starts_at, moved.override_reason) == (at(8, 30), "before her train")


def test_what_has_begun_is_not_dragged(
    visit: Appointment, dana: User, open_day: Callable[..., Page], now: datetime
) -> None:
    change_status(by=dana, now=now, appointment=visit, to=Status.ARRIVED)
    page = open_day()
    drag(page, block(page, visit), down=HOUR)
    expect(block(page, visit)).to_have_attribute("aria-label", re.compile("10:00–11:00, .*arrived"))
    assert fresh(visit).starts_at == at(10)


def test_a_click_on_a_free_time_begins_a_booking_there(page: Page, visit: Appointment, bea: Therapist) -> None:
    box = block(page, visit).bounding_box()
    assert box
    page.mouse.click(box["x"] + 40, box["y"] + 4 * HOUR + 5)
    expect(page).to_have_url(re.compile(rf"/appointments/new/\?.*at=2026-11-19T14%3A00.*therapist={bea.pk}"))


# --- Moving to another day


def test_an_armed_visit_goes_to_another_day_by_one_click(page: Page, visit: Appointment) -> None:
    block(page, visit).click()
    page.get_by_role("link", name="Move").click()
    expect(page.locator("#moving")).to_contain_text("Alice Marques, 60 min, moves from Thu 19 Nov, 10:00.")
    page.get_by_role("link", name="Next day").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Friday 20 November")
    expect(page.locator("#moving")).to_be_visible()
    grid = page.locator(".ec-body .ec-day").first.bounding_box()
    assert grid
    page.mouse.click(grid["x"] + 40, grid["y"] + 6 * HOUR + 5)
    expect(toast(page)).to_contain_text("Fri 20 Nov, 14:00")
    expect(page.locator("#moving")).to_be_hidden()
    assert fresh(visit).starts_at == at(14, day=20)


def test_an_armed_visit_clicked_onto_another_says_that_the_time_is_taken(
    visit: Appointment, book: Callable[..., Appointment], ruth: Therapist, open_day: Callable[..., Page]
) -> None:
    other = book(ClientFactory(), at(12), ruth)
    page = open_day()
    block(page, visit).click()
    page.get_by_role("link", name="Move").click()
    block(page, other).click()
    expect(toast(page)).to_contain_text("Somebody has this time. Click a free one.")
    expect(page.locator("#moving")).to_be_visible()
    assert fresh(visit).starts_at == at(10)


# --- From the keyboard


def test_everything_can_be_done_from_the_keyboard(page: Page, visit: Appointment) -> None:
    block(page, visit).focus()
    page.keyboard.press("a")
    expect(page.locator(f'[data-block="{visit.pk}"].st-arrived')).to_be_visible()
    assert fresh(visit).status == Status.ARRIVED
    page.keyboard.press("u")
    expect(toast(page)).to_contain_text("Taken back:")
    assert fresh(visit).status == Status.BOOKED
    block(page, visit).focus()
    page.keyboard.press("m")
    expect(page.locator("#moving")).to_be_visible()
    page.get_by_role("link", name="Choose from the free times").press("Enter")
    expect(page).to_have_url(re.compile(rf"/appointments/{visit.pk}/move/"))


def test_the_keys_lead_through_the_days_and_to_the_pages(page: Page) -> None:
    def press(*keys: str, then: str) -> None:
        for key in keys:
            page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1)).to_contain_text(then)
        expect(page.locator(".ec-body")).to_be_visible()

    press("ArrowRight", then="Friday 20 November")
    press("ArrowLeft", "ArrowLeft", then="Wednesday 18 November")
    press("t", then="Thursday 19 November")
    press("w", then="16 – 22 November")
    press("ArrowRight", then="23 – 29 November")
    press("t", then="16 – 22 November")
    press("d", then="Thursday 19 November")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("take the last change back")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search clients")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile("/appointments/new/"))


def day_of(page: Page) -> str:
    return page.locator(".desk-bar").get_attribute("data-on") or ""


@pytest.mark.parametrize("pause_ms", [40, 250])
def test_no_press_of_an_arrow_is_lost_however_quickly_it_follows(page: Page, pause_ms: int) -> None:
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause_ms)
    expect(page.locator(".desk-bar")).to_have_attribute("data-on", "2026-11-27")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".desk-bar")).to_have_attribute("data-on", "2026-11-26")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thursday 26 November")


def test_a_press_counts_while_the_next_day_is_still_on_its_way(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/day/?*on=2026-11-20*", hold)
    with page.expect_request("**/day/?*on=2026-11-20*"):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".desk-bar")).to_have_attribute("data-on", "2026-11-21")
    for late in held:
        late.continue_()
    page.wait_for_timeout(300)
    assert held
    assert day_of(page) == "2026-11-21", "the day that was passed over comes late, and is not shown"


def test_the_next_day_takes_the_place_of_this_one_and_back_leads_back(page: Page, visit: Appointment) -> None:
    page.evaluate("document.body.dataset.stays = 'here'")
    way = page.get_by_role("link", name="Next day")
    way.press("Enter")
    expect(page).to_have_url(re.compile("on=2026-11-20"))
    expect(way).to_be_focused()
    expect(block(page, visit)).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(re.compile("on=2026-11-19"))
    expect(block(page, visit)).to_be_visible()
    assert page.evaluate("document.body.dataset.stays") == "here"
    block(page, visit).click()
    expect(page.get_by_role("heading", name="Alice Marques")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_title(re.compile("Friday 20 November"))
    expect(page.locator(".side")).to_have_count(0)


def test_a_visit_opens_by_enter_and_closes_by_escape(page: Page, visit: Appointment) -> None:
    block(page, visit).press("Enter")
    expect(page.get_by_role("heading", name="Alice Marques")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".side")).to_have_count(0)
    expect(block(page, visit)).to_be_focused()


# --- Two people at once


def test_two_people_see_each_others_changes_in_place(
    visit: Appointment, book: Callable[..., Appointment], open_day: Callable[..., Page]
) -> None:
    mine, hers = open_day(), open_day()
    expect(block(hers, visit)).to_be_visible()
    hers.evaluate("document.body.dataset.stays = 'here'")
    drag(mine, block(mine, visit), down=HOUR)
    expect(block(hers, visit)).to_have_attribute("aria-label", re.compile("11:00–12:00"), timeout=MOST_MS)
    other = book(ClientFactory(legal_name="Marek Nowicki"), at(15))
    expect(block(hers, other)).to_be_visible(timeout=MOST_MS)
    expect(hers.locator("#rail")).to_contain_text("Marek Nowicki")
    expect(hers.locator("#summary")).to_contain_text("2 visits")
    assert hers.evaluate("document.body.dataset.stays") == "here", "the page was not loaded anew"


def test_the_list_shows_it_as_well(
    visit: Appointment, book: Callable[..., Appointment], open_day: Callable[..., Page]
) -> None:
    page = open_day(f"{DAY}&as=list")
    page.get_by_role("link", name="Alice Marques").last.focus()
    book(ClientFactory(legal_name="Marek Nowicki"), at(15))
    expect(page.locator("#day-list")).to_contain_text("Marek Nowicki", timeout=MOST_MS)
    expect(page.locator(f"#row-{visit.pk}")).to_be_focused()


def test_a_move_of_what_somebody_else_has_moved_meanwhile_is_refused(
    visit: Appointment, open_day: Callable[..., Page]
) -> None:
    page = open_day()
    page.route("**/day/visits/?*", lambda route: route.abort())  # her page cannot look again
    Appointment.objects.filter(pk=visit.pk).update(
        starts_at=at(15), ends_at=at(16), occupied_from=at(15), occupied_until=at(16, 15)
    )
    drag(page, block(page, visit), down=HOUR)
    expect(page.get_by_role("dialog", name="The visit stays where it was")).to_contain_text("15:00")
    assert fresh(visit).starts_at == at(15)


# --- Check-out


def test_checking_out_books_the_same_again_by_one_click(
    visit: Appointment, dana: User, bea: Therapist, open_day: Callable[..., Page], now: datetime
) -> None:
    for to in (Status.ARRIVED, Status.IN_SESSION):
        change_status(by=bea.user, now=now, appointment=visit, to=to)
    page = open_day(f"{DAY}&open={visit.pk}")
    page.get_by_role("button", name="Check out").click()
    assert fresh(visit).status == Status.COMPLETED
    page.get_by_role("button", name=re.compile("2 weeks")).click()
    expect(toast(page)).to_contain_text("Alice Marques is booked: Thu 3 Dec, 10:00, Bea, Room 1.")
    again = Appointment.objects.get(starts_at=at(10) + timedelta(weeks=2))
    assert (again.client_id, again.therapist_id, again.status) == (visit.client_id, bea.pk, Status.BOOKED)


# --- Wherever it is opened


def test_on_a_phone_there_is_one_therapist_at_a_time(open_day: Callable[..., Page], ruth: Therapist) -> None:
    page = open_day(width=390, height=844)
    heads = page.locator(".ec-header b")
    expect(heads).to_have_text(["Bea Lindqvist"])
    page.get_by_label("Whose").select_option(label="Ruth Adeyemi")
    expect(heads).to_have_text(["Ruth Adeyemi"])


def test_without_script_the_day_is_a_list_with_the_same_ways(open_day: Callable[..., Page], visit: Appointment) -> None:
    page = open_day(java_script_enabled=False)
    expect(page.get_by_role("table")).to_contain_text("Alice Marques")
    page.get_by_role("link", name="Alice Marques").last.click()
    page.get_by_role("button", name=re.compile("^Arrive")).click()
    assert fresh(visit).status == Status.ARRIVED
    page.get_by_role("link", name="Week").click()
    expect(page.get_by_role("table")).to_contain_text("Thu 19 Nov")


@pytest.mark.parametrize("address", [DAY, f"{DAY}&days=week", f"{DAY}&by=room", f"{DAY}&as=list"])
def test_the_calendar_is_accessible_and_fits(
    address: str, open_day: Callable[..., Page], must_be_accessible: Callable[[Page], None]
) -> None:
    page = open_day(address)
    expect(page.locator("[data-block], #day-list").first).to_be_visible()
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        must_be_accessible(page)


def test_a_room_is_a_column_as_well(open_day: Callable[..., Page], visit: Appointment, ruth: Therapist) -> None:
    page = open_day(f"{DAY}&by=room")
    drag(page, block(page, visit), right=column_width(page))
    expect(toast(page)).to_contain_text("Bea, Room 5")
    moved = fresh(visit)
    assert (moved.room, moved.therapist_id) == (ruth.usual_room, visit.therapist_id)
    assert reverse("desk:day") in page.url


# --- A week


def test_a_week_folds_away_who_is_off_on_a_day(
    open_day: Callable[..., Page], visit: Appointment, dana: User, ruth: Therapist
) -> None:
    add_time_off(by=dana, now=BEFORE, therapist=ruth, starts_at=at(0), ends_at=at(0, day=20), reason="Course")
    page = open_day(f"{DAY}&days=week")
    expect(block(page, visit)).to_be_visible()
    expect(page.locator(".ec-col-group").nth(3)).to_have_text("Thu 19, 1 off")
    expect(page.locator(".ec-col-group").nth(4)).to_have_text("Fri 20")
    widths = page.locator(".ec-body .ec-day").evaluate_all("all => all.map((one) => one.getBoundingClientRect().width)")
    assert [width > 20 for width in widths] == [True] * 7 + [False] + [True] * 2
