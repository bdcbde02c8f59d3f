"""Writing: make a plan, end it, record a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.people.models import Client, Service, Therapist, User
from clinic.people.records import records_of
from clinic.people.services import lock_client
from plans.models import COUNTED, HIGHEST, Cadence, Goal, Measure, Plan, PlanPhase, Score
from plans.safety import planning_verdict

BASELINE_DAYS = 28


@dataclass(frozen=True)
class PhaseDraft:
    """A phase to be: how often, how many visits. The baseline has none and lasts 28 days."""

    every_weeks: Cadence
    visits: int

    @property
    def days(self) -> int:
        """Its length: each visit has the weeks that follow it."""
        return 7 * self.every_weeks * self.visits or BASELINE_DAYS


@dataclass(frozen=True)
class GoalDraft:
    measure: Measure
    baseline: Decimal
    target: Decimal
    due_on: date


# Domain: plans. Anchored on trials of 6 weekly and 8 weeks of sessions; the therapist changes them as she likes.
USUAL_PHASES = (
    PhaseDraft(Cadence.WEEKLY, 6),
    PhaseDraft(Cadence.TWO_WEEKS, 4),
    PhaseDraft(Cadence.MONTHLY, 3),
)


@transaction.atomic
def make_plan(
    *,
    by: User,
    now: datetime,
    client: Client,
    service: Service,
    starts_on: date,
    phases: Sequence[PhaseDraft],
    goals: Sequence[GoalDraft],
    why: str = "",
) -> Plan:
    """Agree a plan with a client; the therapist is the one who makes it. Refused while another is in force."""
    therapist = Therapist.objects.filter(user=by, archived_at__isnull=True).first()
    if therapist is None:
        raise ValidationError(_("Only a therapist makes a plan."))
    check_phases(phases)
    check_goals(goals, starts_on=starts_on)
    check_safety(client, service, starts_on)
    # The lock lets one of two therapists who press the button at once read the other's plan.
    lock_client(client.pk)
    if Plan.objects.in_force().filter(client__among=records_of(client.pk)).exists():
        raise ValidationError(_("A plan is in force already. End it before you make another."))
    plan = Plan.objects.create(
        client=client,
        therapist=therapist,
        service=service,
        starts_on=starts_on,
        agreed_at=now,
        why=why,
        created_by=by,
    )
    PlanPhase.objects.bulk_create(lay_out(plan, phases))
    Goal.objects.bulk_create(
        Goal(plan=plan, measure=g.measure, baseline=g.baseline, target=g.target, due_on=g.due_on) for g in goals
    )
    record_change(by=by.pk, client=client.pk, what=plan, words=_("plan made"), now=now)
    return plan


def check_safety(client: Client, service: Service, day: date) -> None:
    """Refuse a service whose modality a finding in force keeps from being planned."""
    verdict = planning_verdict(client, service.modality, day)
    if verdict.blocked:
        reasons = {"modality": service.modality.name, "why": " ".join(verdict.reasons)}
        raise ValidationError(_("%(modality)s may not be planned: %(why)s") % reasons)


def lay_out(plan: Plan, phases: Sequence[PhaseDraft]) -> list[PlanPhase]:
    """Return the phases with their days, each beginning where the one before ends."""
    rows, day = [], plan.starts_on
    for position, phase in enumerate(phases, start=1):
        last = day + timedelta(days=phase.days - 1)
        rows.append(
            PlanPhase(
                plan=plan,
                position=position,
                every_weeks=phase.every_weeks,
                visits=phase.visits,
                starts_on=day,
                ends_on=last,
            )
        )
        day = last + timedelta(days=1)
    return rows


def check_phases(phases: Sequence[PhaseDraft]) -> None:
    """Refuse a plan without visits, and a phase whose visits do not fit its cadence."""
    if not any(phase.visits for phase in phases):
        raise ValidationError(_("A plan needs at least one phase with visits."))
    for phase in phases:
        if phase.every_weeks == Cadence.BASELINE and phase.visits:
            raise ValidationError(_("The baseline diary has no visits."))
        if phase.every_weeks != Cadence.BASELINE and not 1 <= phase.visits <= 52:  # noqa: PLR2004  # as the table checks
            raise ValidationError(_("A phase has 1 to 52 visits."))


def check_goals(goals: Sequence[GoalDraft], *, starts_on: date) -> None:
    """Refuse two goals for one measure, and a goal that cannot be one."""
    if len({goal.measure for goal in goals}) < len(goals):
        raise ValidationError(_("One goal for each measure."))
    for goal in goals:
        check_goal(goal, starts_on=starts_on)


def check_goal(goal: GoalDraft, *, starts_on: date) -> None:
    """Refuse numbers outside the measure, a target that is no lower than the start, and a day that is not after it."""
    words = {"measure": goal.measure.label, "highest": HIGHEST[goal.measure]}
    if not (0 <= goal.target <= HIGHEST[goal.measure] and 0 <= goal.baseline <= HIGHEST[goal.measure]):
        raise ValidationError(_("%(measure)s: numbers lie between 0 and %(highest)s.") % words)
    if goal.target >= goal.baseline:
        raise ValidationError(_("%(measure)s: the target lies below the start.") % words)
    if goal.due_on <= starts_on:
        raise ValidationError(_("%(measure)s: the day to reach it by comes after the start of the plan.") % words)


@transaction.atomic
def end_plan(*, by: User, now: datetime, plan: Plan, why: str) -> Plan:
    """End a plan for a reason. Visits that are booked stay; they are the calendar's."""
    if not why.strip():
        raise ValidationError(_("Say in a few words why the plan ends."))
    plan = Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    if plan.ended_at:
        raise ValidationError(_("This plan has ended already."))
    plan.ended_at, plan.ended_by, plan.ending_reason = now, by, why.strip()
    plan.save(update_fields=["ended_at", "ended_by", "ending_reason"])
    record_change(by=by.pk, client=plan.client_id, what=plan, words=_("plan ended"), now=now)
    return plan


@transaction.atomic
def record_score(
    *, by: User | None, now: datetime, client: Client, measure: Measure, value: Decimal, on: date
) -> Score:
    """Record a reading. A second one for the same day corrects the first, which stays on record."""
    if measure not in COUNTED:
        raise ValidationError(_("Pain is read from the signed notes."))
    if not 0 <= value <= HIGHEST[measure]:
        raise ValidationError(_("A number from 0 to %(highest)s.") % {"highest": HIGHEST[measure]})
    # A day ahead is allowed: east of Greenwich her today begins before the day in UTC.
    if on > now.date() + timedelta(days=1):
        raise ValidationError(_("This day has not come yet."))
    score = Score.objects.create(client=client, measure=measure, value=value, on=on, recorded_by=by, recorded_at=now)
    record_change(by=by.pk if by else None, client=client.pk, what=score, words=_("count of days recorded"), now=now)
    return score
