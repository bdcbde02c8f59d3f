"""How the house says that it is well."""

import os
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from clinic.celery import BEAT_PULSE, WORKER_PULSE, app, beat_once, heartbeat
from clinic.reminders.models import Message


@pytest.fixture
def pulses() -> None:
    beat_once(BEAT_PULSE)
    heartbeat(list(app.amqp.queues))


@pytest.fixture
def deaf_server(tmp_path_factory):
    """Return the path of a socket that takes connections and never answers."""
    folder = Path("/tmp") / f"deaf-{os.getpid()}"  # noqa: S108  # a socket's path must be short
    folder.mkdir(mode=0o700, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    path = folder / ".s.PGSQL.5432"
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    listener.listen()
    yield path
    listener.close()
    path.unlink()
    folder.rmdir()


def test_living_asks_nobody_else():
    answer = Browser().get("/livez")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_all_is_well_when_every_part_answers(db, pulses):
    answer = Browser().get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"database": "ok", "broker": "ok", "worker": "ok", "beat": "ok", "messages": "ok"}


@pytest.mark.parametrize(
    ("key", "part"), [(WORKER_PULSE + next(iter(app.amqp.queues)), "worker"), (BEAT_PULSE, "beat")]
)
def test_a_part_without_a_pulse_is_silent(db, pulses, key, part):
    cache.delete(key)
    answer = Browser().get("/healthz")
    assert answer.status_code == 503
    assert {name for name, word in answer.json().items() if word != "ok"} == {part}
    assert answer.json()[part] == "silent"


def test_due_messages_that_nobody_sends_are_late(pulses, now, alice):
    message = Message.objects.create(
        kind="reminder", subject_pk=1, client=alice, channel="email", about_at=now + timedelta(hours=2),
        due_at=now - timedelta(minutes=4), useless_after=now + timedelta(hours=2), created_at=now,
    )  # fmt: skip
    assert Browser().get("/healthz").json()["messages"] == "ok"
    Message.objects.filter(pk=message.pk).update(due_at=now - timedelta(minutes=6))
    answer = Browser().get("/healthz")
    assert (answer.status_code, answer.json()["messages"]) == (503, "late")


def test_a_pulse_fades(db, now, time_machine):
    time_machine.move_to(now)
    beat_once(BEAT_PULSE)
    time_machine.shift(36)
    assert Browser().get("/healthz").json()["beat"] == "silent"


def test_without_the_broker_nobody_knows_of_worker_and_beat(db, settings):
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    answer = Browser().get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {
        "database": "ok",
        "broker": "down",
        "worker": "unknown",
        "beat": "unknown",
        "messages": "ok",
    }


def test_a_broker_that_hangs_does_not_hang_the_answer(db, settings, deaf_server):
    settings.REDIS_URL = f"unix://{deaf_server}"
    began = time.monotonic()
    assert Browser().get("/healthz").json()["broker"] == "down"
    assert time.monotonic() - began < 8


def test_a_database_that_hangs_does_not_hang_the_answer(db, settings, pulses, monkeypatch, deaf_server):
    monkeypatch.setattr(
        "django.db.backends.postgresql.base.DatabaseWrapper.get_connection_params",
        lambda self: {"host": str(deaf_server.parent), "dbname": "x", "user": "x"},
    )
    began = time.monotonic()
    answer = Browser().get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "down", "broker": "ok", "worker": "ok", "beat": "ok", "messages": "unknown"}
    assert time.monotonic() - began < 8
