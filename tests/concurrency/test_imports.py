"""Two workers on one import, and one that dies in the middle, with real transactions."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import pytest
from django.db import connection, connections

from clinic.people.importing import clients
from clinic.people.importing.working import go_on
from clinic.people.models import Client, Import, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)


@pytest.fixture
def olga(db: None) -> User:
    return UserFactory(name="Olga Novak", email="olga@example.org", roles=["owner"])


@pytest.fixture
def writing(olga: User) -> Import:
    """A file that was checked and is to be written."""
    return checked_and_waiting(olga)


def checked_and_waiting(olga: User) -> Import:
    names = [f"Client {number}" for number in range(30)]
    job = Import.objects.create(
        kind="clients",
        file_name="people.csv",
        content="\n".join(["Legal name", *names]).encode(),
        columns=["legal_name"],
        state=Import.State.CHECKING,
        by=olga,
        at=NOW,
        asked_at=NOW,
    )
    go_on(job.pk, NOW)
    Import.objects.filter(pk=job.pk).update(state=Import.State.WRITING)
    job.refresh_from_db()
    return job


def test_of_two_workers_one_writes_and_the_other_finds_it_done(writing):
    def work() -> None:
        try:
            go_on(writing.pk, NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work), pool.submit(work)]:
            done.result(timeout=60)
    writing.refresh_from_db()
    assert (writing.state, writing.made_count, Client.objects.count()) == ("done", 30, 30)


def test_of_two_files_with_the_same_people_one_is_written_and_the_other_looked_at_again(writing, olga, monkeypatch):
    again = checked_and_waiting(olga)
    begun, goes_on = Event(), Event()
    real = clients.Client.objects.bulk_create

    def waits(rows: Sequence[Client]) -> list[Client]:
        begun.set()
        assert goes_on.wait(timeout=30)
        return real(rows)

    monkeypatch.setattr(clients.Client.objects, "bulk_create", waits)

    def work() -> None:
        try:
            go_on(writing.pk, NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work)
        assert begun.wait(timeout=30)
        go_on(again.pk, NOW)
        goes_on.set()
        first.result(timeout=60)
    again.refresh_from_db()
    assert (again.state, Client.objects.count()) == ("checked", 30)
    assert "Another file of this kind is just being taken over" in again.why_stopped


def test_a_worker_that_dies_leaves_nothing_and_the_next_one_does_it_all(writing, monkeypatch):
    def dies(rows):
        assert Client.objects.count() == 30
        raise SystemExit

    monkeypatch.setattr(clients.ContactConsent.objects, "bulk_create", dies)
    with pytest.raises(SystemExit):
        go_on(writing.pk, NOW)
    monkeypatch.undo()
    assert not Client.objects.exists()
    writing.refresh_from_db()
    assert writing.state == "writing"
    go_on(writing.pk, NOW)
    writing.refresh_from_db()
    assert (writing.state, Client.objects.count()) == ("done", 30)


def test_where_the_database_lets_go_of_a_worker_nothing_is_written_and_the_page_says_so(writing, monkeypatch):
    def cuts_the_connection(rows):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(clients.ContactConsent.objects, "bulk_create", cuts_the_connection)

    def work() -> None:
        try:
            go_on(writing.pk, NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(timeout=60)
    writing.refresh_from_db()
    assert (writing.state, Client.objects.count()) == ("checked", 0)
    assert "Please try again" in writing.why_stopped
