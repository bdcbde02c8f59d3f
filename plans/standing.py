"""How a plan stands: where on its line, what is booked, each goal beside its start. No claims on few data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.times import local_date
from clinic.people.models import Client, clinic_zone
from clinic.people.records import records_of
from clinic.scheduling.models import UPCOMING, Appointment, Status
from plans.models import Goal, Measure, Plan, PlanPhase, PlanQuerySet, Score
from sessions.reading import SignedNote, signed_notes

VISITS_NEEDED = 3
WINDOW = timedelta(days=28)
ENDS_SOON = timedelta(days=14)
# She is in the house: neither done nor ahead, and booked all the same.
HERE = (Status.ARRIVED, Status.IN_SESSION)
COUNTING = (Status.COMPLETED, *HERE, *UPCOMING)


class Course(TextChoices):
    """A goal's number now, beside where it started. What brought it there, nobody can read from it."""

    TOO_LITTLE = "too_little", gettext_lazy("too little data")
    REACHED = "reached", gettext_lazy("at the target")
    LOWER = "lower", gettext_lazy("lower than at the start")
    SAME = "same", gettext_lazy("as at the start")
    HIGHER = "higher", gettext_lazy("higher than at the start")


@dataclass(frozen=True)
class Reading:
    """A measure's number with how it was come by; None with what is still missing."""

    value: Decimal | None
    words: str


@dataclass(frozen=True)
class GoalStanding:
    goal: Goal
    reading: Reading

    @property
    def now(self) -> Decimal | None:
        return self.reading.value

    @property
    def course(self) -> Course:
        """Compare now with the start and the target."""
        return course(baseline=self.goal.baseline, now=self.now, target=self.goal.target)

    @property
    def is_told(self) -> bool:
        """There are enough data to say anything."""
        return self.now is not None


@dataclass(frozen=True)
class PhaseStanding:
    phase: PlanPhase
    visits_done: int
    visits_booked: int
    is_done: bool
    is_here: bool

    @property
    def visits_to_book(self) -> int:
        """Visits that were agreed and neither happened nor stand in the calendar."""
        return max(self.phase.visits - self.visits_done - self.visits_booked, 0)


@dataclass(frozen=True)
class Standing:
    plan: Plan
    today: date
    phases: tuple[PhaseStanding, ...]
    visits_done: int
    # Under way or to come, the soonest first.
    booked: tuple[Appointment, ...]
    # The latest that happened or is booked: the next series follows it.
    last_visit: Appointment | None
    visits: tuple[SignedNote, ...]
    goals: tuple[GoalStanding, ...]

    @property
    def visits_planned(self) -> int:
        return sum(standing.phase.visits for standing in self.phases)

    @property
    def here(self) -> PhaseStanding | None:
        """The phase of today; None before the start and after the end."""
        return next((standing for standing in self.phases if standing.is_here), None)

    @property
    def ends_on(self) -> date:
        return self.phases[-1].phase.ends_on

    @property
    def is_over(self) -> bool:
        """Its last phase has passed, and nobody has decided yet."""
        return self.ends_on < self.today

    @property
    def ends_soon(self) -> bool:
        """The last phase ends within two weeks: time to decide, for a plan never renews itself."""
        return not self.is_over and self.ends_on <= self.today + ENDS_SOON

    @property
    def next_visit(self) -> Appointment | None:
        return next((visit for visit in self.booked if visit.status in UPCOMING), None)

    @property
    def to_book(self) -> PhaseStanding | None:
        """The phase whose visits are to be made next."""
        return phase_to_book(self.phases)

    @property
    def lacks_next_visit(self) -> bool:
        """Visits are agreed for now and none is in the calendar."""
        return lacks_next_visit(self.phases, self.booked)


def clinic_day(now: datetime) -> date:
    """Return the calendar day at the clinic: plans are thought in days, not in instants."""
    return local_date(clinic_zone(), now)


def course(*, baseline: Decimal, now: Decimal | None, target: Decimal) -> Course:
    """Name a number's course; for every measure here, lower is better."""
    if now is None:
        return Course.TOO_LITTLE
    if now <= target:
        return Course.REACHED
    if now == baseline:
        return Course.SAME
    return Course.LOWER if now < baseline else Course.HIGHER


def plan_in_force(client: Client) -> Plan | None:
    """Return the client's plan, with everything a page of it needs; None where there is none."""
    found = plans_in_force(client.pk).select_related("service__modality", "therapist__user", "client")
    return found.prefetch_related("phases", "goals").first()


