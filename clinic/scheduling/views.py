"""Booking, moving and cancelling a visit. Who, what, do, show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.people.access import ClinicRequest, for_roles, the_clinic
from clinic.people.models import Client, Service
from clinic.people.services.clients import last_words
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.choosing import asked_client, choose_client
from clinic.scheduling.forms import CancelForm, ServiceForm, TimeForm, WhenForm, WishForm
from clinic.scheduling.models import MOVABLE, NOT_BEGUN, Appointment, Status
from clinic.scheduling.services import (
    GRACE,
    ChosenVisit,
    SlotTaken,
    book_appointment,
    cancel_appointment,
    cancelled_as,
    change_service,
    free_until,
    move_appointment,
)
from clinic.scheduling.statuses import may_become
from clinic.scheduling.time_page import Wanted, moving_data, time_page, wanted_of, wish_data
from clinic.scheduling.toasts import tell_booked, tell_cancelled, tell_moved, tell_service

Take = Callable[[Wanted, ChosenVisit, TimeForm], Appointment]


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_new(request: ClinicRequest) -> HttpResponse:
    """Book one visit: for whom, what, and one of the free times of a day."""
    asked = request.POST if request.method == "POST" else request.GET
    client = asked_client(request, asked.get("client", ""))
    if request.method != "POST" and not Service.objects.filter(archived_at__isnull=True).exists():
        return render(request, "scheduling/no_service.html")
    if client is None or client.archived_at is not None:
        return choose_client(request, _("New booking"), archived=client)
    wish = WishForm(wish_data(asked, client, request.now))

    def book(wanted: Wanted, chosen: ChosenVisit, times: TimeForm) -> Appointment:
        return book_appointment(
            by=request.user,
            now=request.now,
            client=client,
            service=wanted.service,
            therapist=chosen.therapist,
            location=wanted.location,
            room=wanted.room,
            starts_at=chosen.starts_at,
            idempotency_key=times.idempotency_key,
            override_reason=times.cleaned_data["override_reason"],
        )

    wanted = wanted_of(wish, client)
    return _choose_time(request, client, wish, wanted, take=book)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_move(request: ClinicRequest, pk: int) -> HttpResponse:
    """Move a visit to another of the free times, also with another therapist."""
    visit = visit_for(request.user, pk, now=request.now)
    if request.method != "POST" and visit.status not in MOVABLE:
        return _stays(request, visit)
    asked = request.POST if request.method == "POST" else request.GET
    wish = WhenForm(moving_data(asked, visit), location=visit.location)

    def move(wanted: Wanted, chosen: ChosenVisit, times: TimeForm) -> Appointment:
        return move_appointment(
            by=request.user,
            now=request.now,
            appointment=visit,
            starts_at=chosen.starts_at,
            therapist=chosen.therapist,
            room=wanted.room,
            override_reason=times.cleaned_data["override_reason"],
            seen=times.seen_in(visit.location),
        )

    wanted = wanted_of(wish, visit.client, moving=visit)
    return _choose_time(request, visit.client, wish, wanted, take=move, moving=visit)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_service(request: ClinicRequest, pk: int) -> HttpResponse:
    """Give a visit another service at its time, also with another therapist."""
    visit = visit_for(request.user, pk, now=request.now)
    if request.method != "POST" and visit.status not in NOT_BEGUN:
        return _stays(request, visit)
    form, status = ServiceForm(request.POST or None, visit=visit), HTTPStatus.OK
    if form.is_valid():
        try:
            changed = change_service(by=request.user, now=request.now, appointment=visit, **form.cleaned_data)
        except SlotTaken as taken:
            form.add_error("service", taken)
            status = HTTPStatus.CONFLICT
        except ValidationError as refused:
            _beside_the_field(form, refused)
        else:
            tell_service(request, changed)
            return redirect(day_url(changed))
    context = {"visit": visit, "form": form, "back": day_url(visit)}
    return render(request, "scheduling/appointment_service.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_cancel(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what cancelling now means, and cancel."""
    visit = visit_for(request.user, pk, now=request.now)
    will_be = cancelled_as(visit, now=request.now)
    if request.method != "POST" and not may_become(visit.status, will_be):
        return _stays(request, visit)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cancelled = cancel_appointment(by=request.user, now=request.now, appointment=visit, **form.cleaned_data)
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            tell_cancelled(request, cancelled)
            return redirect(day_url(cancelled))
    context = {
        "visit": visit,
        "form": form,
        "is_late": will_be == Status.LATE_CANCELLED,
        "free_until": make_naive(free_until(visit), visit.location.zone),
        "is_near": free_until(visit) < request.now,
        "policy": the_clinic().cancellation_policy,
        "grace_minutes": int(GRACE.total_seconds()) // 60,
        "back": day_url(visit),
    }
    return render(request, "scheduling/appointment_cancel.html", context)


