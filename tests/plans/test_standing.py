from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import cancel_appointment
from plans.models import Cadence, Measure, Plan
from plans.pages import goal_boxes, goals_in_words, open_work, where_words
from plans.services import PhaseDraft, end_plan, record_score
from plans.standing import Course, Standing, course, plan_in_force, standing
from tests.factories import ClientFactory
from tests.plans.support import plan_of, signed_visit, visit

Queries = Callable[[int], AbstractContextManager[None]]
TEN = datetime(2026, 10, 15, 10, 0, tzinfo=UTC)


def standing_of(client: Client, now: datetime) -> Standing:
    plan = plan_in_force(client)
    assert plan
    return standing(plan, now)


def goal(stands: Standing, measure: Measure) -> tuple[Course, Decimal | None, str]:
    found = next(g for g in stands.goals if g.goal.measure == measure)
    return found.course, found.now, found.reading.words


def test_it_says_in_which_phase_she_is_and_counts_its_visits(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    for week in range(2):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week))
    coming = visit(alice, bea, service, location, datetime(2026, 11, 19, 15, tzinfo=UTC))
    stands = standing_of(alice, now)
    assert stands.here is stands.phases[0]
    assert (stands.visits_done, stands.visits_planned) == (2, 13)
    assert (stands.phases[0].visits_done, stands.phases[0].visits_booked, stands.phases[0].visits_to_book) == (2, 1, 3)
    assert stands.next_visit == coming
    assert where_words(stands) == "Phase 1 of 3: weekly, 2 of 6 visits done."


def test_a_cancelled_visit_is_neither_done_nor_booked(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    coming = visit(alice, bea, service, location, datetime(2026, 11, 25, 15, tzinfo=UTC))
    cancel_appointment(by=bea.user, now=now, appointment=coming)
    stands = standing_of(alice, now)
    assert (stands.visits_done, stands.next_visit, stands.lacks_next_visit) == (0, None, True)


def test_visits_before_the_plan_do_not_count_for_it(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    signed_visit(alice, bea, service, location, datetime(2026, 10, 8, 10, tzinfo=UTC))
    stands = standing_of(alice, now)
    assert (stands.visits_done, stands.visits) == (0, ())


def test_the_day_is_the_clinics_not_that_of_utc(plan: Plan, alice: Client, location: Location, now: datetime) -> None:
    location.time_zone = "Pacific/Auckland"
    location.save(update_fields=["time_zone"])
    assert standing_of(alice, datetime(2026, 11, 19, 12, tzinfo=UTC)).today == date(2026, 11, 20)


def test_pain_is_too_little_data_until_three_signed_visits_then_their_mean(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    for week, before in enumerate((6, 5)):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week), pain=(before, 2))
    stands = standing_of(alice, now)
    assert goal(stands, Measure.PAIN) == (Course.TOO_LITTLE, None, "2 of 3 signed visits so far")
    signed_visit(alice, bea, service, location, TEN + timedelta(weeks=2), pain=(3, 2))
    assert goal(standing_of(alice, now), Measure.PAIN)[:2] == (Course.LOWER, Decimal("4.7"))


def test_pain_looks_at_the_last_three_visits_only(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    for week, before in enumerate((9, 9, 3, 3, 3)):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week), pain=(before, 1))
    assert goal(standing_of(alice, now), Measure.PAIN)[:2] == (Course.REACHED, Decimal("3.0"))


def test_a_count_whose_28_days_reach_back_before_the_plan_is_not_its_result(
    plan: Plan, alice: Client, bea: Therapist, now: datetime
) -> None:
    def count(on: date, value: int) -> None:
        record_score(by=bea.user, now=now, client=alice, measure=Measure.MIGRAINE_DAYS, value=Decimal(value), on=on)

    count(date(2026, 11, 5), 4)
    too_early = goal(standing_of(alice, now), Measure.MIGRAINE_DAYS)
    assert too_early == (Course.TOO_LITTLE, None, "the first count can be taken from 6 November on")
    count(date(2026, 11, 6), 8)
    count(date(2026, 11, 6), 7)
    assert goal(standing_of(alice, now), Measure.MIGRAINE_DAYS) == (
        Course.LOWER,
        Decimal(7),
        "in the 28 days until 6 November",
    )


def test_the_words_of_a_goal_stand_beside_its_start_and_claim_nothing(
    plan: Plan, alice: Client, bea: Therapist, now: datetime
) -> None:
    record_score(
        by=bea.user, now=now, client=alice, measure=Measure.MIGRAINE_DAYS, value=Decimal(6), on=date(2026, 11, 12)
    )
    migraine, pain = goal_boxes(standing_of(alice, now))
    assert migraine.words == "6, in the 28 days until 12 November: 5 lower than at the start, 1 above the target."
    assert pain.words == "Too little data: 0 of 3 signed visits so far."


def test_the_note_is_told_each_goal_in_a_line(plan: Plan, alice: Client, now: datetime) -> None:
    assert goals_in_words(alice.pk, now) == [
        "Migraine days in 28 days: 11 to 5 by 28 Feb 2027",
        "Pain before a visit, 0 to 10: 6 to 3 by 28 Feb 2027",
    ]


