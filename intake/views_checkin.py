"""Check-in on the day of a visit, by its link: on her own device, or on one that the front desk hands over."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.emergencies import emergency_number
from clinic.people.models import Role
from clinic.scheduling.access import visit_for
from clinic.scheduling.models import Appointment
from intake import access, evaluating, tablet
from intake.checkin import CheckInClosed, Told, address_of, check_in, check_in_step, may_check_in, visit_of
from intake.forms import StepForm
from intake.wall import today_at


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def checkin(request: HttpRequest, token: str) -> HttpResponse:
    """Ask how she is today, and say what to do now. It shows nothing of what was said before."""
    visitor = cast("ClinicRequest", request)  # the middleware has set `now`
    if visitor.user.is_authenticated and visitor.user.is_staff_member and not visitor.user.is_therapist:
        # The desk hands a tablet over; it neither sees nor gives her answers.
        raise Http404
    visit = visit_of(token)
    if visit is None or (request.method != "POST" and not may_check_in(visit, visitor.now)):
        return render(request, "intake/checkin_closed.html", status=HTTPStatus.GONE)
    if request.method != "POST":
        return _ask(request, visit, StepForm(check_in_step(visit.client.language), today_at(visitor.now)))
    form = StepForm(check_in_step(visit.client.language), today_at(visitor.now), data=request.POST)
    by, is_whole = visitor.user if visitor.user.is_authenticated else None, form.is_valid()
    try:
        told = check_in(by=by, now=visitor.now, appointment=visit, answers=form.said(), is_whole=is_whole)
    except CheckInClosed as problem:
        form.add_error(None, problem)
        return _ask(request, visit, form, HTTPStatus.GONE)
    except ValidationError as problem:
        if is_whole:
            put_errors(form, problem)
        return _ask(request, visit, form)
    return _done(request, visit, told)


def _ask(request: HttpRequest, visit: Appointment, form: StepForm, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return render(request, "intake/checkin.html", {"form": form, "step": form.step, "visit": visit}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def hand_over(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what handing over does; then end the sign-in here and lock this browser to the check-in of a visit."""
    visit = visit_for(request.user, pk, now=request.now)
    if not may_check_in(visit, request.now):
        raise Http404
    if request.method == "POST":
        return tablet.hand_over_check_in(request, address_of(visit))
    return render(request, "intake/checkin_hand_over.html", {"visit": visit})


def _done(request: HttpRequest, visit: Appointment, told: Told) -> HttpResponse:
    """Thank her, or ask her to get help first; her therapist has it either way."""
    if not told.is_urgent:
        tablet.put_to_rest(request)
    context = {"told": told, "visit": visit, "number": emergency_number(visit.location)}
    return render(request, "intake/checkin_stop.html" if told.is_urgent else "intake/checkin_done.html", context)


@require_POST
@for_roles(Role.THERAPIST)
def crisis(request: ClinicRequest, pk: int) -> HttpResponse:
    """Mark that a client's words speak of self-harm, or of harm by others."""
    client = access.client_with_findings(request.user, pk, now=request.now)
    try:
        finding = evaluating.mark_crisis(by=request.user, now=request.now, client=client)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        messages.warning(request, _("Marked, and the clinic is alerted. %(script)s") % {"script": finding.reason})
    return redirect("intake:findings", client.pk)
