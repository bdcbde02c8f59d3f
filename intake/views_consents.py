"""What a client has agreed to, for her therapist; and writing down that she takes something back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from intake import access, services
from intake.consents import agreed, agreed_by, taken_back_by
from intake.wall import render_at_wall


@require_safe
@for_roles(Role.THERAPIST)
def consents(request: ClinicRequest, pk: int) -> HttpResponse:
    """List what is in force, with the words she read and how she signed, and what she took back."""
    client = access.client_with_findings(request.user, pk, now=request.now)
    context = {"client": client, "agreed": agreed_by(client.pk), "taken_back": taken_back_by(client.pk)}
    return render_at_wall(request, "intake/consents.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def take_back(request: ClinicRequest, pk: int) -> HttpResponse:
    """Write down that she takes a consent back, once it is clear what that means."""
    consent = access.consent_for(request.user, pk, now=request.now)
    if request.method == "POST":
        services.take_back_consent(by=request.user, now=request.now, consent=consent)
        messages.success(request, _("Taken back: %(title)s.") % {"title": consent.title})
        return redirect("intake:consents", consent.client_id)
    context = {"client": consent.client, "agreed": agreed(consent)}
    return render_at_wall(request, "intake/consent_take_back.html", context)
