"""The therapist's day, and the page of one client."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from clinic.desk import access
from clinic.desk.client import chart, desk_page
from clinic.desk.my_day import my_day as read_my_day
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from clinic.people.services.merging import merges_to_undo


@require_safe
@for_roles(Role.THERAPIST)
def my_day(request: ClinicRequest) -> HttpResponse:
    """Show a therapist who comes next, her day and her open work."""
    page = read_my_day(request.user, request.now)
    if page.next:
        access.log_next(request, page.next.visit.client)
    return render(request, "desk/my_day.html", {"page": page})


@require_safe
@for_roles()
def client(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show the chart to therapists, and contact and visits to everybody else at the desk."""
    charts = request.user.is_therapist
    person = access.charted(request, pk) if charts else access.contacted(request, pk)
    if person.pk != pk:
        return redirect("desk:client", person.pk)
    page = (chart if charts else desk_page)(person, request.now, request.GET.get("page", ""))
    context = {"client": person, "page": page, "merges": merges_to_undo(person, request.now)}
    return render(request, "desk/client_chart.html" if charts else "desk/client.html", context)
