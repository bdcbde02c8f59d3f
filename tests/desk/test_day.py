"""The calendar: what stands where, who sees what, and that it costs the same however full it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling import services
from clinic.scheduling.matching import times_for
from clinic.scheduling.models import Appointment, Status, Wish
from clinic.scheduling.services import (
    ChosenVisit,
    add_time_off,
    add_weekly_hours,
    book_appointment,
    book_series,
    cancel_appointment,
    change_status,
)
from clinic.scheduling.waitlist import Wished, add_wish, offer_time
from clinic.scheduling.working_week import set_hours
from tests.factories import ClientFactory, LocationFactory, RoomFactory, ServiceFactory, TherapistFactory

DAY = reverse("desk:day")
VISITS = reverse("desk:day-visits")
BEFORE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)  # the Monday before
Book = Callable[..., Appointment]


def at(hour: int, minute: int = 0, *, day: int = 19) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def works(therapist: Therapist, location: Location, *hours: tuple[time, time]) -> None:
    for weekday in range(5):
        for opens, closes in hours or ((time(9), time(13)), (time(14), time(18))):
            add_weekly_hours(
                by=None,
                now=BEFORE, therapist=therapist, location=location, weekday=weekday,
                opens=opens, closes=closes, valid_from=date(2026, 1, 1),
            )  # fmt: skip


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial release, 60 min", minutes=60, buffer_after=15)


@pytest.fixture
def book(dana: User, alice: Client, bea: Therapist, location: Location, service: Service, now: datetime) -> Book:
    """Book on the Monday before, so that this morning's visits can be booked as well."""
    works(bea, location)

    def do(starts_at: datetime, **others: object) -> Appointment:
        wishes = {
            "client": alice,
            "service": service,
            "therapist": bea,
            "location": location,
            "by": dana,
            "now": BEFORE,
        }
        return book_appointment(starts_at=starts_at, **wishes | others)

    return do


def go(visit: Appointment, by: User, *steps: tuple[Status, datetime]) -> Appointment:
    for to, when in steps:
        visit = change_status(by=by, now=when, appointment=visit, to=to)
    return visit


def told(browser: Browser, **asked: object) -> dict[str, Any]:
    """Return what the calendar's script is told, its rows by their names."""
    facts = browser.get(VISITS, asked).json()
    named = [dict(zip(facts["fields"], row, strict=True)) for row in facts["visits"]]
    for visit in named:
        visit["badges"] = [facts["badges"][place][1] for place in visit["badges"]]
    return facts | {"visits": named}


# --- Columns and shades


def test_a_visit_lies_at_its_time_with_its_buffers(as_dana: Browser, book: Book, bea: Therapist) -> None:
    visit = book(at(10))
    shown = told(as_dana)["visits"]
    assert [(one["pk"], one["column"], one["starts"], one["ends"], one["minutes_after"]) for one in shown] == [
        (visit.pk, bea.pk, "2026-11-19T10:00", "2026-11-19T11:00", 15)
    ]


def test_hours_off_are_shaded_and_a_gap_is_a_break(as_dana: Browser, book: Book, bea: Therapist) -> None:
    assert told(as_dana)["shades"] == [
        [bea.pk, "2026-11-19T00:00", "2026-11-19T09:00", "", False],
        [bea.pk, "2026-11-19T13:00", "2026-11-19T14:00", "Break", True],
        [bea.pk, "2026-11-19T18:00", "2026-11-20T00:00", "", False],
    ]


def test_an_absence_stands_with_its_name(as_dana: Browser, book: Book, bea: Therapist) -> None:
    add_time_off(by=None, now=BEFORE, therapist=bea, starts_at=at(15, 45), ends_at=at(23), reason="Course")
    assert [bea.pk, "2026-11-19T15:45", "2026-11-19T18:00", "Course", False] in told(as_dana)["shades"]


def test_the_hours_shown_grow_for_an_early_and_a_late_visit(as_dana: Browser, book: Book) -> None:
    assert told(as_dana)["hours"] == [8, 19]
    book(at(6, 30), override_reason="before her train")
    book(at(20), override_reason="after work")
    assert told(as_dana)["hours"] == [6, 21]


