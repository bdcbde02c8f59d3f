"""A clinic that works every day, visits booked long ago, and mail that is caught."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest

from clinic.people.models import Client, Location, Service, Therapist
from clinic.reminders.kinds import MessageKind, message_kinds
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import add_weekly_hours, book_appointment
from tests.factories import BEFORE, ServiceFactory
from tests.reminders.support import LONG_AGO, agree

Book = Callable[..., Appointment]


@pytest.fixture
def service(clinic: object) -> Service:
    return ServiceFactory(name="Deep neck work for migraine", buffer_after=0)


@pytest.fixture
def consent(alice: Client) -> None:
    """Alice agrees to be written to."""
    agree(alice)


@pytest.fixture
def book(alice: Client, bea: Therapist, location: Location, service: Service) -> Book:
    """Return a function that books a visit of Alice's with Bea."""
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(6),
            closes=time(23),
            valid_from=date(2026, 1, 1),
        )

    def book_one(starts_at: datetime, *, booked_at: datetime = LONG_AGO, client: Client = alice) -> Appointment:
        return book_appointment(
            by=None,
            now=booked_at,
            client=client,
            service=service,
            therapist=bea,
            location=location,
            starts_at=starts_at,
        )

    return book_one


@pytest.fixture
def only_kind(monkeypatch: pytest.MonkeyPatch, alice: Client) -> dict[str, Any]:
    """Replace all kinds by one whose messages a test makes up: set `dues`, `words`, `keeps_quiet_hours`…"""
    made_up: dict[str, Any] = {"dues": [], "words": {}}
    kind = MessageKind(
        template="booking",
        find_due=lambda now: made_up["dues"],
        context=lambda pk, now: made_up["words"],
        keeps_quiet_hours=False,
    )
    monkeypatch.setattr(message_kinds, "_entries", {"plain": kind})
    return made_up
