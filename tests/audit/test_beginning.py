"""What was there before its history was kept begins with how it stood."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import RunPython
from django.db.migrations.loader import MigrationLoader
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.beginning import tell_how_it_stood
from clinic.people.models import Client, Modality, TherapistsNote
from clinic.people.services import update_client
from clinic.people.services.catalogue import add_modality
from tests.factories import ClientFactory

Event = Client.pgh_event_model


def words_of(browser: Browser, url: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", browser.get(url).content.decode())).split())


def begin(*models: str) -> None:
    """Do to these tables what the migration does."""
    with connection.schema_editor() as editor:
        tell_how_it_stood("people", *models).code(apps, editor)


@pytest.fixture
def long_known(alice: Client) -> Client:
    """Alice as the upgrade finds her: written down, and nothing of it kept."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE people_clientevent, people_therapistsnoteevent")
    return alice


def test_the_first_change_of_what_was_there_before_has_a_before(long_known, dana, as_olga, now):
    begin("Client")
    update_client(by=dana, now=now, client=long_known, email="alice@example.net")
    page = words_of(as_olga, reverse("audit:client-history", args=[long_known.pk]))
    assert "Dana Silva Client changed E-mail before: alice@example.org after: alice@example.net" in page
    assert "not through a page Client as it stood" in page
    assert "Client added" not in page


def test_how_it_stood_is_told_in_its_own_history_and_not_as_a_change_of_the_clinic(long_known, as_olga):
    begin("Client")
    assert "Client as it stood" in words_of(as_olga, reverse("audit:client-history", args=[long_known.pk]))
    page = words_of(as_olga, reverse("audit:clinic-history"))
    assert "as it stood" not in page
    assert "Clinic added" in page


def test_it_is_told_once_and_of_nothing_that_has_a_history(long_known):
    begin("Client")
    later = ClientFactory()
    begin("Client")
    told = Event.objects.order_by("pgh_id").values_list("pgh_obj_id", "pgh_label", "pgh_context", "legal_name")
    assert list(told) == [
        (long_known.pk, "stood", None, "Alice Marques"),
        (later.pk, "insert", None, later.legal_name),
    ]


def test_a_change_whose_before_nobody_kept_is_not_told_as_if_all_of_it_had_changed(long_known, dana, as_olga, now):
    update_client(by=dana, now=now, client=long_known, pronouns="she")
    page = words_of(as_olga, reverse("audit:client-history", args=[long_known.pk]))
    assert "Dana Silva Client as it stood Full name after: Alice Marques" in page


def test_a_closed_note_was_changed_whether_or_not_its_before_may_be_read(long_known, as_olga):
    TherapistsNote.objects.create(client=long_known, text="one")
    TherapistsNote.objects.update(text="two")
    page = words_of(as_olga, reverse("audit:client-history", args=[long_known.pk]))
    assert "Note for therapists changed Only therapists read what it says." in page


def test_the_beginning_comes_before_the_first_migration_that_writes_to_a_tracked_table():
    loader = MigrationLoader(connection)
    plan = loader.graph.forwards_plan(("intake", "0003_room_wishes_to_the_record"))
    begins = plan.index(("people", "0004_history_only_added"))
    assert isinstance(loader.graph.nodes[plan[begins]].operations[0], RunPython)
    writing = [
        key
        for key in plan[plan.index(("people", "0003_records_in_full")) : begins]
        if any(isinstance(one, RunPython) for one in loader.graph.nodes[key].operations)
    ]
    assert writing == []


def test_the_modalities_that_came_with_the_program_have_a_beginning(db):
    told = Modality.pgh_event_model.objects.exclude(pgh_label="update").values_list("pgh_obj_id", flat=True)
    assert sorted(told) == sorted(Modality.objects.values_list("pk", flat=True)) != []


def test_the_history_of_a_modality_tells_who_loosened_its_rules(as_olga, olga, clinic, now):
    own = add_modality(by=olga, now=now, name="Hot stones", code="HS", is_deep=False)
    page = words_of(as_olga, reverse("audit:record-history", args=["modality", own.pk]))
    assert "Olga Novak Modality added" in page
    assert "Works deep after: no" in page
    assert "Works at head or neck after: yes" in page
