from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.audit.models import Look
from clinic.desk.client import chart
from clinic.desk.my_day import my_day
from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import cancel_appointment, change_status
from sessions.models import Phase
from sessions.services import start_note
from tests.factories import ClientFactory, LocationFactory, RoomFactory, ServiceFactory, TherapistFactory
from tests.intake.answers import reviewed_intake, send
from tests.plans.support import signed_visit, visit

pytestmark = pytest.mark.usefixtures("now")
Book = Callable[..., Appointment]


def today(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 19, hour, minute, tzinfo=UTC)


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial release, 60 min")


@pytest.fixture
def book(alice: Client, bea: Therapist, service: Service, location: Location) -> Book:
    """Return a function that books a visit with Bea today."""

    def do(starts_at: datetime, client: Client | None = None) -> Appointment:
        return visit(client or alice, bea, service, location, starts_at)

    return do


def text(browser: Browser) -> str:
    response = browser.get(reverse("desk:my-day"))
    assert response.status_code == 200
    return unescape(" ".join(response.content.decode().split()))


def test_only_a_therapist_has_this_page(
    as_bea: Browser, as_dana: Browser, as_olga: Browser, as_alice: Browser, clinic: object
) -> None:
    url = reverse("desk:my-day")
    assert as_bea.get(url).status_code == 200
    for browser in (as_dana, as_olga, as_alice):
        assert browser.get(url).status_code == 404
    assert Browser().get(url).status_code == 302


def test_a_day_without_visits_says_so(as_bea: Browser) -> None:
    page = text(as_bea)
    assert "No visits today" in page
    assert "No more visits today" in page


@pytest.fixture
def far_away(alice: Client, bea: Therapist, service: Service) -> list[Appointment]:
    """Bea's visits in Auckland, thirteen hours ahead: by its wall on Thursday at nine, on Friday after midnight."""
    auckland = RoomFactory(location=LocationFactory(name="Ponsonby Road", time_zone="Pacific/Auckland")).location
    return [visit(alice, bea, service, auckland, at) for at in (today(20) - timedelta(days=1), today(11, 30))]


def test_each_visit_is_of_the_day_of_its_own_location(
    book: Book, far_away: list[Appointment], bea: Therapist, now: datetime
) -> None:
    here = book(today(9, 25))
    rows = [row.visit for row in my_day(bea.user, now).rows if row.visit]
    assert rows == [far_away[0], here]


def test_the_chart_starts_the_visit_of_today_where_it_is(
    far_away: list[Appointment], alice: Client, now: datetime
) -> None:
    startable = chart(alice, now).startable
    assert startable is not None
    assert startable.visit == far_away[0]
    Appointment.objects.filter(pk=far_away[0].pk).update(status=Status.COMPLETED)
    assert chart(alice, now).startable is None  # the other one is tomorrow's


def test_the_next_client_comes_with_what_to_know(
    book: Book, alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now - timedelta(days=20), bleeding="yes", room_light="dim")
    signed_visit(
        alice,
        bea,
        service,
        location,
        today(10) - timedelta(days=14),
        pain=(4, 2),
        response="Lighter on the left, please.",
    )
    book(today(9, 25))
    page = text(as_bea)
    assert "Next, in 25 min" in page
    assert "visit 2" in page
    assert "At most 2" in page
    assert "Thu 5 Nov: pain 4 to 2." in page
    assert "Lighter on the left, please." in page
    assert "Dim" in page


def test_a_visit_that_needs_review_leads_to_the_findings_first(book: Book, alice: Client, as_bea: Browser) -> None:
    coming = book(today(9, 25))
    assert coming.review_needed
    page = text(as_bea)
    assert "Review, then start" in page
    assert reverse("intake:findings", args=[alice.pk]) in page


def test_a_reviewed_client_can_be_started(
    book: Book, alice: Client, bea: Therapist, as_bea: Browser, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now - timedelta(days=2))
    coming = book(today(9, 25))
    assert f'href="{reverse("treatment:start", args=[coming.pk])}"' in text(as_bea)


