from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from clinic.audit.models import Change
from clinic.people.models import Client, Service, Therapist, User
from intake.models import Effect, Finding, RuleVersion
from plans.models import Cadence, Goal, Measure, Plan, PlanPhase, Score
from plans.services import GoalDraft, PhaseDraft, end_plan, make_plan, record_score
from tests.factories import ServiceFactory, modality
from tests.plans.support import MIGRAINE_GOAL, plan_of

WEEKLY = (PhaseDraft(Cadence.WEEKLY, 6),)


def test_the_usual_phases_follow_each_other_without_a_gap(plan: Plan) -> None:
    days = [(phase.starts_on, phase.ends_on) for phase in plan.phases.all()]
    assert days == [
        (date(2026, 10, 9), date(2026, 11, 19)),
        (date(2026, 11, 20), date(2027, 1, 14)),
        (date(2027, 1, 15), date(2027, 4, 8)),
    ]


def test_a_baseline_comes_first_lasts_28_days_and_has_no_visits(
    alice: Client, bea: Therapist, service: Service, now: datetime
) -> None:
    phases = (PhaseDraft(Cadence.BASELINE, 0), *WEEKLY)
    plan = plan_of(alice, bea, service, now=now, starts_on=now.date(), phases=phases)
    baseline, weekly = plan.phases.all()
    assert (baseline.visits, baseline.ends_on - baseline.starts_on) == (0, timedelta(days=27))
    assert weekly.starts_on == baseline.ends_on + timedelta(days=1)


def test_making_and_ending_a_plan_stand_in_the_clients_history(plan: Plan, bea: Therapist, now: datetime) -> None:
    end_plan(by=bea.user, now=now, plan=plan, why="Moves to Porto.")
    changes = Change.objects.filter(client_pk=plan.client_id, what="plans.plan").order_by("at")
    assert list(changes.values_list("words", flat=True)) == [
        "plan made",
        "plan ended",
    ]


def test_it_refuses_a_second_plan_while_one_is_in_force(
    plan: Plan, alice: Client, bea: Therapist, service: Service, now: datetime
) -> None:
    with pytest.raises(ValidationError, match="in force already"):
        plan_of(alice, bea, service, now=now, starts_on=now.date())


def test_a_new_plan_may_follow_one_that_has_ended(
    plan: Plan, alice: Client, bea: Therapist, service: Service, now: datetime
) -> None:
    end_plan(by=bea.user, now=now, plan=plan, why="New goals.")
    plan_of(alice, bea, service, now=now, starts_on=now.date())
    assert Plan.objects.in_force().count() == 1


def test_the_database_refuses_two_plans_in_force(plan: Plan, bea: Therapist, now: datetime) -> None:
    with pytest.raises(IntegrityError, match="plan_in_force_is_one_per_client"), transaction.atomic():
        Plan.objects.create(
            client=plan.client,
            therapist=bea,
            service=plan.service,
            starts_on=now.date(),
            agreed_at=now,
            created_by=bea.user,
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_therapists_who_make_a_plan_at_once_one_is_told_so(
    alice: Client, bea: Therapist, service: Service, now: datetime
) -> None:
    start = Barrier(2)

    def attempt(_: int) -> str:
        try:
            start.wait(timeout=10)
            plan_of(alice, bea, service, now=now, starts_on=now.date())
        except ValidationError as refused:
            return refused.messages[0]
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(attempt, range(2)))
    assert told == ["A plan is in force already. End it before you make another.", "made"]


def test_only_a_therapist_makes_a_plan(alice: Client, dana: User, service: Service, now: datetime) -> None:
    with pytest.raises(ValidationError, match="Only a therapist"):
        make_plan(
            by=dana, now=now, client=alice, service=service, starts_on=now.date(), phases=WEEKLY, goals=(), why=""
        )


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ((), "at least one phase"),
        ((PhaseDraft(Cadence.BASELINE, 0),), "at least one phase"),
        ((PhaseDraft(Cadence.WEEKLY, 53),), "1 to 52"),
        ((PhaseDraft(Cadence.WEEKLY, 6), PhaseDraft(Cadence.MONTHLY, 0)), "1 to 52"),
        ((PhaseDraft(Cadence.BASELINE, 2), *WEEKLY), "has no visits"),
    ],
)
def test_it_refuses_phases_that_cannot_be(
    alice: Client, bea: Therapist, service: Service, now: datetime, phases: tuple[PhaseDraft, ...], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        plan_of(alice, bea, service, now=now, starts_on=now.date(), phases=phases)
    assert not PlanPhase.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": Decimal(11)}, "target lies below"),
        ({"target": Decimal(12)}, "target lies below"),
        ({"baseline": Decimal(29)}, "between 0 and 28"),
        ({"target": Decimal(-1)}, "between 0 and 28"),
        ({"measure": Measure.PAIN}, "between 0 and 10"),
        ({"due_on": date(2026, 11, 19)}, "after the start"),
    ],
)
def test_it_refuses_a_goal_that_cannot_be(
    alice: Client, bea: Therapist, service: Service, now: datetime, change: dict[str, object], words: str
) -> None:
    goal: GoalDraft = replace(MIGRAINE_GOAL, **change)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=words):
        plan_of(alice, bea, service, now=now, starts_on=date(2026, 11, 19), goals=(goal,))


