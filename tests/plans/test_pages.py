from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, Location, Service, Therapist
from clinic.scheduling.models import Appointment, Status
from plans.models import Cadence, Measure, Plan, Score
from plans.pages import first_day
from plans.services import record_score
from plans.standing import standing
from tests.factories import ServiceFactory, modality
from tests.plans.support import signed_visit, visit

pytestmark = pytest.mark.usefixtures("now")
Queries = Callable[[int], AbstractContextManager[None]]
PAGES = ("plan", "plan-new", "plan-end", "progress", "score-new")
TEN = datetime(2026, 10, 15, 10, 0, tzinfo=UTC)


def text(browser: Browser, name: str, client: Client) -> str:
    response = browser.get(reverse(f"plans:{name}", args=[client.pk]))
    assert response.status_code == 200
    return unescape(" ".join(response.content.decode().split()))


def form(chosen: Service, **others: str) -> dict[str, str]:
    """What Bea sends: the usual phases and one goal."""
    return {
        "service": str(chosen.pk),
        "starts_on": "2026-11-19",
        "weekly": "6",
        "two_weeks": "4",
        "monthly": "3",
        "migraine_days_baseline": "11",
        "migraine_days_target": "5",
        "migraine_days_due_on": "2027-02-28",
        "why": "Tension from the neck.",
    } | others


@pytest.mark.parametrize("name", PAGES)
def test_only_therapists_open_the_pages_of_a_plan(
    plan: Plan, alice: Client, as_bea: Browser, as_dana: Browser, as_olga: Browser, as_carl: Browser, as_alice: Browser,
    name: str,
) -> None:  # fmt: skip
    url = reverse(f"plans:{name}", args=[alice.pk])
    assert as_bea.get(url).status_code == 200
    for browser in (as_dana, as_olga, as_carl, as_alice):
        assert browser.get(url).status_code == 404
        assert browser.post(url, {"why": "x"}).status_code in {404, 405}
    assert Browser().get(url).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_opening_a_page_of_a_plan_is_logged(
    plan: Plan, alice: Client, bea: Therapist, as_bea: Browser, name: str
) -> None:
    text(as_bea, name, alice)
    assert Look.objects.filter(by=bea.user, client_pk=alice.pk).count() == 1


def test_a_client_without_a_plan_is_offered_a_draft(alice: Client, as_bea: Browser) -> None:
    page = text(as_bea, "plan", alice)
    assert "No plan is in force" in page
    assert reverse("plans:plan-new", args=[alice.pk]) in page


def test_a_plan_is_made_from_the_form(alice: Client, service: Service, as_bea: Browser) -> None:
    response = as_bea.post(reverse("plans:plan-new", args=[alice.pk]), form(service, with_baseline="on"))
    assert response.headers["Location"] == reverse("plans:plan", args=[alice.pk])
    plan = Plan.objects.get()
    cadences = list(plan.phases.values_list("every_weeks", "visits"))
    assert cadences == [(Cadence.BASELINE, 0), (Cadence.WEEKLY, 6), (Cadence.TWO_WEEKS, 4), (Cadence.MONTHLY, 3)]
    goal = plan.goals.get()
    assert (goal.measure, goal.baseline, goal.target, goal.due_on) == (
        "migraine_days", Decimal(11), Decimal(5), date(2027, 2, 28),
    )  # fmt: skip
    assert plan.therapist.user.name == "Bea Lindqvist"


