"""How each part of the house is, found out within seconds even when a part hangs."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection

from clinic.celery import BEAT_PULSE, WORKER_PULSE
from clinic.reminders.models import Message

PATIENCE_SECONDS = 2
DRAINED_WITHIN = timedelta(minutes=5)


def how_it_is(now: datetime) -> dict[str, str]:
    """Return one word per part.

    "ok", "down" (no answer), "silent" (no pulse), "late" (due work is not drained) or "unknown" (cannot be asked).
    """
    database, broker = _database(), _broker()
    return {
        "database": database,
        "broker": broker,
        "worker": _pulse(WORKER_PULSE) if broker == "ok" else "unknown",
        "beat": _pulse(BEAT_PULSE) if broker == "ok" else "unknown",
        # A worker that lives and is deaf leaves its pulse and no message sent.
        "messages": _messages(now) if database == "ok" else "unknown",
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


def _messages(now: datetime) -> str:
    try:
        return "late" if Message.objects.due(now - DRAINED_WITHIN).exists() else "ok"
    except DatabaseError:
        return "unknown"