@given(baseline=st.integers(1, 28), now=st.none() | st.integers(0, 28), target=st.integers(0, 27))
def test_a_course_is_never_better_than_its_number(baseline: int, now: int | None, target: int) -> None:
    found = course(baseline=Decimal(baseline), now=None if now is None else Decimal(now), target=Decimal(target))
    assert (found is Course.TOO_LITTLE) == (now is None)
    if now is not None:
        assert (found is Course.REACHED) == (now <= target)
        assert found is not Course.LOWER or target < now < baseline
        assert found is not Course.HIGHER or now > baseline


def test_it_says_what_wants_a_decision(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    assert open_work(standing_of(alice, now)) == "Visits are agreed and none is in the calendar."
    last = visit(alice, bea, service, location, datetime(2027, 4, 6, 10, tzinfo=UTC))
    assert open_work(standing_of(alice, now)) == ""
    assert "ends on Thursday 8 April" in open_work(standing_of(alice, last.starts_at - timedelta(days=5)))
    assert "nobody has decided yet" in open_work(standing_of(alice, datetime(2027, 4, 9, 9, tzinfo=UTC)))


def test_the_standing_takes_the_same_queries_for_one_visit_and_for_many(
    plan: Plan,
    alice: Client,
    bea: Therapist,
    service: Service,
    location: Location,
    now: datetime,
    django_assert_num_queries: Queries,
) -> None:
    signed_visit(alice, bea, service, location, TEN)
    with django_assert_num_queries(8):
        standing_of(alice, now)
    for week in range(1, 5):
        signed_visit(alice, bea, service, location, TEN + timedelta(weeks=week))
        visit(alice, bea, service, location, TEN + timedelta(weeks=week + 6))
    with django_assert_num_queries(8):
        standing_of(alice, now)


def test_a_plan_without_a_next_visit_is_open_work_of_its_therapist_only(
    plan: Plan, bea: Therapist, dana: User, olga: User, now: datetime
) -> None:
    work = worklists["plans"]
    assert [(row.title, row.detail) for row in work.rows(bea.user, now)] == [
        ("Alice Marques", "No next visit is booked.")
    ]
    assert list(work.rows(dana, now)) == list(work.rows(olga, now)) == []


def test_a_booked_visit_takes_the_plan_off_the_list_until_its_end_is_near(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    visit(alice, bea, service, location, datetime(2027, 4, 6, 10, tzinfo=UTC))
    work = worklists["plans"]
    assert list(work.rows(bea.user, now)) == []
    details = [row.detail for row in work.rows(bea.user, datetime(2027, 3, 25, 12, tzinfo=UTC))]
    assert details == ["The plan ends on Thu 8 Apr."]
    over = [row.detail for row in work.rows(bea.user, datetime(2027, 4, 9, 12, tzinfo=UTC))]
    assert over == ["The plan came to its end on Thu 8 Apr."]


def test_a_plan_that_has_ended_is_no_work(plan: Plan, bea: Therapist, now: datetime) -> None:
    end_plan(by=bea.user, now=now, plan=plan, why="Goals met.")
    assert list(worklists["plans"].rows(bea.user, now)) == []


def test_the_list_of_open_plans_takes_the_same_queries_for_one_and_for_many(
    plan: Plan,
    bea: Therapist,
    service: Service,
    now: datetime,
    django_assert_num_queries: Queries,
) -> None:
    with django_assert_num_queries(4):
        worklists["plans"].rows(bea.user, now)
    for _ in range(4):
        plan_of(ClientFactory(), bea, service, now=now, starts_on=now.date())
    with django_assert_num_queries(4):
        assert len(worklists["plans"].rows(bea.user, now)) == 5


@pytest.mark.parametrize("status", [Status.ARRIVED, Status.IN_SESSION])
def test_a_visit_under_way_counts_as_booked(
    plan: Plan, alice: Client, bea: Therapist, service: Service, location: Location, now: datetime, status: Status
) -> None:
    under_way = visit(alice, bea, service, location, now - timedelta(minutes=10))
    Appointment.objects.filter(pk=under_way.pk).update(status=status)
    stands = standing_of(alice, now)
    assert (stands.phases[0].visits_done, stands.phases[0].visits_booked) == (0, 1)
    assert (stands.lacks_next_visit, stands.next_visit) == (False, None)
    assert list(worklists["plans"].rows(bea.user, now)) == []


def test_a_plan_whose_visits_are_all_made_is_no_work_though_none_is_to_come(
    alice: Client, bea: Therapist, service: Service, location: Location, now: datetime
) -> None:
    phases = (PhaseDraft(Cadence.MONTHLY, 1),)
    plan_of(alice, bea, service, now=now, starts_on=now.date(), phases=phases)
    signed_visit(alice, bea, service, location, now)
    later = now + timedelta(days=3)
    assert not standing_of(alice, later).lacks_next_visit
    assert list(worklists["plans"].rows(bea.user, later)) == []


def test_the_navigation_counts_only_what_it_shows(plan: Plan, bea: Therapist, now: datetime) -> None:
    shown = {"licences", "rebooking", "waitlist", "online", "reviews", "notes", "messages"}
    assert set(counts_for(bea.user, now)) == shown