def plans_in_force(client_pk: int) -> PlanQuerySet:
    """Return the client's plan; where two records were merged and each has one, the one agreed last comes first."""
    return Plan.objects.in_force().filter(client__among=records_of(client_pk)).order_by("-agreed_at", "-pk")


def standing(plan: Plan, now: datetime) -> Standing:
    """Return how a plan stands. A constant number of queries."""
    today = clinic_day(now)
    hers = records_of(plan.client_id)
    found = Appointment.objects.filter(client__among=hers, status__in=COUNTING)
    appointments = list(found.with_people().order_by("starts_at"))
    booked = booked_of(appointments, now)
    visits = tuple(note for note in signed_notes(plan.client_id) if note.on >= plan.starts_on)
    scores = list(Score.objects.filter(client__among=hers, on__gte=plan.starts_on).order_by("on", "recorded_at"))
    return Standing(
        plan=plan,
        today=today,
        phases=phases_standing(list(plan.phases.all()), today, appointments, booked),
        visits_done=sum(day >= plan.starts_on for day in days_done(appointments)),
        booked=booked,
        last_visit=appointments[-1] if appointments else None,
        visits=visits,
        goals=tuple(GoalStanding(goal, reading_of(goal, plan, visits, scores)) for goal in plan.goals.all()),
    )


def booked_of(appointments: Iterable[Appointment], now: datetime) -> tuple[Appointment, ...]:
    """Keep what is under way or to come. An upcoming visit whose time has passed is neither: nobody came so far."""
    return tuple(a for a in appointments if a.status in HERE or (a.status in UPCOMING and a.starts_at >= now))


def days_done(appointments: Iterable[Appointment]) -> list[date]:
    """Return the days of the visits that happened."""
    return [a.local_start.date() for a in appointments if a.status == Status.COMPLETED]


def phase_to_book(phases: Iterable[PhaseStanding]) -> PhaseStanding | None:
    """Return the phase whose visits are to be made next."""
    return next((s for s in phases if not s.is_done and s.visits_to_book), None)


def lacks_next_visit(phases: Iterable[PhaseStanding], booked: Sequence[Appointment]) -> bool:
    """Say whether visits are agreed for now and none is in the calendar."""
    return not booked and phase_to_book(phases) is not None


def phases_standing(
    phases: Sequence[PlanPhase], today: date, appointments: Iterable[Appointment], booked: Iterable[Appointment]
) -> tuple[PhaseStanding, ...]:
    """Say of each phase whether it is past or present, and count the visits that fall into it."""
    done, ahead = days_done(appointments), [visit.local_start.date() for visit in booked]
    return tuple(
        PhaseStanding(
            phase=phase,
            visits_done=sum(phase.starts_on <= day <= phase.ends_on for day in done),
            visits_booked=sum(phase.starts_on <= day <= phase.ends_on for day in ahead),
            is_done=phase.ends_on < today,
            is_here=phase.starts_on <= today <= phase.ends_on,
        )
        for phase in phases
    )


def reading_of(goal: Goal, plan: Plan, visits: Sequence[SignedNote], scores: Sequence[Score]) -> Reading:
    """Return a goal's number now: pain from the last three signed visits, days from the last count since the start."""
    if goal.measure == Measure.PAIN:
        return pain_reading([note.pain_before for note in visits if note.pain_before is not None])
    return days_reading([s for s in scores if s.measure == goal.measure], plan.starts_on)


def pain_reading(pains: Sequence[int]) -> Reading:
    """Return the mean of the last three, once there are three."""
    if len(pains) < VISITS_NEEDED:
        return Reading(
            None, _("%(count)s of %(needed)s signed visits so far") % {"count": len(pains), "needed": VISITS_NEEDED}
        )
    mean = Decimal(sum(pains[-VISITS_NEEDED:])) / VISITS_NEEDED
    return Reading(mean.quantize(Decimal("0.1"), ROUND_HALF_UP), _("mean of the last three visits"))


def days_reading(scores: Sequence[Score], starts_on: date) -> Reading:
    """Return the last count whose 28 days lie wholly after the start; earlier ones belong to the time before."""
    first = starts_on + WINDOW
    counted = [score for score in scores if score.on >= first]
    if not counted:
        return Reading(None, _("the first count can be taken from %(day)s on") % {"day": date_format(first, "j F")})
    last = counted[-1]
    return Reading(last.value, _("in the 28 days until %(day)s") % {"day": date_format(last.on, "j F")})
