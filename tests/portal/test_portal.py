from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, ClientAccess, Location, Service, Therapist, User
from clinic.people.services import give_client_login
from clinic.scheduling.models import Status
from clinic.scheduling.services import cancel_appointment, change_status
from intake.services import invite
from plans.models import Plan
from tests.factories import ClientFactory, ServiceFactory
from tests.plans.support import plan_of, signed_visit, visit

pytestmark = pytest.mark.usefixtures("now")
TEN = datetime(2026, 10, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial release, 60 min")


@pytest.fixture
def plan(alice: Client, bea: Therapist, service: Service) -> Plan:
    return plan_of(alice, bea, service, now=datetime(2026, 10, 8, 9, tzinfo=UTC), starts_on=date(2026, 10, 9))


@pytest.fixture
def leo(alice_user: User, now: datetime) -> Client:
    """Alice's son, in whose name her login may act."""
    son = ClientFactory(legal_name="Leo Marques", email="")
    give_client_login(
        by=alice_user, now=now, client=son, email="alice@example.org", relation=ClientAccess.Relation.GUARDIAN
    )
    return son


def text(browser: Browser, name: str, *args: int) -> str:
    response = browser.get(reverse(f"portal:{name}", args=args))
    assert response.status_code == 200
    return unescape(" ".join(response.content.decode().split()))


def test_home_shows_the_next_visit_at_the_clock_of_its_place(
    alice: Client, bea: Therapist, service: Service, location: Location, as_alice: Browser
) -> None:
    location.time_zone = "Europe/Athens"
    location.save(update_fields=["time_zone"])
    visit(alice, bea, service, location, datetime(2026, 11, 26, 13, 30, tzinfo=UTC))
    page = text(as_alice, "home")
    assert "Your next visit" in page
    assert "Thursday 26 November" in page
    assert "<b>15:30</b>" in page
    assert "with Bea Lindqvist" in page


def test_home_without_a_visit_says_so_and_how_to_reach_the_clinic(
    alice: Client, location: Location, as_alice: Browser
) -> None:
    location.phone = "+351912555014"
    location.save(update_fields=["phone"])
    page = text(as_alice, "home")
    assert "No visit is booked." in page
    assert 'href="tel:+351-912-555-014"' in page


def test_home_asks_for_the_intake_while_it_is_wanted(
    alice: Client, bea: Therapist, as_alice: Browser, now: datetime
) -> None:
    assert "Fill in the form" not in text(as_alice, "home")
    invite(by=bea.user, now=now, client=alice)
    assert "Fill in the form" in text(as_alice, "home")


def test_a_cancelled_visit_is_no_visit(
    alice: Client, bea: Therapist, service: Service, location: Location, as_alice: Browser, now: datetime
) -> None:
    coming = visit(alice, bea, service, location, datetime(2026, 11, 26, 13, 30, tzinfo=UTC))
    cancel_appointment(by=bea.user, now=now, appointment=coming)
    assert "No visit is booked." in text(as_alice, "home")


def test_visits_list_what_comes_and_what_was(
    alice: Client, bea: Therapist, service: Service, location: Location, as_alice: Browser
) -> None:
    signed_visit(alice, bea, service, location, TEN)
    missed = visit(alice, bea, service, location, TEN + timedelta(days=7))
    change_status(by=bea.user, now=TEN + timedelta(days=8), appointment=missed, to=Status.NO_SHOW)
    visit(alice, bea, service, location, datetime(2026, 11, 26, 13, 30, tzinfo=UTC))
    page = text(as_alice, "visits")
    to_come, past = page.split('id="past"')
    assert "Thursday 26 November" in to_come
    assert past.index("Thu 22 Oct 2026") < past.index("Thu 15 Oct 2026")
    assert "did not come" in past


def test_the_plan_is_told_in_calm_words_with_the_doubt_beside_the_numbers(
    plan: Plan, alice: Client, as_alice: Browser
) -> None:
    page = text(as_alice, "plan", alice.pk)
    assert "Phase 1 of 3: weekly, 0 of 6 visits done." in page
    assert "Too little data" in page
    assert "These numbers cannot tell the two apart." in page
    assert "nobody has decided" not in page
    assert "Tension from the neck." not in page  # the therapist's reasons are her own notes


def test_without_a_plan_the_page_says_what_to_do(alice: Client, as_alice: Browser) -> None:
    assert "No plan is agreed at the moment." in text(as_alice, "plan", alice.pk)


def test_a_strangers_plan_is_not_there(
    plan: Plan, alice: Client, as_carl: Browser, as_bea: Browser, as_dana: Browser
) -> None:
    for browser in (as_carl, as_bea, as_dana):
        assert browser.get(reverse("portal:plan", args=[alice.pk])).status_code == 404
        assert browser.post(reverse("portal:choose", args=[alice.pk])).status_code == 404


def test_nobody_sees_another_clients_visits(
    alice: Client, bea: Therapist, service: Service, location: Location, as_carl: Browser
) -> None:
    visit(alice, bea, service, location, datetime(2026, 11, 26, 13, 30, tzinfo=UTC))
    for name in ("home", "visits"):
        assert "26 November" not in text(as_carl, name)


def test_whoever_is_not_signed_in_is_asked_to(alice: Client) -> None:
    for name, args in (("home", ()), ("visits", ()), ("plan", (alice.pk,))):
        assert Browser().get(reverse(f"portal:{name}", args=args)).status_code == 302


def test_a_family_chooses_whose_pages_these_are(alice: Client, leo: Client, as_alice: Browser) -> None:
    assert "These are the pages of <b>Alice</b>." in text(as_alice, "home")
    assert as_alice.post(reverse("portal:choose", args=[leo.pk])).status_code == 302
    assert "These are the pages of <b>Leo</b>." in text(as_alice, "home")
    assert "These are the pages of <b>Leo</b>." in text(as_alice, "visits")


def test_choosing_is_a_post(alice: Client, leo: Client, as_alice: Browser) -> None:
    assert as_alice.get(reverse("portal:choose", args=[leo.pk])).status_code == 405


def test_a_sign_in_without_a_client_is_told_whom_to_ask(clinic: object, signed_in: Callable[[User], Browser]) -> None:
    nobody = User.objects.create_user("nobody@example.org", name="No Body")
    assert "No client’s record belongs to this sign-in." in text(signed_in(nobody), "home")
    assert "No client’s record belongs to this sign-in." in text(signed_in(nobody), "visits")


def test_her_own_looks_are_logged_too(plan: Plan, alice: Client, alice_user: User, as_alice: Browser) -> None:
    text(as_alice, "plan", alice.pk)
    assert Look.objects.filter(by=alice_user, client_pk=alice.pk, why="own plan").count() == 1
