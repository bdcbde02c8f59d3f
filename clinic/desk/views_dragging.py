"""A visit put elsewhere, made longer or shorter. The calendar's script is answered in JSON.

200 says what was done, 409 why it was not and what is free next, 422 that it needs a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.desk.forms import LengthForm, PlaceForm
from clinic.people.access import ClinicRequest, for_roles
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.models import Appointment
from clinic.scheduling.offers import FreeTime
from clinic.scheduling.services import MOVED_MEANWHILE, SlotTaken, change_length, move_appointment
from clinic.scheduling.time_page import Wanted, nearest_free
from clinic.scheduling.toasts import moved_words, tell_done
from clinic.scheduling.words import moment_words

Offer = dict[str, object]


@require_POST
@for_roles()
def visit_place(request: ClinicRequest, pk: int) -> JsonResponse:
    """Put a visit where its block was dropped: at another time, with another therapist, in another room or location."""
    visit = visit_for(request.user, pk, now=request.now)
    form = PlaceForm(request.POST)
    if not form.is_valid():
        return _not_understood(form)
    wish = form.cleaned_data
    try:
        moved = move_appointment(
            by=request.user,
            now=request.now,
            appointment=visit,
            starts_at=form.starts_at,
            therapist=wish["therapist"],
            room=wish["room"],
            location=wish["location"],
            override_reason=wish["reason"],
            seen=form.seen(visit),
        )
    except SlotTaken as taken:
        if taken.code == MOVED_MEANWHILE:  # what is free next is asked for from where it is now
            return _refused(taken)
        therapist = wish["therapist"] or visit.therapist
        wanted = Wanted(visit.client, visit.service, wish["location"], therapist, wish["at"].date(), visit)
        free = nearest_free(wanted, form.starts_at, request.now)
        return _refused(taken, [_offer(one, wanted.location.zone) for one in free])
    except ValidationError as refusal:
        return _refused(refusal)
    return _done(moved, moved_words(moved))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def visit_length(request: ClinicRequest, pk: int) -> HttpResponse:
    """Make a visit as long as its block was drawn, or as the form says."""
    visit = visit_for(request.user, pk, now=request.now)
    if request.method != "POST":
        return _length_page(request, visit, LengthForm(initial={"minutes": visit.minutes}))
    form = LengthForm(request.POST)
    is_page = request.accepts("text/html")
    if not form.is_valid():
        return _length_page(request, visit, form) if is_page else _not_understood(form)
    try:
        changed = change_length(
            by=request.user,
            now=request.now,
            appointment=visit,
            minutes=form.cleaned_data["minutes"],
            override_reason=form.cleaned_data["reason"],
        )
    except ValidationError as refusal:
        if not is_page:
            return _refused(refusal)
        form.add_error("reason" if getattr(refusal, "code", "") == "needs_reason" else "minutes", refusal)
        return _length_page(request, visit, form)
    words = _("%(client)s has %(minutes)d minutes.") % {"client": changed.client.name, "minutes": changed.minutes}
    if not is_page:
        return _done(changed, words)
    tell_done(request, changed, words)
    return redirect(day_url(changed))


def _length_page(request: ClinicRequest, visit: Appointment, form: LengthForm) -> HttpResponse:
    return render(request, "desk/visit_length.html", {"visit": visit, "form": form, "back": day_url(visit)})


def _done(visit: Appointment, words: str) -> JsonResponse:
    return JsonResponse({"words": words, "undo": reverse("scheduling:appointment-undo", args=[visit.pk])})


def _not_understood(form: forms.Form) -> JsonResponse:
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    return JsonResponse({"words": words, "next": []}, status=HTTPStatus.CONFLICT)


def _refused(refusal: ValidationError, offers: Sequence[Offer] = ()) -> JsonResponse:
    """Say why not; where a reason would do, ask for one, and otherwise offer what is free next."""
    words = " ".join(refusal.messages)
    if getattr(refusal, "code", "") == "needs_reason":
        return JsonResponse({"words": words}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return JsonResponse({"words": words, "next": offers}, status=HTTPStatus.CONFLICT)


def _offer(free: FreeTime, zone: ZoneInfo) -> Offer:
    facts = {"when": moment_words(free.starts_at, zone), "therapist": free.therapist.user.first_name}
    return {
        "at": make_naive(free.starts_at, zone).isoformat(timespec="minutes"),
        "therapist": free.therapist.pk,
        "words": _("%(when)s, %(therapist)s") % facts,
    }
