"""Days and times as the clinic's wall shows them, for answers, which are given at no location."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from clinic.lib.times import local_date
from clinic.people.models import clinic_zone


def today_at(now: datetime) -> date:
    """Return the clinic's calendar day."""
    return local_date(clinic_zone(), now)


def render_at_wall(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render a page with its times as the clinic's wall shows them."""
    with timezone.override(clinic_zone()):
        return render(request, template, context, status=status)
