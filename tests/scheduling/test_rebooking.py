"""When a therapist leaves: she is offered nowhere, and each of her visits to come is work until it is moved."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from threading import Event
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.services import archive_therapist, bring_back_therapist
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.offers import free_times
from clinic.scheduling.services import (
    add_weekly_hours,
    book_appointment,
    cancel_appointment,
    change_status,
    move_appointment,
)
from tests.factories import BEFORE, ClientFactory, RoomFactory, ServiceFactory, TherapistFactory
from tests.scheduling.conftest import Book, at

TO_REBOOK = "/appointments/to-rebook/"


def visits_of(therapist: Therapist) -> str:
    return f"/settings/therapists/{therapist.pk}/visits/"


@pytest.fixture
def ruth(location: Location) -> Therapist:
    """Another therapist, who stays."""
    ruth = TherapistFactory(user__name="Ruth Adler", user__email="ruth@example.org")
    RoomFactory(location=location, name="Room 2")
    for weekday in range(5):
        add_weekly_hours(
            by=None, now=BEFORE, therapist=ruth, location=location, weekday=weekday, opens=time(9), closes=time(18),
            valid_from=date(2026, 1, 1),
        )  # fmt: skip
    return ruth


@pytest.fixture
def leaves(olga: User, bea: Therapist, now: datetime) -> Callable[[], Therapist]:
    return lambda: archive_therapist(by=olga, now=now, therapist=bea)


def test_who_has_left_is_offered_nowhere(
    book: Book, ruth: Therapist, bea: Therapist, leaves, service: Service, location: Location, now: datetime,
    as_dana: Browser, alice: Client,
) -> None:  # fmt: skip
    leaves()
    found = free_times(now=now, service=service, location=location, first=date(2026, 11, 23), days=5)
    assert {one.therapist for one in found} == {ruth}
    page = as_dana.get("/appointments/new/", {"client": alice.pk})
    assert page.status_code == 200
    assert bea not in page.context["wish"].fields["therapist"].queryset
    assert not page.context["wish"].errors
    with pytest.raises(ValidationError, match="is archived"):
        book(at(10, day=23), therapist=Therapist.objects.get(pk=bea.pk))


def test_a_page_opened_before_she_left_books_nothing_with_her(
    book: Book, bea: Therapist, leaves, alice: Client, service: Service, location: Location, as_dana: Browser
) -> None:
    leaves()
    with pytest.raises(ValidationError, match="may not give"):
        book(at(10, day=23), therapist=bea)  # as the page has read her, before she left
    answer = as_dana.post(
        "/appointments/new/",
        {
            "client": alice.pk, "service": service.pk, "therapist": "", "location": location.pk, "on": "2026-11-23",
            "key": str(uuid4()), "slot": choice_value(at(10, day=23), bea, location),
        },
    )  # fmt: skip
    assert "Bea Lindqvist is archived." in answer.content.decode()
    assert not Appointment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_leaving_waits_for_the_booking_under_way_and_the_next_booking_for_the_leaving(
    olga: User,
    dana: User,
    bea: Therapist,
    alice: Client,
    location: Location,
    service: Service,
    hours: None,
    now: datetime,
) -> None:
    locked, may_end = Event(), Event()

    def leave() -> None:
        with transaction.atomic():
            archive_therapist(by=olga, now=now, therapist=bea)
            locked.set()
            may_end.wait(timeout=10)
        connection.close()

    def book() -> str:
        locked.wait(timeout=10)
        may_end.set()
        try:
            book_appointment(
                by=dana,
                now=now,
                client=alice,
                service=service,
                therapist=bea,
                location=location,
                starts_at=at(10, day=23),
            )
        except ValidationError as refused:
            return " ".join(refused.messages)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(2) as pool:
        leaving, words = pool.submit(leave), pool.submit(book)
        leaving.result(timeout=20)
        assert "may not give" in words.result(timeout=20)
    assert not Appointment.objects.exists()


def test_each_visit_to_come_is_listed_with_the_way_to_move_it(
    book: Book, bea: Therapist, leaves, as_dana: Browser, as_olga: Browser
) -> None:
    first, second = book(at(10, day=23)), book(at(14, day=24))
    leaves()
    for browser, url in ((as_dana, visits_of(bea)), (as_olga, visits_of(bea)), (as_dana, TO_REBOOK)):
        text = browser.get(url).content.decode()
        for visit in (first, second):
            assert f'href="/appointments/{visit.pk}/move/"' in text
        assert "Mon 23 Nov 2026, 10:00" in text
        assert "Alice Marques" in text


def test_what_is_over_or_cancelled_or_hers_who_stays_is_not_listed(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, dana: User, now: datetime
) -> None:
    cancel_appointment(by=dana, now=now, appointment=book(at(10, day=23)))
    book(at(14, day=18), override_reason="entered later")
    book(at(14, day=24), therapist=ruth)
    held = book(at(14, day=25))
    Appointment.objects.filter(pk=held.pk).update(status=Status.HELD, held_until=now)
    leaves()
    page = as_dana.get(TO_REBOOK)
    assert list(page.context["page"].object_list) == []
    assert "Nothing is left to do here" in page.content.decode()


def test_the_work_is_counted_until_none_is_left(
    book: Book, bea: Therapist, ruth: Therapist, leaves, dana: User, olga: User, now: datetime, as_dana: Browser
) -> None:
    first, second = book(at(10, day=23)), book(at(14, day=24))
    assert counts_for(dana, now)["rebooking"] == 0
    assert "Book anew" not in as_dana.get("/day/").content.decode()
    leaves()
    assert [counts_for(user, now)["rebooking"] for user in (dana, olga, ruth.user)] == [2, 2, 0]
    assert 'Book anew <span class="n">2</span>' in as_dana.get("/day/").content.decode()
    (row,) = worklists["rebooking"].rows(dana, now)
    assert (row.title, row.detail) == ("Bea Lindqvist", "2 visits, the first on Mon 23 Nov, 10:00")
    assert row.url == visits_of(bea)
    assert worklists["rebooking"].rows(ruth.user, now) == []
    move_appointment(by=dana, now=now, appointment=first, starts_at=first.starts_at, therapist=ruth)
    assert counts_for(dana, now)["rebooking"] == 1
    cancel_appointment(by=dana, now=now, appointment=second)
    assert counts_for(dana, now)["rebooking"] == 0
    assert worklists["rebooking"].rows(dana, now) == []


def test_the_move_page_offers_the_others_for_a_visit_of_hers_and_moves_it(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, location: Location
) -> None:
    visit = book(at(10, day=23))
    leaves()
    page = as_dana.get(f"/appointments/{visit.pk}/move/")
    assert page.status_code == 200
    assert not page.context["wish"].errors
    choices = page.context["page"].choices
    assert choice_value(at(10, day=23), ruth, location) in [choice.value for choice in choices]
    hidden = page.context["page"].hidden
    assert hidden["seen"] == choice_value(at(10, day=23), bea, location)
    typed = hidden | {"slot": choice_value(at(10, day=23), ruth, location), "key": str(uuid4())}
    assert as_dana.post(f"/appointments/{visit.pk}/move/", typed).status_code == 302
    visit.refresh_from_db()
    assert visit.therapist == ruth


def test_a_visit_of_hers_that_a_colleague_has_moved_meanwhile_is_not_moved_unseen(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, olga: User, now: datetime, location: Location
) -> None:
    visit = book(at(10, day=23))
    leaves()
    typed = as_dana.get(f"/appointments/{visit.pk}/move/").context["page"].hidden
    move_appointment(by=olga, now=now, appointment=visit, starts_at=at(15, day=24), therapist=ruth)
    answer = as_dana.post(
        f"/appointments/{visit.pk}/move/",
        typed | {"slot": choice_value(at(11, day=23), ruth, location), "key": str(uuid4())},
    )
    assert answer.status_code == 409
    assert "Somebody has moved this visit meanwhile" in answer.content.decode()


def test_her_visits_of_today_stay_on_the_day_and_go_their_way(
    book: Book, bea: Therapist, leaves, as_dana: Browser, dana: User, now: datetime
) -> None:
    visit = book(at(11))
    leaves()
    board = as_dana.get("/day/").context["board"]
    assert [column.therapist for column in board.columns] == [bea]
    assert change_status(by=dana, now=now, appointment=visit, to=Status.ARRIVED).status == Status.ARRIVED


def test_a_client_of_hers_is_booked_with_anybody_until_she_has_another(
    book: Book, bea: Therapist, leaves, alice: Client, as_dana: Browser
) -> None:
    book(at(10))
    leaves()
    page = as_dana.get("/appointments/new/", {"client": alice.pk})
    assert page.context["wish"]["therapist"].value() == ""


def test_brought_back_she_is_offered_again(
    book: Book, bea: Therapist, leaves, olga: User, now: datetime, service: Service, location: Location
) -> None:
    leaves()
    bring_back_therapist(by=olga, now=now, therapist=bea)
    assert free_times(now=now, service=service, location=location, first=date(2026, 11, 23))
    assert book(at(10, day=23), therapist=Therapist.objects.get(pk=bea.pk)).status == Status.BOOKED


def test_the_lists_cost_the_same_for_few_and_for_many(
    bea: Therapist, leaves, dana: User, as_dana: Browser, location: Location, room: Room, hours: None, now: datetime,
    django_assert_num_queries,
) -> None:  # fmt: skip
    brief = ServiceFactory(minutes=60, buffer_after=0)

    def fill(day: int) -> None:
        for hour in (9, 10, 11):
            book_appointment(
                by=dana, now=now, client=ClientFactory(phone="+351912345678"), service=brief, therapist=bea,
                location=location, starts_at=at(hour, day=day),
            )  # fmt: skip

    fill(23)
    leaves()
    as_dana.get(TO_REBOOK)  # the first page of a session notes when it began
    with CaptureQueriesContext(connection) as few:
        as_dana.get(visits_of(bea))
        as_dana.get(TO_REBOOK)
    Therapist.objects.update(archived_at=None)
    fill(24)
    fill(25)
    Therapist.objects.update(archived_at=now)
    with django_assert_num_queries(len(few)):
        as_dana.get(visits_of(bea))
        as_dana.get(TO_REBOOK)


def test_many_visits_are_listed_page_by_page(
    bea: Therapist, leaves, dana: User, as_dana: Browser, location: Location, hours: None, now: datetime
) -> None:
    brief = ServiceFactory(minutes=60, buffer_after=0)
    for number in range(30):
        book_appointment(
            by=dana, now=now, client=ClientFactory(), service=brief, therapist=bea, location=location,
            starts_at=at(9 + number % 4, day=23) + timedelta(weeks=number // 4),
        )  # fmt: skip
    leaves()
    page = as_dana.get(visits_of(bea))
    assert "30 visits to come with Bea Lindqvist" in page.content.decode()
    assert len(page.context["page"].object_list) == 25
    assert len(as_dana.get(visits_of(bea), {"page": 2}).context["page"].object_list) == 5
