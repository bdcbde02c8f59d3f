"""Booking, moving, cancelling and series as the desk does it in the browser."""

from __future__ import annotations

from datetime import date, datetime
from http import HTTPStatus
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Change
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.models import Appointment, Series, Status, TimeOff
from clinic.scheduling.services import SlotTaken, add_time_off, cancel_appointment, change_status, move_appointment
from tests.factories import BEFORE, ClientFactory
from tests.scheduling.conftest import Book, at
from tests.scheduling.standing_in import stand_in

NEW = reverse("scheduling:appointment-new")
SERIES = reverse("scheduling:series-new")


def wish(
    alice: Client, service: Service, bea: Therapist, location: Location, on: str = "2026-11-20"
) -> dict[str, object]:
    return {"client": alice.pk, "service": service.pk, "therapist": bea.pk, "location": location.pk, "on": on}


def slot(day: int, clock: str, bea: Therapist) -> str:
    return f"2026-11-{day}T{clock}+0000_{bea.pk}"


@pytest.fixture
def asked(
    alice: Client, service: Service, bea: Therapist, location: Location, hours: None, now: datetime
) -> dict[str, object]:
    """An hour with Bea on Friday."""
    return wish(alice, service, bea, location)


# --- A new booking


@pytest.mark.parametrize("address", [NEW, SERIES])
def test_a_clinic_without_services_is_told_what_a_booking_needs(as_dana: Browser, alice: Client, address: str) -> None:
    assert "There is nothing to book yet" in as_dana.get(address, {"client": alice.pk}).content.decode()


def test_it_first_asks_for_whom_and_keeps_what_was_said(
    as_dana: Browser, alice: Client, service: Service, now: datetime
) -> None:
    page = as_dana.get(NEW, {"q": "marques", "on": "2026-11-20"}).content.decode()
    assert "For whom?" in page
    assert f"client={alice.pk}" in page
    assert "on=2026-11-20" in page


def test_for_whom_says_for_when_and_comes_back_with_who_was_added(
    as_dana: Browser, alice: Client, service: Service, now: datetime
) -> None:
    page = as_dana.get(NEW, {"q": "+351 912 345 678", "at": "2026-11-20T10:00", "therapist": "7"})
    assert "Friday 20 November, 10:00" in page.content.decode()
    told = parse_qs(page.context["told"])
    assert told["phone"] == ["+351 912 345 678"]
    sent = {"legal_name": "Nova Silva", "born_on": "1988-03-04", "language": "en", "next": told["next"][0]}
    answer = as_dana.post(reverse("people:client-new"), sent)
    nova = Client.objects.get(legal_name="Nova Silva")
    assert (answer.status_code, answer.url) == (
        HTTPStatus.FOUND,
        f"{NEW}?at=2026-11-20T10%3A00&therapist=7&client={nova.pk}",
    )


@pytest.mark.parametrize("at", ["soon", "2026-11-20T10:00+0000", "9999-01-01T10:00"])
def test_a_time_that_is_none_is_not_said(as_dana: Browser, service: Service, at: str) -> None:
    assert as_dana.get(NEW, {"at": at}).context["at"] is None


def test_for_whom_forgives_a_typo_and_offers_nobody_archived(
    as_dana: Browser, alice: Client, service: Service, now: datetime
) -> None:
    archived = ClientFactory(legal_name="Zacarias Prado", archived_at=now)
    assert f"client={alice.pk}" in as_dana.get(NEW, {"q": "alice marqes"}).content.decode()
    assert f"client={archived.pk}" not in as_dana.get(NEW, {"q": "zacarias"}).content.decode()


@pytest.mark.parametrize("key", ["9" * 5000, "²", "-1"])
def test_a_key_that_is_none_asks_for_whom(as_dana: Browser, service: Service, now: datetime, key: str) -> None:
    assert "For whom?" in as_dana.get(NEW, {"client": key}).content.decode()


