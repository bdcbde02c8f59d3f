"""The clock on a location's wall: why it cannot be changed. Upper rooms say what stands by the old one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from clinic.lib.registry import Registry
from clinic.people.models import Location

# The location as it is, the zone it would get, and now → why not, in words for the screen; empty for no objection.
ZoneRefusal = Callable[[Location, ZoneInfo, datetime], str]

zone_refusals: Registry[ZoneRefusal] = Registry("refusal of a zone")


def register_zone_refusal(name: str, refusal: ZoneRefusal) -> None:
    """Add what may speak against another zone; called by an upper room's AppConfig.ready."""
    zone_refusals.register(name, refusal)


def zone_refused(location: Location, zone: ZoneInfo, now: datetime) -> str:
    """Return why this location cannot get this zone, or nothing."""
    return next((words for refusal in zone_refusals if (words := refusal(location, zone, now))), "")