def test_it_is_drawn_by_the_wall_clock_of_the_place(
    as_dana: Browser, dana: User, alice: Client, service: Service, clinic: object
) -> None:
    """Nine in Kathmandu is a quarter past three in London."""
    there = LocationFactory(name="Lake Road", time_zone="Asia/Kathmandu")
    maya = TherapistFactory(user__name="Maya Rai", usual_room=RoomFactory(location=there, name="Lotus"))
    works(maya, there)
    early = datetime(2026, 11, 20, 3, 15, tzinfo=UTC)
    book_appointment(
        by=dana, now=BEFORE, client=alice, service=service, therapist=maya, location=there, starts_at=early
    )
    shown = told(as_dana, on="2026-11-20", location=there.pk)
    assert [(one["starts"], one["ends"]) for one in shown["visits"]] == [("2026-11-20T09:00", "2026-11-20T10:00")]
    assert shown["offset"] == "+05:45"


def test_a_therapist_without_hours_or_visits_has_no_column(as_dana: Browser, book: Book) -> None:
    TherapistFactory(user__name="Ruth Adeyemi")
    assert [title for _pk, title, _detail, _left in told(as_dana)["columns"]] == ["Bea Lindqvist"]


def test_a_column_may_be_a_room_which_is_shaded_while_it_is_closed(
    as_dana: Browser, book: Book, room: Room, location: Location
) -> None:
    visit = book(at(10))
    other = RoomFactory(location=location, name="Attic")
    add_time_off(by=None, now=BEFORE, room=other, starts_at=at(9), ends_at=at(12), reason="Painting")
    shown = told(as_dana, by="room")
    assert {pk for pk, *_rest in shown["columns"]} == {room.pk, other.pk}
    assert [(one["pk"], one["column"], one["with_whom"]) for one in shown["visits"]] == [(visit.pk, room.pk, "Bea")]
    assert shown["shades"] == [[other.pk, "2026-11-19T09:00", "2026-11-19T12:00", "Closed", False]]


def test_a_week_holds_all_its_days_and_hides_those_on_which_nobody_works(as_dana: Browser, book: Book) -> None:
    visits = [book(at(10, day=day), client=ClientFactory()) for day in (16, 19, 20)]
    book(at(10, day=23), client=ClientFactory())
    shown = told(as_dana, days="week")
    assert [one["pk"] for one in shown["visits"]] == [visit.pk for visit in visits]
    assert (shown["first"], shown["hidden"]) == ("2026-11-16", [6, 0])


def test_who_is_off_has_no_column_unless_she_is_asked_for(
    as_dana: Browser, book: Book, bea: Therapist, location: Location
) -> None:
    ruth = TherapistFactory(user__name="Ruth Adeyemi")
    works(ruth, location)
    add_time_off(by=None, now=BEFORE, therapist=ruth, starts_at=at(0), ends_at=at(0, day=20), reason="Course")
    shown = told(as_dana)
    assert [pk for pk, *_rest in shown["columns"]] == [bea.pk]
    assert shown["off"] == "Off: Ruth Adeyemi"
    shown = told(as_dana, of=ruth.pk)
    assert ([pk for pk, *_rest in shown["columns"]], shown["off"]) == ([ruth.pk], "")
    book(at(10), therapist=ruth, client=ClientFactory(), override_reason="She comes in for it")
    assert len(told(as_dana)["columns"]) == 2


def test_a_week_says_who_is_off_on_which_day(as_dana: Browser, book: Book, bea: Therapist, location: Location) -> None:
    ruth = TherapistFactory(user__name="Ruth Adeyemi")
    works(ruth, location)
    add_time_off(by=None, now=BEFORE, therapist=ruth, starts_at=at(0, day=19), ends_at=at(0, day=21), reason="Course")
    weekend = {"2026-11-21": [bea.pk, ruth.pk], "2026-11-22": [bea.pk, ruth.pk]}
    shown = told(as_dana, days="week")
    assert shown["daysOff"] == {"2026-11-19": [ruth.pk], "2026-11-20": [ruth.pk]} | weekend
    assert (len(shown["columns"]), shown["off"]) == (2, "")


