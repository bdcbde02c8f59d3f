"""A client moves and cancels her own visits, until the clinic's cut-off; then she reads where to call."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Clinic, Location, Service, Therapist, User
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, OnlineConcern, Status
from clinic.scheduling.online import CallUs, confirm_coming, mark
from clinic.scheduling.services import book_appointment, move_appointment, request_appointment
from tests.factories import ServiceFactory, TherapistFactory, give_hours

pytestmark = pytest.mark.usefixtures("now")
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
Post = Callable[..., HttpResponse]


@pytest.fixture
def service(open_clinic: Clinic) -> Service:
    return ServiceFactory(name="Myofascial release", minutes=60, price_minor=8250)


@pytest.fixture
def hours(bea: Therapist, location: Location) -> None:
    location.phone = "+351213456789"
    location.save(update_fields=["phone"])
    give_hours(bea, location, (9, 18))


@pytest.fixture
def visit(
    alice: Client, bea: Therapist, location: Location, service: Service, hours: None, dana: User, now: datetime
) -> Appointment:
    """Alice comes on Tuesday at ten; it was booked by the desk, long enough ago."""
    return book_appointment(
        by=dana,
        now=now - timedelta(days=3),
        client=alice,
        service=service,
        therapist=bea,
        location=location,
        starts_at=TEN,
    )


def text(answer: HttpResponse) -> str:
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def move(browser: Browser, visit: Appointment, to: datetime, therapist: Therapist | None = None) -> HttpResponse:
    seen = choice_value(visit.starts_at, visit.therapist, visit.location)
    wish = choice_value(to, therapist or visit.therapist, visit.location)
    return browser.post(reverse("portal:visit-move", args=[visit.pk]), {"seen": seen, "at": wish})


def cancel(browser: Browser, visit: Appointment) -> HttpResponse:
    return browser.post(reverse("portal:visit-cancel", args=[visit.pk]))


def status_of(visit: Appointment) -> str:
    return Appointment.objects.values_list("status", flat=True).get(pk=visit.pk)


def test_her_visits_show_what_she_may_do_with_each(as_alice: Browser, visit: Appointment) -> None:
    page = text(as_alice.get(reverse("portal:visits")))
    assert reverse("portal:visit-move", args=[visit.pk]) in page
    assert reverse("portal:visit-cancel", args=[visit.pk]) in page
    assert "Book a visit" in page


def test_a_clinic_that_is_not_booked_online_is_called(
    as_alice: Browser, visit: Appointment, open_clinic: Clinic
) -> None:
    open_clinic.online_booking = Clinic.OnlineBooking.CLOSED
    open_clinic.save()
    page = text(as_alice.get(reverse("portal:visits")))
    assert "To book, move or cancel a visit, please call." in page
    assert reverse("portal:visit-cancel", args=[visit.pk]) not in page
    assert cancel(as_alice, visit).status_code == 409
    assert move(as_alice, visit, TEN + timedelta(hours=3)).status_code == 409
    assert status_of(visit) == Status.BOOKED


def test_she_cancels_free_of_charge(as_alice: Browser, visit: Appointment, alice_user: User) -> None:
    page = as_alice.get(reverse("portal:visit-cancel", args=[visit.pk]))
    assert "Cancelling costs nothing now." in text(page)
    assert status_of(visit) == Status.BOOKED
    assert cancel(as_alice, visit)["Location"] == reverse("portal:visits")
    assert cancel(as_alice, visit).status_code == 302
    assert status_of(visit) == Status.CANCELLED
    assert visit.status_changes.filter(after=Status.CANCELLED).count() == 1
    assert visit.status_changes.get(after=Status.CANCELLED).by == alice_user


def test_late_she_reads_the_sum_and_it_counts_as_late(
    as_alice: Browser, visit: Appointment, time_machine, alice_user: User
) -> None:
    time_machine.move_to(TEN - timedelta(hours=4))
    as_alice.force_login(alice_user)
    page = text(as_alice.get(reverse("portal:visit-cancel", args=[visit.pk])))
    assert "Cancelling was free until Monday 23 November, 10:00. Now it costs €41.25." in page
    cancel(as_alice, visit)
    assert status_of(visit) == Status.LATE_CANCELLED


@pytest.mark.parametrize(
    "status", [Status.REQUESTED, Status.CANCELLED, Status.LATE_CANCELLED, Status.NO_SHOW, Status.ARRIVED]
)
def test_who_had_the_page_open_confirms_nothing_that_is_not_booked_any_more(
    visit: Appointment, now: datetime, status: Status
) -> None:
    Appointment.objects.filter(pk=visit.pk).update(status=status)
    with pytest.raises(CallUs, match="can no longer be confirmed"):
        confirm_coming(by=None, now=now, appointment=visit)
    assert status_of(visit) == status


@pytest.mark.parametrize(
    ("before", "is_possible"), [(timedelta(hours=2), True), (timedelta(hours=2, seconds=-1), False)]
)
def test_after_the_cut_off_a_cancellation_is_refused_with_the_phone_number(
    as_alice: Browser, visit: Appointment, time_machine, alice_user: User, before: timedelta, is_possible: bool
) -> None:
    time_machine.move_to(TEN - before, tick=False)
    as_alice.force_login(alice_user)
    answer = cancel(as_alice, visit)
    assert (status_of(visit) == Status.LATE_CANCELLED) is is_possible
    if not is_possible:
        assert answer.status_code == 409
        assert "Cancelling online was possible until Tue 24 Nov, 08:00." in text(answer)
        assert "+351 21 345 6789" in text(answer)


def test_she_moves_to_a_free_time(as_alice: Browser, visit: Appointment) -> None:
    page = text(as_alice.get(reverse("portal:visit-move", args=[visit.pk])))
    assert "Tuesday 24 November" in page
    answer = move(as_alice, visit, TEN + timedelta(days=1))
    assert answer["Location"] == reverse("portal:visits")
    visit.refresh_from_db()
    assert visit.starts_at == TEN + timedelta(days=1)
    assert visit.status == Status.BOOKED


def test_the_times_around_the_visit_come_first(as_alice: Browser, visit: Appointment) -> None:
    Appointment.objects.filter(pk=visit.pk).update(
        starts_at=TEN + timedelta(days=14), ends_at=TEN + timedelta(days=14, hours=1),
        occupied_from=TEN + timedelta(days=14), occupied_until=TEN + timedelta(days=14, hours=1),
    )  # fmt: skip
    page = as_alice.get(reverse("portal:visit-move", args=[visit.pk])).content.decode()
    assert set(re.findall(r'id="at-(\d{4}-\d\d-\d\d)T', page)) == {"2026-12-08"}
    # On Sunday, the 6th, nothing is free.
    strip = re.findall(r"\?day=(\d{4}-\d\d-\d\d)|with=\d+&amp;day=(\d{4}-\d\d-\d\d)", page)
    assert [one or other for one, other in strip] == [f"2026-12-{day:02}" for day in range(7, 11)]


def test_the_time_it_has_is_not_offered_again(as_alice: Browser, visit: Appointment) -> None:
    page = as_alice.get(reverse("portal:visit-move", args=[visit.pk]), {"day": "2026-11-24"}).content.decode()
    offered = re.findall(r'name="at" id="at-2026-11-24T(\d\d:\d\d)', page)
    assert "10:00" not in offered
    assert "10:15" in offered


def test_a_time_that_is_taken_shows_the_next_free_ones(
    as_alice: Browser,
    visit: Appointment,
    carl: User,
    service: Service,
    bea: Therapist,
    location: Location,
    now: datetime,
) -> None:
    other = Client.objects.get(email="carl@example.org")
    taken = TEN + timedelta(hours=3)
    book_appointment(by=None, now=now, client=other, service=service, therapist=bea, location=location, starts_at=taken)
    answer = move(as_alice, visit, taken)
    assert answer.status_code == 409
    assert "This time is no longer free." in text(answer)
    assert "Tue 24 Nov, 14:15" in text(answer)
    assert "Carl" not in text(answer)


def test_after_the_cut_off_a_move_is_refused_with_the_phone_number(
    as_alice: Browser, visit: Appointment, time_machine, alice_user: User
) -> None:
    time_machine.move_to(TEN - timedelta(hours=23), tick=False)
    as_alice.force_login(alice_user)
    answer = move(as_alice, visit, TEN + timedelta(days=2))
    assert answer.status_code == 409
    assert "Moving online was possible until Mon 23 Nov, 10:00." in text(answer)
    assert "+351 21 345 6789" in text(answer)


def test_she_moves_nowhere_before_the_lead_or_beyond_the_horizon(as_alice: Browser, visit: Appointment) -> None:
    assert "at least 12 hours ahead" in text(move(as_alice, visit, datetime(2026, 11, 19, 16, tzinfo=UTC)))
    assert "at most 60 days ahead" in text(move(as_alice, visit, TEN + timedelta(days=70)))


def test_she_moves_only_to_whom_is_shown_online(
    as_alice: Browser, visit: Appointment, location: Location, bea: Therapist
) -> None:
    hidden = TherapistFactory(works_at=(location,), is_shown_online=False)
    bea.is_shown_online = False
    bea.save()
    assert move(as_alice, visit, TEN + timedelta(days=1), hidden).status_code == 409
    assert move(as_alice, visit, TEN + timedelta(days=1)).status_code == 302


def test_she_moves_to_no_time_that_no_page_offers(as_alice: Browser, visit: Appointment) -> None:
    assert move(as_alice, visit, TEN + timedelta(days=1, minutes=7)).status_code == 409
    assert Appointment.objects.get().starts_at == TEN


def test_what_the_desk_has_moved_meanwhile_is_not_moved_unseen(
    as_alice: Browser, visit: Appointment, dana: User, now: datetime
) -> None:
    move_appointment(by=dana, now=now, appointment=visit, starts_at=TEN + timedelta(hours=2))
    assert move(as_alice, visit, TEN + timedelta(days=1)).status_code == 409
    visit.refresh_from_db()
    assert visit.starts_at == TEN + timedelta(hours=2)


def test_what_is_only_held_for_her_is_not_moved(as_alice: Browser, visit: Appointment, now: datetime) -> None:
    Appointment.objects.update(status=Status.HELD, held_until=now + timedelta(minutes=15))
    refused = as_alice.get(reverse("portal:visit-move", args=[visit.pk]))
    assert (refused.status_code, "only held so far" in refused.content.decode()) == (409, True)


def test_what_is_only_held_is_no_next_visit_yet_and_leads_back_to_where_it_is_booked(
    as_alice: Browser, visit: Appointment, now: datetime
) -> None:
    Appointment.objects.update(status=Status.HELD, held_until=now + timedelta(minutes=15))
    assert "No visit is booked." in as_alice.get(reverse("portal:home")).content.decode()
    page = as_alice.get(reverse("portal:visits")).content.decode()
    assert reverse("booking:held", args=[visit.pk]) in page
    assert reverse("portal:visit-cancel", args=[visit.pk]) not in page


def test_where_the_clinic_answers_first_only_a_request_is_moved(
    as_alice: Browser, visit: Appointment, open_clinic: Clinic, alice_user: User, now: datetime
) -> None:
    open_clinic.online_booking = Clinic.OnlineBooking.REQUESTS
    open_clinic.save()
    assert "moved by us" in text(move(as_alice, visit, TEN + timedelta(days=1)))
    asked = request_appointment(
        by=alice_user,
        now=now,
        client=visit.client,
        service=visit.service,
        therapist=visit.therapist,
        location=visit.location,
        starts_at=TEN + timedelta(days=2),
    )
    assert "requested" in text(as_alice.get(reverse("portal:visits")))
    assert move(as_alice, asked, TEN + timedelta(days=3)).status_code == 302
    assert status_of(asked) == Status.REQUESTED


def test_where_the_clinic_moves_it_she_asks_for_another_time_and_keeps_this_one(
    as_alice: Browser, visit: Appointment, open_clinic: Clinic
) -> None:
    open_clinic.online_booking, open_clinic.cancellation_policy = Clinic.OnlineBooking.REQUESTS, "Free until 24 h."
    open_clinic.save()
    assert "Another time" in text(as_alice.get(reverse("portal:visits")))
    page = as_alice.get(reverse("portal:visit-move", args=[visit.pk]))
    for said in ("A visit that is booked is moved by us.", "+351 21 345 6789", "Free until 24 h."):
        assert said in text(page)
    assert reverse("portal:visit-cancel", args=[visit.pk]) in text(page)
    times = as_alice.get(page.context["ask_url"])
    assert times.status_code == 200
    assert times.context["page"].sought.therapist == visit.therapist
    wish = {"location": visit.location_id, "at": choice_value(TEN + HOUR * 24, visit.therapist, visit.location)}
    held = as_alice.post(reverse("booking:hold", args=[visit.service_id]), wish)
    as_alice.post(held["Location"], {"is_different": "no", "by_email": "yes"})
    assert set(Appointment.objects.values_list("starts_at", "status")) == {
        (TEN, Status.BOOKED),
        (TEN + HOUR * 24, Status.REQUESTED),
    }


def test_after_the_deadline_she_reads_until_when_it_was_the_policy_and_the_phone(
    as_alice: Browser, visit: Appointment, open_clinic: Clinic
) -> None:
    open_clinic.online_booking, open_clinic.cancellation_policy = Clinic.OnlineBooking.REQUESTS, "Free until 24 h."
    open_clinic.online_move_hours = open_clinic.online_cancel_hours = 24 * 10
    open_clinic.save()
    assert "Another time" not in text(as_alice.get(reverse("portal:visits")))
    for name, words in (("visit-move", "Moving online was possible until"), ("visit-cancel", "Cancelling online was")):
        page = text(as_alice.get(reverse(f"portal:{name}", args=[visit.pk])))
        assert words in page
        assert "+351 21 345 6789" in page
        assert "Free until 24 h." in page
        assert "Ask for another time" not in page


def test_whoever_must_be_spoken_with_first_moves_nothing(
    as_alice: Browser, visit: Appointment, alice: Client, now: datetime
) -> None:
    mark(alice, OnlineConcern.Kind.CALL, by=None, now=now)
    assert "please speak with us" in text(move(as_alice, visit, TEN + timedelta(days=1)))
    assert cancel(as_alice, visit).status_code == 302


@pytest.mark.parametrize("name", ["visit-cancel", "visit-move"])
def test_nobody_reaches_another_clients_visit(
    as_carl: Browser, as_dana: Browser, visit: Appointment, name: str
) -> None:
    where = reverse(f"portal:{name}", args=[visit.pk])
    for stranger in (as_carl, as_dana):
        assert stranger.get(where).status_code == 404
        assert stranger.post(where).status_code == 404
    assert status_of(visit) == Status.BOOKED


@pytest.mark.parametrize("rubbish", ["", "x", "2026-11-24T10:00+0000_99999", "a\x00"])
def test_no_time_is_one_sentence_on_the_same_page(as_alice: Browser, visit: Appointment, rubbish: str) -> None:
    where = reverse("portal:visit-move", args=[visit.pk])
    assert "Please choose a time first." in text(as_alice.post(where, {"at": rubbish, "seen": rubbish}))
    assert as_alice.get(where, {"day": rubbish, "from": rubbish, "with": rubbish}).status_code == 200
