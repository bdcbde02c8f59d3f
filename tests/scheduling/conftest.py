"""Bea's week, and a quick way to book with her."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment, Series, Wish
from clinic.scheduling.services import ChosenVisit, add_weekly_hours, book_appointment, book_series
from clinic.scheduling.waitlist import Wished, add_wish
from tests.factories import BEFORE, ClientFactory, ServiceFactory, give_hours
from tests.importing import bring, send, take, worker  # noqa: F401 -- fixtures

Book = Callable[..., Appointment]
Wait = Callable[..., Wish]


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
    give_hours(bea, location, (9, 13), (14, 18))


@pytest.fixture
def book(
    dana: User, alice: Client, bea: Therapist, location: Location, service: Service, hours: None, now: datetime
) -> Book:
    """Return a function that books Alice's hour with Bea; what differs is given by name."""

    def do(starts_at: datetime, **others: object) -> Appointment:
        wishes = {"client": alice, "service": service, "therapist": bea, "location": location, "by": dana, "now": now}
        return book_appointment(starts_at=starts_at, **wishes | others)

    return do


@pytest.fixture
def series(
    dana: User, alice: Client, service: Service, bea: Therapist, location: Location, hours: None, now: datetime
) -> Series:
    """Five Thursdays with Bea at ten."""
    first = datetime(2026, 11, 26, 10, tzinfo=UTC)
    return book_series(
        by=dana,
        now=now,
        client=alice,
        service=service,
        therapist=bea,
        location=location,
        first_on=date(2026, 11, 26),
        at_time=time(10),
        every_weeks=1,
        count=5,
        chosen=[ChosenVisit(first + timedelta(weeks=number), bea) for number in range(5)],
        idempotency_key=uuid4(),
    )


@pytest.fixture
def hour(db: None) -> Service:
    """An hour without anything around it."""
    return ServiceFactory(minutes=60, buffer_before=0, buffer_after=0)


@pytest.fixture
def full(bea: Therapist, location: Location, dana: User, hour: Service, now: datetime) -> dict[str, Appointment]:
    """Bea works on the coming Monday and Tuesday at ten for an hour, and both hours are taken."""
    visits = {}
    for name, weekday, day in (("monday", 0, 23), ("tuesday", 1, 24)):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(10),
            closes=time(11),
            valid_from=date(2026, 11, 19),
            valid_until=date(2026, 11, 26),
        )
        visits[name] = book_appointment(
            by=dana,
            now=now,
            client=ClientFactory(),
            service=hour,
            therapist=bea,
            location=location,
            starts_at=at(10, day=day),
        )
    return visits


@pytest.fixture
def wait(dana: User, alice: Client, hour: Service, now: datetime) -> Wait:
    """Return a function that puts somebody on the waitlist, a day ago: Alice, for an hour, if nothing else is said."""

    def do(client: Client = alice, *, added_at: datetime = now - timedelta(days=1), **wished: object) -> Wish:
        return add_wish(by=dana, now=added_at, client=client, wished=Wished(**{"services": [hour]} | wished))

    return do