def test_the_week_of_very_many_begins_with_one_of_them(
    as_dana: Browser, book: Book, bea: Therapist, location: Location
) -> None:
    book(at(10))
    for _number in range(8):
        works(TherapistFactory(), location)
    answer = as_dana.get(DAY, {"days": "week", "on": "2026-11-19"})
    assert answer.url == f"?days=week&on=2026-11-19&of={bea.pk}"
    assert len(as_dana.get(DAY + answer.url).context["calendar"].shown) == 1
    for asked in ({"of": ""}, {"as": "list"}):
        assert len(as_dana.get(DAY, {"days": "week"} | asked).context["calendar"].shown) == 9


def test_on_a_day_on_which_all_are_off_they_have_their_columns(
    as_dana: Browser, book: Book, bea: Therapist, location: Location
) -> None:
    add_time_off(by=None, now=BEFORE, location=location, starts_at=at(0), ends_at=at(0, day=20), reason="Holiday")
    shown = told(as_dana)
    assert ([pk for pk, *_rest in shown["columns"]], shown["off"]) == ([bea.pk], "")


def test_one_column_may_be_asked_for(as_dana: Browser, book: Book, location: Location) -> None:
    hers = book(at(10))
    ruth = TherapistFactory(user__name="Ruth Adeyemi", usual_room=RoomFactory(location=location, name="Attic"))
    works(ruth, location)
    book(at(10), therapist=ruth, client=ClientFactory())
    shown = told(as_dana, of=hers.therapist_id)
    assert [one["pk"] for one in shown["visits"]] == [hers.pk]
    assert len(shown["columns"]) == 1
    assert shown["summary"] == "1 visit"


def test_a_usual_room_elsewhere_does_not_stand_above_a_column(as_dana: Browser, book: Book, bea: Therapist) -> None:
    book(at(10))
    assert [detail for _pk, _title, detail, _left in told(as_dana, on="2026-11-19")["columns"]] == [str(bea.usual_room)]
    Therapist.objects.filter(pk=bea.pk).update(usual_room=RoomFactory(location=LocationFactory()))
    assert [detail for _pk, _title, detail, _left in told(as_dana, on="2026-11-19")["columns"]] == [""]


def test_a_therapists_week_is_her_own_until_she_asks_for_everybodys(
    as_bea: Browser, as_dana: Browser, book: Book, location: Location
) -> None:
    ruth = TherapistFactory(user__name="Ruth Adeyemi", usual_room=RoomFactory(location=location, name="Attic"))
    works(ruth, location)
    both = ["Bea Lindqvist", "Ruth Adeyemi"]

    def columns(browser: Browser, **asked: object) -> list[str]:
        return [title for _pk, title, _detail, _left in told(browser, **asked)["columns"]]

    assert columns(as_bea, days="week") == both[:1]
    assert columns(as_bea, days="week", of="") == columns(as_bea) == columns(as_dana, days="week") == both


# --- Blocks


def test_who_did_not_come_stays_and_a_cancelled_visit_goes(
    as_dana: Browser, book: Book, dana: User, now: datetime
) -> None:
    missed = go(book(at(9)), dana, (Status.NO_SHOW, now))
    late = cancel_appointment(by=dana, now=now, appointment=book(at(14)))
    cancel_appointment(by=dana, now=BEFORE, appointment=book(at(16)))
    instead = book(at(14), client=ClientFactory())
    notes = {one["pk"]: one["note"] for one in told(as_dana)["visits"]}
    assert notes == {missed.pk: "Did not come", late.pk: "Cancelled late, 09:00", instead.pk: ""}


def test_one_in_session_says_since_when_and_stays_where_it_is(
    as_dana: Browser, book: Book, bea: Therapist, now: datetime
) -> None:
    go(book(at(9)), bea.user, (Status.ARRIVED, now), (Status.IN_SESSION, now + timedelta(minutes=4)))
    shown = told(as_dana)["visits"][0]
    assert (shown["note"], shown["can_move"]) == ("since 09:04", False)


def test_a_new_client_is_marked_until_she_has_been_here(as_dana: Browser, book: Book) -> None:
    book(at(10))
    book(at(10, day=20))
    assert [one["is_new"] for one in told(as_dana, days="week")["visits"]] == [True, False]


def test_who_was_here_under_another_record_of_hers_is_not_new(
    as_dana: Browser, book: Book, alice: Client, olga: User, now: datetime
) -> None:
    twin = ClientFactory()
    book(at(10, day=18), client=twin)
    book(at(10))
    Client.objects.filter(pk=twin.pk).update(merged_into=alice, archived_at=now)
    assert [one["is_new"] for one in told(as_dana)["visits"]] == [False]


