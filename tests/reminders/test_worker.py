"""A real worker, a real broker: what is due goes out, and nothing but ids travels."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from celery.beat import PersistentScheduler
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from redis import ConnectionError as BrokerIsAway
from redis import Redis

from clinic import celery
from clinic.celery import BEAT_PULSE, HeartbeatScheduler, app
from clinic.reminders import tasks
from clinic.reminders.models import Message
from tests.reminders.conftest import Book

State = Message.State
QUEUE = "stillpoint:mail"


@contextmanager
def worker(mails: Path) -> Iterator[None]:
    """Run a Celery worker of its own on this test's database, writing mails into a folder."""
    address = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{connection.settings_dict['NAME']}"
    env = os.environ | {"DATABASE_URL": address, "EMAIL_URL": f"filemail:///{mails}"}
    words = ["--quiet", "-A", "clinic", "worker", "--pool", "solo", "--without-gossip"]
    command = [sys.executable, "-m", "celery", *words]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until(so: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("consent")
def test_a_worker_sends_what_is_due_and_only_ids_travel_through_the_broker(book: Book, tmp_path: Path) -> None:
    app.control.purge()
    now = timezone.now()
    visit_at = (now + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    book(visit_at, booked_at=now - timedelta(minutes=10))

    tasks.sweep()

    (message,) = Message.objects.all()
    with Redis.from_url(settings.REDIS_URL) as broker:
        (planned,) = [json.loads(raw) for raw in broker.lrange(QUEUE, 0, -1)]
    assert json.loads(base64.b64decode(planned["body"]))[:2] == [["email", [message.pk]], {}]
    assert message.state == State.WAITING

    tasks.sweep.delay()
    with worker(tmp_path):
        wait_until(lambda: Message.objects.get().state == State.SENT)

    mails = "".join(path.read_text() for path in tmp_path.iterdir())
    assert mails.count("Message-ID:") == 1
    assert f"<stillpoint-message-{message.pk}@" in mails


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HeartbeatScheduler:
    """Our scheduler over a plain one that has nothing to do for five seconds."""
    monkeypatch.setattr(PersistentScheduler, "tick", lambda self: 5.0)
    return HeartbeatScheduler(app, schedule_filename=str(tmp_path / "beat"), lazy=True)


def test_every_tick_of_beat_leaves_a_pulse(scheduler: HeartbeatScheduler) -> None:
    assert scheduler.tick() == 5
    assert cache.get(BEAT_PULSE)


def test_beat_outlives_a_broker_that_is_away(scheduler: HeartbeatScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(key: str) -> None:
        raise BrokerIsAway

    monkeypatch.setattr(celery, "beat_once", away)

    assert scheduler.tick() == 5
