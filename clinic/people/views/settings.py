"""The owner's pages about the clinic: where each of them is."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role


@require_safe
@for_roles(Role.OWNER)
def settings(request: ClinicRequest) -> HttpResponse:
    """Lead to everything that an owner sets."""
    return render(request, "people/settings.html")
