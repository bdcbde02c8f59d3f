"""Booking, moving, cancelling: what is allowed, what is refused, and what is recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from clinic.audit.models import Change
from clinic.people.models import Client, Clinic, Location, Room, Service, Therapist, User
from clinic.scheduling import gates
from clinic.scheduling.gates import PlannedVisit
from clinic.scheduling.models import Appointment, Status, StatusChange
from clinic.scheduling.services import (
    ChosenVisit,
    SlotTaken,
    add_time_off,
    add_weekly_hours,
    cancel_appointment,
    change_status,
    free_until,
    move_appointment,
    refresh_review_needed,
)
from clinic.scheduling.statuses import STEPS
from tests.factories import (
    BEFORE,
    ClientFactory,
    LocationFactory,
    RoomFactory,
    ServiceFactory,
    TherapistFactory,
    modality,
)
from tests.scheduling.conftest import Book, at, day_at

# --- Booking


def test_it_books_into_the_therapists_usual_room_with_the_services_buffers(book: Book, room: Room) -> None:
    RoomFactory(location=room.location, name="Garden room")
    visit = book(at(10))
    assert (visit.status, visit.room) == (Status.BOOKED, room)
    assert (visit.starts_at, visit.ends_at) == (at(10), at(11))
    assert (visit.occupied_from, visit.occupied_until) == (at(10), at(11, 15))


def test_it_records_who_booked_and_when(book: Book, dana: User, now: datetime) -> None:
    change = StatusChange.objects.get(appointment=book(at(10)))
    assert (change.before, change.after, change.by, change.at) == ("", Status.BOOKED, dana, now)


def test_a_booking_made_earlier_elsewhere_keeps_its_own_date_and_is_recorded_when_it_is_entered(
    book: Book, now: datetime
) -> None:
    earlier = at(9, day=2)
    visit = book(at(10, day=23), booked_at=earlier, why="import of people.csv")
    assert visit.booked_at == earlier
    step = visit.status_changes.get()
    assert (step.at, step.why) == (now, "import of people.csv")


def test_what_was_agreed_earlier_elsewhere_is_measured_by_todays_clock(book: Book) -> None:
    with pytest.raises(ValidationError, match="has passed"):
        book(at(10, day=3), booked_at=at(9, day=2))


@pytest.mark.parametrize("start", [(10, 0), (10, 30), (9, 30), (11, 0), (11, 10)])
def test_it_refuses_a_visit_that_meets_another_or_its_buffer(book: Book, start: tuple[int, int]) -> None:
    book(at(10))
    with pytest.raises(SlotTaken, match=r"Bea has another visit (from 10:00 )?until 11:15"):
        book(at(*start), client=ClientFactory())


def test_visits_may_follow_each_other_right_after_the_buffer(book: Book) -> None:
    book(at(10))
    assert book(at(11, 15), client=ClientFactory()).starts_at == at(11, 15)


def test_it_takes_a_free_room_when_the_usual_one_is_taken(book: Book, hours: None, room: Room) -> None:
    spare = RoomFactory(location=room.location, name="Garden room")
    book(at(10))
    ruth = works_like_bea(room)
    assert book(at(10), therapist=ruth, client=ClientFactory()).room == spare


def test_it_refuses_a_second_client_in_the_only_room(book: Book, room: Room) -> None:
    book(at(10))
    with pytest.raises(SlotTaken, match="No room is free"):
        book(at(10), therapist=works_like_bea(room), client=ClientFactory())


def test_it_refuses_a_client_who_is_with_somebody_else(book: Book, room: Room) -> None:
    RoomFactory(location=room.location, name="Garden room")
    book(at(10))
    with pytest.raises(SlotTaken, match="The client has another visit until 11:00"):
        book(at(10, 30), therapist=works_like_bea(room))


def test_rooms_that_are_nobodys_usual_one_are_given_out_first(book: Book, room: Room) -> None:
    spare = RoomFactory(location=room.location, name="Garden room")
    guest = works_like_bea(None, location=room.location)
    assert book(at(10), therapist=guest).room == spare


def test_a_room_can_be_chosen_but_only_of_this_location(book: Book, room: Room) -> None:
    spare = RoomFactory(location=room.location, name="Garden room")
    assert book(at(10), room=spare).room == spare
    with pytest.raises(ValidationError, match="is not at Harbour Street"):
        book(at(15), room=RoomFactory())


def test_it_books_across_the_spring_clock_change_by_the_wall(book: Book, now: datetime) -> None:
    sunday_after = datetime(2027, 3, 29, 8, 0, tzinfo=UTC)  # a Monday; 9:00 by the wall, which is now an hour ahead
    assert book(sunday_after).local_start.time() == time(9)


# --- What may be passed over with a reason, and what never


@pytest.mark.parametrize("start", [(8, 0), (13, 0), (13, 30), (17, 30), (12, 30)])
def test_outside_her_hours_staff_need_a_reason(book: Book, start: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="Bea does not work on Fri 20 Nov") as refused:
        book(at(*start, day=20))
    assert refused.value.code == "needs_reason"
    assert book(at(*start, day=20), override_reason="asked by Bea").override_reason == "asked by Bea"


def test_a_reason_that_was_not_needed_is_not_kept(book: Book) -> None:
    assert book(at(10), override_reason="just in case").override_reason == ""


def test_it_refuses_a_booking_during_time_off(book: Book, bea: Therapist) -> None:
    add_time_off(by=None, now=BEFORE, therapist=bea, starts_at=at(9), ends_at=at(12), reason="Course")
    with pytest.raises(ValidationError, match="Course: Thu 19 Nov, 09:00 to Thu 19 Nov, 12:00"):
        book(at(11, 30))


def test_it_refuses_a_booking_while_the_location_is_closed(book: Book, location: Location) -> None:
    add_time_off(by=None, now=BEFORE, location=location, starts_at=at(0, day=20), ends_at=at(0, day=21))
    with pytest.raises(ValidationError, match="Bea is away"):
        book(at(10, day=20))


def test_time_off_somewhere_else_does_not_matter(book: Book, bea: Therapist) -> None:
    add_time_off(by=None, now=BEFORE, therapist=bea, location=LocationFactory(), starts_at=at(9), ends_at=at(18))
    assert book(at(10))


def test_it_refuses_the_past_without_a_reason(book: Book) -> None:
    with pytest.raises(ValidationError, match="has passed"):
        book(at(10, day=18))
    assert book(at(10, day=18), override_reason="was written on paper")


def test_the_history_tells_that_a_rule_was_passed_over_and_not_why(book: Book, dana: User, now: datetime) -> None:
    visit = book(at(8, day=20), override_reason="asked by Bea")
    move_appointment(by=dana, now=now, appointment=visit, starts_at=at(7, day=20), override_reason="again")
    move_appointment(by=dana, now=now, appointment=visit_again(visit), starts_at=at(10, day=20))
    told = Change.objects.filter(what="scheduling.appointment", what_pk=visit.pk).order_by("pk")
    assert [one.words for one in told] == ["booked, outside the rules", "moved, outside the rules", "moved"]


def visit_again(visit: Appointment) -> Appointment:
    return Appointment.objects.with_people().get(pk=visit.pk)


def test_no_reason_puts_two_clients_on_one_table(book: Book) -> None:
    book(at(10))
    with pytest.raises(SlotTaken):
        book(at(10), client=ClientFactory(), override_reason="they are friends")


def test_nobody_gives_what_she_is_not_qualified_for(book: Book, bea: Therapist, service: Service) -> None:
    bea.qualifications.filter(modality=service.modality).update(expires_on=date(2026, 11, 20))
    assert book(at(10, day=20))
    with pytest.raises(ValidationError, match="may not give Myofascial"):
        book(at(10, day=23), override_reason="the certificate is on its way")


def test_a_length_out_of_the_modalitys_range_needs_a_reason(book: Book) -> None:
    kind = modality("myofascial")
    long = ServiceFactory(modality=kind, minutes=(kind.longest_minutes or 0) + 15)
    with pytest.raises(ValidationError, match="Give a reason") as refused:
        book(at(14), service=long)
    assert refused.value.code == "needs_reason"
    assert book(at(14), service=long, override_reason="two regions").override_reason == "two regions"


@pytest.mark.parametrize("what", ["client", "service", "therapist", "location"])
def test_what_is_archived_cannot_be_booked(
    book: Book, now: datetime, alice: Client, service: Service, bea: Therapist, location: Location, what: str
) -> None:
    thing = {"client": alice, "service": service, "therapist": bea, "location": location}[what]
    thing.archived_at = now
    thing.save(update_fields=["archived_at"])
    with pytest.raises(ValidationError, match="is archived"):
        book(at(10))


# --- The same form sent twice


def test_the_same_form_sent_twice_books_once(book: Book) -> None:
    key = uuid4()
    assert book(at(10), idempotency_key=key) == book(at(10), idempotency_key=key)
    assert Appointment.objects.count() == 1


def test_a_used_form_books_nothing_else_and_for_nobody_else(book: Book, olga: User) -> None:
    key = uuid4()
    book(at(10), idempotency_key=key)
    with pytest.raises(ValidationError, match="with other wishes"):
        book(at(15), idempotency_key=key)
    with pytest.raises(ValidationError, match="with other wishes"):
        book(at(10), idempotency_key=key, by=olga)


# --- Holds


def test_a_hold_that_ran_out_gives_way_and_is_recorded(book: Book, now: datetime) -> None:
    held = hold(book(at(10)), until=now - timedelta(seconds=1))
    book(at(10), client=ClientFactory())
    held.refresh_from_db()
    assert held.status == Status.CANCELLED
    assert held.status_changes.last().why == "the hold ran out"


def test_a_hold_that_lasts_keeps_the_time(book: Book, now: datetime) -> None:
    hold(book(at(10)), until=now + timedelta(minutes=10))
    with pytest.raises(SlotTaken):
        book(at(10), client=ClientFactory())


# --- Gates


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[PlannedVisit]:
    """A gate that wants a review of every visit before December, and notes what it was asked."""
    seen: list[PlannedVisit] = []
    monkeypatch.setattr(gates, "gates", type(gates.gates)("gate"))

    def gate(visits: object) -> list[bool]:
        seen.extend(visits)
        return [visit.day < date(2026, 12, 1) for visit in visits]

    gates.gates.register("test", gate)
    return seen


def test_every_road_asks_the_gates(
    book: Book, asked: list[PlannedVisit], dana: User, now: datetime, alice: Client, service: Service
) -> None:
    visit = book(at(10))
    assert visit.review_needed
    assert asked == [PlannedVisit(alice.pk, service.modality_id, date(2026, 11, 19))]
    moved = move_appointment(by=dana, now=now, appointment=visit, starts_at=datetime(2026, 12, 3, 10, tzinfo=UTC))
    assert not moved.review_needed
    cancelled = cancel_appointment(by=dana, now=now, appointment=moved)
    Appointment.objects.update(review_needed=True)
    back = change_status(by=dana, now=now, appointment=cancelled, to=Status.BOOKED)
    assert not back.review_needed


def test_after_a_review_the_gates_are_asked_about_all_visits_not_begun(
    book: Book, asked: list[PlannedVisit], dana: User, alice: Client, now: datetime, django_assert_num_queries: object
) -> None:
    waiting = change_status(by=dana, now=now, appointment=book(at(9)), to=Status.ARRIVED)
    later = book(datetime(2026, 12, 3, 10, tzinfo=UTC))
    Appointment.objects.filter(pk=waiting.pk).update(review_needed=False)
    Appointment.objects.filter(pk=later.pk).update(review_needed=True)
    with django_assert_num_queries(5):
        refresh_review_needed(client=alice, now=now)
    assert list(Appointment.objects.order_by("starts_at").values_list("review_needed", flat=True)) == [True, False]


# --- Moving


def test_it_moves_to_another_time_and_says_from_where(book: Book, dana: User, now: datetime) -> None:
    visit = change_status(by=dana, now=now, appointment=book(at(10)), to=Status.CONFIRMED)
    moved = move_appointment(by=dana, now=now, appointment=visit, starts_at=at(10, 30))
    assert (moved.starts_at, moved.occupied_until) == (at(10, 30), at(11, 45))
    assert moved.status == Status.BOOKED  # what she confirmed was another time
    assert moved.status_changes.last().why == "moved from Thu 19 Nov, 10:00"


def test_moving_to_another_therapist_takes_her_usual_room(book: Book, room: Room, dana: User, now: datetime) -> None:
    hers = RoomFactory(location=room.location, name="Garden room")
    moved = move_appointment(
        by=dana, now=now, appointment=book(at(10)), starts_at=at(10), therapist=works_like_bea(hers)
    )
    assert moved.room == hers


def test_a_visit_stays_where_it_was_when_the_new_time_is_taken(book: Book, dana: User, now: datetime) -> None:
    book(at(14), client=ClientFactory())
    visit = book(at(10))
    with pytest.raises(SlotTaken):
        move_appointment(by=dana, now=now, appointment=visit, starts_at=at(14, 30))
    visit.refresh_from_db()
    assert visit.starts_at == at(10)


def test_of_two_who_move_one_visit_the_later_is_told(book: Book, dana: User, now: datetime) -> None:
    seen_by_both = book(at(10))
    move_appointment(by=dana, now=now, appointment=seen_by_both, starts_at=at(14))
    with pytest.raises(SlotTaken, match="it is on Thu 19 Nov, 14:00 with Bea"):
        move_appointment(by=dana, now=now, appointment=seen_by_both, starts_at=at(15))
    assert Appointment.objects.get().starts_at == at(14)


def test_a_page_opened_before_the_visit_moved_is_refused(
    book: Book, bea: Therapist, room: Room, dana: User, now: datetime
) -> None:
    moved = move_appointment(by=dana, now=now, appointment=book(at(10)), starts_at=at(14))
    with pytest.raises(SlotTaken, match="Somebody has moved"):
        move_appointment(by=dana, now=now, appointment=moved, starts_at=at(15), seen=ChosenVisit(at(10), bea))
    with pytest.raises(SlotTaken, match="Somebody has moved"):
        move_appointment(
            by=dana, now=now, appointment=moved, starts_at=at(15), seen=ChosenVisit(at(14), works_like_bea(room))
        )
    assert Appointment.objects.get().starts_at == at(14)


def test_the_same_move_sent_twice_is_one(book: Book, dana: User, now: datetime) -> None:
    visit = book(at(10))
    for _time in range(2):
        assert move_appointment(by=dana, now=now, appointment=visit, starts_at=at(14)).starts_at == at(14)
    assert visit.status_changes.count() == 2  # booked, moved


def test_what_has_begun_is_not_moved(book: Book, dana: User, now: datetime) -> None:
    visit = change_status(by=dana, now=now, appointment=book(at(10)), to=Status.ARRIVED)
    with pytest.raises(ValidationError, match="This visit is arrived and stays where it is"):
        move_appointment(by=dana, now=now, appointment=visit, starts_at=at(15))


# --- Statuses


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("after", list(Status))
def test_only_the_steps_of_the_table_can_be_taken(
    book: Book, dana: User, before: Status, after: Status, now: datetime
) -> None:
    visit = book(at(9))
    Appointment.objects.filter(pk=visit.pk).update(status=before, held_until=at(12) if before == Status.HELD else None)
    visit.refresh_from_db()
    if before == after:
        assert change_status(by=dana, now=now, appointment=visit, to=after).status == after
        assert visit.status_changes.count() == 1
    elif after in STEPS[before]:
        assert change_status(by=dana, now=now, appointment=visit, to=after, why="so").status == after
        change = visit.status_changes.last()
        assert (change.before, change.after, change.by, change.at, change.why) == (before, after, dana, now, "so")
    else:
        with pytest.raises(ValidationError, match="it cannot become"):
            change_status(by=dana, now=now, appointment=visit, to=after)


def test_she_can_arrive_only_on_her_day(book: Book, dana: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="This visit is on Fri 20 Nov, 10:00, not today"):
        change_status(by=dana, now=now, appointment=book(at(10, day=20)), to=Status.ARRIVED)


def test_nobody_has_missed_a_visit_that_has_not_begun(book: Book, dana: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="begins only on"):
        change_status(by=dana, now=now, appointment=book(at(10)), to=Status.NO_SHOW)


def test_a_cancelled_visit_comes_back_only_while_its_time_is_free(book: Book, dana: User, now: datetime) -> None:
    cancelled = cancel_appointment(by=dana, now=now, appointment=book(at(10)))
    other = book(at(10), client=ClientFactory())
    with pytest.raises(SlotTaken, match="another visit"):
        change_status(by=dana, now=now, appointment=cancelled, to=Status.BOOKED)
    cancel_appointment(by=dana, now=now, appointment=other)
    assert change_status(by=dana, now=now, appointment=cancelled, to=Status.BOOKED).status == Status.BOOKED


@pytest.fixture
def gone(book: Book, dana: User, now: datetime) -> Appointment:
    """A visit at ten that was cancelled."""
    return cancel_appointment(by=dana, now=now, appointment=book(at(10)))


def bring_back(visit: Appointment, by: User, now: datetime, to: Status = Status.BOOKED) -> Appointment:
    return change_status(by=by, now=now, appointment=Appointment.objects.get(pk=visit.pk), to=to)


def test_it_does_not_come_back_into_an_absence(gone: Appointment, bea: Therapist, dana: User, now: datetime) -> None:
    add_time_off(by=None, now=BEFORE, therapist=bea, starts_at=at(9), ends_at=at(12), reason="Course")
    with pytest.raises(ValidationError, match=r"Course: .* Book it anew, with a reason."):
        bring_back(gone, dana, now)


def test_it_does_not_come_back_outside_the_hours(gone: Appointment, bea: Therapist, dana: User, now: datetime) -> None:
    bea.weekly_hours.update(valid_until=date(2026, 11, 18))
    with pytest.raises(ValidationError, match=r"Bea does not work .* Book it anew, with a reason."):
        bring_back(gone, dana, now)


@pytest.mark.parametrize("what", ["client", "service", "therapist", "location"])
def test_it_does_not_come_back_to_what_is_archived(gone: Appointment, dana: User, now: datetime, what: str) -> None:
    thing = getattr(gone, what)
    thing.archived_at = now
    thing.save()
    with pytest.raises(ValidationError, match="is archived"):
        bring_back(gone, dana, now)


def test_it_comes_back_in_another_room_where_its_own_is_archived(
    gone: Appointment, dana: User, now: datetime, room: Room
) -> None:
    garden = RoomFactory(location=room.location, name="Garden room")
    Room.objects.filter(pk=room.pk).update(archived_at=now)
    assert bring_back(gone, dana, now).room == garden


def test_it_does_not_come_back_without_the_qualification(
    gone: Appointment, bea: Therapist, dana: User, now: datetime
) -> None:
    bea.qualifications.all().delete()
    with pytest.raises(ValidationError, match="may not give"):
        bring_back(gone, dana, now)


def test_what_was_booked_for_a_reason_comes_back_for_it(book: Book, dana: User, now: datetime) -> None:
    early = book(at(8, day=20), override_reason="asked by Bea")
    back = bring_back(cancel_appointment(by=dana, now=now, appointment=early), dana, now)
    assert (back.status, back.override_reason) == (Status.BOOKED, "asked by Bea")


def test_one_who_comes_after_all_is_no_longer_missed_though_it_has_begun(book: Book, dana: User, now: datetime) -> None:
    late = at(10, 20)
    missed = change_status(by=dana, now=late, appointment=book(at(10)), to=Status.NO_SHOW)
    assert bring_back(missed, dana, late, Status.ARRIVED).status == Status.ARRIVED


def test_a_step_from_an_old_picture_of_a_cancelled_visit_is_refused(book: Book, dana: User, now: datetime) -> None:
    seen = book(at(10))
    cancel_appointment(by=dana, now=now, appointment=Appointment.objects.get(pk=seen.pk))
    with pytest.raises(SlotTaken, match="just changed"):
        change_status(by=dana, now=now, appointment=seen, to=Status.CONFIRMED)


# --- Cancelling


@pytest.mark.parametrize(
    ("starts", "expected"),
    [(day_at(20, 9), Status.CANCELLED), (day_at(19, 17), Status.LATE_CANCELLED), (day_at(23, 9), Status.CANCELLED)],
)
def test_a_cancellation_is_late_by_the_clinics_own_hours(
    book: Book, dana: User, now: datetime, starts: datetime, expected: Status
) -> None:
    assert (
        cancel_appointment(by=dana, now=now, appointment=book(starts, booked_at=BEFORE), why="ill").status == expected
    )


def test_the_deadline_is_thought_by_the_wall_clock(book: Book, clinic: Clinic) -> None:
    """From Saturday noon to Sunday noon there are 23 hours when the clocks go forward: still one day before."""
    Clinic.objects.update(cancellation_hours=72)
    monday = datetime(2027, 3, 29, 9, 0, tzinfo=UTC)  # 10:00 in Lisbon
    assert free_until(book(monday)) == datetime(2027, 3, 26, 10, 0, tzinfo=UTC)


def test_a_hold_is_never_cancelled_late(book: Book, dana: User, now: datetime) -> None:
    held = hold(book(at(10)), until=at(12))
    assert cancel_appointment(by=dana, now=now, appointment=held).status == Status.CANCELLED


# --- Hours


def test_a_therapist_does_not_work_twice_at_once(bea: Therapist, location: Location, hours: None) -> None:
    with pytest.raises(ValidationError, match="already works then"):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=LocationFactory(),
            weekday=0,
            opens=time(12),
            closes=time(15),
            valid_from=date(2026, 6, 1),
        )


def test_hours_that_end_before_others_begin_do_not_clash(bea: Therapist, location: Location, hours: None) -> None:
    assert add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=bea,
        location=location,
        weekday=0,
        opens=time(9),
        closes=time(13),
        valid_from=date(2025, 6, 1),
        valid_until=date(2025, 12, 31),
    )


@pytest.mark.parametrize(("opens", "closes"), [(time(13), time(9)), (time(9), time(9))])
def test_hours_close_after_they_open(bea: Therapist, location: Location, opens: time, closes: time) -> None:
    with pytest.raises(ValidationError):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=6,
            opens=opens,
            closes=closes,
            valid_from=date(2026, 1, 1),
        )


def works_like_bea(usual_room: Room | None, *, location: Location | None = None) -> Therapist:
    """Return a second therapist with Thursday hours where the room is."""
    ruth = TherapistFactory(user__name="Ruth Adeyemi", usual_room=usual_room)
    where = usual_room.location if usual_room else location
    add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=ruth,
        location=where,
        weekday=3,
        opens=time(9),
        closes=time(18),
        valid_from=date(2026, 1, 1),
    )
    return ruth


def hold(visit: Appointment, *, until: datetime) -> Appointment:
    """Turn a booking into a hold, as the waitlist will make them."""
    visit.status, visit.held_until = Status.HELD, until
    visit.save(update_fields=["status", "held_until"])
    return visit
