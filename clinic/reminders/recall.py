"""The kind for who has not been here for a while: one invitation, after as many weeks as the clinic says, or none.

Whoever has a visit to come, waits for one, or must first be spoken with, is not written to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clinic.people.access import the_clinic
from clinic.people.models import Client
from clinic.people.records import records_beside, records_of
from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.policy import message_policy
from clinic.reminders.timing import moment_before
from clinic.reminders.visits import BY_BOTH, CLOCK_CHANGE
from clinic.scheduling.models import Appointment, AppointmentQuerySet, OnlineConcern, Status, Wish

# Whoever was here longer ago is not written to when a clinic begins to recall, or after an outage.
WRITTEN_WITHIN = timedelta(weeks=1)
CAME = (Status.IN_SESSION, Status.COMPLETED)
CALLED_OFF = (Status.CANCELLED, Status.LATE_CANCELLED)


def recalls_due(now: datetime) -> Iterator[Due]:
    """Yield those whose last visit is as long ago as the clinic says, by the clock on its wall."""
    weeks = message_policy().recall_weeks
    if weeks is None:
        return
    latest = now - timedelta(weeks=weeks) + CLOCK_CHANGE
    last_visits = Appointment.objects.between(latest - WRITTEN_WITHIN - CLOCK_CHANGE, latest)
    found = _nothing_came_after(last_visits).select_related("client", "location")
    for visit in found.order_by("starts_at", "pk"):
        kept, due_at = visit.client.merged_into_id or visit.client_id, _weeks_after(visit, weeks)
        if due_at <= now < due_at + WRITTEN_WITHIN:
            yield Due(kept, kept, visit.starts_at, due_at, due_at + WRITTEN_WITHIN)


def recall_words(client_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the invitation says, or None when she has a visit to come, or asked for one, meanwhile."""
    client = Client.objects.select_for_update(no_key=True, of=("self",)).filter(pk=client_pk).first()
    hers = Appointment.objects.filter(client__among=records_of(client_pk), starts_at__lt=now)
    visit = _nothing_came_after(hers).select_related("location").order_by("-starts_at").first()
    if client is None or visit is None:
        return None
    link = f"{settings.SITE_URL}{reverse('booking:services')}" if the_clinic().is_bookable_online else ""
    return {
        "client": client,
        "about_at": visit.starts_at,
        "location": visit.location,
        "zone": visit.location.zone,
        "link": link,
    }


def _nothing_came_after(visits: AppointmentQuerySet) -> AppointmentQuerySet:
    """Keep visits that took place and were her last, of those who neither wait for a time nor must be spoken with."""
    hers = Q(client__among=records_beside(OuterRef("client")))
    later = Appointment.objects.filter(hers, starts_at__gt=OuterRef("starts_at")).exclude(status__in=CALLED_OFF)
    waiting = Wish.objects.filter(hers, ended_at__isnull=True)
    to_call = OnlineConcern.objects.filter(hers, kind=OnlineConcern.Kind.CALL, settled_at__isnull=True)
    return visits.filter(~Exists(later), ~Exists(waiting), ~Exists(to_call), status__in=CAME)


def _weeks_after(visit: Appointment, weeks: int) -> datetime:
    return moment_before(visit.starts_at, -weeks * 7 * 24 * 60, visit.location.zone)


RECALL = MessageKind(
    template="recall",
    find_due=recalls_due,
    context=recall_words,
    channels=BY_BOTH,
    may_say=("called", "clinic", "link", "phone", "policy"),
    must_say=("policy",),
    words=_("invitation to come again"),
)
