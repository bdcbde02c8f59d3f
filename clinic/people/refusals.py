"""What upper rooms know that speaks against a change here, as long as it does. Each says why in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import Model

from clinic.lib.registry import Registry
from clinic.people.models import Location

# What is to be archived, and now → why not yet; empty for what the room has no objection to. Deleting is archiving.
ArchiveRefusal = Callable[[Model, datetime], str]
# The location as it is, the zone that its wall would show, and now → why not; empty for no objection.
ZoneRefusal = Callable[[Location, ZoneInfo, datetime], str]

archive_refusals: Registry[ArchiveRefusal] = Registry("refusal to archive")
zone_refusals: Registry[ZoneRefusal] = Registry("refusal of a zone")


def refuse_archiving(thing: Model, *, now: datetime) -> None:
    """Raise ValidationError where an upper room still needs this. To be called under the locks of those who book."""
    for refusal in archive_refusals:
        if words := refusal(thing, now):
            raise ValidationError(words)


def refuse_zone(location: Location, zone: ZoneInfo, *, now: datetime) -> None:
    """Raise ValidationError where this location cannot get this zone."""
    for refusal in zone_refusals:
        if words := refusal(location, zone, now):
            raise ValidationError({"time_zone": words})
