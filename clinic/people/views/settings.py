"""The owner's pages about the clinic: where each of them is."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from clinic.people.settings_page import first_steps, setting_groups


@require_safe
@for_roles(Role.OWNER)
def settings(request: ClinicRequest) -> HttpResponse:
    """Lead to everything that an owner sets."""
    context = {"steps": first_steps(), "groups": setting_groups(request.now)}
    return render(request, "people/settings.html", context)