def test_who_is_on_the_table_stays_the_card_until_her_note_is_signed(
    book: Book, alice: Client, bea: Therapist, as_bea: Browser
) -> None:
    here = book(today(8, 30))
    book(today(10, 30), ClientFactory(legal_name="Marek Nowicki"))
    start_note(
        by=bea.user, now=today(8, 30), appointment=here, phase=Phase.INTERICTAL, is_usual=True, consent_given=True,
        pain_before=4,
    )  # fmt: skip
    page = text(as_bea)
    assert "On the table" in page
    assert "Open the note" in page
    assert "now-row" not in page


def test_now_stands_between_what_was_and_what_comes(
    book: Book, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    signed_visit(alice, bea, service, location, today(7))
    coming = book(today(10), ClientFactory())
    rows = my_day(bea.user, now).rows
    assert [row.visit and row.visit.starts_at for row in rows] == [today(7), None, coming.starts_at]
    assert [row.state for row in rows] == ["done past", "here", ""]


def test_cancelled_visits_are_left_out_and_missed_ones_told(
    book: Book, bea: Therapist, as_bea: Browser, now: datetime
) -> None:
    cancelled = book(today(15))
    cancel_appointment(by=bea.user, now=now - timedelta(days=3), appointment=cancelled)
    missed = book(today(8), ClientFactory(legal_name="Marek Nowicki"))
    change_status(by=bea.user, now=now, appointment=missed, to=Status.NO_SHOW)
    page = text(as_bea)
    assert "Alice Marques" not in page
    assert "did not come, Myofascial release" in page


def test_colleagues_visits_and_other_days_are_not_hers(
    book: Book, bea: Therapist, service: Service, location: Location, as_bea: Browser
) -> None:
    other = TherapistFactory()
    visit(ClientFactory(legal_name="Zofia Wisniewska"), other, service, location, today(10))
    book(today(10) + timedelta(days=1))
    page = text(as_bea)
    assert "Zofia" not in page
    assert "No visits today" in page


def test_the_day_is_the_clinics_day(book: Book, bea: Therapist, location: Location, now: datetime) -> None:
    location.time_zone = "Pacific/Auckland"
    location.save(update_fields=["time_zone"])
    late = book(datetime(2026, 11, 19, 12, tzinfo=UTC))  # Friday, 1:00 in Auckland
    assert my_day(bea.user, now).rows == ()
    assert my_day(bea.user, datetime(2026, 11, 19, 11, 30, tzinfo=UTC)).rows[-1].visit == late


def test_open_work_stands_beside_the_day_with_one_verb_each(alice: Client, as_bea: Browser, now: datetime) -> None:
    send(alice, now=now - timedelta(hours=2))
    page = text(as_bea)
    work = page[page.index('class="work"') :]
    assert "Alice Marques" in work
    assert "Review" in work
    assert "Every note is signed." in work
    assert "Every plan has its next visit." in work
    assert "Messages that need a person" not in work  # the front desk's


def test_a_therapist_is_told_when_nothing_was_asked_yet(book: Book, alice: Client, as_bea: Browser) -> None:
    book(today(9, 25))
    assert "No intake yet." in text(as_bea)


def test_seeing_the_next_clients_findings_is_a_look_at_her(
    book: Book, alice: Client, bea: Therapist, as_bea: Browser
) -> None:
    text(as_bea)
    assert not Look.objects.exists()
    book(today(10))
    text(as_bea)
    assert Look.objects.get().client_pk == alice.pk


def test_the_page_takes_the_same_queries_for_a_short_and_a_full_day(
    book: Book, bea: Therapist, service: Service, location: Location, as_bea: Browser, now: datetime, alice_user: User
) -> None:
    def queries() -> int:
        text(as_bea)  # the look is logged once
        with CaptureQueriesContext(connection) as captured:
            text(as_bea)
        return len(captured)

    book(today(10))
    signed_visit(ClientFactory(), bea, service, location, today(7))
    few = queries()
    for hour, minute in ((5, 0), (11, 30), (13, 0), (15, 0), (17, 0)):
        other = ClientFactory()
        send(other, now=now - timedelta(days=1))
        signed_visit(other, bea, service, location, today(5) - timedelta(days=hour))
        book(today(hour, minute), other)
    assert queries() == few
