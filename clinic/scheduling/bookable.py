"""Who has working hours, for the pages below that tell what a therapist lacks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.lacking import Need
from clinic.scheduling.models import WeeklyHours


def _working(therapists: Collection[int], today: date) -> Collection[int]:
    not_over = Q(valid_until__isnull=True) | Q(valid_until__gte=today)
    return WeeklyHours.objects.filter(not_over, therapist__in=therapists).values_list("therapist_id", flat=True)


HOURS = Need(_("no hours"), _working)
