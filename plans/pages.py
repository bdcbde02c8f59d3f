"""What the plan's pages show, put together so that the templates only place it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.people.models import Client, clinic_zone
from clinic.people.records import records_of
from plans.charts import PainVisit, PhaseMark, goal_line, pain_chart, phase_line
from plans.models import HIGHEST, Cadence, Goal, Measure, Plan, Score
from plans.standing import (
    VISITS_NEEDED,
    Course,
    GoalStanding,
    PhaseStanding,
    Standing,
    plan_in_force,
    plans_in_force,
    standing,
)
from sessions.reading import SignedNote, signed_notes


@dataclass(frozen=True)
class PhaseRow:
    """A phase as the table shows it."""

    standing: PhaseStanding
    name: str
    series_url: str


@dataclass(frozen=True)
class GoalBox:
    """A goal in figures, as a line, and in words."""

    standing: GoalStanding
    baseline: str
    now: str
    target: str
    line: SafeString
    words: str


@dataclass(frozen=True)
class PlanPage:
    plan: Plan | None
    standing: Standing | None
    line: SafeString
    phases: tuple[PhaseRow, ...]
    goals: tuple[GoalBox, ...]
    open_work: str
    series_url: str
    zone: ZoneInfo
    # In force as well, since two records were merged.
    others: tuple[Plan, ...]
    earlier: tuple[Plan, ...]


@dataclass(frozen=True)
class CountRow:
    """The counts that were taken on one day."""

    on: date
    headache_days: Decimal | None
    migraine_days: Decimal | None
    is_before: bool


@dataclass(frozen=True)
class ProgressPage:
    plan: Plan | None
    goals: tuple[GoalBox, ...]
    visits: tuple[SignedNote, ...]
    visits_needed: int
    chart: SafeString
    summary: str
    counts: tuple[CountRow, ...]


def plan_page(client: Client, now: datetime) -> PlanPage:
    """Return the plan in force with its phases and goals, and the plans before it."""
    plan, zone = plan_in_force(client), clinic_zone()
    earlier = tuple(
        Plan.objects.filter(client__among=records_of(client.pk), ended_at__isnull=False)
        .select_related("service", "therapist__user")
        .order_by("-ended_at")
    )
    if plan is None:
        return PlanPage(None, None, SafeString(), (), (), "", "", zone, (), earlier)
    stands = standing(plan, now)
    others = plans_in_force(client.pk).exclude(pk=plan.pk).select_related("service", "therapist__user")
    return PlanPage(
        plan=plan,
        standing=stands,
        line=line_of(stands),
        phases=tuple(phase_row(stands, phase) for phase in stands.phases),
        goals=goal_boxes(stands),
        open_work=open_work(stands),
        series_url=series_url(stands, stands.to_book) if stands.to_book else "",
        zone=zone,
        others=tuple(others),
        earlier=earlier,
    )


def progress_page(client: Client, now: datetime) -> ProgressPage:
    """Return what was counted, with a chart once there are three visits."""
    plan = plan_in_force(client)
    visits = tuple(note for note in signed_notes(client.pk) if note.pain_before is not None)
    drawn = [PainVisit(v.on, v.pain_before, v.pain_after) for v in visits if v.pain_before is not None]
    enough = len(drawn) >= VISITS_NEEDED
    scores = Score.objects.filter(client__among=records_of(client.pk))
    return ProgressPage(
        plan=plan,
        goals=goal_boxes(standing(plan, now)) if plan else (),
        visits=visits,
        visits_needed=VISITS_NEEDED,
        chart=pain_chart(drawn) if enough else SafeString(),
        summary=pain_summary(drawn) if enough else "",
        counts=count_rows(list(scores.order_by("on", "recorded_at", "pk")), plan),
    )


def count_rows(scores: Sequence[Score], plan: Plan | None) -> tuple[CountRow, ...]:
    """Return one row a day, the newest first; of several counts of one day the last recorded holds."""
    latest = {(score.on, score.measure): score.value for score in scores}
    days = sorted({score.on for score in scores}, reverse=True)
    return tuple(
        CountRow(
            on=day,
            headache_days=latest.get((day, Measure.HEADACHE_DAYS)),
            migraine_days=latest.get((day, Measure.MIGRAINE_DAYS)),
            is_before=plan is not None and day <= plan.starts_on,
        )
        for day in days
    )


def pain_summary(visits: Sequence[PainVisit]) -> str:
    """Say how pain after a visit compares with pain before it; of the visits that have both."""
    both = [(visit.before, visit.after) for visit in visits if visit.after is not None]
    if len(both) < VISITS_NEEDED:
        return ""
    lower = sum(after < before for before, after in both)
    return ngettext(
        "After %(lower)s of %(count)s visit the number named was lower than before it.",
        "After %(lower)s of %(count)s visits the number named was lower than before them.",
        len(both),
    ) % {"lower": lower, "count": len(both)}


def line_of(stands: Standing) -> SafeString:
    """Draw the phases on the line, with the point where she is."""
    marks = [
        PhaseMark(short_name(s.phase.every_weeks), s.phase.starts_on, is_done=s.is_done, is_here=s.is_here)
        for s in stands.phases
    ]
    return phase_line(marks, words=where_words(stands))


def where_words(stands: Standing) -> str:
    """Say where on the plan she is."""
    if stands.here is None:
        if stands.is_over:
            return _("The last phase ended on %(day)s.") % {"day": date_format(stands.ends_on, "j F")}
        return _("The plan starts on %(day)s.") % {"day": date_format(stands.plan.starts_on, "j F")}
    number = stands.phases.index(stands.here) + 1
    facts = {"number": number, "of": len(stands.phases), "name": short_name(stands.here.phase.every_weeks)}
    if not stands.here.phase.visits:
        return _("Phase %(number)s of %(of)s: %(name)s, no visits.") % facts
    facts |= {"done": stands.here.visits_done, "visits": stands.here.phase.visits}
    return _("Phase %(number)s of %(of)s: %(name)s, %(done)s of %(visits)s visits done.") % facts


def short_name(every_weeks: int) -> str:
    """Name a cadence in a word or two."""
    return {
        Cadence.BASELINE: _("diary"),
        Cadence.WEEKLY: _("weekly"),
        Cadence.TWO_WEEKS: _("every 2 weeks"),
        Cadence.MONTHLY: _("monthly"),
    }[Cadence(every_weeks)]


def phase_row(stands: Standing, phase: PhaseStanding) -> PhaseRow:
    may_book = phase.visits_to_book and not phase.is_done
    return PhaseRow(
        standing=phase,
        name=phase.phase.get_every_weeks_display(),
        series_url=series_url(stands, phase) if may_book else "",
    )


def series_url(stands: Standing, phase: PhaseStanding) -> str:
    """Return the page that books what is left of a phase, filled in: at the weekday and time of her last visit."""
    plan = stands.plan
    words = {"client": plan.client_id, "service": plan.service_id, "therapist": plan.therapist_id}
    if phase.visits_to_book == 1:
        return f"{reverse('scheduling:appointment-new')}?{urlencode(words)}"
    rule = {
        "every_weeks": phase.phase.every_weeks,
        "count": phase.visits_to_book,
        "first_on": first_day(stands, phase).isoformat(),
    }
    if stands.last_visit:
        rule |= {
            "location": stands.last_visit.location_id,
            "at_time": f"{stands.last_visit.local_start:%H:%M}",
        }
    return f"{reverse('scheduling:series-new')}?{urlencode(words | rule)}"


def first_day(stands: Standing, phase: PhaseStanding) -> date:
    """Return the first day for new visits of a phase: on the weekday of the last visit, its weeks after it."""
    earliest = max(phase.phase.starts_on, stands.today)
    if stands.last_visit is None:
        return earliest
    day = stands.last_visit.local_start.date() + timedelta(weeks=phase.phase.every_weeks)
    return day + timedelta(weeks=max(0, -((day - earliest).days // 7)))


def open_work(stands: Standing) -> str:
    """Say the one thing that wants a decision, or nothing."""
    if stands.is_over:
        return _("The last phase has ended and nobody has decided yet. End the plan, or end it and agree a new one.")
    if stands.lacks_next_visit:
        return _("Visits are agreed and none is in the calendar.")
    if stands.ends_soon:
        return _("The last phase ends on %(day)s. A plan never renews itself.") % {
            "day": date_format(stands.ends_on, "l j F")
        }
    return ""


def goal_boxes(stands: Standing) -> tuple[GoalBox, ...]:
    return tuple(goal_box(goal) for goal in stands.goals)


def goal_box(stands: GoalStanding) -> GoalBox:
    goal, words = stands.goal, goal_words(stands)
    return GoalBox(
        standing=stands,
        baseline=plain(goal.baseline),
        now="" if stands.now is None else plain(stands.now),
        target=plain(goal.target),
        line=goal_line(
            baseline=goal.baseline,
            now=stands.now,
            target=goal.target,
            highest=HIGHEST[Measure(goal.measure)],
            words=words,
        ),
        words=words,
    )


def goal_words(stands: GoalStanding) -> str:
    """Put the number beside its start and its target, without a word on why."""
    goal = stands.goal
    if stands.now is None:
        return _("Too little data: %(missing)s.") % {"missing": stands.reading.words}
    facts = {
        "now": plain(stands.now),
        "how": stands.reading.words,
        "from_start": plain(abs(stands.now - goal.baseline)),
        "to_target": plain(abs(stands.now - goal.target)),
    }
    match stands.course:
        case Course.REACHED:
            return _("%(now)s, %(how)s: %(from_start)s lower than at the start, at the target.") % facts
        case Course.LOWER:
            return (
                _("%(now)s, %(how)s: %(from_start)s lower than at the start, %(to_target)s above the target.") % facts
            )
        case Course.SAME:
            return _("%(now)s, %(how)s: as at the start, %(to_target)s above the target.") % facts
        case _:
            return _("%(now)s, %(how)s: %(from_start)s higher than at the start.") % facts


def goals_in_words(client_pk: int, now: datetime) -> list[str]:
    """Say each goal of the plan in force in a line, for the head of the session note."""
    goals = Goal.objects.filter(plan__in=plans_in_force(client_pk)[:1]).order_by("pk")
    return [
        _("%(measure)s: %(baseline)s to %(target)s by %(day)s")
        % {
            "measure": goal.get_measure_display(),
            "baseline": plain(goal.baseline),
            "target": plain(goal.target),
            "day": date_format(goal.due_on, "j M Y"),
        }
        for goal in goals
    ]


def plain(value: Decimal) -> str:
    """Write a number without a fraction that says nothing."""
    return number_format(value, 0 if value == value.to_integral_value() else 1)
