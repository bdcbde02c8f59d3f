"""Check-in on the day of a visit, by its link: on her own device, or on one that the front desk hands over."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.emergencies import emergency_number
from clinic.people.models import Role
from clinic.scheduling.models import Appointment
from intake import access, evaluating
from intake.checkin import Told, check_in, check_in_step, visit_of
from intake.forms import StepForm
from intake.wall import today_at


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def checkin(request: HttpRequest, token: str) -> HttpResponse:
    """Ask how she is today, and say what to do now. It shows nothing of what was said before."""
    visitor = cast("ClinicRequest", request)  # the middleware has set `now`
    visit = visit_of(token, visitor.now)
    if visit is None:
        return render(request, "intake/checkin_closed.html", status=HTTPStatus.GONE)
    asked, typed = check_in_step(visit.client.language), request.POST if request.method == "POST" else None
    form = StepForm(asked, today_at(visitor.now), data=typed)
    if request.method == "POST" and form.is_valid():
        by = visitor.user if visitor.user.is_authenticated else None
        try:
            told = check_in(by=by, now=visitor.now, appointment=visit, answers=form.answers)
        except ValidationError as problem:
            form.add_error(None, problem.messages)
        else:
            return _done(request, visit, told)
    return render(request, "intake/checkin.html", {"form": form, "step": form.step, "visit": visit})


def _done(request: HttpRequest, visit: Appointment, told: Told) -> HttpResponse:
    """Thank her, or ask her to get help first; her therapist has it either way."""
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
