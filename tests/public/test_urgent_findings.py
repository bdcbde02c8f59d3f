"""An answer that wants a doctor stops booking by oneself, on every road, until a therapist has closed the finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.forms import choice_value
from clinic.scheduling.matching import Match
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.online import CallUs, confirm_online, hold_online, move_online
from clinic.scheduling.services import ChosenVisit, book_appointment
from clinic.scheduling.waitlist import Wished, accept_offer, add_wish, offer_time
from intake import standing
from intake.models import Finding
from intake.services import close_finding
from tests.intake.answers import fill_in, send
from tests.public.conftest import Visitor, Wish, at, service, wish

__all__ = ["service", "wish"]  # fixtures
SENTENCE = "Before you book the next visit, please speak with us."
# What would tell somebody why.
TELLING = ("optic", "doctor", "emergency", "finding", "review", "safety")
Road = Callable[[], object]


@pytest.fixture
def roads(
    alice: Client,
    alice_user: User,
    bea: Therapist,
    dana: User,
    location: Location,
    service: Service,
    hours: None,
    now: datetime,
) -> dict[str, Road]:
    """Return all roads by which she books without the desk, each after what has to be there before."""
    place = {"service": service, "therapist": bea, "location": location}

    def hold(hour: int = 9) -> Appointment:
        return hold_online(by=alice_user, now=now, client=alice, starts_at=at(hour), **place)

    booked = book_appointment(by=dana, now=now, client=alice, starts_at=at(16), **place)
    held = hold(11)
    match = Match(service, bea, location, at(14))
    wished = add_wish(by=None, now=now, client=alice, wished=Wished([service]))
    offered = offer_time(by=dana, now=now, wish=wished, match=match)
    seen = ChosenVisit(booked.starts_at, bea)
    return {
        "hold": hold,
        "confirm": lambda: confirm_online(by=alice_user, now=now, appointment=held),
        "move": lambda: move_online(by=None, now=now, appointment=booked, starts_at=at(17), therapist=bea, seen=seen),
        "offer": lambda: accept_offer(by=None, now=now, offer=offered),
        "waitlist": lambda: offer_time(by=None, now=now, wish=wished, match=match),
    }


ROADS = ("hold", "confirm", "move", "offer")


@pytest.mark.parametrize("road", [*ROADS, "waitlist"])
def test_no_road_books_while_an_urgent_finding_is_open(
    roads: dict[str, Road], road: str, alice: Client, now: datetime
) -> None:
    before = dict(Appointment.objects.values_list("pk", "status"))
    fill_in(alice, now=now, rf_optic="yes")
    assert Finding.objects.get(rule="red_flag_09").submission.state == "draft"
    with pytest.raises(ValidationError, match=SENTENCE):
        roads[road]()
    assert dict(Appointment.objects.values_list("pk", "status")) == before


@pytest.mark.parametrize("road", ROADS)
def test_each_road_is_open_where_nothing_stops_it(
    roads: dict[str, Road], road: str, alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without the stop, the same answers let the same roads book."""
    fill_in(alice, now=now, rf_optic="yes")
    for module in ("online", "waitlist"):
        monkeypatch.setattr(f"clinic.scheduling.{module}.stops_online", lambda _client_pk: False)
    assert roads[road]()


def test_a_clearance_or_a_warning_stops_nothing_online(roads: dict[str, Road], alice: Client, now: datetime) -> None:
    send(alice, now=now, rf_position="yes", pregnant="yes", pregnant_20="no")
    assert Finding.objects.count() == 2
    assert not standing.stops_online(alice.pk)
    assert roads["hold"]()


def test_once_a_therapist_has_closed_it_she_books_again(
    roads: dict[str, Road], alice: Client, bea: Therapist, now: datetime
) -> None:
    fill_in(alice, now=now, rf_optic="yes")
    with pytest.raises(CallUs):
        roads["hold"]()
    close_finding(by=bea.user, now=now, finding=Finding.objects.get(), reason="Seen by the eye clinic, no swelling.")
    assert roads["hold"]()


def test_the_page_says_whom_to_call_and_not_why(
    as_alice: Browser, service: Service, wish: Wish, alice: Client, now: datetime
) -> None:
    fill_in(alice, now=now, rf_optic="yes")
    refused = Visitor(service, as_alice).chooses(wish(at(10)))
    assert refused.status_code == 409
    page = refused.text.lower()
    assert SENTENCE.lower() in page
    assert not [word for word in TELLING if word in page]


def test_moving_by_her_own_page_is_refused_in_the_same_words(
    roads: dict[str, Road], as_alice: Browser, alice: Client, bea: Therapist, location: Location, now: datetime
) -> None:
    visit = Appointment.objects.get(status=Status.BOOKED)
    fill_in(alice, now=now, rf_optic="yes")
    wished = {"at": choice_value(at(17), bea, location), "seen": choice_value(visit.starts_at, bea, location)}
    page = as_alice.post(reverse("portal:visit-move", args=[visit.pk]), wished).text
    assert SENTENCE in page
    visit.refresh_from_db()
    assert visit.starts_at == at(16)


def test_the_desk_may_still_book_and_sees_that_a_therapist_must_look(
    roads: dict[str, Road],
    dana: User,
    alice: Client,
    bea: Therapist,
    location: Location,
    service: Service,
    now: datetime,
) -> None:
    fill_in(alice, now=now, rf_optic="yes")
    visit = book_appointment(
        by=dana, now=now, client=alice, service=service, therapist=bea, location=location,
        starts_at=at(9) + timedelta(days=1),
    )  # fmt: skip
    assert visit.review_needed