def test_signs_are_told_in_words(as_dana: Browser, book: Book, dana: User, now: datetime) -> None:
    go(book(at(10)), dana, (Status.CONFIRMED, now))
    assert "confirmed" in told(as_dana)["visits"][0]["badges"]


# --- Looking again


def test_a_visit_in_time_off_is_work_until_it_was_put_there_on_purpose(
    as_dana: Browser, book: Book, dana: User, bea: Therapist, now: datetime
) -> None:
    visit = book(at(15))
    add_time_off(by=dana, now=BEFORE, therapist=bea, starts_at=at(14), ends_at=at(18))
    book(at(16, 30), client=ClientFactory(), now=now, override_reason="only then")
    sign = "lies in time off: book anew"
    assert [sign in one["badges"] for one in told(as_dana)["visits"]] == [True, False]
    assert sign in [badge.words for badge in panel(as_dana, visit).open_work]


def test_a_visit_that_new_hours_leave_out_is_work(
    as_dana: Browser, book: Book, olga: User, bea: Therapist, now: datetime
) -> None:
    visit = book(at(15))
    set_hours(by=olga, now=now, therapist=bea, lines=[], first=now.date())
    sign = "outside the hours: book anew"
    assert sign in told(as_dana)["visits"][0]["badges"]
    assert sign in [badge.words for badge in panel(as_dana, visit).open_work]


def test_whoever_knows_it_already_is_told_that_nothing_has_changed(as_dana: Browser, book: Book) -> None:
    book(at(10))
    first = as_dana.get(VISITS)
    again = as_dana.get(VISITS, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["Updated"]) == (HTTPStatus.NOT_MODIFIED, b"", "09:00")
    book(at(14), client=ClientFactory())
    assert as_dana.get(VISITS, headers={"If-None-Match": first["ETag"]}).status_code == HTTPStatus.OK


def test_the_page_begins_with_what_its_script_would_be_told(as_dana: Browser, book: Book) -> None:
    book(at(10))
    assert as_dana.get(DAY).context["told"].etag == as_dana.get(VISITS)["ETag"]


# --- The rail


def test_the_rail_says_who_is_here_who_is_expected_and_who_is_late(
    as_dana: Browser, book: Book, dana: User, now: datetime
) -> None:
    go(book(at(10)), dana, (Status.ARRIVED, now))
    book(at(8, 30), client=ClientFactory(legal_name="Marek Nowicki"), override_reason="early")
    book(at(15), client=ClientFactory(legal_name="Hannah Osei"))
    calendar = as_dana.get(DAY).context["calendar"]
    rail = calendar.rail()
    assert [one.row.visit.name for one in rail.here] == ["Alice Marques"]
    assert [(one.row.visit.name, one.look) for one in rail.expected] == [("Marek Nowicki", "late"), ("Hannah Osei", "")]
    assert calendar.summary == "3 visits: 1 waiting"


def test_open_work_is_counted_by_kind_and_leads_to_the_first(as_dana: Browser, book: Book) -> None:
    first = book(at(10))
    book(at(15), client=ClientFactory())
    chores = as_dana.get(DAY).context["calendar"].rail().chores
    assert [(chore.words, chore.count, chore.visit.pk) for chore in chores] == [("intake missing", 2, first.pk)]


def test_the_rail_says_who_waits_and_could_come_that_day(
    as_dana: Browser, as_bea: Browser, book: Book, dana: User, service: Service, bea: Therapist, location: Location,
    now: datetime,
) -> None:  # fmt: skip
    def wait(name: str, **wished: object) -> Wish:
        client = ClientFactory(legal_name=name)
        return add_wish(by=dana, now=BEFORE, client=client, wished=Wished([service], **wished))

    book(at(10))
    hannah = wait("Hannah Osei", therapists=[bea], weekdays=[3], not_before=time(12))
    wait("Marek Nowicki", is_urgent=True)
    wait("On Fridays", weekdays=[4])
    wait("Next week", first_on=date(2026, 11, 23))
    wait("Elsewhere", locations=[LocationFactory()])
    wait("Off today", therapists=[TherapistFactory()])
    rail = told(as_dana)["rail"]
    assert [name for name in ("Marek", "Hannah", "Fridays", "Next week", "Elsewhere", "Off today") if name in rail] == [
        "Marek", "Hannah",
    ]  # fmt: skip
    assert rail.index("Marek") < rail.index("Hannah")
    assert "with Bea, Thu, from 12:00" in rail
    found = f"?client={hannah.client_id}&amp;service={service.pk}&amp;therapist={bea.pk}&amp;location={location.pk}"
    assert f"{found}&amp;on=2026-11-19" in rail
    assert "Hannah" not in told(as_dana, on="2026-11-18")["rail"]
    assert "Hannah" not in told(as_bea)["rail"]


