"""Free times over random houses: whatever is offered can be booked, and nothing that could be is missing.

What is expected is reckoned as plainly as can be, quarter of an hour by quarter of an hour, over the rows themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from http import HTTPStatus
from itertools import pairwise
from random import Random

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.lib.times import at_wall, local_date
from clinic.people.models import Client, Location, Qualification, Room, Service, Therapist, User
from clinic.scheduling.availability import length_of
from clinic.scheduling.models import TAKING, Appointment, Status, TimeOff, WeeklyHours, monday_of
from clinic.scheduling.offers import FreeTime, free_by_key, free_times, preview_series, why_nothing
from clinic.scheduling.services import add_time_off, add_weekly_hours, book_appointment
from clinic.scheduling.slots import Length, Span
from tests.factories import BEFORE, ClientFactory, LocationFactory, RoomFactory, ServiceFactory, TherapistFactory
from tests.scheduling.conftest import Book, at

# Both hemispheres, half an hour, and clocks that change at midnight: around each of these days some of them do.
ZONES = (
    "Europe/Lisbon",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
)
FIRST_DAYS = st.sampled_from(
    [date(2026, 3, 5), date(2026, 3, 26), date(2026, 9, 3), date(2026, 10, 22), date(2026, 11, 19)]
)
QUARTER = timedelta(minutes=15)
# When, with whom and where.
Key = tuple[datetime, int, int]


# --- A random house


@dataclass(frozen=True)
class House:
    locations: Sequence[Location]
    therapists: Sequence[Therapist]
    service: Service
    client: Client


def house_of(random: Random, first: date) -> House:
    """Build two places in different zones, three therapists, and what keeps them from working."""
    locations = [LocationFactory(time_zone=zone) for zone in random.sample(ZONES, 2)]
    rooms = [RoomFactory(location=one) for one in locations for _number in range(random.choice([0, 1, 2, 2]))]
    therapists = [TherapistFactory(usual_room=random.choice([None, *rooms])) for _number in range(3)]
    service = ServiceFactory(
        minutes=random.choice([60, 75]), buffer_before=random.choice([0, 10]), buffer_after=random.choice([0, 15])
    )
    house = House(locations, therapists, service, ClientFactory())
    for _number in range(random.randint(2, 25)):
        _add_hours(random, house, first)
    for _number in range(random.randint(0, 6)):
        _add_absence(random, house, rooms, first)
    for _number in range(random.randint(0, 40) if rooms else 0):
        _add_visit(random, house, rooms, first)
    for therapist in therapists:
        _let_end(random, therapist, first)
    return house


def _add_hours(random: Random, house: House, first: date) -> None:
    opens, closes = sorted(random.sample(range(96), 2))
    begins = first + timedelta(days=random.choice([-30, -30, random.randint(-3, 10)]))
    lasts, kind = random.choice([None, None, 0, 12]), random.choice([None, None, 0, 1])
    # She may work already then.
    with suppress(ValidationError), transaction.atomic():
        add_weekly_hours(
            by=None, now=BEFORE, therapist=random.choice(house.therapists), location=random.choice(house.locations),
            weekday=random.randint(0, 6), opens=time(opens // 4, opens % 4 * 15),
            closes=time(closes // 4, closes % 4 * 15), valid_from=begins,
            valid_until=None if lasts is None else begins + timedelta(days=lasts),
            anchor_week=None if kind is None else monday_of(first) + timedelta(weeks=kind),
        )  # fmt: skip


def _moment(random: Random, first: date) -> datetime:
    """Return a moment within the next days, or weeks."""
    minutes = random.randrange(random.choice([3, 7, 90]) * 24 * 60) // 5 * 5
    return datetime.combine(first, time.min, UTC) + timedelta(minutes=minutes)


def _add_absence(random: Random, house: House, rooms: Sequence[Room], first: date) -> None:
    starts_at = _moment(random, first)
    ends_at = starts_at + random.choice([QUARTER, timedelta(hours=7), timedelta(days=1), timedelta(days=4)])
    whose: list[dict[str, object]] = [{"therapist": one} for one in house.therapists]
    whose += [{"location": one} for one in house.locations] + [{"room": one} for one in rooms]
    whose.append({"therapist": house.therapists[0], "location": house.locations[0]})
    TimeOff.objects.create(starts_at=starts_at, ends_at=ends_at, entered_at=BEFORE, **random.choice(whose))


def _add_visit(random: Random, house: House, rooms: Sequence[Room], first: date) -> None:
    """Put a visit somewhere, of the client or of somebody else; the database refuses those that meet."""
    room, starts_at = random.choice(rooms), _moment(random, first)
    ends_at = starts_at + timedelta(minutes=random.choice([20, 60, 300]))
    status = random.choice([Status.BOOKED, Status.BOOKED, Status.HELD, Status.CANCELLED, Status.REQUESTED])
    visit = Appointment(
        client=random.choice([house.client, ClientFactory()]), service=house.service, room=room,
        therapist=random.choice(house.therapists), location=room.location, starts_at=starts_at, ends_at=ends_at,
        occupied_from=starts_at - random.choice([0, 1]) * QUARTER, occupied_until=ends_at + QUARTER, status=status,
        booked_at=BEFORE,
    )  # fmt: skip
    if status == Status.HELD:
        visit.held_until = BEFORE + timedelta(days=random.choice([-9, 999]))
    with suppress(IntegrityError), transaction.atomic():
        visit.save()


def _let_end(random: Random, therapist: Therapist, first: date) -> None:
    """Let a licence, a qualification or the work itself end within the days that are asked for."""

    def soon() -> date | None:
        return random.choice([None, None, None, first + timedelta(days=random.randint(-1, 60))])

    therapist.licence_expires_on, therapist.leaves_on = soon(), soon()
    therapist.save()
    Qualification.objects.filter(therapist=therapist).update(expires_on=soon())


# --- The same, as plainly as can be


@dataclass(frozen=True)
class Question:
    """What is asked, and the rows that answer it."""

    now: datetime
    first: date
    days: int
    lead: timedelta
    horizon: timedelta | None
    hours: Sequence[WeeklyHours]
    absences: Sequence[TimeOff]
    visits: Sequence[Appointment]
    # Until when each therapist may give it.
    qualified_to: Mapping[int, date | None]
    # The rooms of each location.
    rooms: Mapping[int, set[int]]


def expected(house: House, asked: Question) -> set[Key]:
    """Return each start at which somebody could book, with therapist and location."""
    return {
        (start, therapist.pk, location.pk)
        for location in house.locations
        for therapist in house.therapists
        for start in _quarters(therapist, location, house.service, asked)
        if _could(start, therapist, location, house, asked)
    }


def _quarters(therapist: Therapist, location: Location, service: Service, asked: Question) -> Iterator[datetime]:
    """Yield every quarter of an hour of her hours in which a visit still fits, counted from where they begin."""
    for opens, closes in _stretches(therapist, location, asked):
        start = opens
        while start + timedelta(minutes=service.minutes) <= closes:
            yield start
            start += QUARTER


def _stretches(therapist: Therapist, location: Location, asked: Question) -> Iterator[Span]:
    """Yield the hours in which she works there; those that touch are one."""
    spans = []
    for number in range(asked.days):
        day = asked.first + timedelta(days=number)
        for hours in asked.hours:
            is_hers = (hours.therapist_id, hours.location_id, hours.weekday) == (
                therapist.pk, location.pk, day.weekday()
            )  # fmt: skip
            ends = [one for one in (hours.valid_until, therapist.leaves_on) if one]
            in_week = hours.anchor_week is None or (monday_of(day) - hours.anchor_week).days % 14 == 0
            if is_hers and in_week and hours.valid_from <= day and all(day <= one for one in ends):
                spans.append((at_wall(location.zone, day, hours.opens), at_wall(location.zone, day, hours.closes)))
    begun: datetime | None = None
    latest = datetime.max.replace(tzinfo=UTC)
    for (opens, closes), (next_opens, _closes) in pairwise([*sorted(spans), (latest, latest)]):
        begun = begun or opens
        if closes != next_opens:
            yield Span(begun, closes)
            begun = None


def _could(start: datetime, therapist: Therapist, location: Location, house: House, asked: Question) -> bool:
    length = length_of(house.service)
    return (
        _may_be_then(start, therapist, location, asked)
        and _is_there(length.visit(start), therapist, location, asked)
        and _nobody_is_in_the_way(length, start, therapist, house, asked)
        and _has_room(length.occupied(start), location, asked)
    )


def _may_be_then(start: datetime, therapist: Therapist, location: Location, asked: Question) -> bool:
    day = local_date(location.zone, start)
    last_days = [asked.qualified_to[therapist.pk], therapist.licence_expires_on]
    if asked.horizon is not None:
        last_days.append(local_date(location.zone, asked.now + asked.horizon))
    return start >= asked.now + asked.lead and all(day <= last for last in last_days if last)


def _is_there(visit: Span, therapist: Therapist, location: Location, asked: Question) -> bool:
    return not any(
        one.therapist_id in {None, therapist.pk}
        and one.location_id in {None, location.pk}
        and one.room_id is None
        and visit.start < one.ends_at
        and one.starts_at < visit.end
        for one in asked.absences
    )


def _nobody_is_in_the_way(length: Length, start: datetime, therapist: Therapist, house: House, asked: Question) -> bool:
    visit, occupied = length.visit(start), length.occupied(start)
    return not any(
        (one.client_id == house.client.pk and one.starts_at < visit.end and visit.start < one.ends_at)
        or (one.therapist_id == therapist.pk and _meets(one, occupied))
        for one in asked.visits
    )


def _has_room(occupied: Span, location: Location, asked: Question) -> bool:
    taken = {one.room_id for one in asked.visits if _meets(one, occupied)}
    closed = {one.room_id for one in asked.absences if one.starts_at < occupied.end and occupied.start < one.ends_at}
    return not asked.rooms[location.pk] <= taken | closed


def _meets(one: Appointment, occupied: Span) -> bool:
    return one.occupied_from < occupied.end and occupied.start < one.occupied_until


def question_of(random: Random, house: House, first: date) -> Question:
    now = datetime.combine(first, time(10, 7), UTC) - timedelta(days=random.choice([0, 0, 20]))
    return Question(
        now=now,
        first=first,
        days=random.choice([1, 2, 7, 30, 90]),
        lead=timedelta(hours=random.choice([0, 0, 2, 48])),
        horizon=random.choice([None, None, timedelta(days=1), timedelta(days=25)]),
        hours=list(WeeklyHours.objects.all()),
        absences=list(TimeOff.objects.all()),
        qualified_to=dict(
            Qualification.objects.filter(modality=house.service.modality).values_list("therapist_id", "expires_on")
        ),
        rooms={one.pk: set(one.rooms.values_list("pk", flat=True)) for one in house.locations},
        visits=list(Appointment.objects.filter(status__in=TAKING).exclude(status=Status.HELD, held_until__lte=now)),
    )


def offered(house: House, asked: Question, **more: object) -> list[FreeTime]:
    return free_times(
        now=asked.now, service=house.service, locations=house.locations, first=asked.first, days=asked.days,
        client=house.client, lead=asked.lead, horizon=asked.horizon, **more,
    )  # fmt: skip


def keys_of(found: Iterable[FreeTime]) -> list[Key]:
    return [(one.starts_at, one.therapist.pk, one.location.pk) for one in found]


RANDOM_HOUSES = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.usefixtures("clinic")
@RANDOM_HOUSES
@given(random=st.randoms(use_true_random=True), first=FIRST_DAYS)
def test_what_is_offered_is_what_could_be_booked_and_nothing_is_missing(random: Random, first: date) -> None:
    with transaction.atomic():
        house = house_of(random, first)
        asked = question_of(random, house, first)
        could = expected(house, asked)
        for therapist in house.therapists:
            alone = keys_of(offered(house, asked, therapist=therapist))
            assert alone == sorted(alone, key=lambda key: key[0])
            assert len(alone) == len(set(alone))
            assert set(alone) == {key for key in could if key[1] == therapist.pk}
        anyone = keys_of(offered(house, asked))
        assert {(start, location) for start, _whose, location in anyone} == {(one[0], one[2]) for one in could}
        assert set(anyone) <= could
        assert len({(start, location) for start, _whose, location in anyone}) == len(anyone)
        _try_to_book(random, house, asked, could)
        transaction.set_rollback(True)


def _try_to_book(random: Random, house: House, asked: Question, could: Collection[Key]) -> None:
    """Book one of the times that are offered, and be refused one of those that are not."""
    everything = [
        (start, therapist.pk, location.pk)
        for location in house.locations
        for therapist in house.therapists
        for start in _quarters(therapist, location, house.service, asked)
    ]
    at_all = replace(asked, lead=timedelta(0), horizon=None)
    impossible = sorted(set(everything) - expected(house, at_all))
    for keys, is_free in ((sorted(could), True), (impossible, False)):
        if keys:
            start, therapist, location = random.choice(keys)
            assert _books(house, start, therapist, location, asked.now) == is_free


def _books(house: House, start: datetime, therapist: int, location: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            book_appointment(
                by=None, now=now, client=house.client, service=house.service, starts_at=start,
                therapist=Therapist.objects.get(pk=therapist), location=Location.objects.get(pk=location),
            )  # fmt: skip
            transaction.set_rollback(True)
    except ValidationError:
        return False
    return True


@pytest.mark.usefixtures("clinic")
@RANDOM_HOUSES
@given(random=st.randoms(use_true_random=True), first=FIRST_DAYS)
def test_the_same_is_told_to_a_page_that_knows_only_keys(random: Random, first: date) -> None:
    with transaction.atomic():
        house = house_of(random, first)
        asked = replace(question_of(random, house, first), lead=timedelta(0), horizon=None)
        found = free_by_key(
            now=asked.now, service=house.service.pk, locations=[one.pk for one in house.locations], first=first,
            days=asked.days, is_each=True, client=house.client,
        )  # fmt: skip
        assert found is not None
        told = [(datetime.fromisoformat(words), one.therapist, one.location) for one in found for words in one.times]
        assert len(told) == len(set(told))
        assert set(told) == expected(house, asked)
        transaction.set_rollback(True)


@pytest.mark.usefixtures("clinic")
@RANDOM_HOUSES
@given(random=st.randoms(use_true_random=True), first=FIRST_DAYS, weeks=st.sampled_from([1, 2, 4]))
def test_of_a_series_is_free_what_could_be_booked_by_itself(random: Random, first: date, weeks: int) -> None:
    with transaction.atomic():
        house = house_of(random, first)
        asked = replace(question_of(random, house, first), days=90, lead=timedelta(0), horizon=None)
        could = expected(house, asked)
        therapist, location = random.choice(house.therapists), random.choice(house.locations)
        hers = sorted(start for start, *where in could if where == [therapist.pk, location.pk])
        wish = (random.choice(hers) if hers else asked.now + QUARTER).astimezone(location.zone)
        found = preview_series(
            now=asked.now, client=house.client, service=house.service, therapist=therapist, location=location,
            first_on=first + timedelta(days=(wish.weekday() - first.weekday()) % 7), at_time=wish.time(),
            every_weeks=weeks, count=80 // (7 * weeks),
        )  # fmt: skip
        works = list(_stretches(therapist, location, asked))
        length = length_of(house.service)
        for one in found:
            is_in_hours = any(opens <= one.starts_at and one.ends_at <= closes for opens, closes in works)
            assert (one.problem == "") == (is_in_hours and _could(one.starts_at, therapist, location, house, asked))
            assert one.ends_at == length.visit(one.starts_at).end
            ways = [way for way in one.alternatives if way.starts_at and way.starts_at != one.starts_at]
            assert {(way.starts_at, way.therapist.pk, location.pk) for way in ways} <= could
        transaction.set_rollback(True)


# --- One thing at a time


def test_nothing_is_nearer_than_the_lead_or_after_the_day_of_the_horizon(
    bea: Therapist, location: Location, service: Service, hours: None, now: datetime
) -> None:
    found = free_times(
        now=now, service=service, locations=[location], first=now.date(), days=30,
        lead=timedelta(hours=6), horizon=timedelta(days=4),
    )  # fmt: skip
    assert found[0].starts_at == at(15)
    # The fourth day counts as a whole.
    assert found[-1].starts_at == at(17, day=23)


@pytest.mark.parametrize("days", [0, 91])
def test_free_times_are_looked_for_on_1_to_90_days(
    days: int, location: Location, service: Service, now: datetime
) -> None:
    with pytest.raises(ValueError, match="1 to 90 days"):
        free_times(now=now, service=service, locations=[location], first=now.date(), days=days)


def test_times_that_leave_no_useless_gap_are_marked_and_come_first(
    book: Book, bea: Therapist, location: Location, service: Service, now: datetime
) -> None:
    book(at(10, 30, day=20))
    found = free_times(now=now, service=service, locations=[location], first=date(2026, 11, 20), keep_gaps_small=True)
    # Until 10:30 the buffer of a visit must be over; from 11:45 on she is free until 13:00.
    assert [f"{one.starts_at:%H:%M}" for one in found if one.is_snug] == [
        "09:00",
        "09:15",
        "11:45",
        "12:00",
        "14:00",
        "17:00",
    ]
    assert [one.is_snug for one in found] == sorted((one.is_snug for one in found), reverse=True)


def test_where_several_are_free_it_is_for_whom_it_leaves_no_gap(
    bea: Therapist, location: Location, room: Room, service: Service, hours: None, now: datetime
) -> None:
    ada = TherapistFactory(user__name="Ada Zimmer")
    add_weekly_hours(
        by=None, now=now, therapist=ada, location=location, weekday=4, opens=time(8), closes=time(18),
        valid_from=date(2026, 1, 1),
    )  # fmt: skip

    def of_nine(*, keep_gaps_small: bool) -> FreeTime:
        found = free_times(
            now=now, service=service, locations=[location], first=date(2026, 11, 20), keep_gaps_small=keep_gaps_small
        )
        return next(one for one in found if one.starts_at == at(9, day=20))

    assert (of_nine(keep_gaps_small=False).therapist, of_nine(keep_gaps_small=True).therapist) == (ada, bea)


def test_a_length_that_the_modality_does_not_have_is_offered_only_with_a_reason(
    bea: Therapist, location: Location, hours: None, now: datetime
) -> None:
    service = ServiceFactory(minutes=15)
    service.modality.shortest_minutes, service.modality.longest_minutes = 45, 90
    ask = partial(free_times, now=now, service=service, locations=[location], first=date(2026, 11, 20))
    assert (ask(), bool(ask(with_reason=True))) == ([], True)


def test_the_room_is_the_one_with_what_the_client_wishes(
    book: Book, alice: Client, location: Location, room: Room, now: datetime
) -> None:
    quiet = RoomFactory(location=location, features=[Room.Feature.QUIET])
    assert book(at(9, day=20)).room == room
    alice.sound, alice.temperature = Client.Sound.SILENCE, Client.Temperature.WARM
    alice.save()
    assert book(at(11, day=20)).room == quiet
    other = ClientFactory(sound=Client.Sound.SILENCE, table_angle=Client.TableAngle.RAISED)
    adjustable = RoomFactory(location=location, features=[Room.Feature.QUIET, Room.Feature.ADJUSTABLE_TABLE])
    assert book(at(14, day=20), client=other).room == adjustable


def test_a_wish_is_no_reason_to_be_refused(book: Book, alice: Client, room: Room) -> None:
    alice.light = Client.Light.DARK
    alice.save()
    assert book(at(9, day=20)).room == room


def test_of_a_therapist_without_a_room_of_her_own_any_will_do(
    bea: Therapist, location: Location, room: Room, service: Service, hours: None, now: datetime
) -> None:
    bea.usual_room = None
    bea.save()
    assert free_times(now=now, service=service, locations=[location], first=date(2026, 11, 20))
    room.archived_at = now
    room.save()
    assert not free_times(now=now, service=service, locations=[location], first=date(2026, 11, 20))


@pytest.mark.parametrize(("count", "days"), [(1, 1), (1, 90), (12, 1), (12, 90)])
def test_the_number_of_queries_is_the_same_for_many_therapists_and_days(
    count: int, days: int, bea: Therapist, location: Location, service: Service, book: Book, now: datetime
) -> None:
    elsewhere = LocationFactory(time_zone="America/New_York")
    for _number in range(count):
        therapist = TherapistFactory()
        for place in (location, elsewhere):
            add_weekly_hours(
                by=None, now=now, therapist=therapist, location=place, weekday=4 if place == location else 3,
                opens=time(9), closes=time(17), valid_from=date(2026, 1, 1),
            )  # fmt: skip
    book(at(9, day=20))
    with CaptureQueriesContext(connection) as asked:
        free_times(now=now, service=service, locations=[location, elsewhere], first=date(2026, 11, 20), days=days)
    assert len(asked) == 5


# --- Why there is nothing


def test_anyone_is_told_that_everybody_is_away(
    bea: Therapist, location: Location, service: Service, hours: None, olga: User, now: datetime
) -> None:
    ask = partial(why_nothing, now=now, service=service, location=location, on=date(2026, 11, 20))
    add_time_off(by=olga, now=now, therapist=bea, starts_at=at(0, day=20), ends_at=at(0, day=21), reason="Course")
    assert ask() == "Nobody who gives it is there on Friday 20 November. Course: Fri 20 Nov."
    ada = TherapistFactory(user__name="Ada Zimmer")
    add_weekly_hours(
        by=olga, now=now, therapist=ada, location=location, weekday=4, opens=time(9), closes=time(10),
        valid_from=date(2026, 1, 1),
    )  # fmt: skip
    add_time_off(by=olga, now=now, location=location, starts_at=at(0, day=20), ends_at=at(0, day=21), reason="Holiday")
    assert "Holiday: Fri 20 Nov." in ask()
    assert ask().count("Holiday") == 1


def test_anyone_is_told_that_all_hours_are_taken(
    book: Book, location: Location, service: Service, room: Room, now: datetime
) -> None:
    for hour in (9, 10, 11, 12, 14, 15, 16, 17):
        book(at(hour, day=20), client=ClientFactory(), service=ServiceFactory(buffer_after=0))
    words = why_nothing(now=now, service=service, location=location, on=date(2026, 11, 20))
    assert words == "All the hours of those who work at Harbour Street on Friday 20 November are taken, or too short."


# --- As data


@pytest.fixture
def asking(
    as_dana: Browser, service: Service, location: Location, hours: None, now: datetime
) -> Callable[..., HttpResponse]:
    def ask(**more: object) -> HttpResponse:
        wish = {"service": service.pk, "location": location.pk, "on": "2026-11-20", **more}
        return as_dana.get(reverse("scheduling:free-times"), wish)

    return ask


def test_the_data_are_the_times_as_the_booking_page_offers_them(
    asking: Callable[..., HttpResponse],
    bea: Therapist,
    location: Location,
    as_dana: Browser,
    alice: Client,
    service: Service,
) -> None:
    answer = asking(therapist=bea.pk)
    assert answer.status_code == HTTPStatus.OK
    (found,) = json.loads(answer.content)["free"]
    assert (found["therapist"], found["location"]) == (bea.pk, location.pk)
    wish = {"client": alice.pk, "service": service.pk, "location": location.pk, "on": "2026-11-20", "therapist": bea.pk}
    page = as_dana.get(reverse("scheduling:appointment-new"), wish).context["page"]
    assert [f"{one}_{bea.pk}" for one in found["times"]] == [choice.value for choice in page.choices]


def test_of_anyone_each_time_is_told_once_and_of_each_as_often_as_it_is_free(
    asking: Callable[..., HttpResponse], location: Location, room: Room
) -> None:
    RoomFactory(location=location)
    ada = TherapistFactory()
    on = "2026-11-27"
    add_weekly_hours(
        by=None, now=BEFORE, therapist=ada, location=location, weekday=4, opens=time(9), closes=time(13),
        valid_from=date(2026, 1, 1),
    )  # fmt: skip
    once = [one for found in json.loads(asking(on=on).content)["free"] for one in found["times"]]
    each = [one for found in json.loads(asking(on=on, therapist="each").content)["free"] for one in found["times"]]
    assert len(once) == len(set(once)) == len(set(each))
    assert len(each) == len(once) + 13


def test_her_other_visits_and_the_one_that_moves_are_known(
    asking: Callable[..., HttpResponse], book: Book, alice: Client, bea: Therapist
) -> None:
    visit = book(at(9, day=20))
    nine = "2026-11-20T09:00+0000"

    def times(**more: object) -> str:
        return str(asking(therapist=bea.pk, **more).content)

    assert nine not in times()
    assert nine in times(moving=visit.pk)
    assert nine in times(moving=visit.pk, client=alice.pk)


@pytest.mark.parametrize(
    "bad",
    [
        {"service": "x"}, {"location": ""}, {"location": "x"}, {"on": "32"}, {"on": ""}, {"days": "0"}, {"days": "91"},
        {"days": "-1"}, {"days": "1" * 30}, {"therapist": "everybody"}, {"client": "x"}, {"moving": "x"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_a_sentence(asking: Callable[..., HttpResponse], bad: dict[str, str]) -> None:
    answer = asking(**bad)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert json.loads(answer.content)["problem"].endswith(".")


def test_what_there_is_not_is_not_found(asking: Callable[..., HttpResponse], service: Service, now: datetime) -> None:
    assert asking(service=10**9).status_code == HTTPStatus.NOT_FOUND
    assert json.loads(asking(location=10**9).content) == {"free": []}
    assert json.loads(asking(therapist=10**9).content) == {"free": []}
    service.archived_at = now
    service.save()
    assert asking().status_code == HTTPStatus.NOT_FOUND


def test_asking_costs_two_queries_beside_the_sign_in(
    asking: Callable[..., HttpResponse], django_assert_max_num_queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    asking()
    with django_assert_max_num_queries(4):
        asking()


def test_the_walls_of_a_day_on_which_the_clocks_change_are_told_apart(
    hours: None, service: Service, bea: Therapist
) -> None:
    cairo = LocationFactory(time_zone="America/New_York")
    RoomFactory(location=cairo)
    add_weekly_hours(
        by=None, now=BEFORE, therapist=bea, location=cairo, weekday=6, opens=time(0, 30), closes=time(3),
        valid_from=date(2026, 1, 1),
    )  # fmt: skip
    found = free_by_key(now=BEFORE, service=service.pk, locations=[cairo.pk], first=date(2026, 11, 1))
    assert found is not None
    (one,) = found
    assert one.times[2:10:4] == ["2026-11-01T01:00-0400", "2026-11-01T01:00-0500"]
    assert len(one.times) == len(set(one.times)) == 11