def test_it_offers_the_free_times_of_the_day(as_dana: Browser, asked: dict[str, object], book: Book) -> None:
    book(at(10, day=20), client=ClientFactory())
    shown = [choice.starts_at.strftime("%H:%M") for choice in as_dana.get(NEW, asked).context["page"].choices]
    assert shown == ["11:15", "11:30", "11:45", "12:00", "14:00", "14:15", *later()]


def later() -> list[str]:
    quarters = [f"{hour}:{minute}" for hour in (14, 15, 16) for minute in ("00", "15", "30", "45")]
    return [*quarters[2:], "17:00"]


def test_without_a_therapist_each_time_says_who(as_dana: Browser, asked: dict[str, object]) -> None:
    choices = as_dana.get(NEW, asked | {"therapist": ""}).context["page"].choices
    assert {choice.therapist for choice in choices} == {"Bea"}


def test_a_time_in_the_address_is_marked(as_dana: Browser, asked: dict[str, object]) -> None:
    page = as_dana.get(NEW, asked | {"at": "2026-11-23T09:30"}).context["page"]
    assert [choice.value for choice in page.choices if choice.is_chosen] == [slot(23, "09:30", Therapist.objects.get())]


def test_a_day_without_a_free_time_offers_the_next_ones(
    as_dana: Browser, asked: dict[str, object], bea: Therapist
) -> None:
    asked |= {"on": "2026-11-21"}
    page = as_dana.get(NEW, asked)
    assert not page.context["page"].choices
    free = page.context["page"].nearest
    assert [one.on.date() for one in free] == [date(2026, 11, 23)] * 3
    assert as_dana.get(NEW + free[0].url).context["page"].chosen.starts_at == free[0].on


def test_a_series_begins_with_the_day_and_time_that_were_chosen(as_dana: Browser, asked: dict[str, object]) -> None:
    page = as_dana.get(NEW, asked | {"at": "2026-11-20T10:30"}).content.decode()
    assert "first_on=2026-11-20&amp;at_time=10:30" in page


def test_the_keyboard_begins_with_the_wish_and_goes_on_with_the_times(
    as_dana: Browser, asked: dict[str, object], alice: Client
) -> None:
    first = as_dana.get(NEW, {"client": alice.pk})
    assert first.context["wish"]["service"].field.widget.attrs["autofocus"]
    then = as_dana.get(NEW, asked | {"at": "2026-11-20T10:30"}).content.decode()
    assert then.count("autofocus") == 1
    assert "checked autofocus" in then


def test_a_time_in_the_address_that_is_taken_is_said(as_dana: Browser, asked: dict[str, object], book: Book) -> None:
    book(at(10, day=20), client=ClientFactory())
    assert "10:00 is not free that day." in as_dana.get(NEW, asked | {"at": "2026-11-20T10:00"}).content.decode()


def test_it_books_the_chosen_time_once(
    as_dana: Browser, asked: dict[str, object], bea: Therapist, dana: User, location: Location
) -> None:
    form = asked | {"slot": slot(20, "10:00", bea), "key": str(uuid4())}
    answers = [as_dana.post(NEW, form) for _ in range(2)]
    visit = Appointment.objects.get()
    assert (visit.starts_at, visit.therapist, visit.booked_by) == (at(10, day=20), bea, dana)
    expected = f"{reverse('desk:day')}?on=2026-11-20&location={location.pk}&open={visit.pk}"
    assert [answer.url for answer in answers] == [expected, expected]


def test_a_taken_time_is_refused_with_409_and_what_is_free_nearest(
    as_dana: Browser, asked: dict[str, object], bea: Therapist, book: Book
) -> None:
    book(at(10, day=20), client=ClientFactory())
    answer = as_dana.post(NEW, asked | {"slot": slot(20, "10:00", bea), "key": str(uuid4())})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Bea has another visit until 11:15." in answer.content.decode()
    assert [one.on for one in answer.context["page"].nearest] == [
        datetime(2026, 11, 20, 11, 15),  # noqa: DTZ001 -- what the wall shows
        datetime(2026, 11, 20, 11, 30),  # noqa: DTZ001
        datetime(2026, 11, 20, 11, 45),  # noqa: DTZ001
    ]
    assert Appointment.objects.count() == 1


