"""Plans and signed visits for tests, made through their services."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from clinic.people.models import Client, Location, Service, Therapist
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import book_appointment
from plans.models import Measure, Plan
from plans.services import USUAL_PHASES, GoalDraft, PhaseDraft, make_plan
from sessions.models import Note, Phase
from sessions.services import save_note, sign_note, start_note

MIGRAINE_GOAL = GoalDraft(Measure.MIGRAINE_DAYS, Decimal(11), Decimal(5), date(2027, 2, 28))
PAIN_GOAL = GoalDraft(Measure.PAIN, Decimal(6), Decimal(3), date(2027, 2, 28))


def plan_of(
    client: Client,
    therapist: Therapist,
    service: Service,
    *,
    now: datetime,
    starts_on: date,
    phases: tuple[PhaseDraft, ...] = USUAL_PHASES,
    goals: tuple[GoalDraft, ...] = (MIGRAINE_GOAL, PAIN_GOAL),
) -> Plan:
    """Agree a plan with the usual phases."""
    return make_plan(
        by=therapist.user,
        now=now,
        client=client,
        service=service,
        starts_on=starts_on,
        phases=phases,
        goals=goals,
        why="Tension from the neck.",
    )


def visit(
    client: Client, therapist: Therapist, service: Service, location: Location, starts_at: datetime
) -> Appointment:
    """Book a visit, whatever the working hours."""
    return book_appointment(
        by=therapist.user,
        now=starts_at - timedelta(days=1),
        client=client,
        service=service,
        therapist=therapist,
        location=location,
        starts_at=starts_at,
        override_reason="agreed by phone",
    )


def signed_visit(
    client: Client,
    therapist: Therapist,
    service: Service,
    location: Location,
    starts_at: datetime,
    *,
    pain: tuple[int, int] = (5, 3),
    response: str = "Softer at the left temple.",
) -> Note:
    """Book a visit, hold it and sign its note."""
    appointment = visit(client, therapist, service, location, starts_at)
    by, later = therapist.user, starts_at + timedelta(hours=1)
    note = start_note(
        by=by,
        now=starts_at,
        appointment=appointment,
        phase=Phase.INTERICTAL,
        is_usual=True,
        consent_given=True,
        pain_before=pain[0],
    )
    note = save_note(by=by, now=later, note=note, revision=note.revision, pain_after=pain[1], response=response)
    return sign_note(by=by, now=later, note=note)
