"""A client cancels or moves her own visit, until the clinic's cut-off."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.people.access import ClinicRequest, signed_in, the_clinic
from clinic.people.models import Clinic
from clinic.scheduling.access import own_visit_for
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.online import (
    CallUs,
    cancel_online,
    may_ask_instead,
    move_online,
    therapists_for_move,
    why_not_cancel,
    why_not_move,
)
from clinic.scheduling.online_page import Sought, chosen_in, online_page
from clinic.scheduling.services import ChosenVisit, SlotTaken, cancelled_as, free_until
from clinic.scheduling.words import moment_words


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def visit_cancel(request: ClinicRequest, pk: int) -> HttpResponse:
    """Ask once, with what it costs, and cancel."""
    visit, clinic = own_visit_for(request.user, pk, now=request.now), the_clinic()
    if visit.status in {Status.CANCELLED, Status.LATE_CANCELLED}:
        return redirect("portal:visits")
    if words := why_not_cancel(clinic, visit, request.now):
        return _refused(request, visit, words)
    if request.method == "POST":
        try:
            cancel_online(by=request.user, now=request.now, appointment=visit)
        except ValidationError as refused:
            return _refused(request, visit, " ".join(refused.messages))
        messages.success(request, _("The visit is cancelled."))
        return redirect("portal:visits")
    is_late = cancelled_as(visit, now=request.now) == Status.LATE_CANCELLED
    context = {
        "visit": visit,
        "plan_client_pk": visit.client_id,
        "is_late": is_late,
        "fee": clinic.late_fee(visit.service.price_minor),
        "free_until": make_naive(free_until(visit), visit.location.zone),
        "may_move": not why_not_move(clinic, visit, request.now),
    }
    return render(request, "portal/visit_cancel.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def visit_move(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show the free times, and move the visit to the chosen one."""
    visit, clinic = own_visit_for(request.user, pk, now=request.now), the_clinic()
    if words := why_not_move(clinic, visit, request.now):
        return _refused(request, visit, words)
    if request.method != "POST":
        return _times(request, clinic, visit)
    chosen, seen = (chosen_in({"at": request.POST.get(name, "")}, visit.location) for name in ("at", "seen"))
    if chosen is None or seen is None:
        return _times(request, clinic, visit, refused=_("Please choose a time first."))
    try:
        moved = move_online(
            by=request.user,
            now=request.now,
            appointment=visit,
            starts_at=chosen.starts_at,
            therapist=chosen.therapist,
            seen=ChosenVisit(seen.starts_at, seen.therapist),
        )
    except SlotTaken as refused:
        return _times(request, clinic, visit, refused=" ".join(refused.messages), missed=chosen.starts_at)
    except CallUs as refused:
        return _refused(request, visit, " ".join(refused.messages))
    facts = {"when": moment_words(moved.starts_at, moved.location.zone)}
    messages.success(request, _("The visit is now on %(when)s.") % facts)
    return redirect("portal:visits")


def _times(
    request: ClinicRequest, clinic: Clinic, visit: Appointment, *, refused: str = "", missed: datetime | None = None
) -> HttpResponse:
    asked = request.GET if missed is None else {}
    shown = therapists_for_move(visit, visit.local_start.date())
    asked_for = request.GET.get("with", str(visit.therapist_id))
    therapist = next((one for one in shown if str(one.pk) == asked_for), None)
    sought = Sought(clinic, visit.service, visit.location, visit.client, therapist, moving=visit)
    page = online_page(sought, asked, now=request.now, missed=missed)
    seen = choice_value(visit.starts_at, visit.therapist, visit.location)
    status = HTTPStatus.CONFLICT if missed else HTTPStatus.OK
    context = {"visit": visit, "plan_client_pk": visit.client_id, "page": page, "seen": seen, "refused": refused}
    return render(request, "portal/visit_move.html", context, status=status)


def _refused(request: ClinicRequest, visit: Appointment, words: str) -> HttpResponse:
    """Say why not, and what she can do instead."""
    clinic = the_clinic()
    asked = urlencode({"location": visit.location_id, "with": visit.therapist_id})
    context = {
        "visit": visit,
        "plan_client_pk": visit.client_id,
        "words": words,
        "ask_url": f"{reverse('booking:times', args=[visit.service_id])}?{asked}"
        if may_ask_instead(clinic, visit, request.now)
        else "",
        "may_cancel": not why_not_cancel(clinic, visit, request.now),
    }
    return render(request, "portal/visit_call.html", context, status=HTTPStatus.CONFLICT)
