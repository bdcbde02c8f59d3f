"""Calendar feeds: what other calendars read, at which wall-clock time, and for how long the address opens it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar, Event

from clinic.lib.logs import DiscreetFormatter, without_tokens
from clinic.people.models import Client, ClientAccess, Location, Service, Therapist, User
from clinic.people.services.merging import merge_clients
from clinic.scheduling import ical
from clinic.scheduling.feeds import file_of, make_feed, revoke_feed
from clinic.scheduling.models import Appointment, CalendarFeed, Status
from clinic.scheduling.services import (
    add_weekly_hours,
    book_appointment,
    cancel_appointment,
    change_status,
    move_appointment,
)
from tests.factories import (
    BEFORE,
    ClientFactory,
    LocationFactory,
    RoomFactory,
    ServiceFactory,
    TherapistFactory,
    give_login,
)
from tests.scheduling.conftest import Book, at

NEW_YORK = ZoneInfo("America/New_York")


def read(token: str, **headers: str) -> HttpResponse:
    return Browser().get(reverse("scheduling:calendar-feed", args=[token]), headers=headers)


def calendar_at(token: str) -> Calendar:
    answer = read(token)
    assert answer.status_code == 200, answer.status_code
    return Calendar.from_ical(answer.content)


def events_at(token: str) -> list[Event]:
    return list(calendar_at(token).events)


@pytest.fixture
def hers(alice: Client, alice_user: User, now: datetime) -> str:
    """The secret of Alice's own feed."""
    return make_feed(by=alice_user, now=now, client=alice)


@pytest.fixture
def beas(bea: Therapist, now: datetime) -> str:
    """The secret of Bea's feed."""
    return make_feed(by=bea.user, now=now, client=None)


# --- What stands there


def test_a_therapist_reads_initials_length_and_room_and_not_a_word_more(book: Book, beas: str, alice: Client):
    alice.preferred_name = "Alice"
    service = ServiceFactory(name="Deep neck work for migraine")
    book(at(10), service=service)
    (event,) = events_at(beas)
    assert str(event["SUMMARY"]) == "A. M., 60 min, Room 1"
    assert str(event["LOCATION"]) == "Harbour Street"
    written = read(beas).content.decode()
    for word in ("Alice", "Marques", "migraine", "Myofascial", "alice@example.org", "neck"):
        assert word not in written


def test_a_client_reads_when_where_and_with_whom_and_not_what_for(book: Book, hers: str, location: Location):
    location.address, location.phone = "12 Harbour Street, Lisbon", "+351210000000"
    location.save()
    book(at(10), service=ServiceFactory(name="Deep neck work for migraine"))
    (event,) = events_at(hers)
    assert str(event["SUMMARY"]) == "Appointment with Bea"
    assert str(event["LOCATION"]) == "Harbour Street, 12 Harbour Street, Lisbon"
    assert "+351 21 000 0000" in str(event["DESCRIPTION"])
    written = re.sub(r"\r\n ", "", read(hers).content.decode()).lower()
    assert "migraine" not in written
    assert "myofascial" not in written


def test_each_reads_only_what_is_hers(book: Book, hers: str, carl: User, now: datetime, location: Location):
    other = Client.objects.get(email="carl@example.org")
    book(at(10))
    book(at(14), client=other)
    carls = make_feed(by=carl, now=now, client=other)
    assert [event.start.hour for event in events_at(hers)] == [10]
    assert [event.start.hour for event in events_at(carls)] == [14]


def test_a_therapist_reads_only_the_visits_that_she_gives(
    book: Book, beas: str, location: Location, now: datetime, dana: User, service: Service
):
    ruth = TherapistFactory(usual_room=RoomFactory(location=location, name="Garden room"))
    work(ruth, location)
    book(at(10))
    book(at(10), therapist=ruth, client=ClientFactory())
    assert len(events_at(beas)) == 1
    assert len(events_at(make_feed(by=ruth.user, now=now, client=None))) == 1


