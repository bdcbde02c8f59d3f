"""Who is asked for the form by itself, when, and until when; what the desk sees of it; taking a link back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.people.models import Client, Clinic, Location, Service, Therapist, User
from clinic.people.services.merging import merge_clients
from clinic.reminders.models import Message
from clinic.reminders.services import sweep
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.online import confirm_online, hold_online
from clinic.scheduling.services import (
    ChosenVisit,
    accept_request,
    add_weekly_hours,
    book_appointment,
    book_series,
    cancel_appointment,
    change_status,
    confirm_hold,
    hold_appointment,
    move_appointment,
    request_appointment,
)
from clinic.scheduling.waitlist import Match, Wished, accept_offer, add_wish, offer_time
from intake import services
from intake.asking import Asked, moments_of
from intake.inviting import change_intake_policy, invite_before_visits
from intake.models import Invitation
from tests.factories import BEFORE, ClientFactory, ServiceFactory
from tests.intake.answers import send
from tests.reminders.support import agree

DAY, MINUTES = timedelta(days=1), timedelta(minutes=5)
IN_TEN_DAYS = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
BORN_ON = "1988-03-14"
Book = Callable[..., Appointment]


@pytest.fixture
def asks(olga: User, alice: Client) -> None:
    """A clinic that asks by itself, and a client who agreed to mail."""
    change_intake_policy(by=olga, now=BEFORE, asks_by_itself=True, days_ahead=14)
    agree(alice)


@pytest.fixture
def service(clinic: Clinic) -> Service:
    return ServiceFactory(buffer_after=0)


@pytest.fixture
def book(alice: Client, bea: Therapist, dana: User, location: Location, service: Service, now: datetime) -> Book:
    """Return a function that books Alice with Bea, just now, for ten days from now."""
    for weekday in range(7):
        hours = {"weekday": weekday, "opens": time(6), "closes": time(23), "valid_from": date(2026, 1, 1)}
        add_weekly_hours(by=None, now=BEFORE, therapist=bea, location=location, **hours)  # type: ignore[arg-type]

    def book_one(starts_at: datetime = IN_TEN_DAYS, **changed: Any) -> Appointment:
        facts = {"by": dana, "now": now, "client": alice, "service": service, "therapist": bea, "location": location}
        return book_appointment(**(facts | {"starts_at": starts_at} | changed))  # type: ignore[arg-type]

    return book_one


def asked() -> list[str]:
    """Return to whom the form was sent, in order."""
    return [letter.to[0] for letter in mail.outbox if "A few questions" in letter.subject]


def sweep_along(start: datetime, until: datetime) -> list[datetime]:
    """Sweep four times a day and return when the form was asked for."""
    heard, at = [], start
    while at < until:
        before = len(asked())
        sweep(at)
        heard += [at] * (len(asked()) - before)
        at += timedelta(hours=6)
    return heard


# --- By itself


@pytest.mark.usefixtures("asks")
def test_a_first_booking_asks_once_after_the_grace(book: Book, now: datetime) -> None:
    book()
    sweep(now + timedelta(minutes=2))
    assert asked() == []
    for minute in range(3, 30):
        sweep(now + timedelta(minutes=minute))
    assert asked() == ["alice@example.org"]
    assert Invitation.objects.get().created_by is None


@pytest.mark.usefixtures("asks")
def test_what_it_says_opens_the_form_and_holds_the_policy_and_nothing_of_health(
    book: Book, client: Browser, now: datetime
) -> None:
    book()
    sweep(now + MINUTES)
    [letter] = [one for one in mail.outbox if "A few questions" in one.subject]
    html = str(letter.alternatives[0][0])  # type: ignore[attr-defined]
    for words in (str(letter.body), html):
        assert "Please tell us 24 hours before if you cannot come." in words
        assert not re.search(r"migraine|headache|pain|myofascial", words, re.IGNORECASE)
    path = re.search(r"https?://[^/]+(/i/\S+/)", str(letter.body))
    assert path is not None
    assert client.post(path[1], {"born_on": BORN_ON}).headers["Location"] == reverse("intake:step", args=[1])


@pytest.mark.usefixtures("asks")
def test_a_series_and_several_bookings_ask_once(book: Book, now: datetime) -> None:
    for weeks in range(4):
        book(IN_TEN_DAYS + timedelta(weeks=weeks))
    sweep(now + MINUTES)
    sweep(now + 2 * MINUTES)
    assert asked() == ["alice@example.org"]


def desk(told: dict[str, Any], place: dict[str, Any]) -> None:
    book_appointment(**told, **place, starts_at=IN_TEN_DAYS)


def series(told: dict[str, Any], place: dict[str, Any]) -> None:
    chosen = [ChosenVisit(IN_TEN_DAYS + timedelta(weeks=week), place["therapist"]) for week in range(3)]
    rule: dict[str, Any] = {"first_on": IN_TEN_DAYS.date(), "at_time": time(10), "every_weeks": 1, "count": 3}
    book_series(**told, **place, **rule, chosen=chosen, idempotency_key=uuid4())


def held_and_confirmed(told: dict[str, Any], place: dict[str, Any]) -> None:
    held = hold_appointment(**told, **place, starts_at=IN_TEN_DAYS, until=told["now"] + timedelta(hours=1))
    refuse_to_ask(told["now"])
    confirm_hold(**told, appointment=held)


def online(told: dict[str, Any], place: dict[str, Any]) -> None:
    confirm_online(**told, appointment=hold_online(**told, **place, starts_at=IN_TEN_DAYS))


def asked_for_and_accepted(told: dict[str, Any], place: dict[str, Any]) -> None:
    request = request_appointment(**told, **place, starts_at=IN_TEN_DAYS)
    refuse_to_ask(told["now"])
    accept_request(**told, appointment=request)


def waitlist(told: dict[str, Any], place: dict[str, Any]) -> None:
    wish = add_wish(**told, client=place["client"], wished=Wished([place["service"]]))
    match = Match(place["service"], place["therapist"], place["location"], IN_TEN_DAYS)
    accept_offer(**told, offer=offer_time(**told, wish=wish, match=match))


def brought_back(told: dict[str, Any], place: dict[str, Any]) -> None:
    gone = cancel_appointment(**told, appointment=book_appointment(**told, **place, starts_at=IN_TEN_DAYS))
    refuse_to_ask(told["now"])
    change_status(**told, appointment=gone, to=Status.BOOKED)


def refuse_to_ask(now: datetime) -> None:
    """See that nobody is asked yet."""
    sweep(now + MINUTES)
    assert asked() == []


@pytest.mark.usefixtures("asks", "book", "open_clinic")  # the second gives Bea her hours
@pytest.mark.parametrize(
    "road", [desk, series, held_and_confirmed, online, asked_for_and_accepted, waitlist, brought_back]
)
def test_each_road_to_a_visit_asks_exactly_once(
    road: Callable[[dict[str, Any], dict[str, Any]], None],
    alice: Client,
    bea: Therapist,
    dana: User,
    location: Location,
    service: Service,
    now: datetime,
) -> None:
    place = {"client": alice, "service": service, "therapist": bea, "location": location}
    road({"by": dana, "now": now}, place)
    for minutes in (10, 20, 60):
        sweep(now + timedelta(minutes=minutes))
    assert asked() == ["alice@example.org"]
    assert Message.objects.filter(kind="intake_before_visit").count() == Invitation.objects.count() == 1


@pytest.mark.usefixtures("asks")
@pytest.mark.parametrize(
    "what", ["answered lately", "no consent", "no address", "archived", "cancelled", "switched off", "agreed elsewhere"]
)
def test_nobody_else_is_asked(what: str, book: Book, alice: Client, dana: User, olga: User, now: datetime) -> None:
    if what == "answered lately":
        send(alice, now=now - 200 * DAY)
    if what == "no consent":
        agree(alice, is_given=False, at=now)
    if what == "no address":
        Client.objects.update(email="")
    visit = book(booked_at=now - DAY, why="Brought along.") if what == "agreed elsewhere" else book()
    if what == "archived":
        Client.objects.update(archived_at=now)
    if what == "cancelled":
        cancel_appointment(by=dana, now=now + timedelta(minutes=1), appointment=visit)
    if what == "switched off":
        change_intake_policy(by=olga, now=now, asks_by_itself=False, days_ahead=14)
    sweep(now + MINUTES)
    assert asked() == []
    assert not Invitation.objects.exists()


@pytest.mark.usefixtures("asks")
def test_answers_that_will_be_over_a_year_old_are_asked_for_again_two_weeks_before_the_visit(
    book: Book, alice: Client, now: datetime
) -> None:
    send(alice, now=now - 300 * DAY)
    visit_at = now + 70 * DAY
    book(visit_at)
    sweep(visit_at - 15 * DAY)
    assert asked() == []
    sweep(visit_at - 13 * DAY)
    assert asked() == ["alice@example.org"]


@pytest.mark.usefixtures("asks")
def test_it_reads_as_often_for_one_as_for_many(
    book: Book, now: datetime, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    def reads_for(clients: int, hour: int) -> int:
        for number in range(clients):
            client = ClientFactory()
            agree(client)
            book(IN_TEN_DAYS + timedelta(days=number, hours=hour), client=client)
        with CaptureQueriesContext(connection) as asked_for:
            assert len(invite_before_visits(now + MINUTES)) == clients
        return sum(query["sql"].startswith(("SELECT", "UPDATE")) for query in asked_for.captured_queries)

    assert reads_for(1, 0) == reads_for(8, 2)
    with django_assert_max_num_queries(4):
        assert invite_before_visits(now + MINUTES) == []


@pytest.mark.usefixtures("asks")
def test_whoever_signs_in_finds_the_form_without_waiting_for_the_mail(
    book: Book, as_alice: Browser, as_carl: Browser, alice: Client
) -> None:
    own = reverse("intake:own", args=[alice.pk])
    assert own not in as_alice.get(reverse("portal:home")).text
    book()
    assert own in as_alice.get(reverse("portal:home")).text
    assert as_alice.post(own).headers["Location"] == reverse("intake:step", args=[1])
    assert as_carl.post(own).status_code == 404


@pytest.mark.usefixtures("asks")
def test_two_records_of_one_person_are_asked_once_at_the_kept_one(
    book: Book, alice: Client, dana: User, now: datetime
) -> None:
    other = ClientFactory(legal_name="Ali Marques")
    book(client=other)
    book(IN_TEN_DAYS + DAY)
    merge_clients(by=dana, now=now, kept=alice, gone=other)
    sweep(now + MINUTES)
    assert asked() == ["alice@example.org"]
    assert Invitation.objects.get().client == alice


# --- Chased until done


@pytest.mark.usefixtures("asks")
def test_she_is_asked_at_once_after_three_days_and_two_days_and_one_before_the_visit(book: Book, now: datetime) -> None:
    book()
    start = now + MINUTES
    heard = sweep_along(start, IN_TEN_DAYS + 3 * DAY)
    assert [at.date() for at in heard] == [date(2026, 11, day) for day in (19, 22, 27, 28)]


@pytest.mark.usefixtures("asks")
def test_the_chase_ends_when_the_form_is_sent_in(book: Book, alice: Client, now: datetime) -> None:
    book()
    sweep(now + MINUTES)
    send(alice, now=now + timedelta(hours=1))
    assert sweep_along(now + timedelta(hours=2), IN_TEN_DAYS + DAY) == []


@pytest.mark.usefixtures("asks")
def test_the_chase_ends_when_the_visit_is_off_and_begins_again_with_the_next(
    book: Book, dana: User, now: datetime
) -> None:
    visit = book()
    sweep(now + MINUTES)
    cancel_appointment(by=dana, now=now + timedelta(hours=1), appointment=visit)
    assert sweep_along(now + timedelta(hours=2), IN_TEN_DAYS + DAY) == []
    later = IN_TEN_DAYS + 20 * DAY
    book(later, now=IN_TEN_DAYS + DAY)
    heard = sweep_along(IN_TEN_DAYS + DAY + MINUTES, later)
    # At once, as the second request that fell away; two days before, and one. The link that is out is still good.
    assert [at.date() for at in heard] == [date(2026, 11, 30), date(2026, 12, 17), date(2026, 12, 18)]
    assert Invitation.objects.count() == 1


@pytest.mark.usefixtures("asks")
def test_a_visit_that_is_moved_takes_its_chase_and_its_link_along(book: Book, dana: User, now: datetime) -> None:
    visit = book()
    sweep(now + MINUTES)
    later = IN_TEN_DAYS + 40 * DAY
    move_appointment(by=dana, now=now + DAY, appointment=visit, starts_at=later)
    heard = sweep_along(now + DAY + MINUTES, later)
    assert [at.date() for at in heard] == [date(2026, 11, 22), date(2027, 1, 6), date(2027, 1, 7)]
    assert Invitation.objects.get().expires_at == later


def test_what_staff_send_is_chased_too_unless_she_came_meanwhile(
    book: Book, alice: Client, dana: User, now: datetime
) -> None:
    visit = book(now + DAY + timedelta(hours=22))
    services.invite(by=dana, now=now, client=alice)
    change_status(by=dana, now=now + DAY + timedelta(hours=20), appointment=visit, to=Status.ARRIVED)
    assert [at.date() for at in sweep_along(now, now + 10 * DAY)] == [now.date()]


def test_moments_never_crowd_and_never_follow_the_visit() -> None:
    zone, at = ZoneInfo("Europe/Lisbon"), datetime(2026, 10, 20, 9, tzinfo=UTC)
    for hours in range(1, 24 * 40):
        visit_at = at + timedelta(hours=hours)
        asked_ = Asked(at=at, expires_at=at + 30 * DAY, visit_at=visit_at, zone=zone, came=False)
        due = [moment.due_at for moment in moments_of(asked_, is_by_itself=True)]
        assert due[0] == at
        assert due == sorted(set(due))
        assert all(moment < visit_at for moment in due)
        assert all(later - earlier >= timedelta(hours=6) for earlier, later in pairwise(due))


# --- Taken back, opened, seen


@pytest.mark.usefixtures("asks")
def test_staff_take_the_link_back_and_nobody_asks_again_for_this_booking(
    book: Book, as_dana: Browser, client: Browser, alice: Client, dana: User, now: datetime
) -> None:
    book()
    sweep(now + MINUTES)
    link = re.search(r"https?://[^/]+(/i/\S+/)", str(mail.outbox[-1].body)) or re.search(
        r"https?://[^/]+(/i/\S+/)", str(mail.outbox[0].body)
    )
    assert link is not None
    page = as_dana.get(reverse("desk:client", args=[alice.pk])).text
    assert "has not been opened" in page
    answer = as_dana.post(reverse("intake:take-back", args=[alice.pk]), follow=True)
    assert "The link no longer opens the form." in answer.text
    assert client.post(link[1], {"born_on": BORN_ON}).status_code == 410
    assert Invitation.objects.get().revoked_by == dana
    assert sweep_along(now + timedelta(hours=1), IN_TEN_DAYS) == []
    again = as_dana.post(reverse("intake:take-back", args=[alice.pk]), follow=True)
    assert "No link was out any more." in again.text


def test_a_link_that_was_taken_back_turns_out_who_is_filling_in(
    client: Browser, as_bea: Browser, alice: Client, dana: User, now: datetime
) -> None:
    _invitation, token = services.invite(by=dana, now=now, client=alice)
    client.post(reverse("intake:open", args=[token]), {"born_on": BORN_ON})
    assert client.get(reverse("intake:step", args=[1])).status_code == 200
    as_bea.post(reverse("intake:take-back", args=[alice.pk]))
    assert client.post(reverse("intake:step", args=[1]), {"attack_today": "no"}).status_code == 410


def test_the_desk_sees_sent_opened_and_sent_in_and_nothing_else(
    as_dana: Browser, client: Browser, alice: Client, dana: User, now: datetime
) -> None:
    page = reverse("desk:client", args=[alice.pk])

    def state() -> str:
        found = re.search(r'<h2 id="intake">Intake</h2>\s*<span class="pill[^"]*">([^<]*)<', as_dana.get(page).text)
        assert found is not None
        return found[1]

    assert state() == "missing"
    _invitation, token = services.invite(by=dana, now=now, client=alice)
    assert state() == "sent"
    client.post(reverse("intake:open", args=[token]), {"born_on": BORN_ON})
    client.post(reverse("intake:step-save", args=[1]), {"headache_days": "27", "attack_today": "yes"})
    assert state() == "opened"
    send(alice, now=now)
    assert state() == "needs review"
    assert "27" not in as_dana.get(page).text.partition('id="intake"')[2].partition("</section>")[0]


def test_one_address_cannot_try_many_links_nor_many_dates(
    client: Browser, alice: Client, dana: User, now: datetime
) -> None:
    answers = [client.get(f"/i/{number}/").status_code for number in range(41)]
    assert answers == [404] * 40 + [429]
    _invitation, token = services.invite(by=dana, now=now, client=alice)
    link = reverse("intake:open", args=[token])
    refused = client.post(link, {"born_on": "1990-01-01"})
    assert refused.status_code == 429
    assert Invitation.objects.get().wrong_answers == 0
    elsewhere = Browser(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.post(link, {"born_on": BORN_ON}).status_code == 302


def test_who_guesses_from_one_network_of_ipv6_is_counted_together(
    client: Browser, clinic: Clinic, now: datetime
) -> None:
    answers = [client.get("/i/guess/", REMOTE_ADDR=f"2001:db8::{number:x}").status_code for number in range(41)]
    assert answers[-1] == 429


def test_a_link_that_was_closed_by_wrong_dates_is_not_sent_anew_by_itself(
    asks: None, book: Book, alice: Client, now: datetime
) -> None:
    book()
    sweep(now + MINUTES)
    Invitation.objects.update(wrong_answers=5)
    assert sweep_along(now + timedelta(hours=1), now + 9 * DAY) == []
    assert Invitation.objects.count() == 1


def test_whose_date_of_birth_is_not_known_binds_the_link_by_the_first_opening(
    client: Browser, dana: User, now: datetime
) -> None:
    noor = ClientFactory(legal_name="Noor Aziz", born_on=None)
    _invitation, token = services.invite(by=dana, now=now, client=noor)
    link = reverse("intake:open", args=[token])
    assert (
        "not in the future" in client.post(link, {"born_on": "2027-01-01"}).text
        or not Invitation.objects.get().opened_at
    )
    minor = client.post(link, {"born_on": "2012-01-01"})
    assert "Please call us first." in minor.text
    assert client.post(link, {"born_on": "1990-05-06"}).status_code == 302
    noor.refresh_from_db()
    assert noor.born_on == date(1990, 5, 6)
    assert "That is not the date of birth" in Browser().post(link, {"born_on": "1991-05-06"}).text


def test_nothing_is_sent_by_itself_before_its_time_in_the_night(asks: None, book: Book, now: datetime) -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    book(now=late)
    sweep(late + MINUTES)
    assert asked() == []
    assert Message.objects.get(kind="intake_before_visit").state == Message.State.WAITING