@pytest.mark.parametrize("anchor", [date(2026, 11, 2), date(2026, 11, 30)])
def test_who_waits_for_somebody_of_every_other_week_could_come_in_hers(
    as_dana: Browser, book: Book, dana: User, service: Service, location: Location, anchor: date
) -> None:
    ruth = TherapistFactory(user__name="Ruth Adeyemi")
    add_weekly_hours(
        by=None, now=BEFORE, therapist=ruth, location=location, weekday=3, opens=time(9), closes=time(17),
        valid_from=date(2026, 1, 1), anchor_week=anchor,
    )  # fmt: skip
    add_wish(
        by=dana, now=BEFORE, client=ClientFactory(legal_name="Hannah Osei"), wished=Wished([service], therapists=[ruth])
    )
    could = {day: "Hannah" in told(as_dana, on=day)["rail"] for day in ("2026-11-19", "2026-11-26", "2026-12-03")}
    assert could == {"2026-11-19": True, "2026-11-26": False, "2026-12-03": True}


def test_who_is_offered_a_time_just_now_waits_for_her_own_answer(
    as_dana: Browser, book: Book, dana: User, service: Service, now: datetime
) -> None:
    book(at(10))
    wish = add_wish(by=dana, now=BEFORE, client=ClientFactory(legal_name="Hannah Osei"), wished=Wished([service]))
    assert "wait-" in told(as_dana)["rail"]
    wish = Wish.objects.with_all().get(pk=wish.pk)
    match = times_for([wish], now=now, earliest=now + timedelta(hours=3))[wish.pk][0]
    offer_time(by=None, now=now, wish=wish, match=match)
    assert "wait-" not in told(as_dana)["rail"]


# --- Ways through the days


def test_a_clinic_without_therapists_is_told_so(as_dana: Browser, location: Location) -> None:
    assert "The clinic has no therapist yet" in as_dana.get(DAY).content.decode()


def test_a_day_without_anybody_says_what_to_do(as_dana: Browser, book: Book) -> None:
    assert "Nobody works here that day" in as_dana.get(DAY, {"on": "2026-11-22"}).content.decode()


