"""How often something may be asked for: counted in the cache, which all processes share."""

from datetime import datetime

from django.core.cache import cache


def is_too_often(what: str, *, most: int, seconds: int, now: datetime) -> bool:
    """Count one more of `what` and say whether that is more than `most` in this stretch of so many seconds."""
    key = f"rate:{what}:{int(now.timestamp()) // seconds}"
    cache.add(key, 0, timeout=seconds)
    return bool(cache.incr(key) > most)
