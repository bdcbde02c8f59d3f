from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from clinic.people.models import Client, Service, Therapist
from plans.models import Plan
from tests.factories import ServiceFactory
from tests.plans.support import plan_of


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial release, 60 min")


@pytest.fixture
def plan(alice: Client, bea: Therapist, service: Service) -> Plan:
    """Alice's plan of six weeks ago: its weekly phase ends today, Thursday 19 November."""
    return plan_of(alice, bea, service, now=datetime(2026, 10, 8, 9, tzinfo=UTC), starts_on=date(2026, 10, 9))
