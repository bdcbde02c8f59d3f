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
from clinic.people.services import archive_therapist, bring_back_therapist, let_leave
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.offers import again, free_times
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
    found = free_times(now=now, service=service, locations=[location], first=date(2026, 11, 23), days=5)
    assert {one.therapist for one in found} == {ruth}
    page = as_dana.get("/appointments/new/", {"client": alice.pk})
    assert page.status_code == 200
    assert bea not in page.context["wish"].fields["therapist"].queryset
    assert not page.context["wish"].errors
    with pytest.raises(ValidationError, match="is archived"):
        book(at(10, day=23), therapist=Therapist.objects.get(pk=bea.pk))


def test_no_visit_of_hers_is_offered_again_with_her(book: Book, bea: Therapist, leaves, now: datetime) -> None:
    visit = book(at(10, day=23))
    assert [one.starts_at for one in again(visit, now=now)] == [at(10, day=23) + timedelta(weeks=n) for n in (1, 2, 4)]
    leaves()
    visit.therapist.refresh_from_db()
    assert again(visit, now=now) == []


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
        assert "Mon 23 Nov<br>2026, 10:00" in text
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


# --- A last day to come


@pytest.fixture
def until_tuesday(olga: User, bea: Therapist, now: datetime) -> Therapist:
    """Bea, whose last day is Tuesday 24 November."""
    return let_leave(by=olga, now=now, therapist=bea, last_day=date(2026, 11, 24))


def test_until_her_last_day_she_is_offered_and_after_it_no_more(
    book: Book, until_tuesday: Therapist, service: Service, location: Location, now: datetime
) -> None:
    found = free_times(now=now, service=service, locations=[location], first=date(2026, 11, 23), days=5)
    assert {one.starts_at.date() for one in found} == {date(2026, 11, 23), date(2026, 11, 24)}
    assert book(at(10, day=24), therapist=until_tuesday).status == Status.BOOKED


@pytest.mark.parametrize("reason", ["", "she comes back for it"])
def test_beyond_it_nothing_is_booked_with_her_for_no_reason(
    book: Book, until_tuesday: Therapist, olga: User, reason: str
) -> None:
    with pytest.raises(ValidationError, match="leaves; the last day is Tue 24 Nov 2026"):
        book(at(10, day=25), therapist=until_tuesday, override_reason=reason, by=olga)


def test_a_page_opened_before_her_leaving_was_known_books_nothing_beyond_it(
    book: Book, bea: Therapist, olga: User, now: datetime
) -> None:
    let_leave(by=olga, now=now, therapist=Therapist.objects.get(pk=bea.pk), last_day=date(2026, 11, 24))
    with pytest.raises(ValidationError, match="may not give"):
        book(at(10, day=25), therapist=bea)


def test_only_what_lies_after_her_last_day_waits_to_be_booked_anew(
    book: Book, bea: Therapist, olga: User, dana: User, now: datetime, as_dana: Browser
) -> None:
    before = book(at(10, day=24))
    after = book(at(10, day=25))
    let_leave(by=olga, now=now, therapist=bea, last_day=date(2026, 11, 24))
    assert counts_for(dana, now)["rebooking"] == 1
    for url in (TO_REBOOK, visits_of(bea)):
        assert list(as_dana.get(url).context["page"]) == [after]
    for visit, is_told in ((before, False), (after, True)):
        page = as_dana.get(f"/appointments/{visit.pk}/").content.decode()
        assert ("herapist leaves before" in page) is is_told


def test_the_day_ends_on_the_wall_of_the_place(
    book: Book, bea: Therapist, olga: User, dana: User, now: datetime
) -> None:
    visit = book(at(17, day=24))
    let_leave(by=olga, now=now, therapist=bea, last_day=date(2026, 11, 24))
    assert counts_for(dana, now)["rebooking"] == 0
    Location.objects.filter(pk=visit.location_id).update(time_zone="Pacific/Auckland")  # there it is Wednesday
    assert counts_for(dana, now)["rebooking"] == 1


# --- Others at the same time


def choice_for(visit: Appointment, therapist: Therapist) -> dict[str, str]:
    return {f"to_{visit.pk}": choice_value(visit.starts_at, therapist, visit.location)}


