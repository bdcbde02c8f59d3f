"""What she has agreed to, to read again and to take back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.people.access import ClinicRequest, signed_in
from clinic.portal import access
from intake import consents, services


@require_safe
@signed_in
def agreed(request: ClinicRequest, client_pk: int) -> HttpResponse:
    """List what she has agreed to, in the words she read."""
    client = access.own_client(request.user, client_pk, "own consents", now=request.now)
    context = {
        "client": client,
        "agreed": consents.agreed_by(client.pk),
        "taken_back": consents.taken_back_by(client.pk),
        "plan_client_pk": client.pk,
    }
    return render(request, "portal/agreed.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def take_back(request: ClinicRequest, client_pk: int, pk: int) -> HttpResponse:
    """Say what it means to take a consent back, and take it back."""
    client = access.own_client(request.user, client_pk, "own consents", now=request.now)
    consent = access.own_consent(client, pk)
    if request.method == "POST":
        services.take_back_consent(by=request.user, now=request.now, consent=consent)
        messages.success(request, _("Taken back: %(title)s.") % {"title": consent.title})
        return redirect("portal:agreed", client.pk)
    context = {"client": client, "agreed": consents.agreed(consent), "plan_client_pk": client.pk}
    return render(request, "portal/take_back.html", context)
