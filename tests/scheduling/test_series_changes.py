"""Changing and cancelling this one, this and all that follow, or all that are to come of a series."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from clinic.lib.times import at_wall
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.models import Appointment, Series, Status
from clinic.scheduling.series import Rule, dates, dates_until, in_same_week, visits
from clinic.scheduling.services import (
    Because,
    ChosenMove,
    ChosenVisit,
    SlotTaken,
    Which,
    Wished,
    cancel_series,
    change_length,
    change_series,
    change_status,
    move_appointment,
    moves_along,
    undo,
    visits_meant,
    wished_starts,
)
from tests.factories import ClientFactory, RoomFactory, ServiceFactory
from tests.scheduling.conftest import Book, at
from tests.scheduling.test_services import works_like_bea
from tests.scheduling.test_slots import DAYS, ZONES

LISBON = ZoneInfo("Europe/Lisbon")
THURSDAY, FRIDAY = 3, 4
Change = Callable[..., list[Appointment]]


def thursday(number: int) -> datetime:
    """Return ten o'clock on the first, second … Thursday of the series; Lisbon keeps UTC until March."""
    return datetime(2026, 11, 26, 10, tzinfo=UTC) + timedelta(weeks=number - 1)


def nth(number: int) -> Appointment:
    return Appointment.objects.with_people().select_related("series").order_by("starts_at")[number - 1]


@pytest.fixture
def change(dana: User, service: Service, bea: Therapist, location: Location, now: datetime) -> Change:
    """Return a function that changes from a visit on, as a page that previewed it would."""

    def do(
        visit: Appointment, which: Which = Which.FOLLOWING, *, leaving: int = 0, **others: object
    ) -> list[Appointment]:
        key = others.pop("key", uuid4())
        wished = Wished(**{
            "weekday": FRIDAY, "at_time": time(14), "service": service, "therapist": bea, "location": location,
        } | others)  # fmt: skip
        moving = moves_along(list(visits_meant(visit, which, now=now).with_people().select_related("series")), visit)
        starts = wished_starts(moving, wished)
        chosen = {
            one.pk: ChosenMove(ChosenVisit(one.starts_at, one.therapist), ChosenVisit(to.starts_at, wished.therapist))
            for one, to in list(zip(moving, starts, strict=True))[leaving:]
        }
        return change_series(
            by=dana, now=now, appointment=visit, which=which, wished=wished, chosen=chosen, key=key,
        )  # fmt: skip

    return do


def stands(client: Client) -> list[str]:
    found = Appointment.objects.filter(client=client).order_by("starts_at")
    return [f"{visit.starts_at:%d %b %H:%M}" for visit in found]


# --- Which are meant


def test_this_and_all_that_follow_leave_those_before_as_they_are(series: Series, change: Change, alice: Client) -> None:
    change(nth(3))
    assert stands(alice) == ["26 Nov 10:00", "03 Dec 10:00", "11 Dec 14:00", "18 Dec 14:00", "25 Dec 14:00"]
    new = Series.objects.exclude(pk=series.pk).get()
    assert (new.first_on, new.at_time, new.count, new.continues) == (date(2026, 12, 11), time(14), 3, series)
    assert [new.appointments.count(), series.appointments.count()] == [3, 2]
    series.refresh_from_db()
    assert (series.first_on, series.at_time) == (date(2026, 11, 26), time(10))


def test_all_that_are_to_come_move_also_those_before(series: Series, change: Change, alice: Client) -> None:
    change(nth(3), Which.ALL)
    assert stands(alice) == ["27 Nov 14:00", "04 Dec 14:00", "11 Dec 14:00", "18 Dec 14:00", "25 Dec 14:00"]


def test_this_one_moves_alone_and_stays_in_its_series(series: Series, change: Change, alice: Client) -> None:
    change(nth(2), Which.THIS)
    assert stands(alice)[:3] == ["26 Nov 10:00", "04 Dec 14:00", "10 Dec 10:00"]
    assert series.appointments.count() == 5


