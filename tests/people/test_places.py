"""The owner keeps locations, their hours and their rooms; what visits need is not taken from under them."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from clinic.people.emergencies import emergency_number
from clinic.people.models import Location, OpeningHours, Room
from clinic.people.opening import OpenSpan, opening_lines, overlap_in
from clinic.people.services.archiving import archive, bring_back
from clinic.people.services.places import add_location, set_opening_hours, update_location
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import add_weekly_hours, book_appointment, cancel_appointment
from tests.factories import ClientFactory, LocationFactory, RoomFactory, ServiceFactory

MORNING, NOON, EVENING = time(9), time(13), time(18)


@pytest.fixture
def hill(clinic) -> Location:
    return LocationFactory(name="Hillside", time_zone="Europe/Lisbon", address="Rua da Colina 7")


@pytest.fixture
def visit(now, dana, bea, alice, location, room):
    add_weekly_hours(
        by=None, now=now, therapist=bea, location=location, weekday=now.weekday(), opens=time(8), closes=time(18),
        valid_from=now.date(),
    )  # fmt: skip
    return book_appointment(
        by=dana, now=now, client=alice, service=ServiceFactory(), therapist=bea, location=location,
        starts_at=now + timedelta(hours=3),
    )  # fmt: skip


def typed_location(**changes: str) -> dict[str, str]:
    return {
        "name": "Riverside",
        "address": "Cais 3, Porto",
        "time_zone": "Europe/Lisbon",
        "phone": "+351 210 000 030",
        "emergency_number": "",
        "directions": "Tram 1, last stop.",
    } | changes


# ---- locations ----


def test_the_owner_adds_a_location(as_olga, now):
    answer = as_olga.post("/settings/locations/new/", typed_location())
    added = Location.objects.get(name="Riverside")
    assert answer["Location"] == f"/settings/locations/{added.pk}/"
    assert (str(added.phone), added.directions) == ("+351210000030", "Tram 1, last stop.")
    page = as_olga.get(answer["Location"]).content.decode()
    assert "No room yet" in page
    assert "the clock there shows Thu 09:00" in page


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("name", "", "This field is required."),
        ("name", "Hillside", "Another location has this name"),
        ("phone", "none", "no phone number"),
        ("time_zone", "Europe/Nowhere", "Select a valid choice"),
        ("emergency_number", "call 112", "Only digits"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(as_olga, hill, field, typed, words):
    page = as_olga.post("/settings/locations/new/", typed_location(**{field: typed})).content.decode()
    assert words in page
    assert f'id="id_{field}_error"' in page
    assert "Tram 1, last stop." in page
    assert Location.objects.count() == 1


def test_a_location_is_changed_and_the_history_tells_by_whom(as_olga, olga, hill):
    as_olga.post(f"/settings/locations/{hill.pk}/edit/", typed_location(name="Hillside", address="Rua Nova 1"))
    hill.refresh_from_db()
    assert hill.address == "Rua Nova 1"
    event = history_of(hill)
    assert event.address == "Rua Nova 1"
    assert event.pgh_context["by"] == olga.pk


def history_of(place: Location) -> Any:
    return apps.get_model("people", f"{type(place).__name__}Event").objects.filter(pgh_obj_id=place.pk).latest("pgh_id")


def test_a_zone_that_is_in_no_list_stays(as_olga, clinic):
    place = LocationFactory(name="Ship", time_zone="UTC")
    as_olga.post(f"/settings/locations/{place.pk}/edit/", typed_location(name="Ship", time_zone="UTC"))
    place.refresh_from_db()
    assert (place.time_zone, place.address) == ("UTC", "Cais 3, Porto")


def test_a_zone_cannot_change_under_visits_to_come(as_olga, visit, location):
    changed = typed_location(name=location.name, time_zone="Europe/Paris")
    page = as_olga.post(f"/settings/locations/{location.pk}/edit/", changed).content.decode()
    assert "A visit is booked by the old clock: Thu 19 Nov, 12:00 would become Thu 19 Nov, 13:00." in page
    location.refresh_from_db()
    assert location.time_zone == "Europe/Lisbon"


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.NO_SHOW])
def test_a_zone_cannot_change_over_visits_that_were(as_olga, visit, location, olga, now, status):
    Appointment.objects.update(status=status)
    later = now + timedelta(days=400)
    with pytest.raises(ValidationError, match="Earlier visits stand by the old clock: Thu 19 Nov, 12:00 would become"):
        update_location(by=olga, now=later, location=location, time_zone="Europe/Paris")
    update_location(by=olga, now=later, location=location, time_zone="Europe/London")
    location.refresh_from_db()
    assert location.time_zone == "Europe/London"


def test_a_zone_with_the_same_clock_is_no_change_for_visits(visit, location, olga, now):
    update_location(by=olga, now=now, location=location, time_zone="Europe/London")
    location.refresh_from_db()
    assert location.zone == ZoneInfo("Europe/London")


def test_a_zone_may_change_once_the_visits_are_cancelled(visit, location, olga, now):
    cancel_appointment(by=olga, now=now, appointment=visit)
    update_location(by=olga, now=now, location=location, time_zone="Europe/Paris")
    location.refresh_from_db()
    assert location.time_zone == "Europe/Paris"


def test_a_location_with_visits_to_come_is_not_archived(as_olga, visit, location):
    answer = as_olga.post(f"/settings/locations/{location.pk}/archive/", follow=True)
    assert "A visit is still to come here, on Thu 19 Nov, 12:00. Move or cancel it first." in answer.content.decode()
    location.refresh_from_db()
    assert location.archived_at is None


@pytest.mark.parametrize(("minutes", "is_archived"), [(1, False), (0, True), (-1, True)])
def test_a_hold_stands_against_archiving_until_it_has_run_out(visit, olga, now, minutes, is_archived):
    Appointment.objects.update(status=Status.HELD, held_until=now + timedelta(minutes=minutes))
    if is_archived:
        assert archive(by=olga, now=now, thing=visit.room).archived_at == now
    else:
        with pytest.raises(ValidationError, match="still to come"):
            archive(by=olga, now=now, thing=visit.room)


def test_a_room_with_visits_to_come_is_not_archived_and_another_one_is(as_olga, visit, location):
    other = RoomFactory(location=location, name="Room 9")
    for room in (visit.room, other):
        as_olga.post(f"/settings/rooms/{room.pk}/archive/")
        room.refresh_from_db()
    assert visit.room.archived_at is None
    assert other.archived_at is not None


def test_an_archived_location_is_offered_nowhere_and_comes_back(as_olga, as_dana, hill, location):
    as_olga.post(f"/settings/locations/{hill.pk}/archive/")
    assert "archived" in as_olga.get("/settings/locations/").content.decode()
    assert "Hillside" not in as_dana.get("/day/").content.decode()
    as_olga.post(f"/settings/locations/{hill.pk}/bring-back/")
    hill.refresh_from_db()
    assert hill.archived_at is None


def test_whoever_still_has_the_form_open_cannot_book_in_an_archived_location(now, olga, dana, bea, location, room):
    seen = Location.objects.get(pk=location.pk)  # as the open form knows it
    add_weekly_hours(
        by=None, now=now, therapist=bea, location=location, weekday=now.weekday(), opens=time(8), closes=time(18),
        valid_from=now.date(),
    )  # fmt: skip
    archive(by=olga, now=now, thing=location)
    with pytest.raises(ValidationError):
        book_appointment(
            by=dana, now=now, client=ClientFactory(), service=ServiceFactory(), therapist=bea, location=seen,
            starts_at=now + timedelta(hours=3),
        )  # fmt: skip


def test_archiving_twice_and_bringing_back_twice_is_no_error(olga, now, hill):
    archived = archive(by=olga, now=now, thing=hill).archived_at
    assert archive(by=olga, now=now + timedelta(days=1), thing=hill).archived_at == archived
    assert bring_back(by=olga, now=now, thing=hill).archived_at is None
    assert bring_back(by=olga, now=now, thing=hill).archived_at is None


def test_the_list_of_locations_costs_the_same_for_one_and_for_many(as_olga, hill):
    before = queries_of(as_olga, "/settings/locations/")
    for place in LocationFactory.create_batch(5):
        RoomFactory.create_batch(3, location=place)
    assert queries_of(as_olga, "/settings/locations/") == before


def queries_of(browser: Browser, url: str) -> int:
    browser.get(url)  # what is asked once per process is asked now
    with CaptureQueriesContext(connection) as captured:
        browser.get(url)
    return len(captured)


def test_the_page_of_a_location_costs_the_same_for_one_room_and_for_many(as_olga, hill):
    url = f"/settings/locations/{hill.pk}/"
    RoomFactory(location=hill)
    before = queries_of(as_olga, url)
    RoomFactory.create_batch(6, location=hill, features=["quiet", "dimmable"])
    assert queries_of(as_olga, url) == before


# ---- the emergency number ----


def test_a_location_without_an_emergency_number_has_the_clinics(clinic, hill):
    assert emergency_number(hill) == "112"
    assert emergency_number(None) == "112"
    hill.emergency_number = "999"
    assert emergency_number(hill) == "999"


# ---- opening hours ----


def spans(day: int, *pairs: tuple[time, time]) -> list[OpenSpan]:
    return [OpenSpan(day, opens, closes) for opens, closes in pairs]


def test_a_week_is_told_in_few_lines():
    week = [span for day in range(4) for span in spans(day, (MORNING, NOON), (time(14), EVENING))]
    week += spans(5, (time(10), time(14)))
    lines = [(line.days, line.hours) for line in opening_lines(week)]
    assert lines == [("Mon–Thu", "09:00–13:00, 14:00–18:00"), ("Fri", ""), ("Sat", "10:00–14:00"), ("Sun", "")]


def test_without_hours_there_is_nothing_to_tell():
    assert opening_lines([]) == []


def test_overlapping_spans_are_found_on_one_day_only():
    assert "before it closes at 13:00" in overlap_in([*spans(0, (MORNING, NOON), (time(12), EVENING))])
    assert overlap_in([*spans(0, (MORNING, NOON)), *spans(1, (time(12), EVENING))]) == ""
    assert overlap_in(spans(0, (MORNING, NOON), (NOON, EVENING))) == ""


def typed_week(**times: str) -> dict[str, str]:
    empty = {f"day{day}-{name}{n}": "" for day in range(7) for n in range(2) for name in ("opens", "closes")}
    return empty | {name.replace("_", "-"): value for name, value in times.items()}


def test_the_owner_enters_a_week_with_a_pause_and_closed_days(as_olga, hill):
    typed = typed_week(
        day0_opens0="09:00", day0_closes0="13:00", day0_opens1="14:00", day0_closes1="18:00", day2_opens0="10:00",
        day2_closes0="16:00",
    )  # fmt: skip
    as_olga.post(f"/settings/locations/{hill.pk}/hours/", typed)
    assert set(OpeningHours.objects.values_list("weekday", "opens", "closes")) == {
        (0, MORNING, NOON),
        (0, time(14), EVENING),
        (2, time(10), time(16)),
    }
    page = as_olga.get(f"/settings/locations/{hill.pk}/").content.decode()
    assert "09:00–13:00, 14:00–18:00" in page


def test_the_form_shows_the_hours_as_they_are_and_room_for_one_more(as_olga, olga, now, hill):
    set_opening_hours(by=olga, now=now, location=hill, spans=spans(0, (MORNING, NOON), (time(14), EVENING)))
    page = as_olga.get(f"/settings/locations/{hill.pk}/hours/").content.decode()
    assert 'name="day0-opens1" type="time" value="14:00"' in page
    assert 'name="day0-opens2"' in page
    assert 'name="day1-opens0"' in page
    assert 'name="day1-opens1"' not in page
    assert 'name="day0-opens3"' not in page


def test_what_stays_open_is_not_written_anew(olga, now, hill):
    set_opening_hours(by=olga, now=now, location=hill, spans=[*spans(0, (MORNING, NOON)), *spans(1, (MORNING, NOON))])
    kept = OpeningHours.objects.get(weekday=0).pk
    set_opening_hours(
        by=olga, now=now, location=hill, spans=[*spans(0, (MORNING, NOON)), *spans(1, (MORNING, EVENING))]
    )
    assert OpeningHours.objects.get(weekday=0).pk == kept
    assert OpeningHours.objects.get(weekday=1).closes == EVENING


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"day1_opens0": "09:00"}, "day1-closes0", "When does it close?"),
        ({"day1_closes0": "18:00"}, "day1-opens0", "When does it open?"),
        ({"day1_opens0": "18:00", "day1_closes0": "02:00"}, "day1-closes0", "a night is two days"),
        ({"day1_opens0": "25:00", "day1_closes0": "26:00"}, "day1-opens0", "Enter a valid time."),
        (
            {"day1_opens0": "09:00", "day1_closes0": "13:00", "day1_opens1": "12:00", "day1_closes1": "18:00"},
            "day1-opens1",
            "only after it has closed",
        ),
    ],
)
def test_hours_that_cannot_be_are_said_beside_their_field(as_olga, hill, typed, field, words):
    typed = typed_week(**{"day3_opens0": "08:15", "day3_closes0": "12:00"} | typed)
    page = as_olga.post(f"/settings/locations/{hill.pk}/hours/", typed).content.decode()
    assert words in page
    assert f'id="id_{field}_error"' in page
    assert 'name="day3-opens0" type="time" value="08:15"' in page
    assert not OpeningHours.objects.exists()


def test_the_service_itself_refuses_overlaps(olga, now, hill):
    with pytest.raises(ValidationError, match="before it closes"):
        set_opening_hours(by=olga, now=now, location=hill, spans=spans(0, (MORNING, EVENING), (NOON, time(20))))
    with pytest.raises(ValidationError):
        set_opening_hours(by=olga, now=now, location=hill, spans=spans(0, (EVENING, MORNING)))
    assert not OpeningHours.objects.exists()


def test_monday_is_copied_to_the_working_week_without_saving(as_olga, hill):
    typed = typed_week(day0_opens0="08:30", day0_closes0="17:00", day5_opens0="10:00", day5_closes0="12:00")
    page = as_olga.post(f"/settings/locations/{hill.pk}/hours/", typed | {"copy": "1"}).content.decode()
    assert page.count('value="08:30"') == 5
    assert page.count('value="10:00"') == 1
    assert not OpeningHours.objects.exists()


def test_a_client_reads_the_hours_of_the_place_on_her_home_page(as_alice, olga, now, location):
    set_opening_hours(by=olga, now=now, location=location, spans=spans(0, (MORNING, EVENING)))
    page = as_alice.get("/me/").content.decode()
    assert "Harbour Street is open" in page
    assert "09:00–18:00" in page


# ---- rooms ----


def test_the_owner_adds_and_changes_a_room(as_olga, hill):
    as_olga.post(f"/settings/locations/{hill.pk}/rooms/new/", {"name": "Attic", "features": ["quiet", "dimmable"]})
    room = Room.objects.get(location=hill)
    assert "quiet, dimmable light" in as_olga.get(f"/settings/locations/{hill.pk}/").content.decode()
    as_olga.post(f"/settings/rooms/{room.pk}/", {"name": "Attic room", "features": ["scent_free"]})
    room.refresh_from_db()
    assert (room.name, room.features) == ("Attic room", ["scent_free"])


@pytest.mark.parametrize("typed", [{"name": ""}, {"name": "Attic", "features": ["sauna"]}, {"name": "a" * 41}])
def test_a_room_that_cannot_be_is_refused(as_olga, hill, typed):
    assert as_olga.post(f"/settings/locations/{hill.pk}/rooms/new/", typed).status_code == 200
    assert not Room.objects.exists()


def test_two_rooms_of_a_location_do_not_share_a_name_but_those_of_two_may(as_olga, hill, location, room):
    page = as_olga.post(f"/settings/locations/{location.pk}/rooms/new/", {"name": "Room 1"}).content.decode()
    assert "Another room here has this name" in page
    as_olga.post(f"/settings/locations/{hill.pk}/rooms/new/", {"name": "Room 1"})
    assert Room.objects.filter(name="Room 1").count() == 2


def test_archived_rooms_are_folded_away(as_olga, olga, now, hill):
    archive(by=olga, now=now, thing=RoomFactory(location=hill, name="Cellar"))
    page = as_olga.get(f"/settings/locations/{hill.pk}/").content.decode()
    assert "1 archived room" in page
    assert "No room yet" in page


def test_a_finished_visit_is_not_in_the_way(visit, location, olga, now):
    visit.status = Status.NO_SHOW
    visit.save(update_fields=["status"])
    assert archive(by=olga, now=now, thing=location).archived_at == now


def test_the_name_is_unique_also_for_the_service(olga, now, hill):
    with pytest.raises(ValidationError):
        add_location(by=olga, now=now, name="Hillside", time_zone="Europe/Lisbon")