def test_it_reaches_from_a_month_ago_to_a_year_ahead(book: Book, beas: str, now: datetime):
    for days in (-35, -28, 1, 364, 371):
        starts_at = datetime.combine(now.date() + timedelta(days=days), time(12), UTC)
        book(starts_at, client=ClientFactory(), override_reason="moved from the paper book")
    starts = [event.start.date() - now.date() for event in events_at(beas)]
    assert [start.days for start in starts] == [-28, 1, 364]


def test_a_request_or_a_hold_is_no_visit_yet(book: Book, hers: str, beas: str):
    held = book(at(10))
    Appointment.objects.filter(pk=held.pk).update(status=Status.HELD, held_until=at(12))
    asked = book(at(14))
    Appointment.objects.filter(pk=asked.pk).update(status=Status.REQUESTED)
    assert events_at(hers) == events_at(beas) == []


def test_a_hold_that_was_never_confirmed_is_not_told_as_cancelled(book: Book, hers: str):
    held = book(at(10))
    # As a hold that ran out: its steps are those of nobody's promise.
    never = Appointment.objects.get(pk=held.pk)
    never.pk, never.status = None, Status.CANCELLED
    never.save()
    Appointment.objects.filter(pk=held.pk).update(status=Status.REQUESTED)
    assert events_at(hers) == []


# --- Versions


def test_a_moved_visit_is_the_same_one_with_a_higher_number(book: Book, hers: str, dana: User, now: datetime):
    visit = book(at(10))
    (before,) = events_at(hers)
    move_appointment(by=dana, now=now + timedelta(minutes=1), appointment=visit, starts_at=at(15))
    (after,) = events_at(hers)
    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 1)
    assert (before.start.hour, after.start.hour) == (10, 15)
    assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt


@pytest.mark.parametrize("off", [Status.CANCELLED, Status.LATE_CANCELLED, Status.NO_SHOW])
def test_a_visit_that_is_called_off_says_so(book: Book, hers: str, beas: str, dana: User, off: Status):
    visit = book(at(10))
    change_status(by=dana, now=at(10, 5), appointment=visit, to=off)
    for token in (hers, beas):
        (event,) = events_at(token)
        assert str(event["STATUS"]) == "CANCELLED"
        assert str(event["SUMMARY"]).startswith("Cancelled: ")
        assert event["SEQUENCE"] == 1