def test_who_comes_too_late_goes_on_with_the_same_wish_and_what_was_typed(
    as_dana: Browser, asked: dict[str, object], bea: Therapist, book: Book
) -> None:
    book(at(10, day=20), client=ClientFactory())
    typed = {"other_time": "10:00", "override_reason": "she asked for it", "key": str(uuid4())}
    refused = as_dana.post(NEW, asked | typed)
    assert refused.status_code == HTTPStatus.CONFLICT
    assert 'value="she asked for it"' in refused.content.decode()
    wish = as_dana.get(refused.context["other_wish"]).context["wish"]
    assert {name: wish[name].value() for name in asked if name != "client"} == {
        name: str(value) for name, value in asked.items() if name != "client"
    }
    again = refused.context["page"].hidden | {"slot": slot(20, "14:00", bea), "key": typed["key"]}
    assert as_dana.post(NEW, again).status_code == HTTPStatus.FOUND


def test_where_all_days_near_are_full_the_refusal_looks_further(
    as_dana: Browser, asked: dict[str, object], bea: Therapist, book: Book
) -> None:
    book(at(10, day=20), client=ClientFactory())
    TimeOff.objects.create(therapist=bea, starts_at=at(0, day=20), ends_at=at(0, day=28))
    refused = as_dana.post(NEW, asked | {"slot": slot(20, "10:00", bea), "key": str(uuid4())})
    assert refused.status_code == HTTPStatus.CONFLICT
    assert min(one.on for one in refused.context["page"].nearest) >= datetime(2026, 11, 28)  # noqa: DTZ001 -- a wall


def test_beside_a_taken_time_the_one_before_it_is_offered_too(
    as_dana: Browser, asked: dict[str, object], bea: Therapist, book: Book
) -> None:
    book(at(11, day=20), client=ClientFactory())
    answer = as_dana.post(NEW, asked | {"slot": slot(20, "11:00", bea), "key": str(uuid4())})
    walls = [f"{one.on:%d %H:%M}" for one in answer.context["page"].nearest]
    assert walls == ["20 09:45", "20 14:00", "20 14:15", "20 14:30"]


def test_another_time_needs_a_reason_and_nothing_typed_is_lost(
    as_dana: Browser, asked: dict[str, object], bea: Therapist
) -> None:
    form = asked | {"other_time": "08:00", "key": str(uuid4())}
    page = as_dana.post(NEW, form)
    assert "Bea does not work on Fri 20 Nov at 08:00." in page.content.decode()
    assert 'value="08:00"' in page.content.decode()
    as_dana.post(NEW, form | {"override_reason": "Bea agreed"})
    assert Appointment.objects.get().override_reason == "Bea agreed"


@pytest.mark.parametrize("bad", ["", "nonsense", "2026-11-20T10:00_1", "2026-11-20T10:00+0000_999999", "T+0_x"])
def test_a_time_that_was_never_offered_is_asked_for_again(as_dana: Browser, asked: dict[str, object], bad: str) -> None:
    answer = as_dana.post(NEW, asked | {"slot": bad, "key": str(uuid4())})
    assert "Choose a time." in answer.content.decode()


@pytest.mark.parametrize("name", ["on", "at", "client", "therapist", "service", "location", "q"])
def test_nonsense_in_the_address_is_no_fault(as_dana: Browser, asked: dict[str, object], name: str) -> None:
    for nonsense in ("x", "-1", "2026-99-99", "99999999999999999999", "2026-11-20T99:99"):
        assert as_dana.get(NEW, asked | {name: nonsense}).status_code in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
        assert as_dana.get(SERIES, asked | {name: nonsense}).status_code in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}


@pytest.mark.parametrize(("on", "words"), [("0001-01-01", "too long ago"), ("9999-12-31", "too far ahead")])
def test_a_day_beyond_the_calendar_is_said_beside_the_day(
    as_dana: Browser, asked: dict[str, object], on: str, words: str
) -> None:
    for address, said in ((NEW, {"on": on}), (SERIES, {"first_on": on})):
        page = as_dana.get(address, asked | said)
        assert page.status_code == HTTPStatus.OK
        assert words in page.content.decode()


