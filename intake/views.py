"""The client's side: her link, the steps, the page that stops, and the thanks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, cast

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.forms import put_errors
from clinic.lib.rates import is_too_often, where_from
from clinic.people.access import ClinicRequest, signed_in
from clinic.people.emergencies import emergency_number
from clinic.people.records import records_of
from clinic.scheduling.models import Appointment
from intake import access, services
from intake.answering import Alarm
from intake.forms import BirthForm
from intake.models import Submission
from intake.questions import form_of
from intake.services import LinkClosed

P = ParamSpec("P")
NOT_FOUND, GONE = 404, 410
# A waiting room shares one address; whoever guesses at links or dates needs very many.
TRIES_AN_HOUR, AN_HOUR = 40, 3600


def with_now(
    view: Callable[Concatenate[ClinicRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Type a view that needs no sign-in; where the form is closed to this browser, it answers with one calm page.

    Whoever has just sent her answers, and goes back or sends them again, is thanked again.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(cast("ClinicRequest", request), *args, **kwargs)  # the middleware has set `now`
        except LinkClosed:
            if access.has_just_sent(request.session) and not request.headers.get("HX-Request"):
                return redirect("intake:sent")
            return closed(request, GONE)

    return wrapper


def closed(request: HttpRequest, status: int) -> HttpResponse:
    """Say that the form does not open, whatever the reason."""
    return render(request, "intake/closed.html", status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@with_now
def open_link(request: ClinicRequest, token: str) -> HttpResponse:
    """Open a private link: say who you are, then go on where you stopped."""
    try:
        invitation = access.invitation_by(token)
    except Http404:
        return _too_often(request) or closed(request, NOT_FOUND)
    if not invitation.is_open(request.now):
        return closed(request, GONE)
    form = BirthForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if waits := _too_often(request):
            return waits
        born_on = form.cleaned_data["born_on"]
        try:
            draft = services.open_invitation(now=request.now, invitation=invitation, born_on=born_on)
        except LinkClosed:
            return closed(request, GONE)
        except ValidationError as problem:
            put_errors(form, problem)
        else:
            access.enter(request.session, draft, invitation)
            return go_on(draft, request.now)
    return render(request, "intake/open.html", {"form": form, "is_begun": invitation.opened_at is not None})


def _too_often(request: ClinicRequest) -> HttpResponse | None:
    """Count one more link or date that was tried from this address, and ask to wait where these are too many."""
    if is_too_often(f"intake-open:{where_from(request)}", most=TRIES_AN_HOUR, seconds=AN_HOUR, now=request.now):
        return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def own(request: ClinicRequest, client_pk: int) -> HttpResponse:
    """Let a client who has signed in open the form that waits for her."""
    client = access.own_client_asked(request, client_pk)
    if request.method == "POST":
        draft = services.begin(now=request.now, client=client)
        access.enter(request.session, draft, None)
        return go_on(draft, request.now)
    return render(request, "intake/open.html", {"form": None, "is_begun": False})


@require_safe
@with_now
def stop(request: ClinicRequest) -> HttpResponse:
    """Ask her to get help first."""
    draft = access.draft_in(request)
    alarm = services.alarm_of(draft, request.now)
    if alarm is None:
        return go_on(draft, request.now)
    steps = len(form_of(draft.form_version_id).steps)
    context = {
        "alarm": alarm,
        "correct_url": _correct_url(alarm),
        "next_step": min(alarm.step + 1, steps),
        "number": _emergency_number(draft, request.now),
    }
    return render(request, "intake/stop.html", context)


def _emergency_number(draft: Submission, now: datetime) -> str:
    visits = Appointment.objects.filter(client__among=records_of(draft.client_id)).upcoming(now)
    visit = visits.select_related("location").first()
    return emergency_number(visit.location if visit else None)


@require_safe
@with_now
def sent(request: ClinicRequest) -> HttpResponse:
    """Thank her, and tell what happens next."""
    submission = access.just_sent_in(request.session)
    visits = Appointment.objects.filter(client__among=records_of(submission.client_id)).upcoming(request.now)
    return render(request, "intake/sent.html", {"next_visit": visits.select_related("location").first()})


def go_on(draft: Submission, now: datetime) -> HttpResponse:
    """Go to the first step that is not finished, or where all are, to the last; an emergency answer comes first."""
    if stopped := stop_first(draft, now):
        return stopped
    form = form_of(draft.form_version_id)
    unfinished = form.first_incomplete(draft.answers)
    return redirect("intake:step", unfinished.number if unfinished else len(form.steps))


def stop_first(draft: Submission, now: datetime) -> HttpResponseRedirect | None:
    """Lead to the page that stops where an answer asks for help at once."""
    alarm = services.alarm_of(draft, now)
    return redirect("intake:stop") if alarm is not None and alarm.is_emergency else None


def _correct_url(alarm: Alarm) -> str:
    step = reverse("intake:step", args=[alarm.step])
    return f"{step}#div_id_{alarm.said[0].question.code}" if alarm.said else step
