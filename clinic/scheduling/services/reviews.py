"""Ask the gates again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from clinic.people.models import Client
from clinic.people.records import records_of
from clinic.people.services import lock_client
from clinic.scheduling.gates import review_needed
from clinic.scheduling.models import Appointment
from clinic.scheduling.services.plans import planned


def refresh_review_needed(*, client: Client, now: datetime) -> None:
    """Ask the gates again about her visits to come; for the room that knows more than it did.

    A visit that is being booked meanwhile is waited for: its gates may have been asked before.
    """
    with transaction.atomic():
        lock_client(client.pk)
        visits = list(
            Appointment.objects.not_begun(now).filter(client__among=records_of(client.pk))
            .select_for_update(no_key=True, of=("self",)).select_related("service", "location").order_by("pk")
        )  # fmt: skip
        answers = review_needed([planned(visit) for visit in visits]) if visits else []
        changed = [visit for visit, answer in zip(visits, answers, strict=True) if answer != visit.review_needed]
        for visit in changed:
            visit.review_needed = not visit.review_needed
        Appointment.objects.bulk_update(changed, ["review_needed"])