def test_a_phase_without_visits_is_left_out(alice: Client, service: Service, as_bea: Browser) -> None:
    as_bea.post(reverse("plans:plan-new", args=[alice.pk]), form(service, two_weeks="0", monthly=""))
    assert list(Plan.objects.get().phases.values_list("every_weeks", flat=True)) == [Cadence.WEEKLY]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weekly": "0", "two_weeks": "", "monthly": "0"}, "A plan needs at least one phase with visits."),
        ({"migraine_days_target": "11"}, "the target lies below the start"),
        ({"migraine_days_baseline": ""}, "A goal with a target needs this too."),
        ({"migraine_days_baseline": "40"}, "less than or equal to 28"),
        ({"migraine_days_due_on": "2026-11-01"}, "comes after the start of the plan"),
        ({"service": "999999"}, "not one of the available choices"),
        ({"starts_on": "soon"}, "Enter a valid date."),
        ({"starts_on": "9999-12-31"}, "That is too far ahead."),
        ({"migraine_days_due_on": "9999-12-31"}, "That is too far ahead."),
        ({"weekly": "99"}, "less than or equal to 52"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    alice: Client, service: Service, as_bea: Browser, change: dict[str, str], words: str
) -> None:
    response = as_bea.post(reverse("plans:plan-new", args=[alice.pk]), form(service, **change))
    page = unescape(response.content.decode())
    assert response.status_code == 200
    assert page.count(words) == 2  # beside the field and in the summary
    assert "Tension from the neck." in page
    assert not Plan.objects.exists()


def test_what_safety_refuses_is_named_with_its_reason_and_not_offered(
    alice: Client, service: Service, as_bea: Browser
) -> None:
    deep = ServiceFactory(name="Deep tissue, 60 min", modality=modality("deep_tissue"))
    page = text(as_bea, "plan-new", alice)
    assert "Not offered, for safety" in page
    assert "no deep work" in page
    assert "Deep tissue, 60 min" not in page
    response = as_bea.post(reverse("plans:plan-new", args=[alice.pk]), form(deep))
    assert "not one of the available choices" in unescape(response.content.decode())


def test_a_second_plan_is_refused_with_the_sentence_why(
    plan: Plan, alice: Client, service: Service, as_bea: Browser
) -> None:
    response = as_bea.post(reverse("plans:plan-new", args=[alice.pk]), form(service))
    assert "A plan is in force already." in unescape(response.content.decode())


def test_the_draft_of_a_second_plan_says_so_before_anything_is_typed(
    plan: Plan, alice: Client, as_bea: Browser
) -> None:
    assert "A plan is in force already." in text(as_bea, "plan-new", alice)


def test_the_plan_page_links_the_series_filled_in(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser
) -> None:
    signed_visit(alice, bea, service, location, TEN)
    page = text(as_bea, "plan", alice)
    assert "1 of 13 visits done" in page
    assert "Visits are agreed and none is in the calendar." in page
    who = f"client={alice.pk}&service={service.pk}&therapist={bea.pk}"
    rule = f"every_weeks=1&count=5&first_on=2026-11-19&location={location.pk}&at_time=11%3A00"
    url = f"{reverse('scheduling:series-new')}?{who}&{rule}"
    assert url in page
    assert as_bea.get(url).status_code == 200


@pytest.mark.parametrize(
    ("last", "first"),
    [
        (datetime(2026, 11, 24, 10, tzinfo=UTC), "2026-12-08"),
        (datetime(2026, 10, 15, 10, tzinfo=UTC), "2026-11-26"),
        (None, "2026-11-20"),
    ],
)
def test_a_new_series_keeps_the_weekday_of_her_last_visit(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime,
    last: datetime | None, first: str,
) -> None:  # fmt: skip
    if last:
        visit(alice, bea, service, location, last)
        Appointment.objects.update(status=Status.COMPLETED)
    stands = standing(plan, now)
    assert first_day(stands, stands.phases[1]).isoformat() == first


def test_a_single_visit_that_is_left_is_booked_by_itself(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser
) -> None:
    for week in range(5):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week))
    url = f"{reverse('scheduling:appointment-new')}?client={alice.pk}&service={service.pk}&therapist={bea.pk}"
    assert url in text(as_bea, "plan", alice)
    assert as_bea.get(url).status_code == 200


