"""The visits that a therapist leaves behind, each with the way to another time or therapist."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.models import Client, Role, Therapist
from clinic.scheduling.models import Appointment

PER_PAGE = 25


@require_safe
@for_roles(Role.OWNER, Role.FRONT_DESK)
def visits_to_rebook(request: ClinicRequest) -> HttpResponse:
    """List the visits to come with all who have left."""
    visits = Appointment.objects.to_rebook(request.now).with_people()
    page = Paginator(visits, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "scheduling/visits_to_rebook.html", {"page": page})


@require_safe
@for_roles(Role.OWNER, Role.FRONT_DESK)
def therapist_visits(request: ClinicRequest, pk: int) -> HttpResponse:
    """List the visits to come with one therapist, who has left or is about to."""
    therapist = one_of(Therapist.objects.select_related("user"), pk)
    visits = Appointment.objects.movable(request.now).filter(therapist=therapist).with_people()
    context = {
        "therapist": therapist,
        "page": Paginator(visits, PER_PAGE).get_page(request.GET.get("page")),
        "clients": Client.objects.active().filter(primary_therapist=therapist).count(),
    }
    return render(request, "scheduling/visits_to_rebook.html", context)
