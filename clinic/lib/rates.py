"""How often something may be asked for: counted in the cache, which all processes share."""

from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

from django.core.cache import cache
from django.http import HttpRequest


def is_too_often(what: str, *, most: int, seconds: int, now: datetime) -> bool:
    """Count one more of `what` and say whether that is more than `most` in this stretch of so many seconds."""
    key = f"rate:{what}:{int(now.timestamp()) // seconds}"
    cache.add(key, 0, timeout=seconds)
    return bool(cache.incr(key) > most)


def where_from(request: HttpRequest) -> str:
    """Return from which address a request comes; of IPv6 which network, for a house has all the addresses of one."""
    seen = str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ip_address(seen)
    except ValueError:
        return seen
    if not isinstance(address, IPv6Address):
        return seen
    # A server that hears both writes an IPv4 address as one of these.
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
