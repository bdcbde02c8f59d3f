"""A therapist with a week of long days, clients who want her time, and a quick way to book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import book_appointment
from tests.concurrency.racing import AT_ONCE, NOW, TEN, works_all_week
from tests.factories import ClientFactory, ServiceFactory


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(minutes=60, buffer_before=0, buffer_after=15)


@pytest.fixture
def clients(bea: Therapist, location: Location) -> list[Client]:
    works_all_week(bea, location)
    return [ClientFactory() for _ in range(AT_ONCE)]


@pytest.fixture
def book(dana: User, bea: Therapist, location: Location, service: Service) -> Callable[..., Appointment]:
    def do(client: Client, starts_at: datetime = TEN, **others: object) -> Appointment:
        wishes = {"by": dana, "now": NOW, "service": service, "therapist": bea, "location": location}
        return book_appointment(client=client, starts_at=starts_at, **wishes | others)

    return do
