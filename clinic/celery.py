"""Celery wakes people up; the truth about what is due lives in the database. Only ids travel through the broker."""

import os
import time
from contextlib import suppress

from celery import Celery
from celery.beat import PersistentScheduler
from django.core.cache import cache
from redis import RedisError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

app = Celery("stillpoint")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

BEAT_PULSE = "pulse:beat"
WORKER_PULSE = "pulse:worker"
# Beat ticks and wakes a worker every ten seconds; three misses in a row are a silence.
PULSE_SECONDS = 35


def beat_once(key: str) -> None:
    """Remember for PULSE_SECONDS that this part of the system was alive."""
    cache.set(key, int(time.time()), timeout=PULSE_SECONDS)


class HeartbeatScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery ships no types
    """Plain beat that leaves a pulse with every tick, so that /healthz can tell a dead beat from a dead worker."""

    def tick(self, *args: object, **kwargs: object) -> float:
        # A broker that is away is waited for, as plain beat does; /healthz says meanwhile that nobody knows.
        with suppress(RedisError):
            beat_once(BEAT_PULSE)
        return float(super().tick(*args, **kwargs))


@app.task(name="clinic.celery.heartbeat")  # type: ignore[untyped-decorator]  # Celery ships no types
def heartbeat() -> None:
    """Leave the worker's pulse."""
    beat_once(WORKER_PULSE)