def test_each_visit_offers_who_else_is_free_then_and_may_give_it(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, location: Location
) -> None:
    TherapistFactory(user__name="Off Duty")
    TherapistFactory(user__name="Foot Only", qualified_in=("reflexology",))
    free, taken = book(at(10, day=23)), book(at(14, day=24))
    book(at(13, day=24), therapist=ruth, client=ClientFactory())
    leaves()
    form = as_dana.get(visits_of(bea)).context["form"]
    assert form.free == {free.pk: [ruth], taken.pk: []}
    assert "nobody is free" in as_dana.get(visits_of(bea)).content.decode()


def test_those_with_a_name_are_moved_and_keep_time_and_word(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, dana: User, now: datetime
) -> None:
    first, second = book(at(10, day=23)), book(at(14, day=24))
    change_status(by=dana, now=now, appointment=first, to=Status.CONFIRMED)
    leaves()
    answer = as_dana.post(visits_of(bea), choice_for(first, ruth) | {f"to_{second.pk}": ""}, follow=True)
    assert "1 visit is moved." in answer.content.decode()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.therapist, first.starts_at, first.status) == (ruth, at(10, day=23), Status.CONFIRMED)
    assert second.therapist == bea
    assert list(answer.context["page"]) == [second]


def test_who_is_taken_meanwhile_is_told_beside_the_field_and_nothing_moves(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser
) -> None:
    first, second = book(at(10, day=23)), book(at(14, day=24))
    book(at(10, day=23), therapist=ruth, client=ClientFactory())
    leaves()
    answer = as_dana.post(visits_of(bea), choice_for(first, ruth) | choice_for(second, ruth))
    assert answer.context["form"].errors == {f"to_{first.pk}": ["Not free any more. Choose again."]}
    assert f'<option value="{choice_for(second, ruth)[f"to_{second.pk}"]}" selected' in answer.content.decode()
    assert not Appointment.objects.filter(pk__in=[first.pk, second.pk], therapist=ruth).exists()


def test_all_are_moved_where_free_and_the_others_stay_listed_with_the_reason(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser
) -> None:
    visits = [book(at(10, day=day)) for day in (23, 24, 25)]
    book(at(10, day=24), therapist=ruth, client=ClientFactory())
    leaves()
    answer = as_dana.post(visits_of(bea), {"all_to": ruth.pk}, follow=True)
    text = answer.content.decode()
    assert "2 visits are moved." in text
    assert "Tue 24 Nov, 10:00, Alice Marques, stays:" in text
    assert list(answer.context["page"]) == [visits[1]]
    assert set(Appointment.objects.filter(therapist=ruth, client=visits[0].client)) == {visits[0], visits[2]}


@pytest.mark.parametrize("typed", [{"all_to": ""}, {"all_to": "x"}, {"to_x": "1"}, {"to_9" + "9" * 40: "1"}, {}])
def test_a_form_that_says_nothing_moves_nothing(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, typed: dict[str, str]
) -> None:
    visit = book(at(10, day=23))
    leaves()
    assert as_dana.post(visits_of(bea), typed).status_code in (200, 302)
    visit.refresh_from_db()
    assert visit.therapist == bea


def test_a_visit_that_has_moved_on_meanwhile_is_not_moved_unseen(
    book: Book, bea: Therapist, ruth: Therapist, leaves, as_dana: Browser, olga: User, now: datetime
) -> None:
    visit = book(at(10, day=23))
    typed = choice_for(visit, ruth)
    moved = move_appointment(by=olga, now=now, appointment=visit, starts_at=at(15, day=24))
    leaves()
    answer = as_dana.post(visits_of(bea), typed)
    assert "Not free any more. Choose again." in answer.content.decode()
    moved.refresh_from_db()
    assert (moved.therapist, moved.starts_at) == (bea, at(15, day=24))


def test_her_visits_of_today_stay_on_the_day_and_go_their_way(
    book: Book, bea: Therapist, leaves, as_dana: Browser, dana: User, now: datetime
) -> None:
    visit = book(at(11))
    leaves()
    columns = as_dana.get("/day/").context["calendar"].columns
    assert [(column.pk, column.has_left) for column in columns] == [(bea.pk, True)]
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
    assert free_times(now=now, service=service, locations=[location], first=date(2026, 11, 23))
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
