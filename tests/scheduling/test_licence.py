"""No visit after a licence's last day, by no road; except one by an owner's hand, with a reason."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, Series, Status, StatusChange
from clinic.scheduling.offers import free_times, next_free_times, preview_series
from clinic.scheduling.services import (
    ChosenVisit,
    SlotTaken,
    book_series,
    cancel_appointment,
    change_status,
    move_appointment,
)
from clinic.scheduling.slots import Diary, Kind, Length, Span, gaps, instant, obstacle
from tests.scheduling.conftest import Book, at

LAST_DAY = date(2026, 11, 24)  # a Tuesday
BEYOND = at(10, day=25)
REASON = "the renewal is confirmed by letter"


@pytest.fixture
def licence(bea: Therapist) -> Therapist:
    """Bea's licence ends on Tuesday."""
    bea.licence_expires_on = LAST_DAY
    bea.save(update_fields=["licence_expires_on"])
    return bea


@pytest.fixture(params=["nobody", "dana", "bea", "olga"])
def anyone(request: pytest.FixtureRequest, dana: User, bea: Therapist, olga: User) -> User | None:
    return {"nobody": None, "dana": dana, "bea": bea.user, "olga": olga}[request.param]


@pytest.fixture(params=["nobody", "dana", "bea"])
def no_owner(request: pytest.FixtureRequest, dana: User, bea: Therapist) -> User | None:
    return {"nobody": None, "dana": dana, "bea": bea.user}[request.param]


# --- The sums


def test_no_start_is_free_from_the_end_of_the_licence_on() -> None:
    hours = [Span(at(9), at(13))]
    diary = Diary(hours, away=[], busy=[], licence_ends_at=at(11))
    assert instant(gaps(diary, Length(60), earliest=at(8))[-1][-1]) == at(10, 45)
    found = obstacle(diary, [[]], Length(60), at(11), earliest=at(8))
    assert found is not None
    assert found.kind is Kind.UNLICENSED
    assert obstacle(diary, [[]], Length(60), at(10, 45), earliest=at(8)) is None


def test_what_an_owner_must_pass_is_said_before_what_anybody_may() -> None:
    """Else a reason for an odd hour would open the time beyond the licence as well."""
    diary = Diary([], away=[], busy=[], licence_ends_at=at(11))
    found = obstacle(diary, [[]], Length(60), at(12), earliest=at(20))
    assert found is not None
    assert found.kind is Kind.UNLICENSED


# --- Offers


def test_nothing_is_offered_after_the_last_day(
    licence: Therapist, hours: None, service: Service, location: Location, now: datetime
) -> None:
    found = free_times(now=now, service=service, locations=[location], first=date(2026, 11, 23), days=5)
    assert {one.starts_at.date() for one in found} == {date(2026, 11, 23), LAST_DAY}
    assert not next_free_times(now=now, service=service, location=location, after=BEYOND)


def test_the_last_day_is_that_of_the_place(
    licence: Therapist, hours: None, service: Service, location: Location, now: datetime
) -> None:
    """At nine in the morning in Auckland it is still the evening before in UTC."""
    location.time_zone = "Pacific/Auckland"
    location.save(update_fields=["time_zone"])
    found = free_times(now=now, service=service, locations=[location], first=date(2026, 11, 23), days=5)
    assert {one.starts_at.astimezone(location.zone).date() for one in found} == {date(2026, 11, 23), LAST_DAY}


def test_where_no_licence_is_known_none_is_asked_for(bea: Therapist, book: Book) -> None:
    bea.licence_expires_on = None
    bea.save(update_fields=["licence_expires_on"])
    assert book(BEYOND).status == Status.BOOKED


def test_a_series_shows_what_lies_beyond_as_a_conflict(
    licence: Therapist, hours: None, alice: Client, service: Service, location: Location, now: datetime
) -> None:
    found = preview_series(
        now=now,
        client=alice,
        service=service,
        therapist=licence,
        location=location,
        first_on=date(2026, 11, 23),
        at_time=time(10),
        every_weeks=1,
        count=3,
    )
    assert [one.problem for one in found] == ["", *["The licence of Bea ends on Tue 24 Nov 2026."] * 2]


# --- Booking


def test_the_last_day_itself_is_booked_by_anybody(licence: Therapist, book: Book, anyone: User | None) -> None:
    assert book(at(10, day=24), by=anyone).status == Status.BOOKED


def test_nobody_but_an_owner_books_beyond_and_no_reason_helps(
    licence: Therapist, book: Book, no_owner: User | None
) -> None:
    for reason in ("", REASON):
        with pytest.raises(SlotTaken, match=r"ends on Tue 24 Nov 2026. Only an owner may book beyond it."):
            book(BEYOND, by=no_owner, override_reason=reason)
    assert not Appointment.objects.exists()


def test_a_reason_for_an_odd_hour_or_a_day_off_does_not_open_the_time_beyond(
    licence: Therapist, book: Book, no_owner: User | None
) -> None:
    with pytest.raises(SlotTaken, match="Only an owner"):
        book(at(20, day=25), by=no_owner, override_reason="an evening, as an exception")


def test_an_owner_books_beyond_with_a_reason_that_stays_with_the_visit(
    licence: Therapist, book: Book, olga: User
) -> None:
    with pytest.raises(ValidationError, match="Give a reason") as asked:
        book(BEYOND, by=olga)
    assert asked.value.code == "needs_reason"
    visit = book(BEYOND, by=olga, override_reason=REASON)
    assert visit.override_reason == REASON
    assert StatusChange.objects.get(appointment=visit).by == olga