def test_days_gone_by_are_not_offered(as_dana: Browser, asked: dict[str, object]) -> None:
    def days(on: str) -> list[date]:
        return [one.on.date() for one in as_dana.get(NEW, asked | {"on": on}).context["page"].days]

    assert days("2026-11-19") == [date(2026, 11, 20), date(2026, 11, 26)]
    assert days("2026-11-20") == [date(2026, 11, 19), date(2026, 11, 21), date(2026, 11, 27)]


@pytest.mark.parametrize(("address", "more"), [(NEW, {}), (SERIES, {"first_on": "2026-11-26"})])
def test_a_therapist_who_may_not_give_it_is_said_beside_her(
    as_dana: Browser, asked: dict[str, object], bea: Therapist, address: str, more: dict[str, str]
) -> None:
    bea.qualifications.all().delete()
    page = as_dana.get(address, asked | more)
    assert "Bea Lindqvist may not give Myofascial" in page.content.decode()
    assert not page.context.get("page")


# --- Moving and cancelling


def test_it_moves_a_visit_and_opens_the_new_day(as_dana: Browser, book: Book, bea: Therapist) -> None:
    visit = book(at(10))
    address = reverse("scheduling:appointment-move", args=[visit.pk])
    offered = [choice.value for choice in as_dana.get(address).context["page"].choices]
    assert slot(19, "10:15", bea) in offered  # where it stands it is in nobody's way
    assert slot(19, "10:00", bea) not in offered  # but there is no use in moving it there
    answer = as_dana.post(
        address, {"therapist": bea.pk, "on": "2026-11-20", "slot": slot(20, "15:00", bea), "key": str(uuid4())}
    )
    visit.refresh_from_db()
    assert visit.starts_at == at(15, day=20)
    assert "on=2026-11-20" in answer.url


def test_moving_onto_another_visit_is_refused_with_409(as_dana: Browser, book: Book, bea: Therapist) -> None:
    book(at(15), client=ClientFactory())
    visit = book(at(10))
    answer = as_dana.post(
        reverse("scheduling:appointment-move", args=[visit.pk]),
        {"therapist": bea.pk, "on": "2026-11-19", "slot": slot(19, "15:00", bea), "key": str(uuid4())},
    )
    assert answer.status_code == HTTPStatus.CONFLICT


def test_a_move_from_an_old_page_is_refused_and_then_knows_better(
    as_dana: Browser, book: Book, bea: Therapist, dana: User, now: datetime
) -> None:
    visit = book(at(10))
    address = reverse("scheduling:appointment-move", args=[visit.pk])
    said = {"slot": slot(19, "15:00", bea), "key": str(uuid4())}
    opened = as_dana.get(address)
    assert f'name="seen" value="{slot(19, "10:00", bea)}"' in opened.content.decode()
    move_appointment(by=dana, now=now, appointment=visit, starts_at=at(11))
    refused = as_dana.post(address, opened.context["page"].hidden | said)
    assert refused.status_code == HTTPStatus.CONFLICT
    assert "Somebody has moved this visit meanwhile: it is on Thu 19 Nov, 11:00 with Bea." in refused.content.decode()
    assert as_dana.post(address, refused.context["page"].hidden | said).status_code == HTTPStatus.FOUND
    visit.refresh_from_db()
    assert visit.starts_at == at(15)


def test_the_cancel_page_says_what_it_means_before_it_is_done(as_dana: Browser, book: Book) -> None:
    late, early = book(at(15), booked_at=BEFORE), book(at(15, day=24))
    near = book(at(10))
    assert "Cancelling costs the client nothing now." in as_dana.get(cancel(near)).content.decode()
    assert "this counts as cancelled late." in as_dana.get(cancel(late)).content.decode()
    assert "Free until Mon 23 Nov, 15:00." in as_dana.get(cancel(early)).content.decode()
    as_dana.post(cancel(late), {"because": "client", "why": "ill"})
    late.refresh_from_db()
    assert (late.status, late.status_changes.last().why) == (Status.LATE_CANCELLED, "ill")


