"""Providers that nobody answers for: known at the first try, however few messages there are.

It is remembered beside the pulses, in the cache: nothing depends on it but what is said of it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.core.cache import cache
from redis import RedisError

from clinic.reminders.models import Message

KEY = "channel:silent-since:"
# Whoever does not answer is called again within an hour; by then we know more.
REMEMBERED_SECONDS = 65 * 60


def nobody_answered(channel: str, now: datetime) -> None:
    """Remember since when nobody answers for a channel."""
    with suppress(RedisError):
        if not cache.add(KEY + channel, now, REMEMBERED_SECONDS):
            cache.touch(KEY + channel, REMEMBERED_SECONDS)


def silent_since(channel: str) -> datetime | None:
    """Return since when nobody answers for a channel; None where somebody does, or has taken a message since."""
    since: datetime | None = None
    with suppress(RedisError):
        since = cache.get(KEY + channel)
        if since and (last_taken_at(channel) or since) > since:
            cache.delete(KEY + channel)
            since = None
    return since


def last_taken_at(channel: str) -> datetime | None:
    """Return when the provider last took a message."""
    taken = Message.objects.filter(channel=channel, sent_at__isnull=False).order_by("-sent_at")
    return taken.values_list("sent_at", flat=True).first()
