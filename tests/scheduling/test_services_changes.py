"""A visit made longer or shorter, given another service, put elsewhere; and the last change taken back."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError

from clinic.people.models import Client, Location, Modality, Room, Service, Therapist, User
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import (
    SlotTaken,
    add_time_off,
    add_weekly_hours,
    cancel_appointment,
    change_length,
    change_service,
    change_status,
    move_appointment,
    undo,
)
from tests.factories import BEFORE, ClientFactory, LocationFactory, RoomFactory, ServiceFactory, modality
from tests.scheduling.conftest import Book, at
from tests.scheduling.test_services import works_like_bea


@pytest.fixture(autouse=True)
def lengths(db: None) -> None:
    """Whatever is given takes half an hour to two hours."""
    Modality.objects.update(shortest_minutes=30, longest_minutes=120)


# --- Another length


def test_a_visit_becomes_longer_with_its_buffer_and_stays_confirmed(book: Book, dana: User, now: datetime) -> None:
    visit = change_status(by=dana, now=now, appointment=book(at(10)), to=Status.CONFIRMED)
    longer = change_length(by=dana, now=now, appointment=visit, minutes=90)
    assert (longer.ends_at, longer.occupied_until) == (at(11, 30), at(11, 45))
    assert (longer.status, longer.minutes) == (Status.CONFIRMED, 90)
    assert longer.status_changes.last().why == "60 minutes before"


def test_it_does_not_become_longer_into_the_next_visit(book: Book, dana: User, now: datetime) -> None:
    visit = book(at(10))
    book(at(11, 15), client=ClientFactory())
    with pytest.raises(SlotTaken, match="another visit"):
        change_length(by=dana, now=now, appointment=visit, minutes=75)


def test_beyond_the_hours_it_takes_a_reason(book: Book, dana: User, now: datetime) -> None:
    visit = book(at(12))
    with pytest.raises(ValidationError) as refused:
        change_length(by=dana, now=now, appointment=visit, minutes=90)
    assert refused.value.code == "needs_reason"
    longer = change_length(by=dana, now=now, appointment=visit, minutes=90, override_reason="agreed with Bea")
    assert longer.override_reason == "agreed with Bea"


@pytest.mark.parametrize("minutes", [0, 4, 481])
def test_a_length_that_is_none_is_refused(book: Book, dana: User, now: datetime, minutes: int) -> None:
    with pytest.raises(ValidationError, match="takes 5 to 480 minutes"):
        change_length(by=dana, now=now, appointment=book(at(10)), minutes=minutes)


def test_a_length_out_of_the_modalitys_range_takes_a_reason(book: Book, dana: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="takes 30 to 120 minutes"):
        change_length(by=dana, now=now, appointment=book(at(14)), minutes=150)


def test_one_who_is_here_may_have_more_time_though_it_has_begun(book: Book, dana: User, now: datetime) -> None:
    visit = change_status(by=dana, now=at(9, 55), appointment=book(at(10)), to=Status.ARRIVED)
    assert change_length(by=dana, now=at(10, 5), appointment=visit, minutes=90).minutes == 90


def test_a_moved_visit_keeps_the_length_that_it_was_given(book: Book, dana: User, now: datetime) -> None:
    longer = change_length(by=dana, now=now, appointment=book(at(10)), minutes=90)
    assert move_appointment(by=dana, now=now, appointment=longer, starts_at=at(14)).minutes == 90


def test_the_reason_given_before_is_for_no_more_time_than_it_was_given_for(
    book: Book, dana: User, now: datetime
) -> None:
    visit = book(at(12, 30), override_reason="begins before the break")
    with pytest.raises(ValidationError) as refused:
        change_length(by=dana, now=now, appointment=visit, minutes=90)
    assert refused.value.code == "needs_reason"
    assert change_length(by=dana, now=now, appointment=visit, minutes=45).override_reason == "begins before the break"


def test_a_modality_of_one_length_is_told_by_that_length(
    book: Book, dana: User, now: datetime, service: Service
) -> None:
    service.modality.shortest_minutes = service.modality.longest_minutes = 60
    service.modality.save()
    with pytest.raises(ValidationError, match=r"Myofascial release takes 60 minutes\. Give a reason"):
        change_length(by=dana, now=now, appointment=book(at(10)), minutes=75)


# --- Another service


def test_another_service_takes_its_own_length_at_the_same_start(
    book: Book, dana: User, now: datetime, service: Service
) -> None:
    short = ServiceFactory(modality=service.modality, minutes=30, buffer_after=5)
    visit = change_service(by=dana, now=now, appointment=book(at(10)), service=short)
    assert (visit.service, visit.starts_at, visit.ends_at, visit.occupied_until) == (
        short, at(10), at(10, 30), at(10, 35),
    )  # fmt: skip


def test_another_service_needs_the_qualification_and_asks_the_gates(
    book: Book, dana: User, now: datetime, bea: Therapist, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinic.scheduling.gates import gates

    visit, other = book(at(10)), ServiceFactory(modality=modality("deep_tissue"))
    bea.qualifications.filter(modality=other.modality).delete()
    with pytest.raises(ValidationError, match="may not give"):
        change_service(by=dana, now=now, appointment=visit, service=other)
    short = ServiceFactory(modality=service.modality, minutes=30)
    monkeypatch.setattr(gates, "_entries", {"always": lambda visits: [True] * len(visits)})
    assert change_service(by=dana, now=now, appointment=visit, service=short).review_needed


def test_an_archived_service_is_given_to_nobody_anew(book: Book, dana: User, now: datetime, service: Service) -> None:
    gone = ServiceFactory(modality=service.modality, archived_at=now)
    with pytest.raises(ValidationError, match="is archived"):
        change_service(by=dana, now=now, appointment=book(at(10)), service=gone)


# --- Elsewhere


def test_a_visit_that_moves_keeps_its_room_while_that_is_free(
    book: Book, dana: User, now: datetime, location: Location
) -> None:
    garden = RoomFactory(location=location, name="Garden room")
    visit = move_appointment(by=dana, now=now, appointment=book(at(10), room=garden), starts_at=at(14))
    assert visit.room == garden
    ruth = works_like_bea(garden)
    book(at(16), client=ClientFactory(), therapist=ruth)
    assert move_appointment(by=dana, now=now, appointment=visit, starts_at=at(16)).room != garden


def test_a_visit_moves_to_another_location(book: Book, dana: User, now: datetime, bea: Therapist) -> None:
    other = LocationFactory(name="Porto")
    room = RoomFactory(location=other, name="River room")
    visit = book(at(10))
    bea.weekly_hours.filter(weekday=3).delete()
    add_weekly_hours(
        by=None, now=BEFORE, therapist=bea, location=other, weekday=3,
        opens=time(9), closes=time(18), valid_from=BEFORE.date(),
    )  # fmt: skip
    moved = move_appointment(by=dana, now=now, appointment=visit, starts_at=at(10), location=other)
    assert (moved.location, moved.room) == (other, room)


def test_the_same_place_again_is_no_step(book: Book, dana: User, now: datetime) -> None:
    visit = book(at(10))
    move_appointment(by=dana, now=now, appointment=visit, starts_at=at(10))
    assert visit.status_changes.count() == 1


# --- Taking back


def back(visit: Appointment, by: User, now: datetime) -> Appointment:
    (found,) = undo(by=by, now=now, appointment=visit)
    return found


def test_a_move_is_taken_back_to_the_same_room_and_status(book: Book, dana: User, now: datetime) -> None:
    visit = change_status(by=dana, now=now, appointment=book(at(10)), to=Status.CONFIRMED)
    moved = move_appointment(by=dana, now=now, appointment=visit, starts_at=at(14))
    found = back(moved, dana, now)
    assert (found.starts_at, found.room, found.status) == (at(10), visit.room, Status.CONFIRMED)
    assert (found.occupied_from, found.occupied_until) == (visit.occupied_from, visit.occupied_until)


def test_a_length_and_a_service_are_taken_back(book: Book, dana: User, now: datetime, service: Service) -> None:
    visit = book(at(10))
    assert back(change_length(by=dana, now=now, appointment=visit, minutes=90), dana, now).minutes == 60
    short = ServiceFactory(modality=service.modality, minutes=30)
    found = back(change_service(by=dana, now=now, appointment=visit, service=short), dana, now)
    assert (found.service, found.minutes) == (service, 60)


@pytest.mark.parametrize("arrived", [False, True])
def test_a_cancellation_is_taken_back_to_what_it_was(book: Book, dana: User, now: datetime, arrived: bool) -> None:
    visit, later = book(at(15)), at(14, 50)
    if arrived:
        visit = change_status(by=dana, now=later, appointment=visit, to=Status.ARRIVED)
    gone = cancel_appointment(by=dana, now=later, appointment=visit)
    assert back(gone, dana, later).status == (Status.ARRIVED if arrived else Status.BOOKED)


def test_a_booking_taken_back_is_cancelled_and_never_late(book: Book, dana: User, now: datetime) -> None:
    assert back(book(at(10)), dana, now).status == Status.CANCELLED


def test_nothing_is_taken_back_twice(book: Book, dana: User, now: datetime) -> None:
    visit = move_appointment(by=dana, now=now, appointment=book(at(10)), starts_at=at(14))
    undo(by=dana, now=now, appointment=visit)
    with pytest.raises(ValidationError, match="taken back already"):
        undo(by=dana, now=now, appointment=visit)


def test_it_is_taken_back_for_ten_minutes_by_whoever_did_it(book: Book, dana: User, olga: User, now: datetime) -> None:
    visit = book(at(10))
    with pytest.raises(ValidationError, match="Somebody else"):
        undo(by=olga, now=now, appointment=visit)
    with pytest.raises(ValidationError, match="for 10 minutes only"):
        undo(by=dana, now=now + timedelta(minutes=10, seconds=1), appointment=visit)
    assert back(visit, dana, now + timedelta(minutes=10)).status == Status.CANCELLED


def test_it_is_not_taken_back_where_somebody_else_has_the_time(
    book: Book, dana: User, now: datetime, alice: Client
) -> None:
    visit = move_appointment(by=dana, now=now, appointment=book(at(10)), starts_at=at(14))
    book(at(10), client=ClientFactory())
    with pytest.raises(SlotTaken, match="Thu 19 Nov, 10:00: Bea has another visit until 11:15"):
        undo(by=dana, now=now, appointment=visit)
    visit.refresh_from_db()
    assert (visit.starts_at, visit.status) == (at(14), Status.BOOKED)


def test_it_is_not_taken_back_into_an_absence_entered_meanwhile(
    book: Book, bea: Therapist, dana: User, now: datetime
) -> None:
    visit = move_appointment(by=dana, now=now, appointment=book(at(10)), starts_at=at(14))
    add_time_off(by=None, now=now, therapist=bea, starts_at=at(9), ends_at=at(12), reason="Course")
    with pytest.raises(SlotTaken, match="Course"):
        undo(by=dana, now=now, appointment=visit)


def test_what_was_booked_for_a_reason_goes_back_for_it(book: Book, dana: User, now: datetime) -> None:
    early = book(at(8, day=20), override_reason="asked by Bea")
    moved = move_appointment(by=dana, now=now, appointment=early, starts_at=at(10, day=20))
    assert moved.override_reason == ""
    assert back(moved, dana, now).override_reason == "asked by Bea"


def test_a_session_that_began_is_not_taken_back_here(book: Book, dana: User) -> None:
    visit = change_status(by=dana, now=at(9, 55), appointment=book(at(10)), to=Status.ARRIVED)
    visit = change_status(by=dana, now=at(10), appointment=visit, to=Status.IN_SESSION)
    with pytest.raises(ValidationError, match="cannot be taken back"):
        undo(by=dana, now=at(10), appointment=visit)


def test_an_old_picture_does_not_hide_what_was_done_since(
    book: Book, dana: User, olga: User, now: datetime, room: Room
) -> None:
    visit = book(at(10))
    change_status(by=olga, now=now, appointment=visit, to=Status.CONFIRMED)
    with pytest.raises(ValidationError, match="Somebody else"):
        undo(by=dana, now=now, appointment=visit)
