"""The steps of a visit, taking the last change back, and booking the same again. Who, what, do, show."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.lib.addresses import asked_next
from clinic.people.access import ClinicRequest, for_roles
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.forms import AgainForm
from clinic.scheduling.models import MOVABLE, TAKING, Appointment, Status
from clinic.scheduling.services import SlotTaken, accept_request, book_appointment, change_status, confirm_hold, undo
from clinic.scheduling.toasts import taken_back_words, tell_booked, tell_step

# What the desk's buttons may ask for. A session begins with its note, a cancellation with its own page.
ASKABLE = frozenset({Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.COMPLETED, Status.NO_SHOW})


@require_POST
@for_roles()
def appointment_status(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take one step of a visit, or take it back."""
    visit = visit_for(request.user, pk, now=request.now)
    to = request.POST.get("to", "")
    takes_back_check_out = to == Status.IN_SESSION and visit.status == Status.COMPLETED
    if to not in ASKABLE and not takes_back_check_out:
        raise Http404
    try:
        stepped = _take_step(request, visit, Status(to))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        if isinstance(refused, SlotTaken) and visit.status not in TAKING:
            return redirect(_other_times_url(visit))
    else:
        tell_step(request, stepped)
    return HttpResponseRedirect(asked_next(request) or day_url(visit))


@require_POST
@for_roles()
def appointment_undo(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take the last change back: for the calendar's script in JSON, else on the page that asked."""
    visit = visit_for(request.user, pk, now=request.now)
    try:
        taken_back = undo(by=request.user, now=request.now, appointment=visit)
    except ValidationError as refused:
        return _say(request, visit, " ".join(refused.messages), HTTPStatus.CONFLICT)
    shown = taken_back[0] if len(taken_back) == 1 else visit
    return _say(request, shown, taken_back_words(taken_back), HTTPStatus.OK)


@require_POST
@for_roles()
def appointment_again(request: ClinicRequest, pk: int) -> HttpResponse:
    """Book the same client, service and therapist at another time that was offered; where it is gone, offer more."""
    visit = visit_for(request.user, pk, now=request.now)
    form = AgainForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This is no day and time."))
        return redirect(day_url(visit))
    try:
        booked = book_appointment(
            by=request.user,
            now=request.now,
            client=visit.client,
            service=visit.service,
            therapist=visit.therapist,
            location=visit.location,
            starts_at=form.starts_at_in(visit.location),
            idempotency_key=form.cleaned_data["key"],
        )
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect(_booking_url(visit, form.cleaned_data["at"].isoformat(timespec="minutes")))
    tell_booked(request, booked)
    return HttpResponseRedirect(asked_next(request) or day_url(visit))


def _take_step(request: ClinicRequest, visit: Appointment, to: Status) -> Appointment:
    if to == Status.BOOKED and visit.status == Status.REQUESTED:
        return accept_request(by=request.user, now=request.now, appointment=visit)
    if to == Status.BOOKED and visit.status == Status.HELD:
        return confirm_hold(by=request.user, now=request.now, appointment=visit)
    return change_status(by=request.user, now=request.now, appointment=visit, to=to)


def _other_times_url(visit: Appointment) -> str:
    """Return the page with what is free instead of the time that the visit has or had."""
    at = visit.local_start.isoformat(timespec="minutes")
    if visit.status in MOVABLE:
        return f"{reverse('scheduling:appointment-move', args=[visit.pk])}?{urlencode({'at': at})}"
    return _booking_url(visit, at)


def _say(request: ClinicRequest, visit: Appointment, words: str, status: HTTPStatus) -> HttpResponse:
    if request.accepts("text/html"):
        messages.add_message(request, messages.SUCCESS if status == HTTPStatus.OK else messages.ERROR, words)
        return HttpResponseRedirect(asked_next(request) or day_url(visit))
    return JsonResponse({"words": words, "next": []}, status=status)


def _booking_url(visit: Appointment, at: str) -> str:
    query = {
        "client": visit.client_id,
        "service": visit.service_id,
        "therapist": visit.therapist_id,
        "location": visit.location_id,
        "at": at,
    }
    return f"{reverse('scheduling:appointment-new')}?{urlencode(query)}"
