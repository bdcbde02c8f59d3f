"""What the page of a therapist's working hours shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from clinic.people.models import Location, Therapist
from clinic.scheduling.models import WeeklyHours
from clinic.scheduling.working_week import HoursGroup, Period, groups_of, periods_of


@dataclass(frozen=True)
class PeriodRow:
    """Hours in words, from when to when; `last` is None where they count until they are changed."""

    first: date
    last: date | None
    groups: Sequence[HoursGroup]


@dataclass(frozen=True)
class HoursPage:
    now: PeriodRow | None
    later: Sequence[PeriodRow]
    before: Sequence[PeriodRow]


def hours_page(therapist: Therapist, today: date) -> HoursPage:
    """Return a therapist's hours: those of today, those to come, and what was, latest first. Two queries."""
    periods = periods_of(WeeklyHours.objects.filter(therapist=therapist))
    locations = Location.objects.in_bulk({line.location for period in periods for line in period.lines})

    def row(period: Period) -> PeriodRow:
        around = max(period.first, today) if period.last is None or period.last >= today else period.first
        return PeriodRow(period.first, period.last, groups_of(period.lines, locations, around))

    current = [one for one in periods if one.first <= today and (one.last is None or today <= one.last)]
    return HoursPage(
        now=row(current[0]) if current else None,
        later=[row(one) for one in periods if one.first > today],
        before=[row(one) for one in reversed(periods) if one.last and one.last < today and one.lines],
    )


def places_for(therapist: Therapist) -> Sequence[Location]:
    """Return where she may work: the places an owner has named and those of her hours, else every one in use."""
    hers = Q(therapists=therapist) | Q(pk__in=WeeklyHours.objects.filter(therapist=therapist).values("location"))
    in_use = Location.objects.filter(archived_at__isnull=True)
    return list(in_use.filter(hers).distinct()) or list(in_use)
