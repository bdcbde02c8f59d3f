"""What clients will read before they confirm a booking online, on an example."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.timezone import make_naive

from clinic.people.models import Clinic, Service, clinic_zone

AN_EXAMPLE = timedelta(days=7)


@dataclass(frozen=True)
class BookingPreview:
    """The rules as they stand beside an example: a visit a week from now, at ten."""

    clinic: Clinic
    service: Service | None
    starts: datetime
    free_until: datetime
    fee: int
    # The first moment that can be booked, and the last day.
    first: datetime
    last: datetime


def preview_of(clinic: Clinic, now: datetime) -> BookingPreview:
    """Return the rules of `clinic`, as kept or as typed, on the first service that is bookable online."""
    wall = make_naive(now, clinic_zone())
    starts = (wall + AN_EXAMPLE).replace(hour=10, minute=0, second=0, microsecond=0)
    service = Service.objects.filter(is_bookable_online=True, archived_at__isnull=True).first()
    return BookingPreview(
        clinic=clinic,
        service=service,
        starts=starts,
        free_until=starts - timedelta(hours=clinic.cancellation_hours),
        fee=clinic.late_fee(service.price_minor) if service else 0,
        first=wall + timedelta(hours=clinic.online_lead_hours),
        last=wall + timedelta(days=clinic.online_horizon_days),
    )
