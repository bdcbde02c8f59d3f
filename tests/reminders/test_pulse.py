"""A worker hears itself through the broker; one that no longer does leaves no sign of life."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.worker import state
from kombu.exceptions import OperationalError

from clinic import celery
from clinic.celery import HearsItself, app
from tests.embedded.houses import eventually

# As `hurried_worker` says.
DEAF_AFTER_SECONDS = 4
NAME = f"deaf-{os.getpid()}"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real worker that leaves signs of life."""
    words = ["worker", "--pool", "threads", "--concurrency", "1", "--without-gossip", "--hostname", f"{NAME}@%h"]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "celery", "--quiet", "-A", "tests.reminders.hurried_worker", *words],
        env=os.environ | {"PULSE_FOLDER": str(tmp_path)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield process
    process.kill()
    process.wait()


@pytest.mark.long
def test_a_real_worker_that_lives_and_hears_nothing_falls_silent(
    worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    sign = tmp_path / "worker.pulse"

    def is_left_again() -> bool:
        left_at = sign.stat().st_mtime_ns
        return eventually(lambda: sign.stat().st_mtime_ns != left_at, DEAF_AFTER_SECONDS)

    assert eventually(sign.exists, 60)
    assert is_left_again(), "idle, and heard"
    node = f"{NAME}@{socket.gethostname()}"
    for queue in (*app.amqp.queues, f"own.{node}"):
        app.control.cancel_consumer(queue, destination=[node], reply=True, timeout=10)
    time.sleep(DEAF_AFTER_SECONDS + 2)
    assert not is_left_again()
    assert worker.poll() is None, "it lives"


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: pytest.FixtureRequest) -> HearsItself:
    """Return the step of a worker that hears nothing, in a hurry."""
    settings.PULSE_FOLDER = str(tmp_path)  # type: ignore[attr-defined]
    settings.CELERY_TASK_TIME_LIMIT = 5  # type: ignore[attr-defined]
    monkeypatch.setattr(celery, "HEARS_ITSELF_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(celery, "DEAF_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(celery.heartbeat, "apply_async", lambda *_args, **_facts: None)
    monkeypatch.setattr(app.amqp.queues, "select_add", lambda name: name)

    class Worker:
        hostname = "one@here"

    return HearsItself(Worker())


def leaves_signs(step: HearsItself, tmp_path: Path) -> bool:
    """Say whether it still leaves signs after it has heard nothing for a while."""
    step.start(None)
    time.sleep(0.5)
    sign = tmp_path / "worker.pulse"
    sign.unlink()
    time.sleep(0.3)
    step.stop(None)
    return sign.exists()


def test_one_that_hears_nothing_leaves_none(step: HearsItself, tmp_path: Path) -> None:
    assert not leaves_signs(step, tmp_path)


def test_one_that_is_busy_hears_nothing_and_is_well(
    step: HearsItself, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "active_requests", {"a task"})
    assert leaves_signs(step, tmp_path)


def test_while_the_broker_is_away_nobody_is_deaf(
    step: HearsItself, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_facts: object) -> None:
        raise OperationalError

    monkeypatch.setattr(celery.heartbeat, "apply_async", away)
    assert leaves_signs(step, tmp_path)