@pytest.mark.parametrize("way", ["scheduling:appointment-move", "scheduling:appointment-cancel"])
def test_a_visit_that_has_ended_is_neither_moved_nor_cancelled(
    as_dana: Browser, book: Book, dana: User, now: datetime, way: str
) -> None:
    visit = cancel_appointment(by=dana, now=now, appointment=book(at(15), booked_at=BEFORE))
    page = as_dana.get(reverse(way, args=[visit.pk]), follow=True)
    assert page.redirect_chain[0][0].endswith(f"open={visit.pk}")
    assert "This visit is cancelled late and stays where it is." in page.content.decode()


def test_a_day_that_is_none_leaves_the_page_about_the_visit_that_moves(as_dana: Browser, book: Book) -> None:
    page = as_dana.get(reverse("scheduling:appointment-move", args=[book(at(10)).pk]), {"on": "2026-13-99"})
    shown = page.content.decode()
    assert "Move from Thu 19 Nov, 10:00" in shown
    assert "Enter a valid date." in shown
    assert "New booking" not in shown


def cancel(visit: Appointment) -> str:
    return reverse("scheduling:appointment-cancel", args=[visit.pk])


# --- Steps


def step(browser: Browser, visit: Appointment, to: str, **more: str) -> HttpResponse:
    return browser.post(reverse("scheduling:appointment-status", args=[visit.pk]), {"to": to, **more})


