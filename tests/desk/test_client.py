from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html import unescape
from itertools import chain

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic.audit.models import Look
from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.people.services import update_client
from clinic.scheduling.models import Appointment, Status
from intake.services import invite
from tests.factories import ServiceFactory
from tests.intake.answers import reviewed_intake, send
from tests.plans.support import plan_of, signed_visit, visit

pytestmark = pytest.mark.usefixtures("now")
TEN = datetime(2026, 10, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial release, 60 min")


@pytest.fixture
def full(alice: Client, bea: Therapist, dana: User, service: Service, location: Location, now: datetime) -> Client:
    """Alice with an intake that raised a finding, a signed visit, a plan and a visit to come."""
    update_client(by=dana, now=now, client=alice, alert="Comes with her guide dog.", phone="+351912555014")
    reviewed_intake(alice, bea.user, now=now - timedelta(days=40), bleeding="yes", room_light="dim")
    plan_of(alice, bea, service, now=now - timedelta(days=40), starts_on=date(2026, 10, 10))
    signed_visit(alice, bea, service, location, TEN, pain=(4, 2), response="Lighter on the left, please.")
    visit(alice, bea, service, location, datetime(2026, 11, 26, 13, 30, tzinfo=UTC))
    return alice


def text(browser: Browser, client: Client) -> str:
    response = browser.get(reverse("desk:client", args=[client.pk]))
    assert response.status_code == 200
    return unescape(" ".join(response.content.decode().split()))


def main_of(page: str) -> str:
    return page[page.index("<main") : page.index("</main>")]


HEALTH = (
    "bleed",
    "At most",
    "pain",
    "Pain",
    "Lighter on the left",
    "Findings",
    "Migraine days",
    "Phase 1",
    "Plan",
)


def test_the_chart_shows_a_therapist_what_is_in_force_before_everything(full: Client, as_bea: Browser) -> None:
    page = main_of(text(as_bea, full))
    assert page.index("At most 2") < page.index('id="timeline-head"')
    for words in ("Pain 4 to 2.", "Lighter on the left, please.", "Phase 1 of 3", "Dim", "Thu 26 Nov 2026, 13:30"):
        assert words in page


def test_the_timeline_has_visits_and_answers_newest_first(full: Client, as_bea: Browser) -> None:
    page = text(as_bea, full)
    timeline = page[page.index('id="timeline-head"') :]
    assert timeline.index("Visit 1, Myofascial release, 60 min") < timeline.index("Intake answered")
    assert "Reviewed by Bea Lindqvist." in timeline


@pytest.fixture
def thirty_visits(alice: Client, bea: Therapist, service: Service, location: Location) -> list[Appointment]:
    """Alice came week after week, and missed the fifth time."""
    found = [visit(alice, bea, service, location, TEN - timedelta(weeks=30 - n)) for n in range(30)]
    Appointment.objects.update(status=Status.COMPLETED)
    Appointment.objects.filter(pk=found[4].pk).update(status=Status.NO_SHOW)
    return found


def test_what_is_long_past_stands_on_older_pages(
    thirty_visits: list[Appointment], alice: Client, as_dana: Browser
) -> None:
    here = reverse("desk:client", args=[alice.pk])
    first, second, third = (as_dana.get(here, {"page": number}) for number in ("", "2", "3"))
    shown = [page.context["page"].past.rows for page in (first, second, third)]
    assert [*chain(*shown)] == thirty_visits[::-1]
    assert [len(rows) for rows in shown] == [10, 10, 10]
    assert "?page=4" not in third.content.decode()
    assert 'href="?page=2#past"' in first.content.decode()
    assert 'href="?page=1#past"' in second.content.decode()


def test_each_visit_of_the_timeline_keeps_its_number_on_older_pages(
    thirty_visits: list[Appointment], alice: Client, as_bea: Browser
) -> None:
    here = reverse("desk:client", args=[alice.pk])
    pages = [as_bea.get(here, {"page": number}).context["page"].timeline.rows for number in ("", "2")]
    told = [row.title.partition(",")[0] for row in [*pages[0], *pages[1]]]
    assert [len(rows) for rows in pages] == [25, 5]
    assert told[:2] == ["Visit 29", "Visit 28"]
    assert told[-5:] == ["Myofascial release", "Visit 4", "Visit 3", "Visit 2", "Visit 1"]


def test_the_front_desk_sees_contact_and_visits_and_nothing_of_her_health(
    full: Client, as_dana: Browser, as_olga: Browser
) -> None:
    for browser in (as_dana, as_olga):
        page = main_of(text(browser, full))
        for words in ("+351 912 555 014", "alice@example.org", "guide dog", "Thu 26 Nov 2026, 13:30", "done"):
            assert words in page
        for words in HEALTH:
            assert words not in page, words


def test_the_front_desk_knows_of_the_intake_only_how_it_stands(
    alice: Client, bea: Therapist, as_dana: Browser, now: datetime
) -> None:
    invite = reverse("intake:invite", args=[alice.pk])
    page = text(as_dana, alice)
    assert '<span class="pill todo">missing</span>' in page
    assert invite in page
    send(alice, now=now)
    page = text(as_dana, alice)
    assert '<span class="pill todo">needs review</span>' in page
    assert invite not in page


def test_without_an_address_the_form_cannot_be_sent(alice: Client, as_dana: Browser, dana: User, now: datetime) -> None:
    update_client(by=dana, now=now, client=alice, email="")
    page = text(as_dana, alice)
    assert reverse("intake:invite", args=[alice.pk]) not in page
    assert "Add an e-mail address to send the form." in page


def test_a_client_nobody_knows_anything_of_is_told_as_such(alice: Client, as_bea: Browser) -> None:
    page = text(as_bea, alice)
    assert "The intake is not filled in" in page
    assert "No plan is in force." in page
    assert "None is booked." in page


def test_todays_visit_can_be_started_from_the_chart(
    alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser, now: datetime
) -> None:
    today = visit(alice, bea, service, location, datetime(2026, 11, 19, 13, 30, tzinfo=UTC))
    page = text(as_bea, alice)
    assert "Review, then start" in page  # nothing is known of her yet
    reviewed_intake(alice, bea.user, now=now)
    page = text(as_bea, alice)
    assert reverse("treatment:start", args=[today.pk]) in page
    assert 'Start <span class="num">13:30</span>' in page


def test_a_client_has_no_such_page_and_a_stranger_neither(alice: Client, as_alice: Browser, as_carl: Browser) -> None:
    url = reverse("desk:client", args=[alice.pk])
    assert as_alice.get(url).status_code == 404
    assert as_carl.get(url).status_code == 404
    assert Browser().get(url).status_code == 302


def test_the_desk_sees_that_the_form_is_out(alice: Client, dana: User, as_dana: Browser) -> None:
    assert "The form was sent" not in text(as_dana, alice)
    now = timezone.now()
    invite(by=dana, now=now, client=alice)
    assert f"The form was sent on {now:%a} {now.day} {now:%b} and has not been opened." in text(as_dana, alice)


def test_nobody_is_not_found(as_bea: Browser, as_dana: Browser, clinic: object) -> None:
    for browser in (as_bea, as_dana):
        assert browser.get(reverse("desk:client", args=[987654])).status_code == 404


def test_every_look_is_logged_with_what_was_shown(
    alice: Client, as_bea: Browser, as_dana: Browser, bea: Therapist, dana: User
) -> None:
    text(as_bea, alice)
    text(as_dana, alice)
    assert set(Look.objects.values_list("by", "why")) == {(bea.user.pk, "chart"), (dana.pk, "contact and visits")}


def test_both_pages_take_the_same_queries_for_one_visit_and_for_many(
    full: Client,
    bea: Therapist,
    service: Service,
    location: Location,
    as_bea: Browser,
    as_dana: Browser,
) -> None:
    def queries() -> list[int]:
        found = []
        for browser in (as_bea, as_dana):
            text(browser, full)  # the look is logged once
            with CaptureQueriesContext(connection) as captured:
                text(browser, full)
            found.append(len(captured))
        return found

    few = queries()
    for week in range(1, 5):
        signed_visit(full, bea, service, location, TEN + timedelta(weeks=week))
        visit(full, bea, service, location, TEN + timedelta(weeks=week + 6))
    assert queries() == few


WHOLE = {
    "other_phone": "+351 210 000 010",
    "address": "Rua do Cais 12\n1200 Lisboa",
    "emergency_name": "Rui Marques",
    "emergency_relation": "brother",
    "emergency_phone": "+351 960 000 000",
    "physician_name": "Dr. Lopes",
    "physician_contact": "Practice at the harbour",
    "light": "dim",
    "talk": "little",
}


def test_the_record_is_shown_to_the_desk_and_to_therapists(
    alice: Client, dana: User, as_dana: Browser, as_bea: Browser, now: datetime
) -> None:
    update_client(by=dana, now=now, client=alice, **WHOLE)
    for browser in (as_dana, as_bea):
        page = main_of(text(browser, alice))
        for words in (
            "Rua do Cais 12<br>1200 Lisboa",
            "Rui Marques (brother)",
            'href="tel:+351-960-000-000"',
            "+351 21 000 0010",
            "Dr. Lopes<br>Practice at the harbour",
            "Light in the room: Dim<br>Talk: As little as possible",
            "E-mail: never asked<br>Text message: never asked<br>",
        ):
            assert words in page, words
        assert "Not asked yet" not in page
        assert "Guardian" not in page


def test_what_nobody_has_asked_yet_is_one_line(alice: Client, as_dana: Browser) -> None:
    assert "Not asked yet: address, emergency contact, physician, room." in main_of(text(as_dana, alice))


def test_a_minor_without_a_guardian_stands_out(alice: Client, as_dana: Browser, as_bea: Browser) -> None:
    words = "Under 18, and no guardian is known."
    assert words not in text(as_dana, alice)
    Client.objects.filter(pk=alice.pk).update(born_on=date(2010, 1, 1))
    assert words in text(as_dana, alice)
    assert words in text(as_bea, alice)
    Client.objects.filter(pk=alice.pk).update(guardian_name="Rosa Marques", guardian_email="rosa@example.org")
    page = text(as_dana, alice)
    assert words not in page
    assert "mailto:rosa@example.org" in page


def test_the_room_is_told_to_the_therapist_without_an_intake(
    alice: Client, bea: Therapist, dana: User, service: Service, location: Location, as_bea: Browser, now: datetime
) -> None:
    update_client(by=dana, now=now, client=alice, light="dark")
    visit(alice, bea, service, location, datetime(2026, 11, 19, 13, 30, tzinfo=UTC))
    assert "Light in the room: Dark" in as_bea.get(reverse("desk:my-day")).content.decode()
