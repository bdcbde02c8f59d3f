"""How each part of the house is, found out within seconds even when a part hangs."""

from __future__ import annotations

import psycopg
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from clinic.celery import BEAT_PULSE, WORKER_PULSE

PATIENCE_SECONDS = 2


def how_it_is() -> dict[str, str]:
    """Return one word per part: "ok", "down" (no answer), "silent" (no pulse) or "unknown" (cannot be asked)."""
    broker = _broker()
    return {
        "database": _database(),
        "broker": broker,
        "worker": _pulse(WORKER_PULSE) if broker == "ok" else "unknown",
        "beat": _pulse(BEAT_PULSE) if broker == "ok" else "unknown",
    }


def _database() -> str:
    # A connection of its own: the pool may be what hangs, and it has no timeout short enough.
    limits = {"connect_timeout": PATIENCE_SECONDS, "options": f"-c statement_timeout={PATIENCE_SECONDS * 1000}"}
    try:
        with psycopg.connect(**{**connection.get_connection_params(), **limits}) as fresh:
            fresh.execute("SELECT 1")
    except psycopg.Error:
        return "down"
    return "ok"


def _broker() -> str:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        ) as client:
            client.ping()
    except redis.RedisError:
        return "down"
    return "ok"


def _pulse(key: str) -> str:
    try:
        return "silent" if cache.get(key) is None else "ok"
    except redis.RedisError:
        return "unknown"
