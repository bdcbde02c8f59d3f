"""The message to the clinic that a finding wants a therapist now. It says neither of whom it speaks nor why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, Therapist, clinic_zone
from clinic.people.records import records_of
from clinic.reminders.kinds import Due, MessageKind
from clinic.scheduling.models import Appointment
from intake.models import Finding
from intake.models_safety import StaffAlert
from intake.rules import CRISIS
from intake.safety import URGENT, FindingFact
from intake.wall import today_at

# An alert that nobody got within a day is one for the worklist, where the finding stands on top.
OF_USE = timedelta(days=1)


def wants_a_person_now(finding: Finding | FindingFact) -> bool:
    """Say whether the clinic is alerted: an emergency, medical contact today, or words that a therapist marked."""
    return finding.effect in URGENT or finding.rule == CRISIS


def alert(finding: Finding, now: datetime) -> None:
    """See that the clinic is told of a finding, once a day; once more where it has grown into an emergency."""
    if wants_a_person_now(finding):
        StaffAlert.objects.get_or_create(
            finding=finding, effect=finding.effect, day=today_at(now), defaults={"raised_at": now}
        )


def was_told_today(finding: Finding, now: datetime) -> bool:
    """Say whether the clinic was told of a finding today already."""
    return StaffAlert.objects.filter(finding=finding, day=today_at(now)).exists()


def alerts_due(now: datetime) -> Iterator[Due]:
    """Yield the alerts of the last day, one for each therapist concerned; what somebody has taken up needs none."""
    unknown = StaffAlert.objects.filter(
        raised_at__gt=now - OF_USE, finding__acknowledged_at__isnull=True, finding__closed_at__isnull=True
    )
    for pk, client_pk, raised_at in unknown.order_by("pk").values_list("pk", "finding__client", "raised_at"):
        for user_pk in concerned(client_pk, now):
            yield Due(pk, None, raised_at, raised_at, raised_at + OF_USE, user_pk=user_pk)


def concerned(client_pk: int, now: datetime) -> list[int]:
    """Return the logins to alert: her therapist, whoever sees her next, owners who treat; else every therapist."""
    treating = Therapist.objects.filter(archived_at__isnull=True, user__is_active=True).select_related("user")
    hers = set(Client.objects.filter(pk__among=records_of(client_pk)).values_list("primary_therapist", flat=True))
    visits = Appointment.objects.filter(client__among=records_of(client_pk)).not_begun(now).order_by("starts_at")
    hers |= set(visits.values_list("therapist", flat=True)[:1])
    able = [one for one in treating.order_by("pk") if one.user.is_therapist]
    told = [one.user_id for one in able if one.pk in hers or one.user.is_owner]
    return told or [one.user_id for one in able]


def alert_words(alert_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the alert says, or None when a therapist has taken it up meanwhile."""
    found = StaffAlert.objects.filter(pk=alert_pk).select_related("finding").first()
    if found is None or found.finding.acknowledged_at or found.finding.closed_at:
        return None
    return {"link": f"{settings.SITE_URL}{reverse('intake:review-list')}", "zone": clinic_zone()}


ALERT = MessageKind(
    template="finding_alert",
    find_due=alerts_due,
    context=alert_words,
    is_urgent=True,
    keeps_quiet_hours=False,
    needs_consent=False,
    words=_("alert to a therapist"),
)
