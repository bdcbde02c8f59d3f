"""The pages of a series: its end, changing and cancelling it, and going on when it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.ending import badges, rows_ending
from clinic.scheduling.models import Appointment, Series, Status
from clinic.scheduling.services import change_length, move_appointment, undo
from tests.factories import ClientFactory, RoomFactory, give_login
from tests.scheduling.conftest import Book
from tests.scheduling.test_services import works_like_bea

NEW = reverse("scheduling:series-new")
ENDING = reverse("scheduling:series-ending")


@pytest.fixture
def rule(alice: Client, service: Service, bea: Therapist, location: Location, hours: None) -> dict[str, object]:
    """Every week on Thursdays at ten."""
    return {
        "client": alice.pk,
        "service": service.pk,
        "therapist": bea.pk,
        "location": location.pk,
        "first_on": "2026-11-26",
        "at_time": "10:00",
        "every_weeks": 1,
    }


def nth(number: int) -> Appointment:
    return Appointment.objects.with_people().filter(series__isnull=False).order_by("starts_at")[number - 1]


def change(number: int) -> str:
    return reverse("scheduling:series-change", args=[nth(number).pk])


def cancel(number: int) -> str:
    return reverse("scheduling:series-cancel", args=[nth(number).pk])


def test_where_her_therapist_has_left_a_series_begins_with_one_who_is_here(
    as_dana: Browser, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    ruth = works_like_bea(None, location=location)
    Therapist.objects.filter(pk=bea.pk).update(archived_at=now)
    form = as_dana.get(NEW, {"client": alice.pk}).context["form"]
    assert form.errors == {}
    assert form.cleaned_data["therapist"] == ruth


# --- Until a day


def test_a_series_until_a_day_has_its_visits_up_to_it(as_dana: Browser, rule: dict) -> None:
    page = as_dana.get(NEW, rule | {"ends": "until", "until": "2026-12-17"}).context["page"]
    assert [row.on for row in page.rows] == [date(2026, 11, 26) + timedelta(weeks=number) for number in range(4)]


def test_a_date_left_out_before_the_last_day_is_not_made_up_for(as_dana: Browser, rule: dict) -> None:
    page = as_dana.get(NEW, rule | {"ends": "until", "until": "2026-12-17", "skip": "2026-12-03"}).context["page"]
    assert [row.on.day for row in page.rows] == [26, 10, 17]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ends": "until"}, "Say the last day."),
        ({"ends": "until", "until": "2026-11-25"}, "No visit is left before that day."),
        ({"ends": "until", "until": "2029-11-25"}, "a series has 104 at the most."),
        ({"ends": "count", "count": ""}, "Say how many visits."),
    ],
)
def test_an_end_that_is_none_is_said_beside_its_field(
    as_dana: Browser, rule: dict, said: dict[str, str], words: str
) -> None:
    assert words in as_dana.get(NEW, rule | said).content.decode()


def test_a_series_until_a_day_is_booked(as_dana: Browser, rule: dict, bea: Therapist) -> None:
    query = rule | {"ends": "until", "until": "2026-12-10"}
    page = as_dana.get(NEW, query)
    form = {"key": uuid4(), "visit": [row.value for row in page.context["page"].rows]}
    as_dana.post(NEW, form, query_params={name: str(value) for name, value in query.items()})
    assert (Series.objects.get().count, Appointment.objects.count()) == (3, 3)


def test_a_preview_never_asks_for_a_reason_that_it_cannot_take(as_dana: Browser, rule: dict, bea: Therapist) -> None:
    query = {name: str(value) for name, value in (rule | {"ends": "count", "count": 2}).items()}
    page = as_dana.post(NEW, {"key": uuid4(), "visit": f"2026-11-26T20:00+0000_{bea.pk}"}, query_params=query)
    assert page.status_code == HTTPStatus.CONFLICT
    assert "Bea does not work on Thu 26 Nov at 20:00." in page.content.decode()
    assert "Give a reason" not in page.content.decode()


# --- Changing it


def asked(weekday: int = 4, clock: str = "14:00", which: str = "following") -> dict[str, str]:
    return {"which": which, "weekday": str(weekday), "at_time": clock}


def test_the_page_first_asks_what_changes(as_dana: Browser, series: Series) -> None:
    page = as_dana.get(change(3))
    assert "page" not in page.context
    assert page.context["form"]["weekday"].value() == 3


def test_it_previews_where_each_goes_and_which_stay(
    as_dana: Browser, series: Series, dana: User, now: datetime
) -> None:
    move_appointment(by=dana, now=now, appointment=nth(4), starts_at=datetime(2026, 12, 16, 9, tzinfo=UTC))
    page = as_dana.get(change(3), asked())
    shown = page.context["page"]
    assert [row.row.starts_at.strftime("%d %H:%M") for row in shown.rows] == ["11 14:00", "25 14:00"]
    assert [visit.pk for visit, _url in shown.staying] == [nth(4).pk]
    assert "put there by hand" in page.content.decode()
    assert Series.objects.count() == 1


def test_it_changes_what_was_previewed_and_offers_to_take_it_back(as_dana: Browser, series: Series) -> None:
    page = as_dana.get(change(3), asked())
    form = {"key": uuid4(), "visit": [row.value for row in page.context["page"].rows]}
    done = as_dana.get(as_dana.post(change(3), form, query_params=asked()).url)
    assert "3 visits of Alice Marques are changed." in done.content.decode()
    assert "data-undo" in done.content.decode()
    assert [f"{nth(number).starts_at:%d %H:%M}" for number in (2, 3, 4)] == ["03 10:00", "11 14:00", "18 14:00"]


def test_a_conflict_offers_ways_and_one_that_was_accepted_is_taken(
    as_dana: Browser, series: Series, book: Book
) -> None:
    book(datetime(2026, 12, 11, 14, tzinfo=UTC), client=ClientFactory())
    first = as_dana.get(change(3), asked()).context["page"]
    assert (first.to_decide, first.ready) == (1, 2)
    way = first.rows[0].row.ways[0]
    decided = as_dana.get(change(3) + way.url).context["page"]
    assert decided.to_decide == 0
    form = {"key": uuid4(), "visit": [row.value for row in decided.rows]}
    as_dana.post(change(3) + way.url, form)
    assert nth(3).starts_at == datetime(2026, 12, 11, 15, 15, tzinfo=UTC)


def test_one_that_is_left_as_it_is_stays_and_can_be_taken_back(as_dana: Browser, series: Series) -> None:
    first = as_dana.get(change(3), asked()).context["page"]
    without = as_dana.get(change(3) + first.rows[0].row.skip_url).context["page"]
    assert [visit.pk for visit, _url in without.staying] == [nth(3).pk]
    again = as_dana.get(change(3) + without.staying[0][1]).context["page"]
    assert len(again.rows) == 3


def test_what_was_taken_meanwhile_is_said_and_nothing_changes(as_dana: Browser, series: Series, book: Book) -> None:
    page = as_dana.get(change(3), asked())
    book(datetime(2026, 12, 18, 14, tzinfo=UTC), client=ClientFactory())
    form = {"key": uuid4(), "visit": [row.value for row in page.context["page"].rows]}
    refused = as_dana.post(change(3), form, query_params=asked())
    assert refused.status_code == HTTPStatus.CONFLICT
    assert "Nothing was changed." in refused.content.decode()
    assert "Fri 18 Dec, 14:00: Bea has another visit until 15:15." in refused.content.decode()
    assert nth(3).starts_at.day == 10


def test_a_visit_that_was_made_longer_is_previewed_as_long_as_it_is(
    as_dana: Browser, series: Series, book: Book, dana: User, now: datetime
) -> None:
    change_length(by=dana, now=now, appointment=nth(3), minutes=75)
    book(datetime(2026, 12, 11, 15, 15, tzinfo=UTC), client=ClientFactory())
    row = as_dana.get(change(3), asked()).context["page"].rows[0].row
    assert (row.look, row.ends_at.time()) == ("conf", time(15, 15))
    decided = as_dana.get(change(3) + row.ways[0].url).context["page"]
    as_dana.post(change(3) + row.ways[0].url, {"key": uuid4(), "visit": [one.value for one in decided.rows]})
    assert (nth(3).starts_at, nth(3).minutes) == (datetime(2026, 12, 11, 11, 45, tzinfo=UTC), 75)


def test_the_ways_out_are_free_in_the_room_that_is_wished(
    as_dana: Browser, series: Series, book: Book, location: Location
) -> None:
    garden = RoomFactory(location=location, name="Garden room")
    ruth = works_like_bea(garden)
    book(datetime(2026, 12, 10, 14, tzinfo=UTC), client=ClientFactory(), therapist=ruth)
    wish = asked(weekday=3, which="this") | {"room": str(garden.pk)}
    way = as_dana.get(change(3), wish).context["page"].rows[0].row.ways[0]
    assert way.starts_at == datetime(2026, 12, 10, 15, 15)  # noqa: DTZ001 -- a wall
    decided = as_dana.get(change(3) + way.url).context["page"]
    as_dana.post(change(3) + way.url, {"key": uuid4(), "visit": [row.value for row in decided.rows]})
    assert nth(3).room == garden


@pytest.mark.parametrize("sent", [[], ["x"], ["1~2~3"], ["9" * 40 + "~a~b"]])
def test_nothing_chosen_changes_nothing(as_dana: Browser, series: Series, sent: list[str]) -> None:
    page = as_dana.post(change(3), {"key": uuid4(), "visit": sent}, query_params=asked())
    assert "Choose at least one visit to change." in page.content.decode()


@pytest.mark.parametrize(
    "sent", [{"which": "none"}, {"which": "all", "weekday": "9"}, {"which": "all", "at_time": "x"}]
)
def test_a_wish_that_is_none_is_said_beside_its_field(as_dana: Browser, series: Series, sent: dict[str, str]) -> None:
    page = as_dana.get(change(3), sent)
    assert page.status_code == HTTPStatus.OK
    assert page.context["form"].errors


def test_a_visit_of_no_series_is_moved_by_itself(as_dana: Browser, book: Book) -> None:
    visit = book(datetime(2026, 11, 20, 10, tzinfo=UTC))
    page = as_dana.get(reverse("scheduling:series-change", args=[visit.pk]))
    assert page.url == reverse("scheduling:appointment-move", args=[visit.pk])


# --- Cancelling it


def test_it_cancels_what_it_showed(as_dana: Browser, series: Series) -> None:
    page = as_dana.get(cancel(3))
    assert "Cancel 3 visits?" in page.content.decode()
    form = {"which": "following", "key": uuid4(), "because": "client", "why": "moves away"}
    form["visit"] = [visit.pk for visit, _is_late in page.context["rows"]]
    as_dana.post(cancel(3), form)
    assert [nth(number).status for number in range(1, 6)] == [Status.BOOKED] * 2 + [Status.CANCELLED] * 3


def test_the_cancellation_that_is_sent_twice_is_told_twice_and_done_once(as_dana: Browser, series: Series) -> None:
    page = as_dana.get(cancel(3))
    form = {"which": "following", "key": uuid4(), "because": "client"}
    form["visit"] = [visit.pk for visit, _is_late in page.context["rows"]]
    answers = [as_dana.post(cancel(3), form) for _time in range(2)]
    assert answers[0].url == answers[1].url
    assert nth(3).status_changes.count() == 2
    other = as_dana.post(cancel(3), form | {"visit": form["visit"][:1]})
    assert "with other wishes" in other.content.decode()


def test_it_shows_anew_what_has_changed_meanwhile(as_dana: Browser, series: Series) -> None:
    form = {"which": "all", "key": uuid4(), "because": "client", "visit": [nth(1).pk]}
    page = as_dana.post(cancel(1), form)
    assert page.status_code == HTTPStatus.CONFLICT
    assert "Please look again." in page.content.decode()
    assert len(page.context["rows"]) == 5


# --- Going on


def test_the_last_visits_of_a_series_tell_how_many_are_left(series: Series, dana: User) -> None:
    found = badges(dana, [nth(number) for number in range(1, 6)])
    assert [[badge.words for badge in found.get(nth(number).pk, [])] for number in range(1, 6)] == [
        [],
        [],
        ["series ends after 2 more visits"],
        ["series ends after 1 more visit"],
        ["last visit of the series"],
    ]


def test_a_series_that_ends_soon_is_work_and_goes_on_by_one_click(
    as_dana: Browser, series: Series, dana: User, now: datetime
) -> None:
    assert rows_ending(dana, now) == []
    later = now + timedelta(weeks=3)
    (row,) = rows_ending(dana, later)
    assert row.detail == "Bea, 3 visits left, the last on Thu 24 Dec, 10:00"
    page = as_dana.get(row.url)
    assert page.context["page"].rows[0].on == date(2026, 12, 31)
    form = {"key": uuid4(), "visit": [one.value for one in page.context["page"].rows if one.value]}
    as_dana.post(row.url, form)
    assert Series.objects.exclude(pk=series.pk).get().continues == series
    assert rows_ending(dana, later) == []
    assert badges(dana, [nth(5)]) == {}


def test_a_series_whose_next_one_is_taken_back_ends_again(
    as_dana: Browser, series: Series, dana: User, now: datetime
) -> None:
    later = now + timedelta(weeks=3)
    (row,) = rows_ending(dana, later)
    page = as_dana.get(row.url)
    as_dana.post(row.url, {"key": uuid4(), "visit": [one.value for one in page.context["page"].rows if one.value]})
    undo(by=dana, now=now, appointment=Series.objects.exclude(pk=series.pk).get().appointments.all()[0])
    assert len(rows_ending(dana, later)) == 1
    assert badges(dana, [nth(5)])[nth(5).pk]


def test_a_series_that_was_changed_near_its_end_still_ends(
    as_dana: Browser, series: Series, dana: User, now: datetime
) -> None:
    page = as_dana.get(change(3), asked())
    form = {"key": uuid4(), "visit": [row.value for row in page.context["page"].rows]}
    as_dana.post(change(3), form, query_params=asked())
    (row,) = rows_ending(dana, now)
    assert row.detail == "Bea, 3 visits left, the last on Fri 25 Dec, 14:00"


def test_a_therapist_sees_her_own_only(series: Series, bea: Therapist, now: datetime) -> None:
    from tests.factories import TherapistFactory

    later = now + timedelta(weeks=3)
    assert len(rows_ending(bea.user, later)) == 1
    assert rows_ending(TherapistFactory().user, later) == []


def test_the_page_of_those_that_end_says_so_when_there_are_none(as_dana: Browser, series: Series) -> None:
    assert "No series ends soon" in as_dana.get(ENDING).content.decode()


def test_a_series_of_somebody_else_is_not_gone_on_from(as_dana: Browser, rule: dict, series: Series) -> None:
    other = ClientFactory()
    give_login(other)
    page = as_dana.get(NEW, rule | {"client": other.pk, "ends": "count", "count": 3, "continues": series.pk})
    assert page.context["form"].errors


# --- Dates that never fit


def test_after_many_dates_left_out_no_more_are_made_up_for(as_dana: Browser, rule: dict[str, object]) -> None:
    thursdays = [date(2026, 11, 26) + timedelta(weeks=number) for number in range(27)]
    asked = rule | {"ends": "count", "count": 10}
    page = as_dana.get(NEW, asked | {"skip": [day.isoformat() for day in thursdays[:26]]})
    assert page.context["page"].rows[0].on == thursdays[26]
    page = as_dana.get(NEW, asked | {"skip": [day.isoformat() for day in thursdays]})
    assert page.context["form"].errors == {
        "first_on": ["27 dates are left out already. Choose another first day, time or therapist."]
    }
    assert "page" not in page.context
