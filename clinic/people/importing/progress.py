"""How far an import is: kept in the cache, for what its worker writes is seen only when all of it is done."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime

from django.core.cache import cache
from redis import RedisError

from clinic.people.models import Import

LASTS_SECONDS = 600
SILENCE_SECONDS = 20


def tell_progress(job_pk: int, share: float) -> None:
    """Say that so much is done, 0 to 1."""
    with suppress(RedisError):
        cache.set(_key(job_pk), (min(1.0, share), time.time()), LASTS_SECONDS)


def begin_progress(job_pk: int) -> None:
    """Forget what was said of an earlier run."""
    with suppress(RedisError):
        cache.delete(_key(job_pk))


def progress_of(job: Import, now: datetime) -> tuple[int, bool]:
    """Return the percent that are done, and whether nothing has been heard of the work for a while.

    Then it waits for a worker, or its worker has died.
    """
    share, at = 0.0, job.asked_at.timestamp() if job.asked_at else 0.0
    with suppress(RedisError):
        share, at = cache.get(_key(job.pk), (share, at))
    return round(100 * share), now.timestamp() - at > SILENCE_SECONDS


def _key(job_pk: int) -> str:
    return f"import-progress:{job_pk}"