def test_a_visit_moved_by_hand_stays_where_it_was_put_and_goes_on_with_the_others(
    series: Series, change: Change, alice: Client, dana: User, now: datetime
) -> None:
    move_appointment(by=dana, now=now, appointment=nth(4), starts_at=datetime(2026, 12, 16, 9, tzinfo=UTC))
    change(nth(3))
    assert stands(alice)[2:] == ["11 Dec 14:00", "16 Dec 09:00", "25 Dec 14:00"]
    assert nth(4).series == nth(3).series != series
    # It stays so through the next change, too.
    change(nth(3), weekday=0, at_time=time(9))
    assert stands(alice)[2:] == ["07 Dec 09:00", "16 Dec 09:00", "21 Dec 09:00"]


def test_the_one_that_was_moved_by_hand_moves_when_it_is_the_one_asked(
    series: Series, change: Change, alice: Client, dana: User, now: datetime
) -> None:
    move_appointment(by=dana, now=now, appointment=nth(3), starts_at=datetime(2026, 12, 11, 9, tzinfo=UTC))
    change(nth(3), at_time=time(9))
    assert stands(alice)[2:] == ["11 Dec 09:00", "18 Dec 09:00", "25 Dec 09:00"]


def test_what_is_over_or_cancelled_is_left_alone(
    series: Series, change: Change, alice: Client, dana: User, now: datetime
) -> None:
    change_status(by=dana, now=now, appointment=nth(5), to=Status.CANCELLED)
    change(nth(1), Which.ALL)
    assert stands(alice)[4] == "24 Dec 10:00"


# --- What changes


def test_another_therapist_room_and_service(
    series: Series, change: Change, location: Location, service: Service, room: Room
) -> None:
    garden = RoomFactory(location=location, name="Garden room")
    ruth, short = works_like_bea(garden), ServiceFactory(modality=service.modality, minutes=75, buffer_after=0)
    change(nth(4), weekday=THURSDAY, at_time=time(10), therapist=ruth, service=short, room=room)
    for number in (4, 5):
        visit = nth(number)
        assert (visit.therapist, visit.service, visit.room, visit.minutes) == (ruth, short, room, 75)
    assert nth(3).minutes == 60


def test_a_length_given_by_hand_stays(series: Series, change: Change, dana: User, now: datetime) -> None:
    change_length(by=dana, now=now, appointment=nth(2), minutes=75)
    change(nth(1))
    assert [nth(number).minutes for number in (1, 2, 3)] == [60, 75, 60]


def test_a_confirmed_visit_that_moves_is_a_booked_one(
    series: Series, change: Change, dana: User, now: datetime
) -> None:
    change_status(by=dana, now=now, appointment=nth(2), to=Status.CONFIRMED)
    change(nth(1))
    assert nth(2).status == Status.BOOKED


def test_a_visit_may_go_to_where_another_of_the_same_series_is(
    series: Series, change: Change, alice: Client, now: datetime, dana: User, service: Service, bea: Therapist,
    location: Location,
) -> None:  # fmt: skip
    chosen = {
        nth(number).pk: ChosenMove(ChosenVisit(thursday(number), bea), ChosenVisit(thursday(number + 1), bea))
        for number in range(1, 6)
    }
    wished = Wished(THURSDAY, time(10), service, bea, location)
    change_series(by=dana, now=now, appointment=nth(1), which=Which.ALL, wished=wished, chosen=chosen, key=uuid4())
    assert stands(alice) == [f"{thursday(number):%d %b %H:%M}" for number in range(2, 7)]


