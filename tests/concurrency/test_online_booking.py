"""Booking by oneself, all at one moment, with real transactions: one has the time, the others read what is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Clinic, Location, Service, Therapist, User
from clinic.people.services import coming
from clinic.people.services.coming import Newcomer
from clinic.scheduling import online
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.online import come, confirm_online, hold_online
from clinic.scheduling.services import book_appointment, locks
from tests.concurrency import racing
from tests.concurrency.racing import Road
from tests.factories import ClientFactory, RoomFactory, ServiceFactory, give_hours, give_login

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AT_ONCE = 8


def race(roads: list[Road]) -> Counter[str]:
    """Let all roads start at the same moment; count what each returned or raised."""
    return racing.race(roads, told_by=_told)


def _told(road: Road) -> str:
    try:
        return str(road())
    except Exception as fault:  # noqa: BLE001 -- how it ended is what the test looks at
        return type(fault).__name__
    finally:
        connections.close_all()


def _in_a_connection_of_its_own(ask: Callable[[], HttpResponse]) -> HttpResponse:
    try:
        return ask()
    finally:
        connections.close_all()


@pytest.fixture
def service(open_clinic: Clinic, bea: Therapist, location: Location, now: datetime) -> Service:
    for _ in range(3):
        RoomFactory(location=location)
    give_hours(bea, location, (9, 18))
    return ServiceFactory(minutes=60)


@pytest.fixture
def people(service: Service) -> list[tuple[User, Client]]:
    clients = [ClientFactory(email=f"one{n}@example.org") for n in range(AT_ONCE)]
    return [(give_login(client), client) for client in clients]


def test_of_many_who_choose_one_time_one_holds_it_and_the_others_see_what_is_free_next(
    people: list[tuple[User, Client]], service: Service, bea: Therapist, location: Location
) -> None:
    wish = {"location": str(location.pk), "at": choice_value(TEN, bea, location)}
    where = reverse("booking:hold", args=[service.pk])
    browsers = []
    for user, _client in people:
        browser = Browser()
        browser.force_login(user)
        browsers.append(browser)
    pages: list[str] = []

    def road(browser: Browser) -> Road:
        def choose() -> int:
            answer = browser.post(where, wish)
            if answer.status_code == 409:
                pages.append(answer.content.decode())
            return answer.status_code

        return choose

    assert race([road(browser) for browser in browsers]) == {"302": 1, "409": AT_ONCE - 1}
    assert Appointment.objects.filter(status=Status.HELD).count() == 1
    assert all("This time is no longer free." in page and "Free next" in page for page in pages)


def test_one_who_clicks_many_times_has_one_hold(
    people: list[tuple[User, Client]], service: Service, bea: Therapist, location: Location
) -> None:
    user, client = people[0]
    ended = race([_hold(user, client, service, bea, location, TEN + timedelta(hours=n % 2)) for n in range(AT_ONCE)])
    assert ended.total() == AT_ONCE
    assert not ended.keys() - {"held", "SlotTaken"}
    assert Appointment.objects.filter(status=Status.HELD).count() == 1


def test_without_the_clients_lock_she_would_hold_two(
    people: list[tuple[User, Client]],
    service: Service,
    bea: Therapist,
    location: Location,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control: the lock is taken away, and whoever looked first does not see the other hold."""
    user, client = people[0]
    seen = Barrier(2)
    look = online.holds_of

    def look_together(client: Client, now: datetime) -> list[Appointment]:
        found = look(client, now)
        seen.wait(timeout=20)
        return found

    monkeypatch.setattr(online, "lock_client", lambda pk: Client.objects.get(pk=pk))
    monkeypatch.setattr(online, "lock_places", lambda therapists, *locations: None)
    monkeypatch.setattr(online, "holds_of", look_together)
    ended = race([_hold(user, client, service, bea, location, TEN + timedelta(hours=2 * n)) for n in range(2)])
    assert ended == {"held": 2}
    assert Appointment.objects.filter(status=Status.HELD).count() == 2


def test_a_confirmation_that_is_sent_many_times_books_once(
    people: list[tuple[User, Client]], service: Service, bea: Therapist, location: Location
) -> None:
    user, client = people[0]
    held = hold_online(
        by=user, now=NOW, client=client, service=service, therapist=bea, location=location, starts_at=TEN
    )
    ended = race([lambda: confirm_online(by=user, now=NOW, appointment=held).status for _ in range(AT_ONCE)])
    assert ended == {"booked": AT_ONCE}
    assert held.status_changes.filter(after=Status.BOOKED).count() == 1


def test_who_cancels_while_somebody_is_at_the_visit_reads_that_she_should_try_again(
    people: list[tuple[User, Client]],
    service: Service,
    bea: Therapist,
    location: Location,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, client = people[0]
    visit = book_appointment(
        by=None, now=NOW, client=client, service=service, therapist=bea, location=location, starts_at=TEN
    )
    browser = Browser()
    browser.force_login(user)
    where = reverse("portal:visit-cancel", args=[visit.pk])
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", timedelta(seconds=1))
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Appointment.objects.select_for_update().get(pk=visit.pk)
        refused = pool.submit(_in_a_connection_of_its_own, lambda: browser.post(where)).result(20)
    assert refused.status_code == 409
    assert "Please try again." in refused.content.decode()
    assert browser.post(where).status_code == 302
    visit.refresh_from_db()
    assert visit.status == Status.CANCELLED


def test_a_newcomer_who_clicks_many_times_is_entered_once(service: Service) -> None:
    assert race([_come for _ in range(AT_ONCE)]) == {"came": AT_ONCE}
    assert Client.objects.filter(legal_name="Nina Prates").count() == 1


def test_without_the_lock_she_would_be_entered_twice(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the lock is taken away, and both look before either has written."""
    looked = Barrier(2)
    look = coming._known_by

    def look_together(email: str, newcomer: Newcomer) -> Client | None:
        found = look(email, newcomer)
        looked.wait(timeout=20)
        return found

    monkeypatch.setattr(coming, "_one_at_a_time", lambda email: None)
    monkeypatch.setattr(coming, "_known_by", look_together)
    race([_come for _ in range(2)])
    assert Client.objects.filter(legal_name="Nina Prates").count() == 2


def _come() -> str:
    newcomer = Newcomer("nina@example.org", "Nina Prates", date(1990, 3, 4), "+351912345678")
    come(now=NOW, newcomer=newcomer)
    return "came"


def _hold(
    user: User, client: Client, service: Service, therapist: Therapist, location: Location, starts_at: datetime
) -> Road:
    def hold() -> str:
        held = hold_online(
            by=user,
            now=NOW,
            client=client,
            service=service,
            therapist=therapist,
            location=location,
            starts_at=starts_at,
        )
        return held.status

    return hold
