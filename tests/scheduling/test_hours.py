"""Working hours that change and alternate, time off and closures, and the visits that lie in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.audit.models import Change
from clinic.lib.times import at_wall, day_bounds
from clinic.people.models import Client, Location, Role, Room, Service, Therapist, User
from clinic.people.services.places import add_location
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.availability import availability
from clinic.scheduling.models import Appointment, Status, TimeOff, WeeklyHours
from clinic.scheduling.services import (
    SlotTaken,
    add_time_off,
    add_weekly_hours,
    cancel_appointment,
    change_status,
    keep_appointment,
    move_appointment,
    remove_time_off,
    undo,
)
from clinic.scheduling.slots import Rule, weekly_spans
from clinic.scheduling.working_week import Line, anchor_of, clash_in, kind_of_week, lines_on, periods_of, set_hours
from tests.factories import BEFORE, ClientFactory, LocationFactory, RoomFactory, TherapistFactory, UserFactory
from tests.scheduling.conftest import Book, at
from tests.scheduling.test_slots import DAYS, ZONES

MONDAY = date(2026, 12, 7)
TODAY = date(2026, 11, 19)


def worked(therapist: Therapist, location: Location, day: date) -> list[str]:
    free = availability(location=location, therapists=[therapist], first=day, last=day, now=BEFORE)
    zone = location.zone
    spans = free.diaries[therapist.pk].hours
    return [f"{one.start.astimezone(zone):%H:%M}-{one.end.astimezone(zone):%H:%M}" for one in spans]


# --- Alternating weeks


@given(ZONES, DAYS, DAYS, st.integers(0, 120), st.integers(0, 6), st.times(), st.times())
def test_hours_of_every_other_week_come_at_the_same_wall_time_on_each_14th_day(
    zone, anchor: date, first: date, days: int, weekday: int, opens: time, closes: time
) -> None:
    opens, closes = sorted(one.replace(second=0, microsecond=0, fold=0) for one in (opens, closes))
    monday = anchor - timedelta(days=anchor.weekday())
    rule = Rule(weekday, opens, closes, date(2000, 1, 3), None, monday)
    last = first + timedelta(days=days)
    counting = monday + timedelta(days=weekday)
    due = [day for n in range(days + 1) if ((day := first + timedelta(days=n)) - counting).days % 14 == 0]
    spans = [(at_wall(zone, day, opens), at_wall(zone, day, closes)) for day in due]
    assert [(one.start, one.end) for one in weekly_spans([rule], zone, first, last)] == [
        (start, end) for start, end in spans if start < end
    ]


@given(ZONES, DAYS, st.integers(0, 60))
def test_two_alternating_weeks_make_every_week(zone, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    halves = [Rule(2, time(9), time(17), date(2000, 1, 3), None, anchor_of(kind)) for kind in (0, 1)]
    whole = Rule(2, time(9), time(17), date(2000, 1, 3), None)
    assert weekly_spans(halves, zone, first, last) == weekly_spans([whole], zone, first, last)
    assert not set(weekly_spans(halves[:1], zone, first, last)) & set(weekly_spans(halves[1:], zone, first, last))


def test_a_year_of_53_weeks_does_not_break_the_rhythm() -> None:
    rule = Rule(0, time(9), time(10), date(2026, 1, 1), None, date(2026, 12, 14))
    found = weekly_spans([rule], LocationFactory.build().zone, date(2026, 12, 1), date(2027, 1, 31))
    assert [one.start.date() for one in found] == [
        date(2026, 12, 14), date(2026, 12, 28), date(2027, 1, 11), date(2027, 1, 25)
    ]  # fmt: skip


def test_in_one_week_here_in_the_other_there(bea: Therapist, location: Location, olga: User, now: datetime) -> None:
    other = LocationFactory()
    lines = [Line(0, time(9), time(13), location.pk, 0), Line(0, time(9), time(13), other.pk, 1)]
    set_hours(by=olga, now=now, therapist=bea, lines=lines, first=TODAY)
    first = next(day for day in (MONDAY, MONDAY + timedelta(weeks=1)) if kind_of_week(day) == 0)
    for weeks in range(4):
        day = first + timedelta(weeks=weeks)
        here, there = (location, other) if weeks % 2 == 0 else (other, location)
        assert worked(bea, here, day) == ["09:00-13:00"]
        assert worked(bea, there, day) == []


# --- Overlaps


def test_the_database_itself_refuses_hours_that_overlap(bea: Therapist, location: Location) -> None:
    rows = {"therapist": bea, "location": location, "weekday": 0, "valid_from": TODAY}
    WeeklyHours.objects.create(opens=time(9), closes=time(13), **rows)
    with pytest.raises(IntegrityError, match="therapist_works_once_at_a_time"), transaction.atomic():
        WeeklyHours.objects.create(opens=time(12), closes=time(15), **rows)


LINES = st.builds(
    lambda weekday, opens, long, kind: Line(weekday, time(opens), time(opens + long), 1, kind),
    st.integers(0, 1), st.integers(0, 19), st.integers(1, 4), st.sampled_from([None, 0, 1]),
)  # fmt: skip


@given(st.lists(LINES, max_size=6))
def test_lines_clash_exactly_where_somebody_would_work_twice_at_once(lines: list[Line]) -> None:
    hours = [
        (week, line.weekday, hour)
        for line in lines
        for week in (0, 1)
        if line.kind in (None, week)
        for hour in range(line.opens.hour, line.closes.hour)
    ]
    assert bool(clash_in(lines)) == (len(hours) != len(set(hours)))


@pytest.mark.parametrize(("first", "second", "clash"), [(0, 1, False), (0, 0, True), (None, 1, True)])
def test_hours_of_different_weeks_may_be_at_the_same_time(
    bea: Therapist, location: Location, first: int | None, second: int | None, clash: bool
) -> None:
    facts = {"by": None, "now": BEFORE, "therapist": bea, "location": location, "weekday": 0, "valid_from": TODAY}
    add_weekly_hours(opens=time(9), closes=time(13), anchor_week=anchor_of(first), **facts)
    # Another Monday of the same kind of week.
    anchor = second if second is None else anchor_of(second) + timedelta(weeks=20)
    if clash:
        with pytest.raises(ValidationError, match="already works then"):
            add_weekly_hours(opens=time(12), closes=time(14), anchor_week=anchor, **facts)
    else:
        assert add_weekly_hours(opens=time(12), closes=time(14), anchor_week=anchor, **facts)


# --- Changing


def test_new_hours_end_the_old_ones_and_leave_the_past_as_it_was(
    bea: Therapist, location: Location, hours: None, olga: User, now: datetime
) -> None:
    set_hours(
        by=olga, now=now, therapist=bea, first=MONDAY,
        lines=[Line(0, time(9), time(13), location.pk), Line(0, time(15), time(19), location.pk)],
    )  # fmt: skip
    assert worked(bea, location, date(2026, 11, 30)) == ["09:00-13:00", "14:00-18:00"]
    assert worked(bea, location, MONDAY) == ["09:00-13:00", "15:00-19:00"]
    assert worked(bea, location, MONDAY + timedelta(days=1)) == []
    # What stays the same goes on as one rule.
    assert WeeklyHours.objects.get(therapist=bea, weekday=0, opens=time(9)).valid_from == date(2026, 1, 1)
    assert [(one.first, one.last) for one in periods_of(WeeklyHours.objects.all())] == [
        (date(2026, 1, 1), date(2026, 12, 6)), (MONDAY, None)
    ]  # fmt: skip
    told = Change.objects.get(what="people.therapist", what_pk=bea.pk, at=now)
    assert (told.by, told.words) == (olga, "working hours changed from Mon 7 Dec 2026 on")


def test_hours_for_a_while_give_way_to_the_old_ones_again(
    bea: Therapist, location: Location, hours: None, olga: User, now: datetime
) -> None:
    last = MONDAY + timedelta(days=13)
    set_hours(by=olga, now=now, therapist=bea, lines=[], first=MONDAY, last=last)
    assert worked(bea, location, MONDAY) == []
    assert worked(bea, location, last + timedelta(days=1)) == ["09:00-13:00", "14:00-18:00"]
    set_hours(by=olga, now=now, therapist=bea, lines=lines_on(bea, TODAY), first=MONDAY)
    assert worked(bea, location, MONDAY) == ["09:00-13:00", "14:00-18:00"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 10)), st.lists(LINES, max_size=3)), max_size=4
    )
)
@pytest.mark.django_db
def test_after_any_changes_each_day_has_the_hours_it_was_given_last(changes) -> None:
    with transaction.atomic():
        location = LocationFactory()
        bea = TherapistFactory()
        now = datetime(2026, 11, 19, 9, tzinfo=UTC)
        given_last: dict[date, set[Line]] = {TODAY + timedelta(days=n): set() for n in range(50)}
        for begins, long, lines in changes:
            wanted = {line._replace(location=location.pk) for line in lines}
            if clash_in(wanted):
                continue
            first = TODAY + timedelta(days=begins)
            last = None if long is None else first + timedelta(days=long)
            set_hours(by=None, now=now, therapist=bea, lines=wanted, first=first, last=last)
            given_last |= {day: wanted for day in given_last if first <= day <= (last or day)}
        assert {day: lines_on(bea, day) for day in given_last} == given_last
        transaction.set_rollback(True)


def test_what_was_is_not_changed(bea: Therapist, olga: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="what was stays as it was"):
        set_hours(by=olga, now=now, therapist=bea, lines=[], first=TODAY - timedelta(days=1))


# --- Closures


def test_a_closed_room_is_given_to_nobody(
    book: Book, location: Location, room: Room, olga: User, now: datetime
) -> None:
    other = RoomFactory(location=location, name="Room 2")
    add_time_off(by=olga, now=now, room=room, starts_at=at(0, day=20), ends_at=at(0, day=21), reason="Painting")
    assert book(at(10, day=20)).room == other
    assert book(at(10, day=23)).room == room
    with pytest.raises(SlotTaken, match="No room is free"):
        book(at(14, day=20), room=room, override_reason="She insists")


def test_a_holiday_of_the_clinic_begins_on_each_wall_at_midnight(as_olga: Browser, location: Location, now) -> None:
    far = LocationFactory(name="Far away", time_zone="America/New_York")
    answer = as_olga.post("/settings/closures/", {"what": "all", "first": "2026-12-25", "reason": "Christmas"})
    assert answer.status_code == 302
    found = {one.location: (one.starts_at, one.ends_at) for one in TimeOff.objects.all()}
    assert found == {place: day_bounds(place.zone, date(2026, 12, 25)) for place in (location, far)}


def test_a_location_added_later_is_closed_when_the_whole_clinic_is(as_olga: Browser, olga: User, now: datetime) -> None:
    first = LocationFactory(name="First")
    closing = {"last": "", "reason": "Christmas", "from_time": "12:00"}
    as_olga.post("/settings/closures/", closing | {"what": "all", "first": "2026-12-25"})
    as_olga.post("/settings/closures/", {"what": f"location-{first.pk}", "first": "2026-12-28", "reason": "Painting"})
    far = add_location(by=olga, now=now, name="Far away", time_zone="America/New_York")
    (closed,) = TimeOff.objects.filter(location=far)
    noon = datetime(2026, 12, 25, 17, tzinfo=UTC)
    assert (closed.starts_at, closed.ends_at, closed.reason) == (noon, noon + timedelta(hours=12), "Christmas")


def test_absences_cost_no_query_more(bea, location, hours, room, now, olga) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            availability(location=location, therapists=[bea], first=TODAY, last=TODAY + timedelta(days=90), now=now)
        return len(found)

    before = queries()
    for day in range(1, 20):
        add_time_off(by=olga, now=now, room=room, starts_at=at(8, day=day), ends_at=at(9, day=day))
        add_time_off(by=olga, now=now, location=location, starts_at=at(8, day=day), ends_at=at(9, day=day))
    assert queries() == before == 2


# --- Visits in an absence


def time_off(therapist: Therapist) -> str:
    return f"/settings/therapists/{therapist.pk}/time-off/"


def test_time_off_over_visits_shows_them_first_and_is_saved_once_they_are_seen(
    book: Book, bea: Therapist, as_dana: Browser, dana: User, now: datetime
) -> None:
    visit = book(at(10, day=25))
    wish = {"first": "2026-11-24", "last": "2026-11-26", "reason": "Course"}
    page = as_dana.post(time_off(bea), wish)
    assert page.status_code == 409
    assert f"/appointments/{visit.pk}/move/" in page.content.decode()
    assert not TimeOff.objects.exists()
    assert page.context["form"]["reason"].value() == "Course"
    later = book(at(14, day=26))  # meanwhile, by a colleague
    assert as_dana.post(time_off(bea), wish | {"seen": str(visit.pk)}).status_code == 409
    answer = as_dana.post(time_off(bea), wish | {"seen": f"{visit.pk},{later.pk}"}, follow=True)
    absence = TimeOff.objects.get()
    assert answer.redirect_chain[-1][0] == f"/time-off/{absence.pk}/"
    assert (absence.starts_at, absence.ends_at) == (at(0, day=24), at(0, day=27))
    assert Appointment.objects.filter(status="booked").count() == 2
    # Until none is left.
    assert counts_for(dana, now)["rebooking"] == 2
    (row,) = worklists["rebooking"].rows(dana, now)
    assert (row.title, row.url) == ("Bea Lindqvist", "/appointments/to-rebook/")
    move_appointment(by=dana, now=now, appointment=visit, starts_at=at(10, day=27))
    cancel_appointment(by=dana, now=now, appointment=later)
    assert counts_for(dana, now)["rebooking"] == 0
    # Sent again it is not entered twice.
    as_dana.post(time_off(bea), wish)
    assert TimeOff.objects.count() == 1


def test_a_visit_put_into_an_absence_with_a_reason_is_meant_to_be_there(
    book: Book, bea: Therapist, olga: User, dana: User, now: datetime
) -> None:
    early = book(at(7, day=25), override_reason="Flies at noon")
    add_time_off(by=olga, now=now + timedelta(minutes=1), therapist=bea, starts_at=at(0, day=25), ends_at=at(0, day=26))
    later = now + timedelta(minutes=2)
    meant = book(at(15, day=25), now=later, override_reason="She comes in for it")
    assert list(Appointment.objects.to_rebook(later)) == [early]
    moved = move_appointment(
        by=dana, now=later, appointment=early, starts_at=at(8, day=25), override_reason="Agreed with Bea"
    )
    assert moved.pk != meant.pk
    assert not Appointment.objects.to_rebook(later).exists()


@pytest.mark.parametrize("what", ["therapist", "elsewhere", "location", "room", "other room", "touching"])
def test_it_tells_which_visits_an_absence_holds(
    book: Book, bea: Therapist, location: Location, room: Room, olga: User, now: datetime, what: str
) -> None:
    visit = book(at(10, day=25))
    spans = {"starts_at": at(10, 30, day=25), "ends_at": at(12, day=25)}
    whose = {
        "therapist": {"therapist": bea},
        "elsewhere": {"therapist": bea, "location": LocationFactory()},
        "location": {"location": location},
        "room": {"room": room},
        "other room": {"room": RoomFactory(location=location)},
        "touching": {"therapist": bea, "starts_at": at(11, day=25)},
    }[what]
    add_time_off(by=olga, now=now, **spans | whose)
    expected = [visit] if what in {"therapist", "location", "room"} else []
    assert list(Appointment.objects.to_rebook(now)) == expected


def test_an_absence_is_taken_back_and_one_that_has_begun_ends_now(bea, olga, now, as_bea: Browser) -> None:
    to_come = add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=25), ends_at=at(0, day=26))
    begun = add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=18), ends_at=at(0, day=24))
    over = add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=3), ends_at=at(0, day=4))
    for one in (to_come, begun, over):
        as_bea.post(f"/time-off/{one.pk}/remove/")
    assert not TimeOff.objects.filter(pk=to_come.pk).exists()
    assert TimeOff.objects.get(pk=begun.pk).ends_at == now
    assert TimeOff.objects.get(pk=over.pk).ends_at == over.ends_at
    with pytest.raises(ValidationError, match="stays as it was"):
        remove_time_off(by=olga, now=now, absence=over)
    assert list(Change.objects.filter(by=bea.user).values_list("words", flat=True)) == [
        "absence taken back: Wed 25 Nov", "absence ended early: Wed 18 Nov to Mon 23 Nov"
    ]  # fmt: skip


# --- Visits that new hours leave out


@pytest.fixture
def left_out(book: Book, bea: Therapist, location: Location, olga: User, now: datetime) -> Appointment:
    """Bea works in the mornings only from the coming Monday on; Alice is booked for the afternoon."""
    visit = book(at(14, day=24))
    mornings = [Line(day, time(9), time(13), location.pk) for day in range(5)]
    (found,) = set_hours(by=olga, now=now, therapist=bea, lines=mornings, first=date(2026, 11, 23), seen=[visit.pk])
    return found


def waits(visit: Appointment, now: datetime) -> bool:
    return Appointment.objects.to_rebook(now).filter(pk=visit.pk).exists()


def test_a_visit_that_new_hours_leave_out_waits_until_it_is_moved(
    left_out: Appointment, book: Book, dana: User, now: datetime
) -> None:
    within = book(at(10, day=24), client=ClientFactory())
    assert waits(left_out, now)
    assert not waits(within, now)
    assert counts_for(dana, now)["rebooking"] == 1
    assert not waits(move_appointment(by=dana, now=now, appointment=left_out, starts_at=at(9, day=25)), now)
    assert counts_for(dana, now)["rebooking"] == 0


def test_it_waits_no_more_once_it_is_cancelled(left_out: Appointment, dana: User, now: datetime) -> None:
    assert not waits(cancel_appointment(by=dana, now=now, appointment=left_out), now)


@pytest.mark.parametrize("change", ["move", "cancel", "keep"])
def test_what_was_done_with_it_is_taken_back_and_it_waits_again(
    left_out: Appointment, dana: User, now: datetime, change: str
) -> None:
    who = {"by": dana, "now": now, "appointment": left_out}
    match change:
        case "move":
            move_appointment(**who, starts_at=at(9, day=25))
        case "cancel":
            cancel_appointment(**who)
        case _:
            keep_appointment(**who, override_reason="Bea comes in for it")
    assert not waits(left_out, now)
    (found,) = undo(**who)
    assert (found.starts_at, found.status, found.override_reason) == (at(14, day=24), Status.BOOKED, "")
    assert waits(found, now)


@pytest.mark.parametrize("change", ["confirm", "keep"])
def test_what_was_done_with_a_visit_in_an_absence_is_taken_back_where_it_stands(
    book: Book, bea: Therapist, olga: User, dana: User, now: datetime, change: str
) -> None:
    visit = book(at(14, day=24))
    add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=24), ends_at=at(0, day=25))
    who = {"by": dana, "now": now, "appointment": visit}
    if change == "confirm":
        change_status(**who, to=Status.CONFIRMED)
    else:
        keep_appointment(**who, override_reason="Bea comes in for it")
    (found,) = undo(**who)
    assert (found.starts_at, found.status, found.override_reason) == (at(14, day=24), Status.BOOKED, "")
    assert waits(found, now)


def test_taken_back_into_hours_that_hold_it_again_it_waits_no_more(
    left_out: Appointment, bea: Therapist, location: Location, olga: User, dana: User, now: datetime
) -> None:
    move_appointment(by=dana, now=now, appointment=left_out, starts_at=at(9, day=25))
    lines = [Line(day, time(9), time(18), location.pk) for day in range(5)]
    set_hours(by=olga, now=now, therapist=bea, lines=lines, first=date(2026, 11, 23))
    (found,) = undo(by=dana, now=now, appointment=left_out)
    assert (found.starts_at, found.left_out_at) == (at(14, day=24), None)


def test_it_waits_no_more_once_the_hours_hold_it_again(
    left_out: Appointment, bea: Therapist, location: Location, olga: User, now: datetime
) -> None:
    lines = [Line(1, time(13), time(18), location.pk)]
    assert set_hours(by=olga, now=now, therapist=bea, lines=lines, first=date(2026, 11, 23)) == []
    assert not waits(left_out, now)


def test_a_visit_that_was_always_outside_the_hours_does_not_wait(
    book: Book, bea: Therapist, location: Location, olga: User, now: datetime
) -> None:
    meant = book(at(20, day=24), override_reason="She comes in for it")
    lines = [Line(1, time(9), time(12), location.pk)]
    assert set_hours(by=olga, now=now, therapist=bea, lines=lines, first=date(2026, 11, 23)) == []
    assert not waits(meant, now)


@pytest.mark.parametrize("because", ["hours", "absence"])
def test_a_visit_that_waits_may_stay_as_it_is_booked_for_a_reason(
    book: Book, request: pytest.FixtureRequest, bea: Therapist, as_dana: Browser, olga: User, now: datetime,
    because: str,
) -> None:  # fmt: skip
    if because == "hours":
        visit = request.getfixturevalue("left_out")
    else:
        visit = book(at(14, day=24))
        add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=24), ends_at=at(0, day=25))
    address = f"/appointments/{visit.pk}/keep/"
    assert address in as_dana.get(f"/appointments/{visit.pk}/").content.decode()
    assert address in as_dana.get("/appointments/to-rebook/").content.decode()
    answer = as_dana.post(address, {"override_reason": ""})
    assert answer.context["form"].errors == {"override_reason": ["This field is required."]}
    assert waits(visit, now)
    answer = as_dana.post(address, {"override_reason": "Bea comes in for it"}, follow=True)
    assert [one.extra_tags for one in answer.context["messages"]] == [f"/appointments/{visit.pk}/undo/"]
    assert not waits(visit, now)
    kept = Appointment.objects.get(pk=visit.pk)
    assert (kept.starts_at, kept.override_reason) == (visit.starts_at, "Bea comes in for it")
    assert kept.status_changes.last().why == "takes place as it is booked"


def test_a_closed_place_keeps_no_visit(book: Book, location: Location, as_dana: Browser, olga: User, now) -> None:
    visit = book(at(14, day=24))
    add_time_off(by=olga, now=now, room=visit.room, starts_at=at(0, day=24), ends_at=at(0, day=25), reason="Painting")
    page = as_dana.post(f"/appointments/{visit.pk}/keep/", {"override_reason": "She insists"})
    assert page.status_code == HTTPStatus.CONFLICT
    assert page.context["form"].non_field_errors() == ["No room is free on Tue 24 Nov at 14:00."]
    assert waits(visit, now)


# --- Pages


def hours_of(therapist: Therapist) -> str:
    return f"/settings/therapists/{therapist.pk}/hours/"


def week(**typed: str) -> dict[str, str]:
    return {"first": "2026-12-07", "last": ""} | {name.replace("_", "-"): value for name, value in typed.items()}


def test_an_owner_enters_a_week_with_a_break(as_olga: Browser, bea: Therapist, location: Location, now) -> None:
    where = {f"day0-location{n}": location.pk for n in range(2)}
    typed = week(day0_opens0="09:00", day0_closes0="12:00", day0_opens1="13:00", day0_closes1="17:00")
    copied = as_olga.post(hours_of(bea) + "change/", typed | where | {"copy": "1"})
    assert copied.status_code == 200
    assert not WeeklyHours.objects.exists()
    assert 'name="day4-closes1" type="time" value="17:00"' in copied.content.decode()
    assert as_olga.post(hours_of(bea) + "change/", typed | where).status_code == 302
    assert worked(bea, location, MONDAY) == ["09:00-12:00", "13:00-17:00"]
    assert "From Monday 7 December 2026" in as_olga.get(hours_of(bea)).content.decode()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"day0_opens0": "09:00"}, "Until when?"),
        ({"day0_opens0": "17:00", "day0_closes0": "09:00"}, "The end comes after the beginning"),
        (
            {"day0_opens0": "09:00", "day0_closes0": "12:00", "day0_opens1": "11:00", "day0_closes1": "13:00"},
            "Monday: 09:00–12:00 and 11:00–13:00 overlap.",
        ),
        ({"first": "2026-11-18"}, "what was stays as it was"),
        ({"first": "2026-12-08", "last": "2026-12-07"}, "The last day comes after the first."),
        ({"first": "soon"}, "Enter a valid date."),
    ],
)
def test_a_slip_is_told_beside_its_field_and_nothing_is_saved(
    as_olga: Browser, bea: Therapist, location: Location, now, typed, words
) -> None:
    where = {f"day0-location{n}": location.pk for n in range(2)}
    page = as_olga.post(hours_of(bea) + "change/", week(**typed) | where)
    assert page.status_code == 200
    assert words in page.content.decode()
    assert not WeeklyHours.objects.exists()


def test_hours_that_leave_visits_out_show_them_first_and_are_saved_once_they_are_seen(
    as_olga: Browser, bea: Therapist, location: Location, book: Book
) -> None:
    monday = datetime(2026, 12, 7, tzinfo=UTC)
    book(monday + timedelta(hours=10))
    late = book(monday + timedelta(hours=16))
    early = book(monday + timedelta(hours=31), override_reason="asked by Bea")
    typed = week(day0_opens0="09:00", day0_closes0="13:00", day1_opens0="09:00", day1_closes0="18:00")
    typed |= {f"day{day}-location{n}": str(location.pk) for day in (0, 1) for n in (0, 1)}
    page = as_olga.post(hours_of(bea) + "change/", typed)
    assert page.status_code == 409
    assert [visit.pk for visit in page.context["visits"]] == [late.pk]  # the early one never was within them
    assert "1 visit would lie outside these hours" in page.content.decode()
    assert bea.weekly_hours.filter(valid_until__isnull=True).count() == 10
    assert as_olga.post(hours_of(bea) + "change/", typed | {"seen": str(early.pk)}).status_code == 409
    assert as_olga.post(hours_of(bea) + "change/", typed | {"seen": str(late.pk)}).status_code == 302
    late.refresh_from_db()
    assert late.status == Status.BOOKED


def test_a_new_therapist_leads_to_her_hours(as_olga: Browser, location: Location, now) -> None:
    eva = UserFactory(name="Eva Brandt", roles=[Role.THERAPIST])
    answer = as_olga.post(
        f"/settings/staff/{eva.pk}/bookable/", {"colour": "moss", "locations": [location.pk]}, follow=True
    )
    assert answer.redirect_chain[-1][0] == hours_of(Therapist.objects.get(user=eva))
    assert "Enter the hours" in answer.content.decode()


def test_a_colleague_sees_nobody_elses(signed_in: Callable[[User], Browser], bea: Therapist, now) -> None:
    ruth = signed_in(TherapistFactory(user__name="Ruth Adler").user)
    for address in (hours_of(bea), hours_of(bea) + "change/", time_off(bea)):
        assert ruth.get(address).status_code == 404
        assert ruth.post(address).status_code in {404, 405}


@pytest.mark.parametrize(
    "typed", [{"first": ""}, {"first": "2026-11-18"}, {"first": "2026-11-25", "last": "2026-11-24"}]
)
def test_time_off_that_cannot_be_is_refused(as_dana: Browser, bea: Therapist, now, typed) -> None:
    page = as_dana.post(time_off(bea), typed)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not TimeOff.objects.exists()


def test_time_off_by_the_hour_is_by_the_wall_where_she_works(as_bea: Browser, bea: Therapist, now) -> None:
    lisbon = LocationFactory(time_zone="America/New_York")
    set_hours(by=None, now=now, therapist=bea, lines=[Line(0, time(9), time(13), lisbon.pk)], first=TODAY)
    as_bea.post(time_off(bea), {"first": "2026-11-30", "from_time": "10:00", "until_time": "12:00"})
    absence = TimeOff.objects.get()
    assert (absence.starts_at, absence.ends_at) == (at(15, day=30), at(17, day=30))


# --- Why nothing is free


def why(
    browser: Browser, client: Client, service: Service, therapist: Therapist | None, location: Location, on: str
) -> str:
    wish = {"client": client.pk, "service": service.pk, "location": location.pk, "on": on}
    return browser.get("/appointments/new/", wish | {"therapist": therapist.pk if therapist else ""}).content.decode()


def test_where_nothing_is_free_it_says_why(
    as_dana: Browser, alice: Client, service: Service, bea: Therapist, location: Location, hours: None, now, olga: User
) -> None:
    alfama = LocationFactory(name="Alfama")
    asked = (as_dana, alice, service, bea)
    assert "Bea has no working hours at Alfama." in why(*asked, alfama, "2026-11-23")
    assert "Bea does not work at Harbour Street on Sunday 22 November." in why(*asked, location, "2026-11-22")
    assert "Nobody who gives it works at Alfama on Monday 23 November." in why(
        as_dana, alice, service, None, alfama, "2026-11-23"
    )
    add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=24), ends_at=at(0, day=25), reason="Course")
    assert "Course: Tue 24 Nov." in why(*asked, location, "2026-11-24")