def test_the_gates_are_asked_for_each(series: Series, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinic.scheduling.gates import gates

    monkeypatch.setattr(gates, "_entries", {"one": lambda asked: [one.day.day == 11 for one in asked]})
    change(nth(1))
    assert [nth(number).review_needed for number in range(1, 6)] == [False, False, True, False, False]


# --- All or nothing


def test_it_changes_all_or_nothing_and_names_every_refusal(
    series: Series, change: Change, book: Book, alice: Client
) -> None:
    before = stands(alice)
    book(datetime(2026, 12, 4, 14, tzinfo=UTC), client=ClientFactory())
    book(datetime(2026, 12, 18, 14, tzinfo=UTC), client=ClientFactory())
    with pytest.raises(SlotTaken) as refused:
        change(nth(1))
    assert refused.value.messages == [
        "Fri 4 Dec, 14:00: Bea has another visit until 15:15.",
        "Fri 18 Dec, 14:00: Bea has another visit until 15:15.",
    ]
    assert stands(alice) == before
    assert set(Appointment.objects.filter(client=alice).values_list("status", flat=True)) == {Status.BOOKED}
    assert Series.objects.count() == 1


def test_outside_the_hours_no_reason_is_asked_for_where_none_can_be_given(series: Series, change: Change) -> None:
    with pytest.raises(SlotTaken) as refused:
        change(nth(5), at_time=time(19))
    assert refused.value.messages == ["Fri 25 Dec, 19:00: Bea does not work on Fri 25 Dec at 19:00."]


def test_a_visit_that_was_not_chosen_stays_and_belongs_to_the_new_rule(
    series: Series, change: Change, alice: Client
) -> None:
    change(nth(3), leaving=1)
    assert stands(alice)[2:] == ["10 Dec 10:00", "18 Dec 14:00", "25 Dec 14:00"]
    assert nth(3).series == nth(4).series != series


def test_a_visit_that_somebody_moved_meanwhile_is_not_moved_back_unseen(
    series: Series, dana: User, now: datetime, service: Service, bea: Therapist, location: Location
) -> None:
    visit = nth(1)
    chosen = {visit.pk: ChosenMove(ChosenVisit(thursday(1), bea), ChosenVisit(at(14, day=27), bea))}
    move_appointment(by=dana, now=now, appointment=visit, starts_at=at(9, day=26))
    with pytest.raises(SlotTaken, match="Somebody has moved this visit meanwhile"):
        change_series(
            by=dana, now=now, appointment=visit, which=Which.THIS,
            wished=Wished(FRIDAY, time(14), service, bea, location), chosen=chosen, key=uuid4(),
        )  # fmt: skip


@pytest.mark.parametrize("fewer", [1, 4])
def test_the_same_form_with_fewer_visits_is_another_form(
    series: Series, dana: User, now: datetime, service: Service, bea: Therapist, location: Location, alice: Client,
    fewer: int,
) -> None:  # fmt: skip
    key = uuid4()
    chosen = {
        nth(number).pk: ChosenMove(
            ChosenVisit(thursday(number), bea), ChosenVisit(thursday(number) + timedelta(days=1, hours=4), bea)
        )
        for number in range(1, 6)
    }
    form = {
        "by": dana, "now": now, "appointment": nth(1), "which": Which.ALL, "key": key,
        "wished": Wished(FRIDAY, time(14), service, bea, location),
    }  # fmt: skip
    went = change_series(chosen=chosen, **form)
    assert change_series(chosen=chosen, **form) == went
    with pytest.raises(ValidationError, match="sent before, with other wishes"):
        change_series(chosen=dict(list(chosen.items())[fewer:]), **form)
    assert all("14:00" in one for one in stands(alice))


def test_a_visit_keeps_the_length_that_needed_a_reason_when_its_series_changes(
    series: Series, change: Change, dana: User, now: datetime, alice: Client
) -> None:
    for number in (2, 5):
        change_length(by=dana, now=now, appointment=nth(number), minutes=180, override_reason="Two parts at once")
    change(nth(1), at_time=time(14))
    assert [nth(number).minutes for number in range(1, 6)] == [60, 180, 60, 60, 180]
    reasons = [nth(number).override_reason for number in range(1, 6)]
    assert reasons == ["", "Two parts at once", "", "", "Two parts at once"]


def test_a_reason_for_a_length_is_none_for_another_time(
    series: Series, change: Change, dana: User, now: datetime
) -> None:
    change_length(by=dana, now=now, appointment=nth(5), minutes=180, override_reason="Two parts at once")
    with pytest.raises(SlotTaken, match="Bea does not work on Fri 25 Dec at 16:00"):
        change(nth(1), at_time=time(16))


def test_the_same_form_sent_twice_changes_once(
    series: Series, dana: User, now: datetime, service: Service, bea: Therapist, location: Location
) -> None:
    visit, key = nth(5), uuid4()
    chosen = {visit.pk: ChosenMove(ChosenVisit(thursday(5), bea), ChosenVisit(thursday(5) + timedelta(hours=4), bea))}
    wished = Wished(THURSDAY, time(14), service, bea, location)
    facts = {"by": dana, "now": now, "appointment": visit, "which": Which.FOLLOWING, "wished": wished, "key": key}
    assert [change_series(chosen=chosen, **facts) for _time in range(2)] == [[visit], [visit]]
    assert Series.objects.count() == 2
    assert visit.status_changes.count() == 2  # booked, changed


@pytest.mark.parametrize("other", ["time", "visits", "user"])
def test_the_same_form_with_other_wishes_is_refused(
    series: Series,
    dana: User,
    olga: User,
    now: datetime,
    service: Service,
    bea: Therapist,
    location: Location,
    other: str,
) -> None:
    def to(number: int, hour: int) -> dict[int, ChosenMove]:
        at_hour = thursday(number).replace(hour=hour)
        return {nth(number).pk: ChosenMove(ChosenVisit(thursday(number), bea), ChosenVisit(at_hour, bea))}

    wished = Wished(THURSDAY, time(14), service, bea, location)
    facts = {"by": dana, "now": now, "appointment": nth(5), "which": Which.FOLLOWING, "wished": wished, "key": uuid4()}
    change_series(chosen=to(5, 14), **facts)
    chosen = {"time": to(5, 15), "visits": to(4, 14), "user": to(5, 14)}[other]
    with pytest.raises(ValidationError) as refused:
        change_series(chosen=chosen, **facts | {"by": olga if other == "user" else dana})
    assert refused.value.code == "form_used"
    assert [f"{nth(number).starts_at:%H}" for number in (4, 5)] == ["10", "14"]


def test_many_cost_as_many_queries_as_one(series: Series, change: Change) -> None:
    with CaptureQueriesContext(connection) as one:
        change(nth(5))
    with CaptureQueriesContext(connection) as many:
        change(nth(1))
    assert len(many) == len(one)


# --- Taking it back


def test_a_change_of_many_is_taken_back_at_once(
    series: Series, change: Change, alice: Client, dana: User, now: datetime
) -> None:
    before = stands(alice)
    move_appointment(by=dana, now=now, appointment=nth(4), starts_at=datetime(2026, 12, 16, 9, tzinfo=UTC))
    change(nth(2))
    undo(by=dana, now=now, appointment=nth(5))
    assert [stands(alice)[number] for number in (0, 1, 2, 4)] == [before[number] for number in (0, 1, 2, 4)]
    assert set(Appointment.objects.filter(client=alice).values_list("series", flat=True)) == {series.pk}
    assert Series.objects.count() == 1


def test_it_is_not_taken_back_once_one_of_them_has_been_changed_again(
    series: Series, change: Change, dana: User, now: datetime
) -> None:
    change(nth(2))
    change_status(by=dana, now=now, appointment=nth(3), to=Status.CONFIRMED)
    with pytest.raises(ValidationError, match="Something else has been done since"):
        undo(by=dana, now=now, appointment=nth(4))


def test_a_series_just_booked_is_taken_back_at_once(series: Series, dana: User, now: datetime) -> None:
    assert len(undo(by=dana, now=now, appointment=nth(1))) == 5
    assert set(series.appointments.values_list("status", flat=True)) == {Status.CANCELLED}


# --- Cancelling


def cancel(
    visit: Appointment, by: User, now: datetime, which: Which = Which.FOLLOWING, **others: object
) -> list[Appointment]:
    seen = [one.pk for one in visits_meant(visit, which, now=now)]
    return cancel_series(
        **{"by": by, "now": now, "appointment": visit, "which": which, "seen": seen, "key": uuid4()} | others
    )


def test_this_and_all_that_follow_are_cancelled_those_put_elsewhere_too(
    series: Series, dana: User, now: datetime
) -> None:
    move_appointment(by=dana, now=now, appointment=nth(4), starts_at=datetime(2026, 12, 16, 9, tzinfo=UTC))
    assert len(cancel(nth(3), dana, now)) == 3
    assert [nth(number).status for number in (1, 2)] == [Status.BOOKED] * 2
    undo(by=dana, now=now, appointment=nth(3))
    assert {nth(number).status for number in range(1, 6)} == {Status.BOOKED}


def test_each_is_late_by_itself_and_only_when_the_client_cancels(series: Series, dana: User) -> None:
    late = datetime(2026, 11, 26, 8, tzinfo=UTC)
    cancel(nth(1), dana, late, Which.ALL)
    assert [nth(1).status, nth(2).status] == [Status.LATE_CANCELLED, Status.CANCELLED]
    undo(by=dana, now=late, appointment=nth(1))
    cancel(nth(1), dana, late, Which.ALL, because=Because.CLINIC)
    assert nth(1).status == Status.CANCELLED


def test_more_than_was_seen_is_not_cancelled(series: Series, dana: User, now: datetime) -> None:
    with pytest.raises(SlotTaken, match="look again"):
        cancel(nth(1), dana, now, seen=[nth(1).pk])
    assert nth(1).status == Status.BOOKED


# --- The dates


@given(DAYS, st.integers(0, 6))
def test_the_same_week_has_each_weekday_once(day: date, weekday: int) -> None:
    found = in_same_week(day, weekday)
    assert found.weekday() == weekday
    assert found.isocalendar()[:2] == day.isocalendar()[:2]


@given(ZONES, DAYS, st.sampled_from([1, 2, 4]), st.times(), st.integers(1, 60))
def test_the_rule_knows_its_visits_through_every_clock_change(
    zone: ZoneInfo, first: date, weeks: int, at_time: time, count: int
) -> None:
    at_time = at_time.replace(second=0, microsecond=0, fold=0)
    rule = Rule(first, at_time, weeks)
    for visit in visits(dates(first, weeks, count), at_time, zone):
        if visit.starts_at.astimezone(zone).date() == visit.on:  # else the clocks skip the whole evening
            assert rule.holds(visit.starts_at, zone)
            assert not rule.holds(visit.starts_at + timedelta(minutes=15), zone)
            assert not rule.holds(at_wall(zone, visit.on + timedelta(days=1), at_time), zone)


@given(DAYS, st.sampled_from([1, 2, 4]), st.integers(0, 700), st.sets(st.integers(0, 30), max_size=6))
def test_until_a_day_is_as_many_visits_as_lie_before_it(first: date, weeks: int, days: int, skipped: set[int]) -> None:
    until, leaving_out = first + timedelta(days=days), {first + timedelta(weeks=weeks * number) for number in skipped}
    found = dates_until(first, weeks, until, leaving_out)
    assert all(first <= day <= until for day in found)
    assert found == dates(first, weeks, len(found), leaving_out)
    if found:
        following = dates(first, weeks, len(found) + 1, leaving_out)[-1]
        assert following > until
