"""Bea's week, and a quick way to book with her."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import pytest

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import add_weekly_hours, book_appointment
from tests.factories import BEFORE, ServiceFactory
from tests.importing import bring, send, take, worker  # noqa: F401 -- fixtures

Book = Callable[..., Appointment]


def at(hour: int, minute: int = 0, *, day: int = 19) -> datetime:
    """Return a moment in November 2026, when Lisbon keeps UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def day_at(day: int, hour: int) -> datetime:
    """Return a full hour of a day in November 2026."""
    return at(hour, day=day)


@pytest.fixture
def service(db: None) -> Service:
    """An hour, and a quarter of one to change the linen."""
    return ServiceFactory(minutes=60, buffer_before=0, buffer_after=15)


@pytest.fixture
def hours(bea: Therapist, location: Location) -> None:
    """Bea works from Monday to Friday, from 9 to 13 and from 14 to 18."""
    for weekday in range(5):
        for opens, closes in ((time(9), time(13)), (time(14), time(18))):
            add_weekly_hours(
                by=None,
                now=BEFORE,
                therapist=bea,
                location=location,
                weekday=weekday,
                opens=opens,
                closes=closes,
                valid_from=date(2026, 1, 1),
            )


@pytest.fixture
def book(
    dana: User, alice: Client, bea: Therapist, location: Location, service: Service, hours: None, now: datetime
) -> Book:
    """Return a function that books Alice's hour with Bea; what differs is given by name."""

    def do(starts_at: datetime, **others: object) -> Appointment:
        wishes = {"client": alice, "service": service, "therapist": bea, "location": location, "by": dana, "now": now}
        return book_appointment(starts_at=starts_at, **wishes | others)

    return do
