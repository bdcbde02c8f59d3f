"""Two workers on one import, and one that dies in the middle, with real transactions."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event

import pytest
from django.db import connection, connections

from clinic.celery import app
from clinic.people.importing import clients
from clinic.people.importing.asking import ask_again
from clinic.people.importing.working import go_on
from clinic.people.models import Client, ContactConsent, Import, User
from clinic.people.tasks import go_on_with_import
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


def checked_and_waiting(olga: User, count: int = 30) -> Import:
    names = [f"Client {number},yes" for number in range(count)]
    job = Import.objects.create(
        kind="clients",
        file_name="people.csv",
        content="\n".join(["Legal name,May be written to by e-mail", *names]).encode(),
        columns=["legal_name", "by_email"],
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


# ---- killed in the middle ---------------------------------------------------------------------------------------

WORKER = ["-m", "celery", "--quiet", "-A", "clinic", "worker", "--pool", "solo", "--without-gossip"]
# The same writing, but each batch for itself.
WITHOUT_A_TRANSACTION = """
import django, sys
django.setup()
from clinic.people.importing.checking import check_rows, table_of
from clinic.people.importing.kinds import Work, kinds
from clinic.people.models import Import
job = Import.objects.get(pk=sys.argv[1])
kind, work = kinds[job.kind], Work(job.by, job.at, job.file_name, lambda share: None)
kind.write(check_rows(job, kind, table_of(job, kind), work), work)
"""


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of its own on this test's database, and kill it as a power cut would."""
    address = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    env = os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "clinic.settings"}
    with subprocess.Popen([sys.executable, *words], env=env, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def consents_held_up() -> Iterator[Callable[[], list[int]]]:
    """Let nobody write a consent; yield what tells who waits for it, by the number of the database's process."""
    other = connections.create_connection("default")
    other.set_autocommit(autocommit=False)
    try:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE people_contactconsent IN SHARE ROW EXCLUSIVE MODE")
            yield lambda: pids("pg_locks WHERE relation = 'people_contactconsent'::regclass AND NOT granted")
    finally:
        other.rollback()
        other.close()


def pids(among: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid FROM {among}")  # noqa: S608 -- words of this file
        return [pid for (pid,) in cursor.fetchall()]


def wait_until(so: Callable[[], object]) -> None:
    end = time.monotonic() + 40
    while not so():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.05)


def kill_in_the_middle(*words: str) -> None:
    """Kill whoever writes when the first thousand clients are written and their consents are not."""
    with consents_held_up() as waiting, started(*words) as process:
        wait_until(waiting)
        [backend] = waiting()
        process.kill()
        assert process.wait() == -9
    wait_until(lambda: backend not in pids("pg_stat_activity"))


def test_a_worker_killed_in_the_middle_leaves_nothing_and_another_takes_over_all(olga):
    app.control.purge()
    job = checked_and_waiting(olga, 1500)
    go_on_with_import.delay(job.pk)
    kill_in_the_middle(*WORKER)
    assert (Client.objects.count(), ContactConsent.objects.count()) == (0, 0)
    job.refresh_from_db()
    assert (job.state, job.made_count, job.lines.count()) == ("writing", 0, 1500)
    ask_again(job, now=NOW)
    with started(*WORKER):
        wait_until(lambda: Import.objects.get(pk=job.pk).state != "writing")
    job.refresh_from_db()
    assert (job.state, job.made_count, job.lines.count()) == ("done", 1500, 0)
    assert (Client.objects.count(), ContactConsent.objects.count()) == (1500, 1500)


def test_without_the_transaction_half_of_them_would_stay(olga):
    job = checked_and_waiting(olga, 1500)
    kill_in_the_middle("-c", WITHOUT_A_TRANSACTION, str(job.pk))
    assert (Client.objects.count(), ContactConsent.objects.count()) == (1000, 0)
