"""What every step of booking by oneself may answer: the times, where to call, get help first, it was too often."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeAlias, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, the_clinic
from clinic.people.emergencies import emergency_number
from clinic.people.models import Clinic, Location, Service, User
from clinic.public.booking_forms import ConfirmForm
from clinic.public.booking_wish import Wish, clients_of, first_place
from clinic.scheduling.models import Appointment
from clinic.scheduling.online import places_shown, stop_booking, therapists_shown
from clinic.scheduling.online_page import Sought, online_page
from intake.models import Effect
from intake.services import record_booking_answers

P = ParamSpec("P")


class VisitorRequest(HttpRequest):
    """A request of whoever comes, signed in or not, with the moment at which it came."""

    now: datetime


AnyRequest: TypeAlias = "VisitorRequest | ClinicRequest"
BookingView = Callable[Concatenate[VisitorRequest, Clinic, P], HttpResponseBase]


def while_open(view: BookingView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Open a view while clients book by themselves; else say where to call."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        clinic = the_clinic()
        if not clinic.is_bookable_online:
            return call_us(request, _("Online booking is closed at the moment."), HTTPStatus.OK)
        return view(cast("VisitorRequest", request), clinic, *args, **kwargs)  # the middleware has set `now`

    return wrapper


def times_page(
    request: AnyRequest,
    clinic: Clinic,
    service: Service,
    asked: Mapping[str, str],
    *,
    missed: Wish | None = None,
    refused: str = "",
) -> HttpResponse:
    """Show the free times; where one was missed, why, and the next ones after it."""
    places = places_shown()
    if not places:
        return call_us(request, _("Online booking is closed at the moment."), HTTPStatus.OK)
    location = next((one for one in places if str(one.pk) == asked.get("location")), places[0])
    shown = therapists_shown(service, local_date(location.zone, request.now))
    therapist = next((one for one in shown if str(one.pk) == asked.get("with")), None)
    clients = clients_of(request)
    sought = Sought(clinic, service, location, clients[0] if len(clients) == 1 else None, therapist)
    page = online_page(sought, asked, now=request.now, missed=missed.chosen.starts_at if missed else None)
    context = {"page": page, "service": service, "places": places, "refused": refused}
    status = HTTPStatus.CONFLICT if missed else HTTPStatus.OK
    return render(request, "public/booking_times.html", context, status=status)


def taken(request: AnyRequest, clinic: Clinic, wish: Wish, refused: ValidationError) -> HttpResponse:
    """Show the next free times in place of one that is taken."""
    asked = {"location": str(wish.location.pk)}
    words = " ".join(refused.messages)
    return times_page(request, clinic, wish.service, asked, missed=wish, refused=words)


def call_us(
    request: HttpRequest, words: str, status: HTTPStatus, *, place: Location | None = None, may_sign_in: bool = False
) -> HttpResponse:
    """Say what she cannot do by herself, and where to call."""
    context = {"words": words, "place": place or first_place(), "may_sign_in": may_sign_in}
    return render(request, "public/booking_call.html", context, status=status)


def stopped_by(
    form: ConfirmForm, request: HttpRequest, visit: Appointment, *, by: User | None, now: datetime
) -> HttpResponse | None:
    """Keep how she is today; where that wants a doctor first, stop the booking and ask her to get help."""
    # Together, or whoever must be spoken with could still book.
    with transaction.atomic():
        stops = record_booking_answers(by=by, now=now, client=visit.client, answers=form.answers())
        if stops is None:
            return None
        stop_booking(by=by, now=now, appointment=visit)
    context = {
        "is_emergency": stops == Effect.EMERGENCY,
        "said": form.ticked(),
        "number": emergency_number(visit.location),
        "place": visit.location,
    }
    return render(request, "public/booking_stopped.html", context)


def too_often(request: HttpRequest) -> HttpResponse:
    """Ask her to wait."""
    return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)


def go(wish: Wish, name: str) -> HttpResponse:
    """Go on to another step with the same wish."""
    return redirect(f"{reverse(name, args=[wish.service.pk])}?{wish.query}")
