"""What is only ever added, the database neither changes nor deletes."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, ProtectedError

from clinic.audit.kinds import record_kinds
from clinic.audit.models import Change, Look
from clinic.audit.services import record_change, record_look
from clinic.people.models import Client, ContactConsent, OpeningHours, Room, Therapist, TherapistsNote, User
from clinic.people.services import record_contact_consent
from clinic.scheduling.models import Appointment, Status, StatusChange
from plans.models import Measure, Score
from plans.services import record_score
from tests.factories import RoomFactory, ServiceFactory, TherapistFactory

ONLY_ADDED: list[type[Model]] = [Change, ContactConsent, Look, Score, StatusChange]
EVENTS: list[type[Model]] = [model.pgh_event_model for model in apps.get_models() if hasattr(model, "pgh_event_model")]


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


@pytest.mark.parametrize("model", [*ONLY_ADDED, *EVENTS])
def test_no_mode_of_replication_passes_over_it(one_of_each: None, model: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE %s",
            [model._meta.db_table, "%_is_only_added"],
        )
        assert cursor.fetchall() == [("A",)]


@pytest.fixture
def an_event_of_each(alice: Client, bea: Therapist, room: Room, now: datetime) -> None:
    """Each tracked table has been written to; every one of these rows is a trigger's."""
    TherapistsNote.objects.create(client=alice, text="a note")
    OpeningHours.objects.create(location=room.location, weekday=0, opens=time(8), closes=time(18))
    bea.locations.set([room.location])
    ServiceFactory()


def test_every_tracked_model_has_its_place_in_a_history() -> None:
    assert {part.events for kind in record_kinds for part in kind.parts} == set(EVENTS)


@pytest.mark.parametrize("events", EVENTS, ids=lambda events: events.__name__)
@pytest.mark.parametrize("sql", ["UPDATE {} SET pgh_label = 'insert'", "DELETE FROM {}"], ids=["changes", "goes"])
def test_what_the_change_history_keeps_neither_changes_nor_goes(
    an_event_of_each: None, events: type[Model], sql: str
) -> None:
    kept = list(events._default_manager.order_by("pk").values())
    assert kept
    with (
        pytest.raises(IntegrityError, match="are only ever added"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format(events._meta.db_table))
    assert list(events._default_manager.order_by("pk").values()) == kept


def test_a_visit_or_a_client_with_a_record_cannot_be_deleted(
    one_of_each: None, alice: Client, visit: Appointment
) -> None:
    for thing in (visit, alice):
        with pytest.raises(ProtectedError):
            thing.delete()
