"""The front desk's day, and the panel about one visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic.desk.day import board
from clinic.desk.visit_panel import visit_panel
from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Location
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.time_page import parse_day


@require_safe
@for_roles()
def day(request: ClinicRequest) -> HttpResponse:
    """Show one day of one location, as columns or as a list, with the panel of the visit that is open."""
    locations = list(Location.objects.filter(archived_at__isnull=True))
    location = _chosen(locations, request.GET.get("location", ""))
    if location is None:
        return render(request, "desk/day_no_location.html")
    today = local_date(location.zone, request.now)
    on = parse_day(request.GET.get("on", "")) or today
    context: dict[str, Any] = {
        "board": board(user=request.user, now=request.now, location=location, day=on),
        "locations": locations,
        "as_list": request.GET.get("as") == "list",
        "with_arrivals": request.GET.get("arrivals") == "1",
        "previous_day": on - timedelta(days=1),
        "next_day": on + timedelta(days=1),
        "today": today,
    }
    if request.GET.get("open", "").isdecimal():
        visit = visit_for(request.user, int(request.GET["open"]), now=request.now)
        context["panel"] = visit_panel(user=request.user, now=request.now, visit=visit)
    return render(request, "desk/day.html", context)


@require_safe
@for_roles()
def appointment(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show one visit: beside the day for htmx, as a page of its own otherwise."""
    visit = visit_for(request.user, pk, now=request.now)
    panel = visit_panel(user=request.user, now=request.now, visit=visit)
    template = "desk/appointment_panel.html" if request.htmx else "desk/appointment.html"
    return render(request, template, {"panel": panel, "day_url": day_url(visit, is_open=False)})


def _chosen(locations: list[Location], pk: str) -> Location | None:
    if not pk:
        return locations[0] if locations else None
    found = [location for location in locations if str(location.pk) == pk]
    if not found:
        raise Http404
    return found[0]
