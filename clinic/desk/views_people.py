"""The therapist's day, and the page of one client."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic.desk import access
from clinic.desk.client import chart, desk_page
from clinic.desk.my_day import my_day as read_my_day
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role


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
    if request.user.is_therapist:
        person = access.charted(request, pk)
        return render(request, "desk/client_chart.html", {"client": person, "page": chart(person, request.now)})
    person = access.contacted(request, pk)
    return render(request, "desk/client.html", {"client": person, "page": desk_page(person, request.now)})
