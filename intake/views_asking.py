"""The clinic's side of asking: taking a link back, and handing the form over on a tablet."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.people.access import ClinicRequest, for_roles
from intake import access, services
from intake import tablet as tablets
from intake.answering import LinkClosed
from intake.views import go_on


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


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def hand_over(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what handing over does; then end the sign-in here and lock this browser to the client's form."""
    client = access.client_to_invite(request.user, pk, now=request.now)
    if client.archived_at is not None:
        raise Http404
    if request.method == "POST":
        draft = services.begin_on_tablet(by=request.user, now=request.now, client=client)
        return tablets.hand_over(request, draft)
    return render(request, "intake/tablet_hand_over.html", {"client": client})


@require_safe
def tablet(request: HttpRequest) -> HttpResponse:
    """Lead on to the form on a tablet that was handed over, or show that it is to be given back."""
    locked = cast("ClinicRequest", request)  # the middleware has set `now`
    if access.HANDED_OVER not in request.session:
        raise Http404
    if tablets.is_being_filled_in(locked) and "rest" not in request.GET:
        if tablets.CHECK_IN in request.session:
            return redirect(request.session[tablets.CHECK_IN])
        # What was sent, or taken over, on another device leads to no form any more.
        with suppress(LinkClosed):
            return go_on(access.draft_in(locked), locked.now)
    tablets.put_to_rest(request)
    return render(request, "intake/tablet.html", {"is_sent": access.has_just_sent(request.session)})
