"""A therapist who has left: marked wherever the visits and clients left behind are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.desk.day import Wish, calendar
from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.people.services import archive_therapist
from clinic.scheduling.models import Status
from tests.factories import ServiceFactory
from tests.plans.support import visit

TEN = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
EIGHT = datetime(2026, 11, 19, 8, 0, tzinfo=UTC)
LEFT = ("calendar-x", "therapist has left")


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial release, 60 min", minutes=60)


@pytest.fixture
def left(alice: Client, bea: Therapist, olga: User, service: Service, location: Location, now: datetime) -> Therapist:
    """Bea has left: Alice's visit at ten is to come, the one at eight is not."""
    Client.objects.filter(pk=alice.pk).update(primary_therapist=bea)
    visit(alice, bea, service, location, EIGHT)
    visit(alice, bea, service, location, TEN)
    return archive_therapist(by=olga, now=now, therapist=bea)


def test_her_column_says_so_and_each_visit_to_come_needs_a_hand(
    left: Therapist, dana: User, location: Location, now: datetime
) -> None:
    shown = calendar(user=dana, now=now, wish=Wish(location, now.date()))
    marked = {visit.starts_at: [(one.icon, one.words) for one in shown.badges[visit.pk]] for visit in shown.visits}
    assert LEFT in marked[TEN]
    assert LEFT not in marked[EIGHT]
    assert [(chore.count, chore.visit.starts_at) for chore in shown.rail().chores if chore.words == LEFT[1]] == [
        (1, TEN)
    ]


def test_a_visit_that_was_cancelled_waits_for_nobody(
    left: Therapist, dana: User, location: Location, now: datetime
) -> None:
    left.appointments.update(status=Status.LATE_CANCELLED)
    shown = calendar(user=dana, now=now, wish=Wish(location, now.date()))
    assert all(chore.words != LEFT[1] for chore in shown.rail().chores)


def test_the_calendar_shows_it_over_the_column_and_in_the_panel(left: Therapist, as_dana: Browser) -> None:
    columns = as_dana.get(reverse("desk:day-visits")).json()["columns"]
    assert [(title, has_left) for _pk, title, _detail, has_left in columns] == [("Bea Lindqvist", True)]
    to_come = left.appointments.get(starts_at=TEN)
    panel = as_dana.get(reverse("desk:appointment", args=[to_come.pk])).content.decode()
    assert "Therapist has left" in panel


@pytest.mark.parametrize("who", ["as_dana", "as_bea"])
def test_the_clients_page_leads_to_another_therapist(
    who: str, left: Therapist, alice: Client, request: pytest.FixtureRequest
) -> None:
    page = request.getfixturevalue(who).get(reverse("desk:client", args=[alice.pk])).content.decode()
    assert '<span class="pill todo">has left</span>' in page
    assert f'<a href="{reverse("people:client-edit", args=[alice.pk])}">choose another</a>' in page


def test_who_is_still_here_is_not_marked(
    alice: Client, bea: Therapist, service: Service, location: Location, as_dana: Browser, now: datetime
) -> None:
    Client.objects.filter(pk=alice.pk).update(primary_therapist=bea)
    visit(alice, bea, service, location, TEN)
    assert "has left" not in as_dana.get(reverse("desk:client", args=[alice.pk])).content.decode()
    assert [has_left for *_rest, has_left in as_dana.get(reverse("desk:day-visits")).json()["columns"]] == [False]
