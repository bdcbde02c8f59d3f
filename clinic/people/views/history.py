"""Who looked at what, and who changed what."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.audit.reading import entries, history_rows
from clinic.people.access import ClinicRequest, client_for, for_roles
from clinic.people.models import Role, clinic_zone

PER_PAGE = 25


@require_safe
@for_roles(Role.OWNER, Role.THERAPIST)
def client_history(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show who looked at what about a client and who changed what."""
    client = client_for(request.user, pk, _("history"), now=request.now)
    page = Paginator(history_rows(client.pk), PER_PAGE).get_page(request.GET.get("page"))
    context = {"client": client, "page": page, "entries": entries(page.object_list), "zone": clinic_zone()}
    return render(request, "audit/client_history.html", context)
