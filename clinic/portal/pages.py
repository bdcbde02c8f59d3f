"""What the client's own pages show, read from the rooms below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from clinic.people.access import the_clinic
from clinic.people.models import Client, Location, User
from clinic.people.opening import OpeningLine, opening_lines
from clinic.people.places_page import spans_of
from clinic.people.records import records_of
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Status
from clinic.scheduling.online import may_ask_instead, why_not_cancel, why_not_move
from clinic.scheduling.waitlist_page import OfferToAnswer, offers_to_answer
from intake.access import Pending, pending_for
from intake.checkin import open_address_of
from plans.pages import GoalBox, goal_boxes, line_of, where_words
from plans.standing import Standing, plan_in_force, standing

TOLD_AS_PAST = (Status.ARRIVED, Status.IN_SESSION, Status.COMPLETED, Status.LATE_CANCELLED, Status.NO_SHOW)
PAST_SHOWN = 50


@dataclass(frozen=True)
class HomePage:
    next_visit: Appointment | None
    # Where she says how she is, on the day of that visit.
    check_in: str
    # Free times that are held for her until she answers.
    offers: Sequence[OfferToAnswer]
    pending: Pending | None
    plan: PlanPage | None
    # Where to call; the place of the next visit, else the clinic's first.
    place: Location | None
    # When that place is open.
    opening: Sequence[OpeningLine]


@dataclass(frozen=True)
class OwnVisit:
    """A visit to come, and whether she may still move or cancel it by herself; what is held she has yet to confirm.

    Where the clinic moves it, she may ask for another time.
    """

    visit: Appointment
    is_held: bool
    may_move: bool
    may_ask: bool
    may_cancel: bool


@dataclass(frozen=True)
class VisitsPage:
    upcoming: Sequence[OwnVisit]
    past: Sequence[Appointment]
    place: Location | None


@dataclass(frozen=True)
class PlanPage:
    standing: Standing
    line: SafeString
    where: str
    goals: tuple[GoalBox, ...]


def home_page(user: User, client: Client, now: datetime) -> HomePage:
    """Return what comes next for a client, and what she is asked for."""
    next_visit = upcoming_of(client, now).exclude(status=Status.HELD).first()
    place = next_visit.location if next_visit else first_place()
    return HomePage(
        next_visit=next_visit,
        check_in=open_address_of(next_visit, now),
        offers=offers_to_answer(client, now),
        pending=next((pending for pending in pending_for(user, now) if pending.client_pk == client.pk), None),
        plan=plan_page(client, now),
        place=place,
        opening=opening_lines(spans_of(place)) if place else (),
    )


def visits_page(client: Client, now: datetime) -> VisitsPage:
    """Return the visits to come, soonest first, and those that were, newest first."""
    hers = Appointment.objects.filter(client__among=records_of(client.pk))
    past = hers.filter(status__in=TOLD_AS_PAST).with_people().order_by("-starts_at")
    clinic = the_clinic()
    upcoming = [
        OwnVisit(
            visit,
            is_held=visit.status == Status.HELD,
            may_move=not why_not_move(clinic, visit, now),
            may_ask=may_ask_instead(clinic, visit, now),
            may_cancel=not why_not_cancel(clinic, visit, now),
        )
        for visit in upcoming_of(client, now)
    ]
    return VisitsPage(upcoming=upcoming, past=list(past[:PAST_SHOWN]), place=first_place())


def plan_page(client: Client, now: datetime) -> PlanPage | None:
    """Return how her plan stands; None where none is in force."""
    plan = plan_in_force(client)
    if plan is None:
        return None
    stands = standing(plan, now)
    return PlanPage(standing=stands, line=line_of(stands), where=where_words(stands), goals=goal_boxes(stands))


def upcoming_of(client: Client, now: datetime) -> AppointmentQuerySet:
    """Return her visits to come, also those that she asked for, soonest first; what is only offered is not one yet."""
    hers = Appointment.objects.filter(client__among=records_of(client.pk)).exclude(offer__answer="")
    return hers.movable(now).with_people()


def first_place() -> Location | None:
    return Location.objects.filter(archived_at__isnull=True).first()
