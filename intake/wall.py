"""The clinic's wall clock, for what has no location of its own: that of the first one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from clinic.lib.times import local_date
from clinic.people.models import Location


def zone_at() -> ZoneInfo:
    """Return the zone of the clinic's first location."""
    location = Location.objects.filter(archived_at__isnull=True).first()
    return location.zone if location else ZoneInfo("UTC")


def today_at(now: datetime) -> date:
    """Return the calendar day at the clinic's first location."""
    return local_date(zone_at(), now)


def render_at_wall(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render a page with its times as the clinic's wall shows them."""
    with timezone.override(zone_at()):
        return render(request, template, context, status=status)
