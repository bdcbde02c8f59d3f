"""Signed means frozen: by the page, the ORM, update(), raw SQL, as the owner and as the app's role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client as Browser
from django.urls import reverse

from clinic.embedded.pytest_plugin import app_role_dsn
from clinic.people.models import Client, Therapist
from sessions import signing
from sessions.models import Addendum, Block, BodyMark, Note
from sessions.services import (
    add_addendum,
    add_block,
    lift_mark,
    place_mark,
    remove_block,
    save_note,
    sign_note,
)
from tests.factories import modality
from tests.sessions.conftest import Book, Record, Start

FROZEN = "signed"
Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@pytest.fixture
def whole(finished: Note, bea: Therapist, now: datetime) -> Note:
    """Return a signed note with a block, a mark and an addendum."""
    place_mark(by=bea.user, now=now, note=finished, region="temple", side="left", kind="tender")
    note = sign_note(by=bea.user, now=now, note=finished)
    add_addendum(by=bea.user, now=now, note=note, text="She called.")
    return note


def execute(sql: str, *params: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


# --- The services


def test_no_service_changes_a_signed_note(whole: Note, bea: Therapist, now: datetime) -> None:
    block, mark = whole.blocks.get(), whole.marks.get()
    common: dict[str, Any] = {"by": bea.user, "now": now, "note": whole}
    attempts: list[Callable[[], object]] = [
        lambda: save_note(**common, revision=whole.revision, response="Rewritten."),
        lambda: sign_note(**common),
        lambda: add_block(
            **common,
            modality=modality("swedish"),
            region="foot",
            side="both",
            technique="effleurage",
            pressure=1,
            minutes=5,
        ),
        lambda: remove_block(**common, block=block),
        lambda: place_mark(**common, region="temple", side="right", kind="tender"),
        lambda: lift_mark(**common, mark=mark),
    ]
    for attempt in attempts:
        with pytest.raises(ValidationError, match=FROZEN):
            attempt()


# --- The ORM


def test_the_orm_cannot_save_update_or_delete_it(whole: Note) -> None:
    whole.response = "Rewritten."
    attempts: list[Callable[[], object]] = [
        whole.save,
        whole.delete,
        lambda: Note.objects.filter(pk=whole.pk).update(pain_after=0),
        lambda: Note.objects.filter(pk=whole.pk).update(state="draft"),
        lambda: Note.objects.bulk_update([whole], ["response"]),
        lambda: Block.objects.filter(note=whole).update(pressure=1),
        lambda: Block.objects.filter(note=whole).delete(),
        lambda: BodyMark.objects.filter(note=whole).delete(),
        lambda: BodyMark.objects.create(note=whole, region="temple", side="right", kind="avoid"),
        lambda: Addendum.objects.filter(note=whole).update(text="Rewritten."),
        lambda: Addendum.objects.filter(note=whole).delete(),
    ]
    for attempt in attempts:
        with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
            attempt()
    again = Note.objects.get(pk=whole.pk)
    assert (again.state, again.response, again.blocks.count(), again.marks.count(), again.addenda.count()) == (
        "signed", "Sleepy – ‘lighter’, she said.", 1, 1, 1,
    )  # fmt: skip


def test_deleting_the_client_or_the_visit_is_refused(whole: Note, alice: Client) -> None:
    for thing in (alice, whole.appointment, whole.therapist, whole.signed_by):
        with pytest.raises(ProtectedError), transaction.atomic():
            thing.delete()


def test_a_block_cannot_move_into_or_out_of_a_signed_note(
    whole: Note, book: Book, start: Start, record: Record, now: datetime
) -> None:
    other = start(book(now + timedelta(hours=2)), pain_before=1)
    theirs = record(other)
    for block, note in ((theirs, whole), (whole.blocks.get(), other)):
        with pytest.raises(IntegrityError, match=FROZEN), transaction.atomic():
            Block.objects.filter(pk=block.pk).update(note=note, position=9)


# --- Raw SQL, as the owner and as the app's role

BLOCK_COLUMNS = (
    "modality_id, region, side, technique, pressure, minutes, details, passed_over, is_deviation, override_reason"
)
ADD_A_MARK = "INSERT INTO treatment_bodymark (note_id, region, side, kind) VALUES (%(note)s, 'brow', 'left', 'avoid')"
ATTEMPTS = {
    "rewrite": "UPDATE treatment_note SET response = 'Rewritten.' WHERE id = %(note)s",
    "unsign": "UPDATE treatment_note SET state = 'draft' WHERE id = %(note)s",
    "give to another": "UPDATE treatment_note SET client_id = client_id WHERE id = %(note)s",
    "delete": "DELETE FROM treatment_note WHERE id = %(note)s",
    "press less": "UPDATE treatment_block SET pressure = 1 WHERE note_id = %(note)s",
    "drop a block": "DELETE FROM treatment_block WHERE note_id = %(note)s",
    "add a block": "INSERT INTO treatment_block (note_id, position, %(columns)s)"
    " SELECT note_id, 2, %(columns)s FROM treatment_block WHERE note_id = %(note)s",
    "move a mark": "UPDATE treatment_bodymark SET region = 'brow' WHERE note_id = %(note)s",
    "drop a mark": "DELETE FROM treatment_bodymark WHERE note_id = %(note)s",
    "add a mark": ADD_A_MARK,
    "rewrite an addendum": "UPDATE treatment_addendum SET text = 'x' WHERE note_id = %(note)s",
    "drop an addendum": "DELETE FROM treatment_addendum WHERE note_id = %(note)s",
    "hide behind a temporary table": "CREATE TEMPORARY TABLE treatment_note AS SELECT id, 'draft'::text AS state"
    " FROM public.treatment_note; INSERT INTO public.treatment_bodymark (note_id, region, side, kind)"
    " SELECT id, 'brow', 'left', 'avoid' FROM treatment_note",
}
FOR_THE_APP_ONLY = {
    "truncate": "TRUNCATE treatment_note CASCADE",
    "stop the triggers": "ALTER TABLE treatment_note DISABLE TRIGGER ALL",
    "drop the trigger": "DROP TRIGGER note_signed_is_frozen ON treatment_note",
    "replace its function": "CREATE OR REPLACE FUNCTION treatment_refuse_change() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "play the replica": "SET session_replication_role = replica",
}


@pytest.mark.django_db(transaction=True)
def test_raw_sql_is_refused_to_the_owner_and_to_the_apps_role(whole: Note) -> None:
    before = everything_of(whole)
    for connect in (as_owner, as_app):
        for name, sql in ATTEMPTS.items():
            assert refusal(connect, sql, whole) is psycopg.errors.RestrictViolation, (connect, name)
    for name, sql in FOR_THE_APP_ONLY.items():
        assert refusal(as_app, sql, whole) is psycopg.errors.InsufficientPrivilege, name
    assert everything_of(whole) == before


@pytest.mark.django_db(transaction=True)
def test_it_is_the_trigger_that_protects(whole: Note) -> None:
    """Without the triggers, which only the tables' owner can stop, the same statement goes through."""
    with triggers_off():
        execute("UPDATE treatment_note SET response = 'Rewritten.' WHERE id = %s", whole.pk)
    assert Note.objects.get(pk=whole.pk).response == "Rewritten."


