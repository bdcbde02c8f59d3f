"""Open work on plans, for the therapist who made them: no next visit, or near the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db.models import Exists, Max, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.people.models import User
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.models import Appointment, Status
from plans.models import Plan, PlanQuerySet
from plans.standing import ENDS_SOON, clinic_day

HERE_NOW = (Status.ARRIVED, Status.IN_SESSION)


def open_plans(user: User, now: datetime, today: date) -> PlanQuerySet:
    """Return the therapist's plans that want a hand: near or past their end, or without a next visit."""
    hers = Appointment.objects.filter(client=OuterRef("client"))
    return (
        Plan.objects.in_force()
        .filter(therapist__user=user)
        .alias(last_day=Max("phases__ends_on"))
        .filter(
            Q(last_day__lte=today + ENDS_SOON)
            | ~(Exists(hers.upcoming(now).order_by()) | Exists(hers.filter(status__in=HERE_NOW)))
        )
        .order_by("last_day", "pk")
    )


def count(user: User) -> int:
    """Return how many plans want a hand."""
    now = timezone.now()
    return open_plans(user, now, clinic_day(now)).count() if user.is_therapist else 0


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return them with what to do about each, the nearest end first."""
    if not user.is_therapist:
        return []
    today = clinic_day(now)
    plans = open_plans(user, now, today).select_related("client").prefetch_related("phases")
    return [_row(plan, today) for plan in plans]


def _row(plan: Plan, today: date) -> WorkRow:
    last = list(plan.phases.all())[-1].ends_on
    words = {"day": date_format(last, "D j M")}
    page = reverse("plans:plan", args=[plan.client_id])
    if last < today:
        return WorkRow(plan.client.name, _("The plan came to its end on %(day)s.") % words, _("Decide"), page)
    if last <= today + ENDS_SOON:
        return WorkRow(plan.client.name, _("The plan ends on %(day)s.") % words, _("Decide"), page)
    return WorkRow(plan.client.name, _("No next visit is booked."), _("Make visits"), page)


WORKLIST = Worklist(
    heading=gettext_lazy("Plans"),
    empty=gettext_lazy("Every plan has its next visit."),
    count=count,
    rows=rows,
)