def test_the_plan_page_names_the_next_visit(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser
) -> None:
    visit(alice, bea, service, location, datetime(2026, 11, 26, 13, 30, tzinfo=UTC))
    assert "Thursday 26 November, 13:30" in text(as_bea, "plan", alice)


def test_a_plan_is_ended_with_its_reason_and_stays_among_the_earlier_ones(
    plan: Plan, alice: Client, as_bea: Browser
) -> None:
    url = reverse("plans:plan-end", args=[alice.pk])
    assert "This field is required." in unescape(as_bea.post(url, {"why": " "}).content.decode())
    assert as_bea.post(url, {"why": "Goals met."}).status_code == 302
    page = text(as_bea, "plan", alice)
    assert "No plan is in force" in page
    assert "Goals met." in page
    assert as_bea.get(url).status_code == 404


def test_progress_says_too_little_data_before_three_visits(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser
) -> None:
    for week in range(2):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week))
    page = text(as_bea, "progress", alice)
    assert "Too little data for a picture: 2 signed visits of the 3 that it takes." in page
    assert 'role="img" aria-label="Pain before' not in page


def test_progress_draws_three_visits_with_their_table_and_the_doubt_beside_them(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, as_bea: Browser
) -> None:
    for week, pain in enumerate(((6, 4), (5, 5), (4, 2))):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week), pain=pain)
    page = text(as_bea, "progress", alice)
    assert 'role="img" aria-label="Pain before and after each of 3 visits' in page
    assert "After 2 of 3 visits the number named was lower than before them." in page
    assert '<th scope="row">Thu 15 Oct 2026</th>' in page
    assert page.count("These numbers cannot tell the two apart.") == 2  # once in each sheet with a before and after


def test_a_count_is_recorded_and_shown_and_a_later_one_of_the_day_corrects_it(
    plan: Plan, alice: Client, as_bea: Browser
) -> None:
    url = reverse("plans:score-new", args=[alice.pk])
    for value in ("9", "7"):
        response = as_bea.post(url, {"measure": "migraine_days", "value": value, "on": "2026-11-18"})
        assert response.headers["Location"] == reverse("plans:progress", args=[alice.pk])
    assert Score.objects.count() == 2
    page = text(as_bea, "progress", alice)
    assert '<td class="n">7</td>' in page
    assert '<td class="n">9</td>' not in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "29"}, "less than or equal to 28"),
        ({"value": ""}, "This field is required."),
        ({"on": "2026-12-24"}, "This day has not come yet."),
        ({"on": "0001-01-01"}, "That is too long ago."),
        ({"on": "9999-12-31"}, "That is too far ahead."),
        ({"measure": "pain"}, "not one of the available choices"),
    ],
)
def test_a_count_that_cannot_be_is_refused_in_words(
    alice: Client, as_bea: Browser, change: dict[str, str], words: str
) -> None:
    sent = {"measure": "migraine_days", "value": "7", "on": "2026-11-18"} | change
    response = as_bea.post(reverse("plans:score-new", args=[alice.pk]), sent)
    assert words in unescape(response.content.decode())
    assert not Score.objects.exists()


@pytest.mark.parametrize("name", ["plan", "progress"])
def test_the_pages_take_the_same_queries_for_one_visit_and_for_many(
    plan: Plan,
    alice: Client,
    bea: Therapist,
    service: Service,
    location: Location,
    as_bea: Browser,
    name: str,
    now: datetime,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            text(as_bea, name, alice)
        return len(captured)

    def some_work(weeks: range) -> None:
        for week in weeks:
            signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week))
            visit(alice, bea, service, location, TEN + timedelta(weeks=week + 6))
            record_score(
                by=bea.user, now=now, client=alice, measure=Measure.HEADACHE_DAYS, value=Decimal(week),
                on=date(2026, 11, 1 + week),
            )  # fmt: skip

    some_work(range(1))
    text(as_bea, name, alice)  # the look is logged once
    few = queries()
    some_work(range(1, 5))
    assert queries() == few
