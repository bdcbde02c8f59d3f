"""The pages on which the last change is taken back and the same is booked again; and what the booking page keeps."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.gates import gates
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import (
    add_time_off,
    cancel_appointment,
    hold_appointment,
    move_appointment,
    request_appointment,
)
from tests.factories import BEFORE, ClientFactory, LocationFactory, RoomFactory
from tests.scheduling.conftest import Book, at

NEW = reverse("scheduling:appointment-new")


@pytest.fixture
def as_dana(dana: User, browser: Browser) -> Browser:
    browser.force_login(dana)
    return browser


@pytest.fixture
def browser(client: Browser) -> Browser:
    return client


def undo_of(visit: Appointment) -> str:
    return reverse("scheduling:appointment-undo", args=[visit.pk])


def again(visit: Appointment) -> str:
    return reverse("scheduling:appointment-again", args=[visit.pk])


def told(page: HttpResponse) -> list[tuple[str, str]]:
    return [(str(one), one.extra_tags) for one in get_messages(page.wsgi_request)]


# --- Taking back


def test_a_page_that_did_something_offers_to_take_it_back(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    page = as_dana.post(reverse("scheduling:appointment-cancel", args=[visit.pk]), {"because": "client"}, follow=True)
    assert f'action="{undo_of(visit)}"' in page.content.decode()
    as_dana.post(undo_of(visit))
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED


def test_what_cannot_be_taken_back_is_said_on_the_day(as_dana: Browser, book: Book, olga: User) -> None:
    visit = book(at(10), by=olga)
    page = as_dana.post(undo_of(visit), follow=True)
    assert "Somebody else did this; only they can take it back." in page.content.decode()


def test_no_way_back_is_offered_where_there_is_none(
    as_dana: Browser, dana: User, alice: Client, service: Service, bea: Therapist, location: Location, hours: None,
    now: datetime,
) -> None:  # fmt: skip
    held = hold_appointment(
        by=dana, now=now, client=alice, service=service, therapist=bea, location=location, starts_at=at(10),
        until=now + timedelta(minutes=15),
    )  # fmt: skip
    page = as_dana.post(reverse("scheduling:appointment-status", args=[held.pk]), {"to": "booked"})
    assert told(page) == [("Alice Marques: booked.", "")]
    page = as_dana.post(reverse("scheduling:appointment-status", args=[held.pk]), {"to": "confirmed"})
    assert told(page)[-1] == ("Alice Marques: confirmed.", undo_of(held))


def test_the_calendars_script_gets_words(as_dana: Browser, book: Book, dana: User, now: datetime) -> None:
    visit = move_appointment(by=dana, now=now, appointment=book(at(10)), starts_at=at(14))
    page = as_dana.post(undo_of(visit), headers={"Accept": "application/json"})
    words = "Taken back: Alice Marques, Thu 19 Nov, 10:00, is booked."
    assert (page.status_code, page.json()) == (HTTPStatus.OK, {"words": words, "next": []})
    page = as_dana.post(undo_of(visit), headers={"Accept": "application/json"})
    assert (page.status_code, page.json()["words"]) == (HTTPStatus.CONFLICT, "This has been taken back already.")


# --- The same again


def test_the_same_is_booked_again_by_one_click_and_once(as_dana: Browser, book: Book) -> None:
    visit, key = book(at(10)), uuid4()
    for _click in range(2):
        as_dana.post(again(visit), {"at": "2026-11-26T10:00", "key": key})
    booked = Appointment.objects.exclude(pk=visit.pk).get()
    assert (booked.starts_at, booked.therapist, booked.service) == (at(10, day=26), visit.therapist, visit.service)


def test_a_time_that_is_gone_leads_to_what_is_free(as_dana: Browser, book: Book) -> None:
    visit = book(at(10))
    book(at(10, day=26), client=ClientFactory())
    page = as_dana.post(again(visit), {"at": "2026-11-26T10:00", "key": uuid4()}, follow=True)
    shown = page.content.decode()
    assert "Bea has another visit until 11:15." in shown
    assert "10:00 is not free that day." in shown


@pytest.mark.parametrize("sent", [{}, {"at": "soon", "key": "x"}, {"at": "2026-11-26T10:00+01:00", "key": uuid4()}])
def test_a_time_that_is_none_books_nothing(as_dana: Browser, book: Book, sent: dict[str, object]) -> None:
    visit = book(at(10))
    assert as_dana.post(again(visit), sent).status_code == HTTPStatus.FOUND
    assert Appointment.objects.count() == 1


# --- A step that is refused


def test_what_cannot_be_brought_back_leads_to_what_is_free(
    as_dana: Browser, book: Book, dana: User, now: datetime
) -> None:
    visit = book(at(10, day=20))
    cancel_appointment(by=dana, now=now, appointment=visit)
    book(at(10, day=20), client=ClientFactory())
    step = reverse("scheduling:appointment-status", args=[visit.pk])
    shown = as_dana.post(step, {"to": "booked"}, follow=True).content.decode()
    assert "Bea has another visit until 11:15." in shown
    assert "10:00 is not free that day." in shown


def test_a_request_whose_time_is_gone_leads_to_what_is_free_for_it(
    as_dana: Browser, book: Book, dana: User, alice: Client, now: datetime
) -> None:
    wish = book(at(10, day=20))
    facts = {"service": wish.service, "therapist": wish.therapist, "location": wish.location}
    asked = request_appointment(by=None, now=now, client=alice, starts_at=at(14, day=20), **facts)
    book(at(14, day=20), client=ClientFactory())
    step = reverse("scheduling:appointment-status", args=[asked.pk])
    page = as_dana.post(step, {"to": "booked"}, follow=True)
    assert page.redirect_chain[-1][0].startswith(reverse("scheduling:appointment-move", args=[asked.pk]))
    assert "Bea has another visit until 15:15." in page.content.decode()


def test_a_hold_that_the_desk_books_asks_the_gates_again(
    as_dana: Browser, book: Book, alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = book(at(10, day=20))
    facts = {"service": wish.service, "therapist": wish.therapist, "location": wish.location}
    until = now + timedelta(minutes=10)
    held = hold_appointment(by=None, now=now, client=alice, starts_at=at(14, day=20), until=until, **facts)
    monkeypatch.setitem(gates._entries, "always", lambda visits: [True] * len(visits))
    as_dana.post(reverse("scheduling:appointment-status", args=[held.pk]), {"to": "booked"})
    held.refresh_from_db()
    assert (held.status, held.review_needed) == (Status.BOOKED, True)


# --- The booking page


@pytest.fixture
def wish(alice: Client, service: Service, bea: Therapist, location: Location, hours: None) -> dict[str, object]:
    return {"client": alice.pk, "service": service.pk, "therapist": bea.pk, "location": location.pk, "on": "2026-11-20"}


def test_an_error_keeps_the_client_and_offers_somebody_else(as_dana: Browser, wish: dict, alice: Client) -> None:
    shown = as_dana.get(NEW, wish | {"on": "no day"}).content.decode()
    assert f'name="client" value="{alice.pk}"' in shown
    assert alice.name in shown
    other = as_dana.get(f"{NEW}?service={wish['service']}&on=2026-11-20").content.decode()
    assert "For whom?" in other
    assert 'name="on" value="2026-11-20"' in other


def test_an_archived_client_is_not_booked_for(as_dana: Browser, wish: dict, alice: Client, now: datetime) -> None:
    Client.objects.filter(pk=alice.pk).update(archived_at=now)
    for url in (NEW, reverse("scheduling:series-new")):
        shown = as_dana.get(url, wish).content.decode()
        assert "is archived and books nothing" in shown
        assert "For whom?" in shown


def test_a_room_is_chosen_and_only_its_free_times_are_shown(
    as_dana: Browser, wish: dict, book: Book, location: Location, room: Room, bea: Therapist
) -> None:
    garden = RoomFactory(location=location, name="Garden room")
    add_time_off(by=None, now=BEFORE, room=garden, starts_at=at(9, day=20), ends_at=at(12, day=20))
    shown = as_dana.get(NEW, wish | {"room": garden.pk}).content.decode()
    assert "2026-11-20T11:00" not in shown
    assert "2026-11-20T12:00" in shown
    chosen = {"slot": f"2026-11-20T12:00+0000_{bea.pk}", "key": uuid4(), "room": garden.pk}
    as_dana.post(NEW, wish | chosen)
    assert Appointment.objects.get().room == garden


def test_a_room_of_another_location_is_refused_beside_its_field(as_dana: Browser, wish: dict) -> None:
    elsewhere = RoomFactory(location=LocationFactory(name="Porto"), name="River room")
    assert "This room is at another location." in as_dana.get(NEW, wish | {"room": elsewhere.pk}).content.decode()


def test_the_page_says_where_nobody_is_written_to(as_dana: Browser, wish: dict) -> None:
    assert "Has not agreed to messages" in as_dana.get(NEW, wish).content.decode()


def test_what_is_gone_is_not_wished_for_as_last_time(
    as_dana: Browser, book: Book, alice: Client, service: Service, now: datetime
) -> None:
    book(at(10))
    Service.objects.filter(pk=service.pk).update(archived_at=now)
    from tests.factories import ServiceFactory

    ServiceFactory(name="Another")
    assert "Select a valid choice" not in as_dana.get(NEW, {"client": alice.pk}).content.decode()


@pytest.mark.parametrize(
    ("because", "status"),
    [("client", Status.LATE_CANCELLED), ("clinic", Status.CANCELLED), ("mistake", Status.CANCELLED)],
)
def test_only_what_the_client_cancels_is_late(as_dana: Browser, book: Book, because: str, status: Status) -> None:
    visit = book(at(15), booked_at=BEFORE)
    as_dana.post(reverse("scheduling:appointment-cancel", args=[visit.pk]), {"because": because, "why": "ill"})
    visit.refresh_from_db()
    assert visit.status == status
    assert (visit.status_changes.last().because, visit.status_changes.last().why) == (because, "ill")


def test_what_was_booked_a_moment_ago_is_never_cancelled_late(book: Book, dana: User, now: datetime) -> None:
    assert cancel_appointment(by=dana, now=now, appointment=book(at(15))).status == Status.CANCELLED