@pytest.mark.django_db(transaction=True)
def test_a_block_that_is_written_while_the_note_is_signed_waits_and_is_refused(
    finished: Note, bea: Therapist, now: datetime
) -> None:
    with as_owner() as other:
        with transaction.atomic():
            sign_note(by=bea.user, now=now, note=finished)
            other.execute("SET lock_timeout = '300ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                run(other, ADD_A_MARK, finished)
            other.rollback()
        with pytest.raises(psycopg.errors.RestrictViolation):
            run(other, ADD_A_MARK, finished)


def refusal(connect: Connect, sql: str, note: Note) -> type[Exception] | None:
    """Return how the database refuses a statement; None where it does not."""
    try:
        with connect() as database:
            run(database, sql, note)
    except psycopg.Error as refused:
        return type(refused)
    return None


def run(database: psycopg.Connection[Any], sql: str, note: Note) -> None:
    database.execute(sql.replace("%(note)s", str(note.pk)).replace("%(columns)s", BLOCK_COLUMNS))


@contextmanager
def as_app() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(app_role_dsn(connection.settings_dict["NAME"])) as database:
        yield database


@contextmanager
def as_owner() -> Iterator[psycopg.Connection[Any]]:
    settings = connection.get_connection_params()
    wanted = {name: settings[name] for name in ("host", "user", "password", "dbname") if name in settings}
    with psycopg.connect(**wanted) as database:
        yield database


def everything_of(note: Note) -> list[object]:
    kept = Note.objects.filter(pk=note.pk).values()
    return [list(rows) for rows in (kept, note.blocks.values(), note.marks.values(), note.addenda.values())]


@contextmanager
def triggers_off(*tables: str) -> Iterator[None]:
    """Stop the triggers for a while, as only the tables' owner can; they fire in every replication mode afterwards."""
    found = {table: own_triggers(table) for table in tables or ("treatment_note",)}
    for table in found:
        execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table, triggers in found.items():
        for trigger in triggers:
            execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")


def own_triggers(table: str) -> list[str]:
    sql = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return [name for (name,) in cursor.fetchall()]


def test_the_triggers_fire_in_every_replication_mode(db: None) -> None:
    sql = "SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgname LIKE %s AND NOT tgisinternal"
    with connection.cursor() as cursor:
        cursor.execute(sql, ["%signed%"])
        found = dict(cursor.fetchall())
    assert found == {
        "note_signed_is_frozen": "A",
        "block_of_signed_note_is_frozen": "A",
        "mark_of_signed_note_is_frozen": "A",
    }


# --- The page


def test_no_page_changes_a_signed_note(whole: Note, as_bea: Browser, now: datetime) -> None:
    before = everything_of(whole)
    block, mark = whole.blocks.get(), whole.marks.get()
    for url in (
        reverse("treatment:note", args=[whole.pk]),
        reverse("treatment:sign", args=[whole.pk]),
        reverse("treatment:block-add", args=[whole.pk]),
        reverse("treatment:block-remove", args=[whole.pk, block.pk]),
        reverse("treatment:mark-add", args=[whole.pk]),
        reverse("treatment:mark-remove", args=[whole.pk, mark.pk]),
    ):
        answer = as_bea.post(url, {"revision": whole.revision, "response": "Rewritten.", "shown": whole.digest})
        assert answer.status_code == 404, url
    assert everything_of(whole) == before


# --- The chain


@pytest.fixture
def three(book: Book, calm: None, start: Start, record: Record, bea: Therapist, now: datetime) -> list[Note]:
    """Return three signed notes, one after the other."""
    notes = []
    for hour in range(3):
        moment = now + timedelta(hours=hour)
        draft = start(book(moment), now=moment)
        record(draft, now=moment)
        done = save_note(by=bea.user, now=moment, note=draft, revision=1, pain_after=hour, response=f"Note {hour + 1}.")
        notes.append(sign_note(by=bea.user, now=moment, note=done))
    return notes


def verify() -> str:
    out = StringIO()
    call_command("verify_notes", stdout=out)
    return out.getvalue().strip()


def test_an_empty_chain_is_whole(db: None) -> None:
    assert verify() == "0 signed notes, the chain is whole."


def test_each_note_follows_the_one_before(three: list[Note]) -> None:
    first, second, third = three
    assert [note.chain_position for note in three] == [1, 2, 3]
    assert (second.previous_digest, third.previous_digest) == (first.digest, second.digest)
    assert verify() == "3 signed notes, the chain is whole."


def test_the_signed_bytes_are_canonical_and_without_the_client(signed: Note, alice: Client) -> None:
    kept = bytes(Note.objects.get(pk=signed.pk).canonical or b"")
    again = signing.canonical_bytes(Note.objects.with_people().get(pk=signed.pk), signed_by=signed.signed_by)
    assert kept == again
    assert "‘lighter’".encode() in kept
    assert b"Alice" not in kept
    assert b'"client' not in kept
    assert b", " not in kept.replace("Sleepy – ‘lighter’, she said.".encode(), b"")


TAMPERING = {
    "its note changed": ("UPDATE treatment_note SET pain_after = 0 WHERE id = %s", 2),
    "its blocks changed": ("UPDATE treatment_block SET pressure = 1 WHERE note_id = %s", 2),
    "its marks changed": (
        "INSERT INTO treatment_bodymark (note_id, region, side, kind) VALUES (%s, 'brow', 'left', 'avoid')",
        2,
    ),
    "its digest does not belong": ("UPDATE treatment_note SET canonical = 'x'::bytea WHERE id = %s", 2),
    "it does not follow": ("UPDATE treatment_note SET previous_digest = '' WHERE id = %s", 2),
    "place 2 in the chain is missing": (
        "UPDATE treatment_note SET state = 'draft', chain_position = NULL WHERE id = %s",
        3,
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", TAMPERING)
def test_it_finds_the_first_note_that_was_tampered_with(three: list[Note], words: str) -> None:
    sql, place = TAMPERING[words]
    Note.objects.count()
    with triggers_off("treatment_note", "treatment_block", "treatment_bodymark"):
        execute(sql, three[1].pk)
    with pytest.raises(CommandError) as broken:
        verify()
    assert str(broken.value).startswith(f"Note {three[place - 1].pk}, place {place} in the chain")
    assert words in str(broken.value)