def test_it_refuses_two_goals_for_one_measure(alice: Client, bea: Therapist, service: Service, now: datetime) -> None:
    with pytest.raises(ValidationError, match="One goal"):
        plan_of(alice, bea, service, now=now, starts_on=now.date(), goals=(MIGRAINE_GOAL, MIGRAINE_GOAL))


def test_it_refuses_a_service_that_a_finding_keeps_from_being_planned(
    alice: Client, bea: Therapist, service: Service, now: datetime
) -> None:
    Finding.objects.create(
        client=alice,
        rule_version=RuleVersion.objects.latest("number"),
        rule="test",
        effect=Effect.BLOCK,
        reason="Fever: nothing until it is over.",
        raised_at=now,
    )
    with pytest.raises(ValidationError, match="Fever: nothing until it is over"):
        plan_of(alice, bea, service, now=now, starts_on=now.date())


def test_deep_work_is_not_planned_before_anything_was_asked(alice: Client, bea: Therapist, now: datetime) -> None:
    deep = ServiceFactory(modality=modality("deep_tissue"))
    with pytest.raises(ValidationError, match="may not be planned"):
        plan_of(alice, bea, deep, now=now, starts_on=now.date())


def test_a_plan_ends_only_for_a_reason_and_only_once(plan: Plan, bea: Therapist, now: datetime) -> None:
    with pytest.raises(ValidationError, match="why the plan ends"):
        end_plan(by=bea.user, now=now, plan=plan, why="  ")
    end_plan(by=bea.user, now=now, plan=plan, why="Goals met.")
    with pytest.raises(ValidationError, match="ended already"):
        end_plan(by=bea.user, now=now, plan=plan, why="Goals met.")


def test_the_database_refuses_an_end_without_somebody_and_a_reason(plan: Plan, now: datetime) -> None:
    with pytest.raises(IntegrityError, match="plan_is_ended_by_somebody_for_a_reason"), transaction.atomic():
        Plan.objects.filter(pk=plan.pk).update(ended_at=now)


def test_the_database_refuses_a_goal_above_its_start(plan: Plan) -> None:
    with pytest.raises(IntegrityError, match="goal_is_below_where_it_started"), transaction.atomic():
        Goal.objects.filter(plan=plan, measure=Measure.PAIN).update(target=9)


def test_a_second_count_for_a_day_is_kept_beside_the_first(alice: Client, bea: Therapist, now: datetime) -> None:
    for value in (Decimal(9), Decimal(8)):
        record_score(
            by=bea.user, now=now, client=alice, measure=Measure.MIGRAINE_DAYS, value=value, on=date(2026, 11, 18)
        )
    assert list(Score.objects.order_by("pk").values_list("value", flat=True)) == [9, 8]


@pytest.mark.parametrize(
    ("measure", "value", "on", "words"),
    [
        (Measure.PAIN, Decimal(4), date(2026, 11, 18), "signed notes"),
        (Measure.MIGRAINE_DAYS, Decimal(29), date(2026, 11, 18), "0 to 28"),
        (Measure.MIGRAINE_DAYS, Decimal(-1), date(2026, 11, 18), "0 to 28"),
        (Measure.HEADACHE_DAYS, Decimal(4), date(2026, 11, 21), "not come yet"),
    ],
)
def test_it_refuses_a_score_that_cannot_be(
    alice: Client, bea: Therapist, now: datetime, measure: Measure, value: Decimal, on: date, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        record_score(by=bea.user, now=now, client=alice, measure=measure, value=value, on=on)
