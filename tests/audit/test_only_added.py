"""What is only ever added, the database neither changes nor deletes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, ProtectedError

from clinic.audit.models import Change, Look
from clinic.audit.services import record_change, record_look
from clinic.people.models import Client, ContactConsent, User
from clinic.people.services import record_contact_consent
from clinic.scheduling.models import Appointment, Status, StatusChange
from plans.models import Measure, Score
from plans.services import record_score
from tests.factories import RoomFactory, ServiceFactory, TherapistFactory

ONLY_ADDED: list[type[Model]] = [Change, ContactConsent, Look, Score, StatusChange]


@pytest.fixture
def visit(alice: Client, dana: User, now: datetime) -> Appointment:
    room = RoomFactory()
    return Appointment.objects.create(
        client=alice,
        service=ServiceFactory(),
        therapist=TherapistFactory(),
        room=room,
        location=room.location,
        starts_at=now,
        ends_at=now.replace(hour=10),
        occupied_from=now,
        occupied_until=now.replace(hour=11),
        booked_at=now,
    )


@pytest.fixture
def one_of_each(alice: Client, dana: User, visit: Appointment, now: datetime) -> None:
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact", now=now)
    record_change(by=dana.pk, client=alice.pk, what=alice, words="changed: e-mail", now=now)
    record_contact_consent(by=dana, now=now, client=alice, channel="email", is_given=True, source="on the phone")
    record_score(by=dana, now=now, client=alice, measure=Measure.MIGRAINE_DAYS, value=Decimal(5), on=now.date())
    StatusChange.objects.create(appointment=visit, before="", after=Status.BOOKED, by=dana, at=now)


@pytest.mark.parametrize("model", ONLY_ADDED)
def test_a_row_that_was_added_neither_changes_nor_goes(one_of_each: None, model: type[Model]) -> None:
    rows = model._default_manager
    row = rows.order_by("pk")[0]
    for attempt in (row.save, row.delete, rows.all().delete, lambda: rows.update(id=row.pk + 1000)):
        with pytest.raises(IntegrityError, match="are only ever added"), transaction.atomic():
            attempt()
    assert rows.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", ONLY_ADDED)
def test_no_mode_of_replication_passes_over_it(one_of_each: None, model: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE %s",
            [model._meta.db_table, "%_is_only_added"],
        )
        assert cursor.fetchall() == [("A",)]


def test_a_visit_or_a_client_with_a_record_cannot_be_deleted(
    one_of_each: None, alice: Client, visit: Appointment
) -> None:
    for thing in (visit, alice):
        with pytest.raises(ProtectedError):
            thing.delete()