@pytest.mark.parametrize("on", ["", "nonsense", "2026-13-45", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_today(as_dana: Browser, book: Book, on: str) -> None:
    assert as_dana.get(DAY, {"on": on}).context["calendar"].wish.on == date(2026, 11, 19)


def test_each_location_has_its_own_day(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    other = LocationFactory(name="Lake Road")
    page = as_dana.get(DAY, {"location": other.pk})
    assert page.context["calendar"].visits == []
    assert visit.client.name not in page.content.decode()
    assert as_dana.get(DAY, {"location": 999999}).status_code == HTTPStatus.NOT_FOUND


def test_before_there_is_a_location_the_page_says_so(as_dana: Browser, db: None) -> None:
    assert "There is no location yet" in as_dana.get(DAY).content.decode()


@pytest.mark.parametrize("asked", [{"as": "list"}, {}])
def test_the_list_holds_the_same_visits_also_without_script(
    asked: dict[str, str], as_dana: Browser, book: Book, dana: User, now: datetime
) -> None:
    go(book(at(9)), dana, (Status.NO_SHOW, now))
    book(at(15), client=ClientFactory(legal_name="Hannah Osei"))
    page = as_dana.get(DAY, asked).content.decode()
    listed = page[page.index('id="day-list"') : page.index("</table>")]
    assert "Alice Marques" in listed
    assert "Hannah Osei" in listed
    assert "did not come" in listed


# --- The panel


def panel(browser: Browser, visit: Appointment) -> object:
    return browser.get(reverse("desk:appointment", args=[visit.pk])).context["panel"]


def test_the_panel_stands_beside_the_day_and_alone(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    address = reverse("desk:appointment", args=[visit.pk])
    beside = as_dana.get(DAY, {"open": visit.pk}).content.decode()
    alone = as_dana.get(address).content.decode()
    part = as_dana.get(address, headers={"HX-Request": "true"}).content.decode()
    for shown in (beside, alone, part):
        assert 'id="visit-name"' in shown
    assert "<html" in alone
    assert "<html" not in part


def test_the_steps_offer_what_may_be_done_now(
    as_dana: Browser, book: Book, dana: User, bea: Therapist, now: datetime
) -> None:
    visit = book(at(9))
    assert verbs(as_dana, visit) == {"confirmed", "arrived"}
    visit = go(visit, dana, (Status.ARRIVED, now))
    assert verbs(as_dana, visit) == set()
    assert undo(as_dana, visit) == "booked"
    visit = go(visit, bea.user, (Status.IN_SESSION, now))
    assert verbs(as_dana, visit) == {"completed"}
    assert undo(as_dana, visit) == ""
    assert undo(as_dana, go(visit, dana, (Status.COMPLETED, now))) == "in_session"


def verbs(browser: Browser, visit: Appointment) -> set[str]:
    return {str(step.to) for step in panel(browser, visit).steps if step.to}


def undo(browser: Browser, visit: Appointment) -> str:
    return next((step.undo_to for step in panel(browser, visit).steps if step.undo_to), "")


def test_only_therapists_start_a_session(
    as_dana: Browser, as_bea: Browser, book: Book, dana: User, now: datetime
) -> None:
    visit = go(book(at(10)), dana, (Status.ARRIVED, now))
    start = reverse("treatment:start", args=[visit.pk])
    assert start in [step.url for step in panel(as_bea, visit).steps]
    assert start not in [step.url for step in panel(as_dana, visit).steps]


def test_a_step_that_was_taken_back_is_not_shown_as_done(
    as_dana: Browser, book: Book, dana: User, now: datetime
) -> None:
    visit = go(book(at(10)), dana, (Status.CONFIRMED, now), (Status.BOOKED, now), (Status.ARRIVED, now))
    assert [(step.words, step.look) for step in panel(as_dana, visit).steps][:3] == [
        ("Booked", "done"),
        ("Confirmed", "next"),
        ("Arrived", "here"),
    ]


def test_nobody_arrives_for_a_visit_of_another_day(as_dana: Browser, book: Book) -> None:
    assert verbs(as_dana, book(at(10, day=20))) == {"confirmed"}


def test_taking_a_step_back_leaves_when_it_was_booked(as_dana: Browser, book: Book, dana: User, now: datetime) -> None:
    visit = go(book(at(10)), dana, (Status.ARRIVED, now), (Status.BOOKED, now))
    assert panel(as_dana, visit).steps[0].detail == "Mon 16 Nov, Dana"


def test_an_undone_step_leaves_when_it_was_booked(as_dana: Browser, book: Book, dana: User, now: datetime) -> None:
    visit = go(book(at(10)), dana, (Status.ARRIVED, now))
    services.undo(by=dana, now=now, appointment=visit)
    assert panel(as_dana, visit).steps[0].detail == "Mon 16 Nov, Dana"


def test_where_the_rail_has_no_room_a_link_brings_it(as_dana: Browser, book: Book) -> None:
    book(at(10))
    assert "arrivals=1#rail" in as_dana.get(DAY).content.decode()
    assert "with-rail" in as_dana.get(DAY, {"arrivals": "1"}).content.decode()


def test_a_cancelled_visit_can_be_taken_back(as_dana: Browser, book: Book, dana: User, now: datetime) -> None:
    visit = cancel_appointment(by=dana, now=now, appointment=book(at(15)), why="ill")
    steps = panel(as_dana, visit).steps
    assert [(step.words, step.undo_to) for step in steps] == [("Booked", ""), ("Cancelled late", "booked")]
    assert "ill" in steps[1].detail


def test_booking_again_says_what_is_free(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    book(at(10, day=26), client=ClientFactory())
    offers = panel(as_dana, visit).offers
    assert [(offer.weeks, offer.words) for offer in offers] == [(1, "only 11:15"), (2, "free"), (4, "free")]
    page = as_dana.get(offers[0].url)
    assert [choice.is_chosen for choice in page.context["page"].choices].count(True) == 1
    assert page.context["page"].missed == ""


def test_booking_again_says_where_she_comes_anyway(as_dana: Browser, book: Book) -> None:
    visit, later = book(at(10)), book(at(15, day=26))
    offers = panel(as_dana, visit).offers
    assert [(offer.weeks, offer.words) for offer in offers] == [(1, "booked, 15:00"), (2, "free"), (4, "free")]
    assert offers[0].url == reverse("desk:appointment", args=[later.pk])


def test_what_is_free_is_booked_again_by_one_click_and_by_two_once(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    offer = panel(as_dana, visit).offers[1]
    form = {"at": f"{offer.on:%Y-%m-%dT%H:%M}", "key": offer.key}
    for _click in range(2):
        as_dana.post(reverse("scheduling:appointment-again", args=[visit.pk]), form)
    again = Appointment.objects.get(starts_at=at(10) + timedelta(weeks=2))
    assert (again.client_id, again.therapist_id, again.minutes) == (visit.client_id, visit.therapist_id, 60)


def test_a_series_shows_its_sign(
    as_dana: Browser, book: Book, dana: User, alice: Client, service: Service, bea: Therapist, location: Location
) -> None:
    from uuid import uuid4

    book_series(
        by=dana, now=BEFORE, client=alice, service=service, therapist=bea, location=location,
        first_on=date(2026, 11, 19), at_time=time(10), every_weeks=1, count=2,
        chosen=[ChosenVisit(at(10), bea), ChosenVisit(at(10, day=26), bea)], idempotency_key=uuid4(),
    )  # fmt: skip
    assert "part of a series" in told(as_dana)["visits"][0]["badges"]


# --- Who sees what


def test_the_front_desk_reads_that_a_review_is_needed_and_never_why(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    assert visit.review_needed
    shown = as_dana.get(DAY, {"open": visit.pk}).content.decode()
    assert "after the review" in shown
    for word in ("finding", "pregnan", "medicine", "botulinum", "pain"):
        assert word not in shown.lower()


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("as_dana", HTTPStatus.OK),
        ("as_bea", HTTPStatus.OK),
        ("as_olga", HTTPStatus.OK),
        ("as_alice", HTTPStatus.NOT_FOUND),
        ("as_carl", HTTPStatus.NOT_FOUND),
    ],
)
def test_the_day_is_for_staff(who: str, expected: int, book: Book, request: pytest.FixtureRequest) -> None:
    visit = book(at(10))
    browser = request.getfixturevalue(who)
    assert browser.get(DAY).status_code == expected
    assert browser.get(reverse("desk:appointment", args=[visit.pk])).status_code == expected


def test_strangers_are_asked_to_sign_in(client: Browser, book: Book) -> None:
    visit = book(at(10))
    for address in (DAY, reverse("desk:appointment", args=[visit.pk])):
        assert client.get(address).url.startswith(reverse("account_login"))


def test_opening_the_panel_is_logged_once(as_dana: Browser, book: Book, dana: User, alice: Client) -> None:
    from clinic.audit.models import Look

    visit = book(at(10))
    as_dana.get(DAY, {"open": visit.pk})
    as_dana.get(reverse("desk:appointment", args=[visit.pk]))
    assert list(Look.objects.values_list("by", "client_pk", "what_pk")) == [(dana.pk, alice.pk, visit.pk)]


# --- Cost


def test_a_full_day_costs_as_many_queries_as_an_empty_one(
    as_dana: Browser, book: Book, room: Room, location: Location
) -> None:
    def queries() -> list[int]:
        return [count_of(as_dana, address, days) for address in (DAY, VISITS) for days in ("day", "week")]

    book(at(10))
    queries()  # the first look of a while renews the session
    few = queries()
    for number in range(4):
        therapist = TherapistFactory(usual_room=RoomFactory(location=location, name=f"Spare {number}"))
        works(therapist, location)
        for hour in (9, 11, 14, 16):
            book(at(hour, 15), therapist=therapist, client=ClientFactory())
    assert queries() == few


def count_of(browser: Browser, address: str, days: str) -> int:
    with CaptureQueriesContext(connection) as counted:
        assert browser.get(address, {"days": days}).status_code == HTTPStatus.OK
    return len(counted)
