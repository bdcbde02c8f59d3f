"""Celery wakes people up; the truth about what is due lives in the database. Only ids travel through the broker."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from celery import Celery, bootsteps
from celery.beat import PersistentScheduler
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis import RedisError

from clinic.lib import pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

app = Celery("stillpoint")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

BEAT_PULSE = "pulse:beat"
# One per queue: nobody may listen to one of them.
WORKER_PULSE = "pulse:worker:"
# Beat ticks at least every ten seconds, a worker hears itself every five; some misses in a row are a silence.
PULSE_SECONDS = 35
HEARS_ITSELF_EVERY_SECONDS = 5
DEAF_AFTER_SECONDS = 15


def beat_once(*keys: str) -> None:
    """Remember for PULSE_SECONDS that these parts of the system were alive."""
    cache.set_many(dict.fromkeys(keys, int(time.time())), timeout=PULSE_SECONDS)


def leave_pulse(part: str) -> None:
    """Leave a sign for who keeps this process running and would end it without one (the runner, the container)."""
    if settings.PULSE_FOLDER:
        pulse.leave(Path(settings.PULSE_FOLDER), part)


class HeartbeatScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery ships no types
    """Plain beat that leaves a pulse with every tick, so that /healthz can tell a dead beat from a dead worker."""

    def tick(self, *args: object, **kwargs: object) -> float:
        # A broker that is away is waited for, as plain beat does; /healthz says meanwhile that nobody knows.
        with suppress(RedisError):
            beat_once(BEAT_PULSE)
        leave_pulse("beat")
        return float(super().tick(*args, **kwargs))


@app.task(name="clinic.celery.heartbeat")  # type: ignore[untyped-decorator]  # Celery ships no types
def heartbeat(queues: Sequence[str]) -> None:
    """Leave the pulse of a worker that listens to these queues."""
    beat_once(*(WORKER_PULSE + queue for queue in queues))


class HearsItself(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """A worker that sends itself a word through the broker, and leaves its pulse while it hears it.

    After a restart of the broker a worker may live on and hear nothing any more. It has a queue of its own, so that no
    other worker takes its word; all queues of a worker are heard with one ear. One that is busy hears nothing either,
    for as long as its tasks may take.
    """

    def __init__(self, worker: object, **options: object) -> None:
        super().__init__(worker, **options)
        queues = app.amqp.queues
        self._listens_to = list(queues.consume_from)
        self._own = queues.select_add(f"own.{worker.hostname}")  # type: ignore[attr-defined]
        self._is_over = threading.Event()

    def start(self, _worker: object) -> None:
        """Begin to listen."""
        threading.Thread(target=self._listen, name="pulse", daemon=True).start()

    def stop(self, _worker: object) -> None:
        """Listen no more."""
        self._is_over.set()

    def _listen(self) -> None:
        from celery.worker import state  # the web server, which reads our names, is no worker

        heard, heard_at = 0, time.monotonic()
        while not self._is_over.wait(HEARS_ITSELF_EVERY_SECONDS):
            if not self._has_spoken() or state.all_total_count[0] != heard:
                heard, heard_at = state.all_total_count[0], time.monotonic()
            busy = settings.CELERY_TASK_TIME_LIMIT if state.active_requests else 0
            if time.monotonic() - heard_at < DEAF_AFTER_SECONDS + busy:
                leave_pulse("worker")

    def _has_spoken(self) -> bool:
        """Send the word; False where the broker is away, and hearing nothing means nothing."""
        try:
            heartbeat.apply_async(
                [self._listens_to], queue=self._own, expires=HEARS_ITSELF_EVERY_SECONDS * 2, retry=False
            )
        except OperationalError:
            return False
        return True


app.steps["worker"].add(HearsItself)
