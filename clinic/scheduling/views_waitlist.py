"""The waitlist at the desk."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, for_roles
from clinic.scheduling.access import offer_for, wish_for
from clinic.scheduling.choosing import asked_client, choose_client
from clinic.scheduling.forms import last_wish
from clinic.scheduling.forms_waitlist import WishedForm, typed_for
from clinic.scheduling.waitlist import accept_offer, add_wish, change_wish, decline_offer, hear_again, remove_wish
from clinic.scheduling.waitlist_page import waitlist_page
from clinic.scheduling.words import moment_words


@require_safe
@for_roles()
def waitlist(request: ClinicRequest) -> HttpResponse:
    """Show who waits for what, since when, and what is offered to whom."""
    return render(request, "scheduling/waitlist.html", {"page": waitlist_page(request.user, request.now)})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def wish_new(request: ClinicRequest) -> HttpResponse:
    """Put somebody on the waitlist."""
    asked = request.POST if request.method == "POST" else request.GET
    client = asked_client(request, asked.get("client", ""))
    if client is None or client.archived_at is not None:
        return choose_client(request, _("Waitlist"), archived=client)
    initial = {
        "services": [asked.get("service") or last_wish(client)["service"]],
        "therapists": [asked.get("therapist")],
    }
    form = WishedForm(request.POST or None, initial=initial)
    if form.is_valid() and (
        kept := written(form, add_wish, by=request.user, now=request.now, client=client, wished=form.wished())
    ):
        messages.success(request, _("%(client)s is on the waitlist.") % {"client": kept.client.name})
        return redirect("scheduling:waitlist")
    return render(request, "scheduling/waitlist_wish.html", {"form": form, "client": client})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def wish_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change what somebody waits for."""
    wish = wish_for(request.user, pk, now=request.now)
    if wish.ended_at is not None:
        messages.info(request, _("This wish is no longer on the waitlist."))
        return redirect("scheduling:waitlist")
    form = WishedForm(request.POST or None, initial=typed_for(wish), wish=wish)
    if form.is_valid() and (
        kept := written(form, change_wish, by=request.user, now=request.now, wish=wish, wished=form.wished())
    ):
        messages.success(request, _("%(client)s keeps the place on the waitlist.") % {"client": kept.client.name})
        return redirect("scheduling:waitlist")
    return render(request, "scheduling/waitlist_wish.html", {"form": form, "client": wish.client, "wish": wish})


@require_POST
@for_roles()
def wish_remove(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take somebody off the waitlist."""
    return _change(request, pk, remove_wish, _("%(client)s is off the waitlist."))


@require_POST
@for_roles()
def wish_hear(request: ClinicRequest, pk: int) -> HttpResponse:
    """Note that she still waits."""
    return _change(request, pk, hear_again, _("%(client)s is offered times again."))


@require_POST
@for_roles()
def offer_answer(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take down what she said on the phone."""
    offer = offer_for(request.user, pk, now=request.now)
    visit = offer.appointment
    facts = {"client": visit.client.name, "when": moment_words(visit.starts_at, visit.location.zone)}
    try:
        if "accept" in request.POST:
            accept_offer(by=request.user, now=request.now, offer=offer)
            messages.success(request, _("%(client)s is booked for %(when)s.") % facts)
        else:
            decline_offer(by=request.user, now=request.now, offer=offer)
            messages.success(request, _("%(when)s goes to the next; %(client)s keeps the place.") % facts)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return redirect("scheduling:waitlist")


def _change(request: ClinicRequest, pk: int, change: Callable[..., object], words: str) -> HttpResponse:
    """Change a wish, and say so on the list, or why it cannot be."""
    wish = wish_for(request.user, pk, now=request.now)
    try:
        change(by=request.user, now=request.now, wish=wish)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, words % {"client": wish.client.name})
    return redirect("scheduling:waitlist")
