"""The waitlist: who is offered which time, in which order, until when, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from clinic.celery import app
from clinic.people.models import Client, Clinic, Location, Service, Therapist, User
from clinic.scheduling.matching import times_for
from clinic.scheduling.models import Appointment, Offer, OnlineConcern, Status, Wish
from clinic.scheduling.online import mark, settle
from clinic.scheduling.services import (
    SlotTaken,
    add_time_off,
    add_weekly_hours,
    book_appointment,
    cancel_appointment,
    change_length,
    change_status,
    expire_holds,
    move_appointment,
    remove_time_off,
    undo,
)
from clinic.scheduling.tasks import offer_free_times
from clinic.scheduling.waitlist import (
    SECOND_THOUGHTS,
    Wished,
    accept_offer,
    change_wish,
    decline_offer,
    hear_again,
    hold_ends,
    offer_times,
    remove_wish,
)
from tests.factories import (
    BEFORE,
    ClientFactory,
    LocationFactory,
    RoomFactory,
    ServiceFactory,
    TherapistFactory,
    modality,
)
from tests.scheduling.conftest import Wait, at

HOUR = timedelta(hours=1)


def works(therapist: Therapist, location: Location, weekday: int, opens: time, closes: time) -> None:
    add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=therapist,
        location=location,
        weekday=weekday,
        opens=opens,
        closes=closes,
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
    )


def cancel(visit: Appointment, by: User, now: datetime) -> None:
    """Cancel a visit so long ago that nobody takes it back."""
    cancel_appointment(by=by, now=now - SECOND_THOUGHTS, appointment=visit)


def offers() -> list[tuple[str, datetime, str]]:
    """Return to whom which time was offered, and what came of it."""
    found = Offer.objects.order_by("pk").select_related("wish__client", "appointment")
    return [(one.wish.client.called, one.appointment.starts_at, one.answer) for one in found]


# --- Matching


def test_nothing_is_offered_while_nothing_is_free(full: dict[str, Appointment], wait: Wait, now: datetime):
    wait()
    assert offer_times(now=now) == 0
    assert offers() == []


def test_a_cancelled_time_is_held_for_her_who_waits(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime, alice: Client
):
    wait()
    cancel(full["monday"], dana, now)
    assert offer_times(now=now) == 1
    hold = Offer.objects.get().appointment
    assert (hold.client, hold.starts_at, hold.status) == (alice, at(10, day=23), Status.HELD)
    assert hold.held_until == now + timedelta(hours=2)


def test_a_time_from_which_a_visit_was_moved_away_is_offered(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime
):
    wait()
    move_appointment(
        by=dana,
        now=now - SECOND_THOUGHTS,
        appointment=full["monday"],
        starts_at=at(15, day=23),
        override_reason="she asked for it",
    )
    offer_times(now=now)
    assert offers() == [("Alice", at(10, day=23), "")]


def test_what_a_shortened_visit_leaves_is_offered(full: dict[str, Appointment], wait: Wait, dana: User, now: datetime):
    wait(services=[ServiceFactory(minutes=30, buffer_after=0, modality=modality("neuromuscular"))])
    assert offer_times(now=now) == 0
    change_length(
        by=dana, now=now - SECOND_THOUGHTS, appointment=full["monday"], minutes=30, override_reason="she is in a hurry"
    )
    offer_times(now=now)
    assert offers() == [("Alice", at(10, 30, day=23), "")]


def test_time_off_that_is_taken_back_is_offered(
    full: dict[str, Appointment], wait: Wait, dana: User, bea: Therapist, now: datetime
):
    wait()
    away = add_time_off(by=dana, now=now, therapist=bea, starts_at=at(0, day=23), ends_at=at(0, day=24))
    cancel(full["monday"], dana, now)
    assert offer_times(now=now) == 0
    remove_time_off(by=dana, now=now, absence=away)
    offer_times(now=now)
    assert offers() == [("Alice", at(10, day=23), "")]


def test_new_hours_are_offered(
    full: dict[str, Appointment], wait: Wait, bea: Therapist, location: Location, now: datetime
):
    wait(last_on=date(2026, 11, 27))
    works(bea, location, 4, time(16), time(17))
    offer_times(now=now)
    assert offers() == [("Alice", at(16, day=20), "")]


@pytest.mark.parametrize(
    ("wished", "is_met"),
    [
        ({}, True),
        ({"weekdays": [0]}, True),
        ({"weekdays": [1, 2, 3, 4, 5, 6]}, False),
        ({"not_before": time(10)}, True),
        ({"not_before": time(10, 15)}, False),
        ({"not_after": time(11)}, True),
        ({"not_after": time(10, 45)}, False),
        ({"first_on": date(2026, 11, 23)}, True),
        ({"first_on": date(2026, 11, 24)}, False),
        ({"last_on": date(2026, 11, 23)}, True),
        ({"last_on": date(2026, 11, 22)}, False),
    ],
)
def test_days_and_times_are_those_she_asked_for(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime, wished: dict[str, object], is_met: bool
):
    wait(**wished)
    cancel(full["monday"], dana, now)
    assert offer_times(now=now) == is_met


def test_therapist_place_and_service_are_those_she_asked_for(
    full: dict[str, Appointment], wait: Wait, dana: User, bea: Therapist, location: Location, now: datetime
):
    ruth = TherapistFactory(usual_room=RoomFactory(location=location, name="Garden room"))
    wait(ClientFactory(legal_name="Ruth Only"), therapists=[ruth])
    wait(ClientFactory(legal_name="Elsewhere Only"), locations=[LocationFactory()])
    wait(ClientFactory(legal_name="Long Only"), services=[ServiceFactory(minutes=90)])
    cancel(full["monday"], dana, now)
    assert offer_times(now=now) == 0
    wait(ClientFactory(legal_name="Bea There"), therapists=[bea, ruth], locations=[location])
    assert offer_times(now=now) == 1


def test_the_times_of_a_wish_are_by_the_wall_of_the_place(wait: Wait, dana: User, hour: Service, now: datetime):
    """Five in the afternoon in New York is ten in the evening in Lisbon, and the day after in Sydney."""
    hudson = LocationFactory(name="Hudson", time_zone="America/New_York")
    ruth = TherapistFactory(usual_room=RoomFactory(location=hudson))
    works(ruth, hudson, 0, time(17), time(18))
    wish = wait(weekdays=[0], not_before=time(17), not_after=time(18))
    (found,) = times_for([wish], now=now, earliest=now).values()
    assert found[0].starts_at == at(22, day=23)


def test_a_new_wish_is_offered_nothing_while_the_desk_still_looks(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime
):
    cancel(full["monday"], dana, now)
    wait(added_at=now - timedelta(minutes=9))
    assert offer_times(now=now) == 0
    assert offer_times(now=now + timedelta(minutes=1)) == 1


def test_nothing_is_offered_by_night(full: dict[str, Appointment], wait: Wait, dana: User, now: datetime):
    wait()
    cancel(full["monday"], dana, now)
    assert offer_times(now=at(20)) == 0
    assert offer_times(now=at(7, 59, day=20)) == 0
    assert offer_times(now=at(8, 0, day=20)) == 1


@pytest.mark.parametrize("change", ["cancelled", "moved"])
def test_what_may_still_be_taken_back_is_offered_to_nobody(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime, change: str
):
    wait()
    if change == "cancelled":
        cancel_appointment(by=dana, now=now, appointment=full["monday"])
    else:
        move_appointment(
            by=dana, now=now, appointment=full["monday"], starts_at=at(15, day=23), override_reason="she asked for it"
        )
    assert offer_times(now=now + timedelta(seconds=59)) == 0
    undo(by=dana, now=now + timedelta(seconds=59), appointment=full["monday"])
    assert offer_times(now=now + timedelta(minutes=5)) == 0
    assert Appointment.objects.get(pk=full["monday"].pk).starts_at == at(10, day=23)


def test_whoever_frees_time_asks_no_broker_and_beats_round_finds_it(
    full: dict[str, Appointment],
    wait: Wait,
    dana: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[list[object]]],
):
    asked: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, *_args, **_how: asked.append(name))
    monkeypatch.setattr(offer_free_times, "apply_async", lambda *_args, **_how: asked.append("offer_free_times"))
    wait()
    with django_capture_on_commit_callbacks(execute=True):
        cancel(full["monday"], dana, now)
    assert asked == []
    (round_each_minute,) = [
        entry["task"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"] == offer_free_times.name and entry["schedule"] <= timedelta(minutes=1).total_seconds()
    ]
    app.tasks[round_each_minute]()
    assert offers() == [("Alice", at(10, day=23), "")]


# --- The order


def test_the_urgent_come_first_then_who_has_waited_longest(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime
):
    names = {"Late": 1, "Early": 3, "Urgent": 2}
    for name, days in names.items():
        client = ClientFactory(legal_name=f"{name} Waiter")
        wait(client, added_at=now - timedelta(days=days), is_urgent=name == "Urgent")
    cancel(full["monday"], dana, now)
    offer_times(now=now)
    for minutes in (1, 2):
        decline_offer(by=dana, now=now, offer=Offer.objects.get(answer=""))
        offer_times(now=now + timedelta(minutes=minutes))
    assert [name for name, _at, _answer in offers()] == ["Urgent", "Early", "Late"]


def test_two_freed_times_go_to_two_who_wait(full: dict[str, Appointment], wait: Wait, dana: User, now: datetime):
    wait()
    wait(ClientFactory(legal_name="Eva Reis"), added_at=now - timedelta(hours=5))
    cancel(full["monday"], dana, now)
    cancel(full["tuesday"], dana, now)
    assert offer_times(now=now) == 2
    assert offers() == [("Alice", at(10, day=23), ""), ("Eva", at(10, day=24), "")]


def test_whoever_has_an_offer_gets_no_second_one(full: dict[str, Appointment], wait: Wait, dana: User, now: datetime):
    wait()
    cancel(full["monday"], dana, now)
    cancel(full["tuesday"], dana, now)
    assert offer_times(now=now) == 1
    assert offer_times(now=now) == 0


def test_the_database_refuses_a_second_open_offer_of_a_wish(
    full: dict[str, Appointment], wait: Wait, dana: User, now: datetime
):
    wish = wait()
    cancel(full["monday"], dana, now)
    offer_times(now=now)
    with pytest.raises(IntegrityError, match="wish_has_one_open_offer"), transaction.atomic():
        Offer.objects.create(wish=wish, appointment=full["tuesday"], offered_at=now)


def test_she_is_offered_nothing_beside_a_visit_of_her_own(
    full: dict[str, Appointment],
    wait: Wait,
    dana: User,
    alice: Client,
    location: Location,
    hour: Service,
    now: datetime,
):
    ruth = TherapistFactory(usual_room=RoomFactory(location=location, name="Garden room"))
    works(ruth, location, 0, time(10), time(11))
    book_appointment(
        by=dana,
        now=now - timedelta(days=2),
        client=alice,
        service=hour,
        therapist=ruth,
        location=location,
        starts_at=at(10, day=23),
    )
    wish, other = wait(), wait(ClientFactory())
    cancel(full["monday"], dana, now)
    found = times_for([wish], now=now, earliest=now)[wish.pk]
    assert at(10, day=23) in {one.starts_at for one in times_for([other], now=now, earliest=now)[other.pk]}
    assert at(10, day=23) not in {one.starts_at for one in found}


# --- The hold


def test_a_hold_is_shorter_near_the_visit(now: datetime):
    assert hold_ends(now, now + timedelta(days=3), longest=2 * HOUR) == now + 2 * HOUR
    assert hold_ends(now, now + timedelta(hours=3), longest=2 * HOUR) == now + HOUR
    for minutes in range(91, 400):
        starts_at = now + timedelta(minutes=minutes)
        assert now < hold_ends(now, starts_at, longest=2 * HOUR) < starts_at - HOUR


def test_the_clinic_says_how_long_a_time_is_held(
    full: dict[str, Appointment], wait: Wait, dana: User, clinic: Clinic, now: datetime
):
    clinic.waitlist_hold_minutes = 30
    clinic.save()
    wait()
    cancel(full["monday"], dana, now)
    offer_times(now=now)
    assert Offer.objects.get().appointment.held_until == now + timedelta(minutes=30)


def test_what_begins_too_soon_for_anybody_to_answer_is_not_offered(
    full: dict[str, Appointment], wait: Wait, dana: User
):
    wait()
    cancel(full["monday"], dana, at(8, day=23))
    assert offer_times(now=at(8, 31, day=23)) == 0
    assert offer_times(now=at(8, 30, day=23)) == 1


def test_nobody_else_is_booked_into_a_time_that_is_held(
    full: dict[str, Appointment],
    wait: Wait,
    dana: User,
    bea: Therapist,
    location: Location,
    hour: Service,
    now: datetime,
):
    wait()
    cancel(full["monday"], dana, now)
    offer_times(now=now)
    with pytest.raises(SlotTaken):
        book_appointment(
            by=dana,
            now=now,
            client=ClientFactory(),
            service=hour,
            therapist=bea,
            location=location,
            starts_at=at(10, day=23),
        )


@pytest.mark.parametrize("merged", [False, True])
def test_nothing_is_offered_by_itself_to_whom_somebody_must_speak_first(
    full: dict[str, Appointment], wait: Wait, dana: User, alice: Client, now: datetime, *, merged: bool
):
    other = ClientFactory(merged_into=alice, archived_at=now) if merged else alice
    concern = mark(other, OnlineConcern.Kind.CALL, by=None, now=now)
    wait()
    cancel(full["monday"], dana, now)
    assert offer_times(now=now) == 0
    settle(by=dana, now=now, concern=concern)
    assert offer_times(now=now) == 1


# --- Answers


@pytest.fixture
def offer(full: dict[str, Appointment], wait: Wait, dana: User, now: datetime) -> Offer:
    """Monday at ten, offered to Alice until eleven; Eva waits behind her."""
    wait()
    wait(ClientFactory(legal_name="Eva Reis"), added_at=now - timedelta(hours=5))
    cancel(full["monday"], dana, now)
    offer_times(now=now)
    return Offer.objects.with_all().get()


def test_a_yes_books_the_visit_and_ends_the_waiting(offer: Offer, now: datetime):
    accept_offer(by=None, now=now + HOUR, offer=offer)
    offer.refresh_from_db()
    visit = Appointment.objects.get(pk=offer.appointment_id)
    assert (visit.status, visit.held_until, visit.booked_at) == (Status.BOOKED, None, now + HOUR)
    assert (offer.answer, offer.wish.ending) == ("accepted", "booked")
    assert list(Wish.objects.waiting(now.date()).values_list("client__legal_name", flat=True)) == ["Eva Reis"]


def test_whom_somebody_must_speak_with_first_says_yes_by_phone_only(offer: Offer, dana: User, now: datetime):
    mark(offer.wish.client, OnlineConcern.Kind.CALL, by=None, now=now)
    with pytest.raises(ValidationError, match="please speak with us"):
        accept_offer(by=None, now=now, offer=offer)
    assert Appointment.objects.get(pk=offer.appointment_id).status == Status.HELD
    accept_offer(by=dana, now=now, offer=offer)
    assert Appointment.objects.get(pk=offer.appointment_id).status == Status.BOOKED


def test_a_yes_said_twice_is_one(offer: Offer, now: datetime):
    for minute in (1, 2):
        accept_offer(by=None, now=now + timedelta(minutes=minute), offer=offer)
    assert Appointment.objects.filter(status=Status.BOOKED, client=offer.wish.client).count() == 1
    assert Offer.objects.get().answered_at == now + timedelta(minutes=1)


def test_a_no_frees_the_time_for_the_next_and_keeps_her_place(offer: Offer, now: datetime):
    decline_offer(by=None, now=now + HOUR, offer=offer)
    offer_times(now=now + HOUR)
    assert offers() == [("Alice", at(10, day=23), "declined"), ("Eva", at(10, day=23), "")]
    assert Wish.objects.waiting(now.date()).count() == 2


def test_no_answer_frees_the_time_for_the_next(offer: Offer, now: datetime):
    assert offer_times(now=now + 2 * HOUR - timedelta(seconds=1)) == 0
    assert offer_times(now=now + 2 * HOUR) == 1
    assert offers() == [("Alice", at(10, day=23), "none"), ("Eva", at(10, day=23), "")]


def test_a_time_that_went_to_the_next_is_held_for_the_first_no_more(offer: Offer, now: datetime):
    offer_times(now=now + 2 * HOUR)
    with pytest.raises(SlotTaken):
        accept_offer(by=None, now=now + 2 * HOUR, offer=offer)
    assert offers()[0][2] == "none"


def test_a_yes_after_a_no_is_refused(offer: Offer, now: datetime):
    decline_offer(by=None, now=now, offer=offer)
    with pytest.raises(SlotTaken):
        accept_offer(by=None, now=now, offer=offer)


def test_a_no_after_a_yes_is_refused(offer: Offer, now: datetime):
    accept_offer(by=None, now=now, offer=offer)
    with pytest.raises(ValidationError, match="Cancel it instead"):
        decline_offer(by=None, now=now, offer=offer)
    assert Appointment.objects.get(pk=offer.appointment_id).status == Status.BOOKED


def test_she_is_not_offered_the_same_time_twice(offer: Offer, now: datetime):
    Wish.objects.exclude(pk=offer.wish_id).delete()
    decline_offer(by=None, now=now, offer=offer)
    assert offer_times(now=now + HOUR) == 0


def test_the_desk_books_the_hold_itself(offer: Offer, dana: User, now: datetime):
    change_status(by=dana, now=now, appointment=offer.appointment, to=Status.BOOKED)
    offer_times(now=now)
    offer.refresh_from_db()
    assert (offer.answer, offer.wish.ending) == ("accepted", "booked")


def test_the_desk_cancels_the_hold_itself(offer: Offer, dana: User, now: datetime):
    cancel(offer.appointment, dana, now)
    offer_times(now=now)
    assert offers() == [("Alice", at(10, day=23), "none"), ("Eva", at(10, day=23), "")]


def test_a_hold_that_another_booking_cleared_away_is_settled(offer: Offer, location: Location, now: datetime):
    with transaction.atomic():
        expire_holds([offer.appointment.therapist_id], location, now=now + 3 * HOUR)
    offer_times(now=now + 3 * HOUR)
    with pytest.raises(SlotTaken):
        accept_offer(by=None, now=now + 3 * HOUR, offer=offer)
    assert offers() == [("Alice", at(10, day=23), "none"), ("Eva", at(10, day=23), "")]


def test_at_most_two_offers_a_day(
    full: dict[str, Appointment], wait: Wait, dana: User, bea: Therapist, location: Location, now: datetime
):
    wait(last_on=date(2026, 11, 27))
    works(bea, location, 4, time(14), time(18))
    for _ in range(4):
        if offer_times(now=now):
            decline_offer(by=dana, now=now, offer=Offer.objects.get(answer=""))
    assert len(offers()) == 2
    assert offer_times(now=now + timedelta(hours=24)) == 1


def test_after_two_offers_without_a_word_somebody_asks_her_first(
    full: dict[str, Appointment], wait: Wait, dana: User, bea: Therapist, location: Location, now: datetime
):
    wish = wait()
    works(bea, location, 4, time(9), time(18))
    later = now
    for _ in range(2):
        assert offer_times(now=later) == 1
        later += timedelta(hours=25)
    assert offer_times(now=later) == 0
    assert wish in Wish.objects.silent()
    hear_again(by=dana, now=later, wish=wish)
    assert wish not in Wish.objects.silent()
    assert offer_times(now=later) == 1


# --- Wishes


def test_the_same_wish_sent_twice_is_one(wait: Wait, bea: Therapist):
    assert wait(therapists=[bea], weekdays=[2, 1]) == wait(therapists=[bea], weekdays=[1, 2])
    assert wait(therapists=[bea], weekdays=[1]) != wait(therapists=[bea], weekdays=[2])
    assert Wish.objects.count() == 3


@pytest.mark.parametrize(
    ("wished", "field"),
    [
        ({"services": []}, "services"),
        ({"not_before": time(12), "not_after": time(11)}, "not_after"),
        ({"first_on": date(2026, 11, 30), "last_on": date(2026, 11, 29)}, "last_on"),
        ({"last_on": date(2026, 11, 17)}, "last_on"),
        ({"note": "x" * 161}, "note"),
        ({"weekdays": [7]}, "weekdays"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_beside_its_field(wait: Wait, wished: dict[str, object], field: str):
    with pytest.raises(ValidationError) as refused:
        wait(**wished)
    assert field in refused.value.message_dict
    assert not Wish.objects.exists()


def test_a_wish_for_a_service_that_nobody_of_those_named_gives_is_refused(wait: Wait, bea: Therapist):
    other = TherapistFactory(qualified_in=("swedish",))
    with pytest.raises(ValidationError) as refused:
        wait(therapists=[other])
    assert refused.value.message_dict == {"therapists": ["Nobody of them may give this service."]}
    assert wait(therapists=[other, bea]).pk


def test_a_changed_wish_keeps_its_place(wait: Wait, dana: User, hour: Service, now: datetime):
    first = wait()
    wait(ClientFactory(), added_at=now - HOUR)
    changed = change_wish(by=dana, now=now, wish=first, wished=Wished([hour], weekdays=[3], note="mornings"))
    assert (changed.weekdays, changed.note, changed.added_at) == ([3], "mornings", now - timedelta(days=1))
    assert Wish.objects.waiting(now.date()).first() == first


def test_whoever_is_taken_off_is_offered_nothing_and_holds_nothing(offer: Offer, dana: User, now: datetime):
    remove_wish(by=dana, now=now, wish=offer.wish)
    offer_times(now=now)
    assert offers() == [("Alice", at(10, day=23), "declined"), ("Eva", at(10, day=23), "")]
    remove_wish(by=dana, now=now, wish=offer.wish)
    with pytest.raises(ValidationError, match="no longer on the waitlist"):
        hear_again(by=dana, now=now, wish=offer.wish)


def test_whoever_was_booked_otherwise_waits_no_longer(
    full: dict[str, Appointment],
    wait: Wait,
    dana: User,
    bea: Therapist,
    alice: Client,
    location: Location,
    hour: Service,
    now: datetime,
):
    wish, other = wait(), wait(not_before=time(12))
    cancel(full["monday"], dana, now)
    book_appointment(
        by=dana, now=now, client=alice, service=hour, therapist=bea, location=location, starts_at=at(10, day=23)
    )
    offer_times(now=now)
    wish.refresh_from_db()
    other.refresh_from_db()
    assert (wish.ending, other.ending) == ("booked", "")


def test_a_wish_whose_days_are_over_waits_no_longer(wait: Wait, now: datetime):
    wait(last_on=date(2026, 11, 20))
    assert Wish.objects.waiting(date(2026, 11, 20)).exists()
    assert not Wish.objects.waiting(date(2026, 11, 21)).exists()


def test_the_number_of_queries_does_not_grow_with_the_wishes(full: dict[str, Appointment], wait: Wait, now: datetime):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert offer_times(now=now) == 0
        return len(asked)

    wait()
    few = queries()
    for _ in range(8):
        wait(ClientFactory(), weekdays=[2])
    assert queries() == few