def test_an_owner_passes_over_a_licence_but_not_over_a_missing_qualification(
    licence: Therapist, book: Book, olga: User
) -> None:
    licence.qualifications.all().delete()
    with pytest.raises(ValidationError, match="may not give"):
        book(BEYOND, by=olga, override_reason=REASON)


# --- Moving


@pytest.fixture
def visit(licence: Therapist, book: Book) -> Appointment:
    return book(at(10, day=23))


def test_nobody_but_an_owner_moves_a_visit_beyond(visit: Appointment, now: datetime, no_owner: User | None) -> None:
    for reason in ("", REASON):
        with pytest.raises(SlotTaken, match="Only an owner"):
            move_appointment(by=no_owner, now=now, appointment=visit, starts_at=BEYOND, override_reason=reason)
    visit.refresh_from_db()
    assert visit.starts_at == at(10, day=23)


def test_an_owner_moves_a_visit_beyond_with_a_reason(visit: Appointment, now: datetime, olga: User) -> None:
    with pytest.raises(ValidationError, match="Give a reason"):
        move_appointment(by=olga, now=now, appointment=visit, starts_at=BEYOND)
    moved = move_appointment(by=olga, now=now, appointment=visit, starts_at=BEYOND, override_reason=REASON)
    assert (moved.starts_at, moved.override_reason) == (BEYOND, REASON)


def test_a_visit_moves_back_within_the_licence_by_anybody(
    visit: Appointment, now: datetime, olga: User, anyone: User | None
) -> None:
    moved = move_appointment(by=olga, now=now, appointment=visit, starts_at=BEYOND, override_reason=REASON)
    back = move_appointment(by=anyone, now=now, appointment=moved, starts_at=at(15, day=24))
    assert back.override_reason == ""


# --- Series


def test_a_series_never_goes_beyond_whoever_books_it(
    licence: Therapist, hours: None, alice: Client, service: Service, location: Location, now: datetime,
    anyone: User | None,
) -> None:  # fmt: skip
    """A series takes no reason: an owner books the visits beyond one by one. All or nothing, as ever."""
    starts = [at(10, day=23), at(10, day=30)]
    series = {
        "client": alice, "service": service, "therapist": licence, "location": location, "every_weeks": 1, "count": 2,
        "first_on": date(2026, 11, 23), "at_time": time(10),
    }  # fmt: skip
    with pytest.raises(SlotTaken, match="ends on Tue 24 Nov 2026"):
        book_series(
            by=anyone,
            now=now,
            chosen=[ChosenVisit(start, licence) for start in starts],
            idempotency_key=uuid4(),
            **series,
        )
    assert not Appointment.objects.exists()
    assert not Series.objects.exists()


# --- Bringing back


def test_a_cancelled_visit_beyond_comes_back_by_an_owner_only(
    licence: Therapist, book: Book, olga: User, now: datetime, no_owner: User | None
) -> None:
    visit = cancel_appointment(by=olga, now=now, appointment=book(BEYOND, by=olga, override_reason=REASON))
    with pytest.raises(SlotTaken, match="Only an owner"):
        change_status(by=no_owner, now=now, appointment=visit, to=Status.BOOKED)
    back = change_status(by=olga, now=now, appointment=visit, to=Status.BOOKED)
    assert (back.status, back.override_reason) == (Status.BOOKED, REASON)


# --- The pages


def book_by_hand(browser: Browser, alice: Client, bea: Therapist, service: Service, location: Location, **typed: str):
    return browser.post(
        "/appointments/new/",
        {
            "client": alice.pk, "service": service.pk, "therapist": bea.pk, "location": location.pk, "on": "2026-11-25",
            "key": str(uuid4()), **typed,
        },
    )  # fmt: skip


def test_the_page_takes_an_owners_reason_and_no_others(
    licence: Therapist, hours: None, alice: Client, service: Service, location: Location, now: datetime,
    as_dana: Browser, as_olga: Browser,
) -> None:  # fmt: skip
    typed = {"other_time": "10:00", "override_reason": REASON}
    refused = book_by_hand(as_dana, alice, licence, service, location, **typed)
    assert refused.status_code == 409
    text = refused.content.decode()
    assert "Only an owner may book beyond it." in text
    assert REASON in text  # nothing typed is lost
    asked = book_by_hand(as_olga, alice, licence, service, location, other_time="10:00")
    assert "Give a reason" in asked.context["times"].errors["override_reason"][0]
    assert book_by_hand(as_olga, alice, licence, service, location, **typed).status_code == 302
    assert Appointment.objects.get().override_reason == REASON


def test_a_slot_that_was_never_offered_is_not_taken_from_a_made_up_form(
    licence: Therapist,
    hours: None,
    alice: Client,
    service: Service,
    location: Location,
    now: datetime,
    as_dana: Browser,
) -> None:
    slot = choice_value(BEYOND, licence, location)
    assert book_by_hand(as_dana, alice, licence, service, location, slot=slot).status_code == 409
    assert not Appointment.objects.exists()


def test_the_move_page_takes_an_owners_reason_and_no_others(
    visit: Appointment, as_dana: Browser, as_olga: Browser, licence: Therapist
) -> None:
    typed = {
        "therapist": str(licence.pk), "on": "2026-11-25", "other_time": "10:00", "override_reason": REASON,
        "key": str(uuid4()),
    }  # fmt: skip
    url = f"/appointments/{visit.pk}/move/"
    assert as_dana.post(url, typed).status_code == 409
    assert as_olga.post(url, typed).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == BEYOND


def test_a_licence_that_is_renewed_opens_the_days_again(licence: Therapist, book: Book) -> None:
    licence.licence_expires_on = LAST_DAY + timedelta(days=1)
    licence.save(update_fields=["licence_expires_on"])
    assert book(BEYOND).status == Status.BOOKED