def test_the_desk_marks_arrivals_and_takes_them_back(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    for to in (Status.ARRIVED, Status.BOOKED):
        answer = step(as_dana, visit, to)
        visit.refresh_from_db()
        assert visit.status == to
        *_earlier, told = get_messages(answer.wsgi_request)
        assert str(told) == f"Alice Marques: {visit.get_status_display()}."
        assert told.extra_tags == reverse("scheduling:appointment-undo", args=[visit.pk])


def test_a_session_begins_with_its_note_not_with_a_button(as_bea: Browser, book: Book) -> None:
    visit = book(at(10))
    step(as_bea, visit, Status.ARRIVED)
    assert step(as_bea, visit, Status.IN_SESSION).status_code == HTTPStatus.NOT_FOUND


def test_checking_out_can_be_taken_back(as_dana: Browser, book: Book, bea: Therapist, now: datetime) -> None:
    visit = book(at(9))
    for to in (Status.ARRIVED, Status.IN_SESSION):
        visit = change_status(by=bea.user, now=now, appointment=visit, to=to)
    for to in (Status.COMPLETED, Status.IN_SESSION):
        step(as_dana, visit, to)
        visit.refresh_from_db()
        assert visit.status == to


def test_a_step_that_cannot_be_taken_says_so(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    answer = as_dana.post(reverse("scheduling:appointment-status", args=[visit.pk]), {"to": "completed"}, follow=True)
    assert "This visit is booked; it cannot become completed." in answer.content.decode()


def test_it_returns_only_to_pages_of_ours(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    assert step(as_dana, visit, Status.CONFIRMED, next="/my-day/").url == "/my-day/"
    assert step(as_dana, visit, Status.CONFIRMED, next="https://elsewhere.example/").url.startswith("/day/")


# --- Series


@pytest.fixture
def rule(
    alice: Client, service: Service, bea: Therapist, location: Location, hours: None, now: datetime
) -> dict[str, object]:
    return {
        "client": alice.pk,
        "service": service.pk,
        "therapist": bea.pk,
        "location": location.pk,
        "first_on": "2026-11-26",
        "at_time": "10:00",
        "every_weeks": 1,
        "count": 4,
    }


def book_shown(browser: Browser, address: str, page: HttpResponse) -> HttpResponse:
    """Press the button on the page: send back what it holds."""
    values = [row.value for row in page.context["page"].rows if row.value]
    return browser.post(address, {"key": str(page.context["key"]), "visit": values})


def test_it_books_all_that_the_preview_showed(as_dana: Browser, rule: dict[str, object], alice: Client) -> None:
    page = as_dana.get(SERIES, rule)
    assert "All 4 are ready." in page.content.decode()
    answer = book_shown(as_dana, page.wsgi_request.get_full_path(), page)
    assert answer.status_code == HTTPStatus.FOUND
    series = Series.objects.get(client=alice)
    days = [visit.local_start.date() for visit in series.appointments.order_by("starts_at")]
    assert days == [date(2026, 11, 26), date(2026, 12, 3), date(2026, 12, 10), date(2026, 12, 17)]


def test_a_conflict_is_solved_with_one_click(
    as_dana: Browser, rule: dict[str, object], bea: Therapist, book: Book
) -> None:
    book(datetime.fromisoformat("2026-12-03T10:15Z"), client=ClientFactory())
    page = as_dana.get(SERIES, rule)
    row = page.context["page"].rows[1]
    assert row.occurrence.problem == "Bea has another visit from 10:15 until 11:30."
    assert [(way.words, f"{way.starts_at:%a %H:%M}") for way in row.ways] == [
        ("Same day, Bea", "Thu 09:00"),
        ("Next day Bea works", "Fri 10:00"),
    ]
    solved = as_dana.get(SERIES + row.ways[1].url)
    assert "All 4 are ready." in solved.content.decode()
    book_shown(as_dana, SERIES + row.ways[1].url, solved)
    assert Appointment.objects.filter(
        series__isnull=False, starts_at=datetime.fromisoformat("2026-12-04T10:00Z")
    ).exists()


def test_a_conflict_of_the_buffers_alone_says_so(as_dana: Browser, rule: dict[str, object], book: Book) -> None:
    book(datetime.fromisoformat("2026-12-03T11:00Z"), client=ClientFactory())
    assert as_dana.get(SERIES, rule).context["page"].rows[1].occurrence.problem == (
        "Bea has another visit from 11:00 until 12:15, with too little time between the two."
    )


def test_a_series_of_which_nothing_is_free_says_what_would_help(as_dana: Browser, rule: dict[str, object]) -> None:
    words = "None of these dates is free as asked."
    assert words in as_dana.get(SERIES, rule | {"at_time": "22:00"}).content.decode()
    assert words not in as_dana.get(SERIES, rule).content.decode()


def test_a_date_left_out_does_not_use_up_the_count(as_dana: Browser, rule: dict[str, object]) -> None:
    first = as_dana.get(SERIES, rule).context["page"].rows[0]
    rows = as_dana.get(SERIES + first.skip_url).context["page"].rows
    assert [row.on for row in rows] == [date(2026, 12, day) for day in (3, 10, 17, 24)]
    back = as_dana.get(SERIES + first.skip_url).context["page"].skipped[0].url
    assert as_dana.get(SERIES + back).context["page"].rows[0].on == date(2026, 11, 26)


def test_all_or_nothing_when_one_was_taken_meanwhile(as_dana: Browser, rule: dict[str, object], book: Book) -> None:
    page = as_dana.get(SERIES, rule)
    book(datetime.fromisoformat("2026-12-03T10:15Z"), client=ClientFactory())
    answer = book_shown(as_dana, page.wsgi_request.get_full_path(), page)
    assert answer.status_code == HTTPStatus.CONFLICT
    assert "Bea has another visit from 10:15 until 11:30." in answer.content.decode()
    assert not Series.objects.exists()
    assert Appointment.objects.count() == 1


def test_a_series_sent_twice_is_booked_once(as_dana: Browser, rule: dict[str, object]) -> None:
    page = as_dana.get(SERIES, rule)
    address = page.wsgi_request.get_full_path()
    assert book_shown(as_dana, address, page).url == book_shown(as_dana, address, page).url
    assert Appointment.objects.count() == 4


def test_what_was_taken_and_then_moved_elsewhere_is_to_decide_again(
    as_dana: Browser, rule: dict[str, object], book: Book
) -> None:
    book(datetime.fromisoformat("2026-12-03T10:15Z"), client=ClientFactory())
    way = as_dana.get(SERIES, rule).context["page"].rows[1].ways[0]
    book(datetime.fromisoformat("2026-12-03T09:00Z"), client=ClientFactory(), override_reason="")
    assert as_dana.get(SERIES + way.url).context["page"].rows[1].look == "conf"


def test_the_preview_of_a_year_costs_as_many_queries_as_one_of_a_month(
    rule: dict[str, object], alice: Client, service: Service, bea: Therapist, location: Location, now: datetime,
    django_assert_num_queries: object,
) -> None:  # fmt: skip
    from clinic.scheduling.offers import preview_series

    add_time_off(by=None, now=BEFORE, therapist=bea, starts_at=at(0, day=26), ends_at=at(0, day=27))
    for count in (2, 52):
        with django_assert_num_queries(6):
            found = preview_series(
                now=now, client=alice, service=service, therapist=bea, location=location,
                first_on=date(2026, 11, 26), at_time=datetime(2026, 1, 1, 10).time(), every_weeks=1, count=count,  # noqa: DTZ001
            )  # fmt: skip
        assert len(found) == count


# --- Who may


@pytest.mark.parametrize("who", ["as_alice", "as_carl"])
def test_clients_do_not_book_at_the_desk(who: str, book: Book, alice: Client, request: pytest.FixtureRequest) -> None:
    visit, browser = book(at(10)), request.getfixturevalue(who)
    for address in (NEW, SERIES, cancel(visit), reverse("scheduling:appointment-move", args=[visit.pk])):
        assert browser.get(address).status_code == HTTPStatus.NOT_FOUND
        assert browser.post(address).status_code == HTTPStatus.NOT_FOUND
    assert step(browser, visit, Status.CONFIRMED).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("who", ["as_dana", "as_bea", "as_olga"])
def test_all_staff_book(who: str, asked: dict[str, object], bea: Therapist, request: pytest.FixtureRequest) -> None:
    browser = request.getfixturevalue(who)
    assert browser.get(NEW, asked).status_code == HTTPStatus.OK
    assert (
        browser.post(NEW, asked | {"slot": slot(20, "10:00", bea), "key": str(uuid4())}).status_code == HTTPStatus.FOUND
    )


def test_what_was_done_with_a_visit_stands_in_the_history_of_the_client(
    as_dana: Browser, book: Book, bea: Therapist, alice: Client
) -> None:
    visit = book(at(15))
    as_dana.post(
        reverse("scheduling:appointment-move", args=[visit.pk]),
        {"therapist": bea.pk, "on": "2026-11-20", "slot": slot(20, "15:00", bea), "key": str(uuid4())},
    )
    as_dana.post(cancel(visit), {"because": "client", "why": "ill"})
    changes = Change.objects.filter(client_pk=alice.pk, what="scheduling.appointment").order_by("pk")
    assert [change.words for change in changes] == ["booked", "moved", "cancelled"]


def test_a_look_at_a_visit_is_logged(as_dana: Browser, book: Book, dana: User, alice: Client) -> None:
    from clinic.audit.models import Look

    visit = book(at(10))
    as_dana.get(cancel(visit))
    look = Look.objects.get(what="scheduling.appointment")
    assert (look.by, look.client_pk, look.what_pk) == (dana, alice.pk, visit.pk)


def test_the_last_witness_speaks_when_the_check_is_blind(
    book: Book, monkeypatch: pytest.MonkeyPatch, room: Room
) -> None:
    """What the check would overlook, the constraint refuses in the same words."""
    book(at(10))
    stand_in(monkeypatch, "check_time", lambda plan, free: (room.pk, False))
    with pytest.raises(SlotTaken, match="The therapist has another visit then"):
        book(at(10, 30), client=ClientFactory())
    with pytest.raises(ValidationError, match="another visit"):
        book(at(10, 30))
