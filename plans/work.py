"""Open work on plans, for the therapist who made them: no next visit, or near the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime

from django.db.models import Max
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.people.models import User
from clinic.people.records import records_beside
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.models import Appointment
from plans.models import Plan
from plans.standing import COUNTING, ENDS_SOON, booked_of, clinic_day, lacks_next_visit, phases_standing


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return the therapist's plans that want a hand with what to do about each, the nearest end first."""
    if not user.is_therapist:
        return []
    today = clinic_day(now)
    plans = (
        Plan.objects.in_force()
        .filter(therapist__user=user)
        .alias(last_day=Max("phases__ends_on"))
        .annotate(records=records_beside())
        .select_related("client")
        .prefetch_related("phases")
        .order_by("last_day", "pk")
    )
    visits: defaultdict[int, list[Appointment]] = defaultdict(list)
    records: dict[int, list[int]] = {plan.pk: plan.records for plan in plans}  # type: ignore[attr-defined]  # annotated
    every = {pk for keys in records.values() for pk in keys}
    hers = Appointment.objects.filter(client__in=every, status__in=COUNTING)
    for visit in hers.select_related("location"):
        visits[visit.client_id].append(visit)
    return [
        _row(plan, today)
        for plan in plans
        if _last_day(plan) <= today + ENDS_SOON
        or _lacks_visit(plan, [visit for pk in records[plan.pk] for visit in visits[pk]], today, now)
    ]


def _lacks_visit(plan: Plan, visits: Sequence[Appointment], today: date, now: datetime) -> bool:
    booked = booked_of(visits, now)
    return lacks_next_visit(phases_standing(list(plan.phases.all()), today, visits, booked), booked)


def _last_day(plan: Plan) -> date:
    return list(plan.phases.all())[-1].ends_on


def _row(plan: Plan, today: date) -> WorkRow:
    last = _last_day(plan)
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
    rows=rows,
)
