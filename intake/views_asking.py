"""The clinic's side of asking: taking a link back, and when the form is sent by itself."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.people.access import ClinicRequest, for_roles
from intake import access, services


@require_POST
@for_roles()
def take_back(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let the link that a client was sent open the form no more."""
    client = access.client_to_invite(request.user, pk, now=request.now)
    if services.take_back(by=request.user, now=request.now, client=client):
        messages.success(request, _("The link no longer opens the form. What was begun is kept."))
    else:
        messages.info(request, _("No link was out any more."))
    return redirect("desk:client", client.pk)
