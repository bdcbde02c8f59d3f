"""What the calendar's script asks for: what is done, why it is not, and what is free instead."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from http import HTTPStatus

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import add_weekly_hours, book_appointment
from tests.factories import ClientFactory, LocationFactory, RoomFactory, ServiceFactory, TherapistFactory, modality

BEFORE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def at(hour: int, minute: int = 0, *, day: int = 19) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def service(db: None) -> Service:
    service: Service = ServiceFactory(name="Deep tissue, 60 min", modality=modality("deep_tissue"))
    return service


@pytest.fixture
def visit(
    dana: User, alice: Client, bea: Therapist, location: Location, service: Service, now: datetime
) -> Appointment:
    """Alice comes at ten; Bea works from nine to five."""
    for weekday in range(5):
        add_weekly_hours(
            by=None, now=BEFORE, therapist=bea, location=location, weekday=weekday,
            opens=time(9), closes=time(17), valid_from=date(2026, 1, 1),
        )  # fmt: skip
    return book(alice, bea, at(10), service, location, dana)


def book(
    client: Client, therapist: Therapist, starts_at: datetime, service: Service, location: Location, by: User
) -> Appointment:
    return book_appointment(
        by=by, now=BEFORE, client=client, service=service, therapist=therapist, location=location, starts_at=starts_at
    )


def put(browser: Browser, visit: Appointment, at: str, **said: object) -> tuple[int, dict[str, object]]:
    form = {"at": at, "location": visit.location_id} | said
    answer = browser.post(reverse("desk:visit-place", args=[visit.pk]), form)
    return answer.status_code, answer.json()


def stretch(browser: Browser, visit: Appointment, minutes: object, **said: object) -> tuple[int, dict[str, object]]:
    address, as_script = reverse("desk:visit-length", args=[visit.pk]), {"Accept": "application/json"}
    answer = browser.post(address, {"minutes": minutes} | said, headers=as_script)
    return answer.status_code, answer.json()


def test_it_says_where_the_visit_is_now_and_how_to_take_that_back(as_dana: Browser, visit: Appointment) -> None:
    status, said = put(as_dana, visit, "2026-11-20T14:15")
    assert (status, said["words"]) == (HTTPStatus.OK, "Alice Marques is moved: Fri 20 Nov, 14:15, Bea, Room 1.")
    assert said["undo"] == reverse("scheduling:appointment-undo", args=[visit.pk])
    visit.refresh_from_db()
    assert visit.starts_at == at(14, 15, day=20)


def test_a_taken_time_is_refused_with_what_is_free_nearest(
    as_dana: Browser, visit: Appointment, bea: Therapist, dana: User
) -> None:
    book(ClientFactory(), bea, at(13), visit.service, visit.location, dana)
    status, said = put(as_dana, visit, "2026-11-19T13:30")
    assert (status, said["words"]) == (HTTPStatus.CONFLICT, "Bea has another visit until 14:15.")
    free = said["next"]
    assert isinstance(free, list)
    assert free[0] == {"at": "2026-11-19T11:45", "therapist": bea.pk, "words": "Thu 19 Nov, 11:45, Bea"}
    assert free[1] == {"at": "2026-11-19T14:15", "therapist": bea.pk, "words": "Thu 19 Nov, 14:15, Bea"}
    visit.refresh_from_db()
    assert visit.starts_at == at(10)


def test_where_the_visit_stands_already_is_not_offered_instead(
    as_dana: Browser, visit: Appointment, bea: Therapist, dana: User
) -> None:
    book(ClientFactory(), bea, at(11, 15), visit.service, visit.location, dana)
    status, said = put(as_dana, visit, "2026-11-19T11:15", therapist=bea.pk)
    assert status == HTTPStatus.CONFLICT
    assert [one["at"] for one in said["next"]][:2] == ["2026-11-19T09:45", "2026-11-19T12:30"]


def test_outside_the_hours_it_asks_for_a_reason_and_takes_it(as_dana: Browser, visit: Appointment) -> None:
    status, said = put(as_dana, visit, "2026-11-19T18:00")
    assert status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "does not work" in str(said["words"])
    assert put(as_dana, visit, "2026-11-19T18:00", reason="after work")[0] == HTTPStatus.OK
    visit.refresh_from_db()
    assert (visit.starts_at, visit.override_reason) == (at(18), "after work")


def test_a_visit_that_was_seen_elsewhere_is_not_moved_unseen(
    as_dana: Browser, visit: Appointment, bea: Therapist
) -> None:
    seen = {"seen_at": "2026-11-19T10:00", "seen_with": bea.pk}
    assert put(as_dana, visit, "2026-11-19T12:00", **seen)[0] == HTTPStatus.OK
    status, said = put(as_dana, visit, "2026-11-19T15:00", **seen)
    assert status == HTTPStatus.CONFLICT
    assert "12:00" in str(said["words"])
    assert said["next"] == []


def test_a_visit_for_which_too_little_is_left_is_told_what_comes_after(
    as_dana: Browser, visit: Appointment, bea: Therapist, dana: User
) -> None:
    book(ClientFactory(), bea, at(13), visit.service, visit.location, dana)
    assert put(as_dana, visit, "2026-11-19T12:30")[1]["words"] == "Bea has another visit from 13:00 until 14:15."


def test_it_may_go_to_another_location_where_its_clock_counts(as_dana: Browser, visit: Appointment) -> None:
    there = LocationFactory(name="Lake Road", time_zone="Asia/Kathmandu")
    maya = TherapistFactory(user__name="Maya Rai", usual_room=RoomFactory(location=there, name="Lotus"))
    add_weekly_hours(
        by=None, now=BEFORE, therapist=maya, location=there, weekday=4,
        opens=time(9), closes=time(17), valid_from=date(2026, 1, 1),
    )  # fmt: skip
    status, _said = put(as_dana, visit, "2026-11-20T09:00", location=there.pk, therapist=maya.pk)
    assert status == HTTPStatus.OK
    visit.refresh_from_db()
    assert (visit.location, visit.therapist, visit.starts_at) == (there, maya, at(3, 15, day=20))


def test_a_room_of_another_location_is_refused(as_dana: Browser, visit: Appointment) -> None:
    elsewhere = RoomFactory(location=LocationFactory(name="Lake Road"), name="Lotus")
    status, said = put(as_dana, visit, "2026-11-19T12:00", room=elsewhere.pk)
    assert (status, said["words"]) == (HTTPStatus.CONFLICT, "This room is at another location.")


@pytest.mark.parametrize("moment", ["", "tomorrow", "2026-13-40T10:00", "2026-11-19T10:00+05:00", "9999-12-31T23:59"])
def test_what_is_no_time_changes_nothing(moment: str, as_dana: Browser, visit: Appointment) -> None:
    status, said = put(as_dana, visit, moment)
    assert (status, bool(said["words"])) == (HTTPStatus.CONFLICT, True)
    visit.refresh_from_db()
    assert visit.starts_at == at(10)


def test_it_makes_a_visit_longer_until_the_next_one(
    as_dana: Browser, visit: Appointment, bea: Therapist, dana: User
) -> None:
    status, said = stretch(as_dana, visit, 90)
    assert (status, said["words"]) == (HTTPStatus.OK, "Alice Marques has 90 minutes.")
    book(ClientFactory(), bea, at(12), visit.service, visit.location, dana)
    assert stretch(as_dana, visit, 150)[0] == HTTPStatus.CONFLICT
    visit.refresh_from_db()
    assert visit.minutes == 90


@pytest.mark.parametrize("minutes", ["", "long", 0, -15, 5000])
def test_what_is_no_length_changes_nothing(minutes: object, as_dana: Browser, visit: Appointment) -> None:
    status, said = stretch(as_dana, visit, minutes)
    assert (status, bool(said["words"])) == (HTTPStatus.CONFLICT, True)


def test_the_length_can_be_changed_by_form_as_well(as_dana: Browser, visit: Appointment) -> None:
    address = reverse("desk:visit-length", args=[visit.pk])
    assert as_dana.get(address).context["form"]["minutes"].value() == 60
    refused = as_dana.post(address, {"minutes": 480})
    assert refused.context["form"].errors["reason"]
    assert refused.context["form"]["minutes"].value() == "480"
    assert as_dana.post(address, {"minutes": 90}).status_code == HTTPStatus.FOUND
    visit.refresh_from_db()
    assert visit.minutes == 90


def test_strangers_move_nothing(as_carl: Browser, as_alice: Browser, visit: Appointment) -> None:
    for browser in (as_carl, as_alice):
        for name in ("desk:visit-place", "desk:visit-length"):
            assert browser.post(reverse(name, args=[visit.pk])).status_code == HTTPStatus.NOT_FOUND
