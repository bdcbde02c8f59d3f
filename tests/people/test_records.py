"""All records of one person, as a query sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection

from clinic.desk.client import to_come_or_today
from clinic.people.models import Client
from clinic.people.records import Records, records_of
from clinic.people.services import lock_client
from clinic.scheduling.models import Appointment
from tests.factories import ClientFactory


def kept_plans(words: str) -> list[tuple[int, int]]:
    """Return, of the statements kept with these words, how often each ran by a kept plan and by one of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{words}%"]
        )
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def _as_in_a_large_house(db: None) -> None:
    """Let a plan cost what it costs where there are many clients: a few are read as a whole."""
    Client.objects.bulk_create(ClientFactory.build_batch(3000, primary_therapist=None))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE people_client")
        cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.parametrize("records", [records_of, lambda pk: records_of(pk, pk)], ids=["one", "a list"])
def test_what_is_asked_of_one_person_is_planned_once(
    alice: Client, records: Callable[[int], Records], request: pytest.FixtureRequest
) -> None:
    for _ in range(12):
        list(Appointment.objects.filter(client__among=records(alice.pk), status="booked").order_by("starts_at"))
    ((kept, own),) = kept_plans("people_client named")
    # The second shows that it is not so by itself: of a list the length is not known beforehand.
    assert (kept > 0) == (request.node.callspec.id == "one"), (kept, own)


def test_her_page_and_her_lock_are_planned_once(alice: Client, now: datetime) -> None:
    for _ in range(12):
        to_come_or_today(alice, now)
        lock_client(alice.pk)
    plans = kept_plans("people_client named")
    assert len(plans) == 2
    assert all(kept > 0 for kept, own in plans), plans