def test_an_unchanged_feed_is_not_sent_again(book: Book, hers: str, dana: User, now: datetime):
    visit = book(at(10, day=24))
    first = read(hers)
    again = read(hers, if_none_match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    cancel_appointment(by=dana, now=now, appointment=visit)
    changed = read(hers, if_none_match=first["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_the_same_visits_give_the_same_bytes(book: Book, hers: str):
    book(at(10))
    assert read(hers).content == read(hers).content


# --- Times


def work(therapist: Therapist, location: Location) -> None:
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=therapist,
            location=location,
            weekday=weekday,
            opens=time(0),
            closes=time(23, 59),
            valid_from=date(2026, 1, 1),
        )


@pytest.fixture
def in_new_york(dana: User, alice: Client, service: Service, now: datetime) -> Callable[..., Appointment]:
    """Return a function that books Alice in New York by the wall there."""
    location = LocationFactory(name="Hudson", time_zone="America/New_York")
    ruth = TherapistFactory(usual_room=RoomFactory(location=location, name="Loft"))
    work(ruth, location)

    def do(wall: str, fold: int = 0) -> Appointment:
        starts_at = datetime.fromisoformat(wall).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)
        return book_appointment(
            by=dana,
            now=now,
            client=alice,
            service=service,
            therapist=ruth,
            location=location,
            starts_at=starts_at,
        )

    return do


def by_its_own_rules(calendar: Calendar, event: Event) -> datetime:
    """Return when an event starts as an application reads it that knows nothing but what the file says."""
    written = event["DTSTART"]
    rules = tzical(StringIO(calendar.to_ical().decode()))
    return written.dt.replace(tzinfo=rules.get(written.params["TZID"])).astimezone(UTC)


@pytest.mark.parametrize(
    "wall",
    [
        "2027-03-12T09:00",  # before the clocks go forward
        "2027-03-14T09:00",  # that day
        "2027-03-14T03:00",  # the first minute after it
        "2027-03-15T09:00",
        "2027-10-31T09:00",
        "2027-11-07T00:30",  # just before they go back
        "2027-11-07T09:00",  # that day
        "2027-11-08T09:00",
    ],
)
def test_a_visit_keeps_its_wall_clock_time_across_a_change(
    wall: str, in_new_york: Callable[..., Appointment], hers: str
):
    visit = in_new_york(wall)
    calendar = calendar_at(hers)
    (event,) = calendar.events
    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert event["DTSTART"].dt.replace(tzinfo=None) == datetime.fromisoformat(wall)
    assert by_its_own_rules(calendar, event) == visit.starts_at


def test_the_second_of_two_equal_wall_times_is_told_in_utc(in_new_york: Callable[..., Appointment], hers: str):
    visit = in_new_york("2027-11-07T01:30", fold=1)
    (event,) = events_at(hers)
    assert event["DTSTART"].dt == visit.starts_at
    assert event["DTSTART"].dt.utcoffset() == timedelta(0)


def test_visits_in_two_zones_bring_the_rules_of_both(book: Book, in_new_york: Callable[..., Appointment], hers: str):
    book(at(10))
    in_new_york("2026-11-24T10:00")
    calendar = calendar_at(hers)
    assert {str(zone["TZID"]) for zone in calendar.timezones} == {"Europe/Lisbon", "America/New_York"}
    lisbon, new_york = calendar.events
    assert (lisbon.start.hour, new_york.start.hour) == (10, 10)
    assert by_its_own_rules(calendar, new_york) == datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    ["Europe/Lisbon", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"],
)
def test_the_rules_of_a_zone_agree_with_its_clocks_at_every_hour(name: str):
    calendar = Calendar()
    calendar.add_component(ical._zone(name, date(2026, 1, 1), date(2028, 1, 1)))
    rules, zone = tzical(StringIO(calendar.to_ical().decode())).get(name), ZoneInfo(name)
    wall = datetime.fromisoformat("2026-02-01")
    while wall.year < 2028:
        ours, known = wall.replace(tzinfo=rules), wall.replace(tzinfo=zone)
        # The hour that is skipped, and the one that comes twice, have no one answer.
        if known.utcoffset() == known.replace(fold=1).utcoffset():
            assert ours.utcoffset() == known.utcoffset(), wall
        wall += timedelta(minutes=30)


# --- Who reads


def test_strangers_get_nothing(hers: str):
    assert read("guess").status_code == 404
    assert read(hers + "x").status_code == 404
    assert read(hers[:-1]).status_code == 404


def test_a_new_address_ends_the_old_one(hers: str, alice: Client, alice_user: User, now: datetime):
    renewed = make_feed(by=alice_user, now=now, client=alice)
    assert read(hers).status_code == 404
    assert read(renewed).status_code == 200


def test_an_address_that_was_taken_back_opens_nothing(hers: str, alice: Client, alice_user: User, now: datetime):
    revoke_feed(by=alice_user, now=now, client=alice)
    assert read(hers).status_code == 404


def test_the_address_is_kept_only_as_a_digest(hers: str):
    assert len(hers) >= 43
    feed = CalendarFeed.objects.get()
    assert hers not in json.dumps({name: str(value) for name, value in vars(feed).items()})


def test_there_is_one_address_at_a_time(hers: str, alice: Client, alice_user: User, now: datetime):
    with pytest.raises(IntegrityError, match="calendar_feed_has_one_address"), transaction.atomic():
        CalendarFeed.objects.create(user=alice_user, client=alice, digest="0" * 64, made_at=now)


def test_a_guardian_who_no_longer_acts_for_her_reads_nothing(alice: Client, hers: str, alice_user: User):
    ClientAccess.objects.filter(user=alice_user).delete()
    assert read(hers).status_code == 404


def test_two_records_made_one_are_read_as_one_and_the_old_address_can_be_taken_back(
    book: Book, alice: Client, dana: User, now: datetime
):
    twin = ClientFactory(legal_name="Ali Marques", email="ali@example.org")
    her_login = give_login(twin)
    old = make_feed(by=her_login, now=now, client=twin)
    book(at(10))
    book(at(14), client=twin)
    assert [event.start.hour for event in events_at(old)] == [14]
    merge_clients(by=dana, now=now, kept=alice, gone=twin)
    assert [event.start.hour for event in events_at(old)] == [10, 14]
    revoke_feed(by=her_login, now=now, client=alice)
    assert read(old).status_code == 404


def test_a_login_that_has_ended_reads_nothing(hers: str, beas: str):
    User.objects.update(is_active=False)
    assert read(hers).status_code == read(beas).status_code == 404


def test_a_therapist_who_has_left_reads_nothing(beas: str, bea: Therapist, now: datetime):
    Therapist.objects.filter(pk=bea.pk).update(archived_at=now)
    assert read(beas).status_code == 404


def test_the_staff_role_alone_gives_no_client_feed(bea: Therapist, alice: Client, now: datetime):
    token = make_feed(by=bea.user, now=now, client=alice)
    assert read(token).status_code == 404


def test_reading_too_often_is_refused_for_a_while(hers: str, now: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("clinic.scheduling.views_feeds.READINGS_AN_HOUR", 3)
    assert [read(hers).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(read(hers)["Retry-After"]) > 0


def test_guessing_too_often_is_refused_while_the_known_address_still_opens(
    hers: str, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("clinic.scheduling.views_feeds.GUESSES_AN_HOUR", 2)
    assert [read("guess").status_code for _ in range(3)] == [404, 404, 429]
    assert read(hers).status_code == 200


def test_the_address_is_in_no_log(hers: str):
    path = reverse("scheduling:calendar-feed", args=[hers])
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "Not Found: %s", (path,), None)
    assert hers not in DiscreetFormatter().format(record)
    assert hers not in without_tokens(path)


def test_reading_writes_nothing_and_asks_few_questions_however_many_visits(book: Book, hers: str, now: datetime):
    def queries() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert read(hers).status_code == 200
        return [query["sql"] for query in asked]

    book(at(10))
    few = queries()
    for day in (20, 23, 24):
        book(at(10, day=day))
    many = queries()
    assert len(many) == len(few) <= 6
    assert not [sql for sql in many if re.match("INSERT|UPDATE|DELETE", sql)]


# --- The pages


def test_a_client_makes_renews_and_takes_back_her_address(as_alice: Browser, alice: Client, now: datetime):
    page = reverse("scheduling:client-calendar", args=[alice.pk])
    assert "No address is in use." in as_alice.get(page).content.decode()
    made = as_alice.post(page, {"make": ""}).content.decode()
    token = re.search(r"/calendar/([\w-]{43})\.ics", made).group(1)
    assert read(token).status_code == 200
    assert token not in as_alice.get(page).content.decode()
    as_alice.post(page, {"make": ""})
    assert read(token).status_code == 404
    as_alice.post(page, {"take_back": ""}, follow=True)
    assert not CalendarFeed.objects.filter(revoked_at__isnull=True).exists()


def test_a_therapist_makes_her_address(as_bea: Browser, book: Book, now: datetime):
    book(at(10))
    made = as_bea.post(reverse("scheduling:my-calendar"), {"make": ""}).content.decode()
    assert len(events_at(re.search(r"/calendar/([\w-]{43})\.ics", made).group(1))) == 1


def test_the_history_tells_of_addresses(hers: str, as_bea: Browser, alice: Client):
    told = as_bea.get(reverse("audit:client-history", args=[alice.pk])).content.decode()
    assert "calendar address made" in told
    assert hers not in told


# --- A file for one visit


def test_a_file_of_some_visits_is_a_calendar(book: Book):
    first, second = book(at(10)), book(at(14))
    book(at(16))
    calendar = Calendar.from_ical(file_of([first.pk, second.pk], "en"))
    assert [event.start.hour for event in calendar.events] == [10, 14]
    assert str(calendar["METHOD"]) == "PUBLISH"
