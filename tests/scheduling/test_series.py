"""Series: dates by the rule, the same time by the wall through every clock change, and all of it or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.models import Appointment, Series, StatusChange
from clinic.scheduling.offers import Occurrence, preview_series
from clinic.scheduling.series import dates, visits
from clinic.scheduling.services import ChosenVisit, SlotTaken, add_time_off, book_series
from tests.factories import BEFORE, ClientFactory, RoomFactory, TherapistFactory
from tests.scheduling.conftest import Book, at
from tests.scheduling.test_slots import DAYS, ZONES

LISBON = ZoneInfo("Europe/Lisbon")
THURSDAY = date(2026, 11, 26)

# --- Dates


@given(DAYS, st.sampled_from([1, 2, 4]), st.integers(1, 104), st.sets(st.integers(0, 30), max_size=8))
def test_dates_left_out_do_not_use_up_the_count(first: date, weeks: int, count: int, skipped: set[int]) -> None:
    leaving_out = {first + timedelta(weeks=weeks * number) for number in skipped}
    found = dates(first, weeks, count, leaving_out)
    assert len(found) == count
    assert found == sorted(set(found))
    assert not leaving_out & set(found)
    assert all((day - first).days % (7 * weeks) == 0 for day in found)


@given(ZONES, DAYS, st.sampled_from([1, 2, 4]), st.times())
def test_every_visit_is_at_the_same_time_by_the_wall(zone: ZoneInfo, first: date, weeks: int, at_time: time) -> None:
    at_time = at_time.replace(second=0, microsecond=0, fold=0)
    found = visits(dates(first, weeks, 30), at_time, zone)
    assert [visit.starts_at for visit in found] == sorted(visit.starts_at for visit in found)
    for visit in found:
        shown = visit.starts_at.astimezone(zone)
        if shown.time() != at_time:  # the clocks skip it that day: the same span later
            assert shown.replace(tzinfo=None) > datetime.combine(visit.on, at_time)
            assert shown.replace(tzinfo=None) - datetime.combine(visit.on, at_time) <= timedelta(days=1)
        else:
            assert shown.date() == visit.on
            assert shown.fold == 0  # a time that comes twice is the first


def test_a_time_that_the_clocks_skip_moves_forward_that_day_only() -> None:
    found = visits(dates(date(2027, 3, 21), 1, 3), time(1, 30), LISBON)
    assert [visit.starts_at.astimezone(LISBON).time() for visit in found] == [time(1, 30), time(2, 30), time(1, 30)]


def test_a_change_of_the_clocks_is_told_once() -> None:
    found = visits(dates(date(2026, 10, 15), 1, 4), time(10), LISBON)
    assert [visit.clocks_changed for visit in found] == [False, False, True, False]
    assert [visit.starts_at.hour for visit in found] == [9, 9, 10, 10]


# --- The preview


@pytest.fixture
def preview(alice: Client, service: Service, bea: Therapist, location: Location, hours: None, now: datetime):
    def look(count: int = 3, first_on: date = THURSDAY, at_time: time = time(10)) -> list[Occurrence]:
        return preview_series(
            now=now,
            client=alice,
            service=service,
            therapist=bea,
            location=location,
            first_on=first_on,
            at_time=at_time,
            every_weeks=1,
            count=count,
        )

    return look


def test_each_date_is_free_with_its_room_or_says_why_not(preview, bea: Therapist, room: Room) -> None:
    add_time_off(by=None, now=BEFORE, therapist=bea, starts_at=at(0, day=26), ends_at=at(0, day=28), reason="Course")
    first, second, _third = preview()
    assert first.problem == "Course: Thu 26 Nov to Fri 27 Nov."
    assert first.room is None
    assert (second.problem, second.room, second.alternatives) == ("", room, [])


def test_a_conflict_offers_the_same_day_another_therapist_and_the_next_day(
    preview, book: Book, location: Location, hours: None
) -> None:
    from tests.scheduling.test_services import works_like_bea

    ruth = works_like_bea(RoomFactory(location=location, name="Garden room"))
    book(at(10, day=26), client=ClientFactory())
    ways = preview()[0].alternatives
    assert [(way.words, way.starts_at, way.therapist.user.first_name) for way in ways] == [
        ("Same day, Bea", at(11, 15, day=26), "Bea"),
        ("Same time, Ruth Adeyemi", at(10, day=26), "Ruth"),
        ("Next day Bea works", at(10, day=27), "Bea"),
    ]
    assert ruth == ways[1].therapist


def test_nobody_is_offered_who_may_not_give_it(preview, book: Book, location: Location, hours: None) -> None:
    from tests.scheduling.test_services import works_like_bea

    ruth = works_like_bea(RoomFactory(location=location, name="Garden room"))
    ruth.qualifications.all().delete()
    book(at(10, day=26), client=ClientFactory())
    assert "Same time, Ruth Adeyemi" not in [way.words for way in preview()[0].alternatives]


def test_the_clients_own_other_visits_are_in_the_way(preview, book: Book, location: Location) -> None:
    other = TherapistFactory(user__name="Ruth Adeyemi", usual_room=RoomFactory(location=location, name="Garden room"))
    book(at(10, day=26), therapist=other, override_reason="as a guest")
    assert preview()[0].problem == "The client has another visit until 11:00."


def test_it_tells_that_the_clocks_have_changed(preview) -> None:
    notes = [one.note for one in preview(count=20)]
    assert [note for note in notes if note] == ["clocks have changed, still 10:00"]


# --- Booking it


@pytest.fixture
def book_all(
    dana: User, alice: Client, service: Service, bea: Therapist, location: Location, hours: None, now: datetime
):
    def do(*starts: datetime, **others: object) -> Series:
        wishes = {
            "by": dana,
            "now": now,
            "client": alice,
            "service": service,
            "therapist": bea,
            "location": location,
            "first_on": THURSDAY,
            "at_time": time(10),
            "every_weeks": 1,
            "count": max(len(starts), 1),
            "chosen": [ChosenVisit(start, bea) for start in starts],
            "idempotency_key": uuid4(),
        }
        return book_series(**wishes | others)

    return do


def test_it_books_every_chosen_visit_and_records_each(book_all, dana: User, room: Room) -> None:
    series = book_all(at(10, day=26), datetime(2026, 12, 3, 10, tzinfo=UTC))
    assert [(visit.room, visit.booked_by) for visit in series.appointments.all()] == [(room, dana)] * 2
    assert StatusChange.objects.filter(appointment__series=series, after="booked", by=dana).count() == 2


def test_it_books_all_or_nothing_and_names_every_refusal(book_all, book: Book) -> None:
    book(at(10, day=26), client=ClientFactory())
    book(at(14, day=27), client=ClientFactory())
    with pytest.raises(SlotTaken) as refused:
        book_all(at(10, day=26), at(14, day=27), at(10, day=30))
    assert refused.value.messages == [
        "Thu 26 Nov, 10:00: Bea has another visit until 11:15.",
        "Fri 27 Nov, 14:00: Bea has another visit until 15:15.",
    ]
    assert not Series.objects.exists()
    assert Appointment.objects.count() == 2


def test_two_visits_of_a_series_never_lie_on_each_other(book_all) -> None:
    with pytest.raises(SlotTaken):
        book_all(at(10, day=26), at(10, 30, day=26))
    assert not Appointment.objects.exists()


def test_the_same_series_sent_twice_is_booked_once(book_all) -> None:
    key = uuid4()
    first = book_all(at(10, day=26), idempotency_key=key)
    assert book_all(at(10, day=26), idempotency_key=key) == first
    with pytest.raises(ValidationError, match="with other wishes"):
        book_all(at(10, day=26), idempotency_key=key, at_time=time(11))


@pytest.mark.parametrize("others", ["another time", "fewer visits", "another therapist", "a longer rule"])
def test_the_same_form_with_other_visits_is_refused(book_all, bea: Therapist, location: Location, others: str) -> None:
    key, second = uuid4(), datetime(2026, 12, 3, 10, tzinfo=UTC)
    first = book_all(at(10, day=26), second, idempotency_key=key, count=2)
    ruth = TherapistFactory()
    wishes = {
        "another time": {"chosen": [ChosenVisit(at(10, day=26), bea), ChosenVisit(second + timedelta(hours=1), bea)]},
        "fewer visits": {"chosen": [ChosenVisit(second, bea)]},
        "another therapist": {"chosen": [ChosenVisit(at(10, day=26), bea), ChosenVisit(second, ruth)]},
        "a longer rule": {"count": 3},
    }
    with pytest.raises(ValidationError, match="with other wishes"):
        book_all(at(10, day=26), second, idempotency_key=key, **{"count": 2} | wishes[others])
    assert book_all(second, at(10, day=26), idempotency_key=key, count=2) == first  # the order says nothing


def test_a_qualification_must_last_to_the_end_of_the_series(book_all, bea: Therapist) -> None:
    bea.qualifications.update(expires_on=date(2026, 11, 28))
    with pytest.raises(ValidationError, match="may not give"):
        book_all(at(10, day=26), datetime(2026, 12, 3, 10, tzinfo=UTC))


@pytest.mark.parametrize("count", [0, 105])
def test_a_series_has_one_to_a_hundred_and_four_visits(book_all, count: int) -> None:
    with pytest.raises(ValidationError, match="A series has 1 to 104 visits"):
        book_all(*([at(10, day=26)] * count), count=count)


def test_a_year_of_visits_costs_as_many_queries_as_a_month(book_all, django_assert_num_queries) -> None:
    for weeks, first in ((4, 2), (52, 10)):
        starts = [datetime(2026, 12, first, 10, tzinfo=UTC) + timedelta(weeks=number) for number in range(weeks)]
        by_wall = [(start.astimezone(LISBON).replace(hour=10)).astimezone(UTC) for start in starts]
        if weeks == 52:
            by_wall = [start + timedelta(hours=4) for start in by_wall]
        with django_assert_num_queries(QUERIES):
            book_all(*by_wall)


QUERIES = 16