# --- What the views share


def _choose_time(
    request: ClinicRequest,
    client: Client,
    wish: WhenForm,
    wanted: Wanted | None,
    *,
    take: Take,
    moving: Appointment | None = None,
) -> HttpResponse:
    """Show the free times of the wish, and take the one that was chosen."""
    times = TimeForm(request.POST) if request.method == "POST" else TimeForm(initial={"key": uuid4()})
    show = partial(_show_times, request, client, wish, wanted, times, moving)
    if request.method != "POST" or wanted is None or not times.is_valid():
        return show()
    try:
        chosen = times.chosen(location=wanted.location, on=wanted.on, therapist=wanted.therapist)
        visit = take(wanted, chosen, times)
    except SlotTaken as taken:
        times.add_error(None, taken)
        return show(status=HTTPStatus.CONFLICT, taken=chosen.starts_at)
    except ValidationError as refused:
        _beside_the_field(times, refused)
        return show()
    (tell_moved if moving else tell_booked)(request, visit)
    return redirect(day_url(visit))


def _show_times(  # noqa: PLR0917 -- private, and each is of its own type
    request: ClinicRequest,
    client: Client,
    wish: WhenForm,
    wanted: Wanted | None,
    times: TimeForm,
    moving: Appointment | None,
    *,
    taken: datetime | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    wished = times["slot"].value() or request.GET.get("at", "")
    page = time_page(wanted, wish, now=request.now, wished=wished, taken=taken) if wanted else None
    # The keyboard begins with the wish, and goes on with the times once they were asked for.
    was_asked = "therapist" in request.GET
    if request.method != "POST" and not was_asked:
        wish.visible_fields()[0].field.widget.attrs["autofocus"] = True
    context: dict[str, Any] = {
        "wish": wish,
        "times": times,
        "wanted": wanted,
        "moving": moving,
        "page": page,
        "was_asked": was_asked,
        "client": client,
        "taken": taken,
    }
    if taken and page:
        # Others came too late at the same moment: neither is the wish drawn again, nor is the work counted.
        context |= {"worklist_counts": {}, "other_wish": f"{request.path}?{urlencode(page.hidden)}"}
    else:
        context |= {
            "is_written_to": any(last_words([client.pk]).values()),
            "for_another": _for_another(request, wish),
        }
    return render(request, "scheduling/appointment_time.html", context, status=status)


def _for_another(request: ClinicRequest, wish: WhenForm) -> str:
    """Return the page on which somebody else is chosen for the same wish."""
    said = {name: wish[name].value() or "" for name in wish.fields}
    return f"{request.path}?{urlencode({name: value for name, value in said.items() if value})}"


def _stays(request: ClinicRequest, visit: Appointment) -> HttpResponse:
    """Say that the visit can be neither moved nor cancelled any more, on the day where it stands."""
    facts = {"status": visit.get_status_display()}
    messages.info(request, _("This visit is %(status)s and stays where it is.") % facts)
    return redirect(day_url(visit))


def _beside_the_field(form: TimeForm | ServiceForm, refused: ValidationError) -> None:
    if hasattr(refused, "error_dict"):
        form.add_error(None, refused)
    else:
        form.add_error("override_reason" if getattr(refused, "code", "") == "needs_reason" else None, refused)
