"""Putting away and taking out again what the clinic works with: locations, rooms, services, modalities."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.models import Location, Modality, Role, Room, Service
from clinic.people.services import archiving
from clinic.people.services.archiving import Thing


@require_POST
@for_roles(Role.OWNER)
def put_away(request: ClinicRequest, pk: int, among: type[Thing]) -> HttpResponse:
    """Archive what is offered no more, or say why it cannot be yet."""
    thing = one_of(among.objects.all(), pk)
    try:
        archiving.archive(by=request.user, now=request.now, thing=thing)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("%(name)s is archived.") % {"name": thing})
    return _to_its_page(thing)


@require_POST
@for_roles(Role.OWNER)
def bring_back(request: ClinicRequest, pk: int, among: type[Thing]) -> HttpResponse:
    """Offer again what was archived."""
    thing = archiving.bring_back(by=request.user, now=request.now, thing=one_of(among.objects.all(), pk))
    messages.success(request, _("%(name)s is in use again.") % {"name": thing})
    return _to_its_page(thing)


def _to_its_page(thing: Location | Room | Service | Modality) -> HttpResponse:
    match thing:
        case Location():
            return redirect("people:location", thing.pk)
        case Room():
            return redirect("people:location", thing.location_id)
        case Modality():
            return redirect("people:modality", thing.pk)
        case Service():
            return redirect("people:service-list")
