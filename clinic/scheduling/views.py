"""Booking, moving, cancelling, and the steps of a visit. Who, what, do, show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.lib.addresses import asked_next
from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, client_for, for_roles, key_in, the_clinic
from clinic.people.models import Client, Location, Service, clinic_zone
from clinic.people.searching import fitting
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.forms import (
    CancelForm,
    SeriesForm,
    TimeForm,
    WhenForm,
    WishForm,
    last_wish,
    read_choice,
)
from clinic.scheduling.models import MOVABLE, Appointment, Status
from clinic.scheduling.offers import FreeTime, preview_series
from clinic.scheduling.series_page import left_out, series_page
from clinic.scheduling.services import (
    ChosenVisit,
    SlotTaken,
    book_appointment,
    book_series,
    cancel_appointment,
    cancelled_as,
    change_status,
    free_until,
    move_appointment,
)
from clinic.scheduling.statuses import may_become
from clinic.scheduling.time_page import Wanted, moving_data, nearest_free, parse_day, time_page, wanted_of, wish_data
from clinic.scheduling.words import moment_words

Take = Callable[[Wanted, ChosenVisit, TimeForm], Appointment]
MATCHES_SHOWN = 10
# What the desk's buttons may ask for. A session begins with its note, a cancellation with its own page.
ASKABLE = frozenset({Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.COMPLETED, Status.NO_SHOW})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_new(request: ClinicRequest) -> HttpResponse:
    """Book one visit: for whom, what, and one of the free times of a day."""
    asked = request.POST if request.method == "POST" else request.GET
    client = _asked_client(request, asked.get("client", ""))
    if not Service.objects.filter(archived_at__isnull=True).exists():
        return render(request, "scheduling/no_service.html")
    if client is None:
        return _choose_client(request, _("New booking"))
    wish = WishForm(wish_data(asked, client, request.now))

    def book(wanted: Wanted, chosen: ChosenVisit, times: TimeForm) -> Appointment:
        return book_appointment(
            by=request.user,
            now=request.now,
            client=client,
            service=wanted.service,
            therapist=chosen.therapist,
            location=wanted.location,
            starts_at=chosen.starts_at,
            idempotency_key=times.idempotency_key,
            override_reason=times.cleaned_data["override_reason"],
        )

    wanted = wanted_of(wish, client)
    return _choose_time(request, wish, wanted, take=book)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_move(request: ClinicRequest, pk: int) -> HttpResponse:
    """Move a visit to another of the free times, also with another therapist."""
    visit = visit_for(request.user, pk, now=request.now)
    if request.method != "POST" and visit.status not in MOVABLE:
        return _stays(request, visit)
    asked = request.POST if request.method == "POST" else request.GET
    wish = WhenForm(moving_data(asked, visit))

    def move(wanted: Wanted, chosen: ChosenVisit, times: TimeForm) -> Appointment:
        return move_appointment(
            by=request.user,
            now=request.now,
            appointment=visit,
            starts_at=chosen.starts_at,
            therapist=chosen.therapist,
            override_reason=times.cleaned_data["override_reason"],
            seen=times.seen_in(visit.location),
        )

    wanted = wanted_of(wish, visit.client, moving=visit)
    return _choose_time(request, wish, wanted, take=move, moving=visit)


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
            cancelled = cancel_appointment(
                by=request.user, now=request.now, appointment=visit, why=form.cleaned_data["why"]
            )
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            facts = {"client": visit.client.name, "when": moment_words(visit.starts_at, visit.location.zone)}
            messages.success(request, _("%(client)s, %(when)s is cancelled.") % facts)
            return redirect(day_url(cancelled))
    context = {
        "visit": visit,
        "form": form,
        "is_late": will_be == Status.LATE_CANCELLED,
        "free_until": make_naive(free_until(visit), visit.location.zone),
        "policy": the_clinic().cancellation_policy,
        "back": day_url(visit),
    }
    return render(request, "scheduling/appointment_cancel.html", context)


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
        change_status(by=request.user, now=request.now, appointment=visit, to=Status(to))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return HttpResponseRedirect(asked_next(request) or day_url(visit))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def series_new(request: ClinicRequest) -> HttpResponse:
    """Preview a series, each date free or with a way out, and book all that was accepted or nothing."""
    client = _asked_client(request, request.GET.get("client", ""))
    if not Service.objects.filter(archived_at__isnull=True).exists():
        return render(request, "scheduling/no_service.html")
    if client is None:
        return _choose_client(request, _("New series"))
    form = SeriesForm(_series_data(request, client))
    if not form.is_valid():
        return render(request, "scheduling/series_new.html", {"client": client, "form": form})
    return _take_series(request, client, form) if request.method == "POST" else _show_series(request, client, form)


# --- What the views share


def _take_series(request: ClinicRequest, client: Client, form: SeriesForm) -> HttpResponse:
    """Book all that was accepted, or show what is in the way."""
    rule = form.cleaned_data
    try:
        series = book_series(
            by=request.user,
            now=request.now,
            client=client,
            chosen=_chosen_visits(request.POST.getlist("visit"), rule["location"]),
            idempotency_key=TimeForm.base_fields["key"].clean(request.POST.get("key", "")),
            **rule,
        )
    except ValidationError as refused:
        status = HTTPStatus.CONFLICT if isinstance(refused, SlotTaken) else HTTPStatus.OK
        return _show_series(request, client, form, refusal=refused.messages, status=status)
    visits = series.appointments.with_people().order_by("starts_at")
    facts = {"client": client.name, "n": len(visits)}
    messages.success(request, _("%(n)d visits of %(client)s are booked.") % facts)
    return redirect(day_url(visits[0]))


def _show_series(
    request: ClinicRequest,
    client: Client,
    form: SeriesForm,
    *,
    refusal: Sequence[str] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """Show each visit of the rule, free or with a way out."""
    rule = form.cleaned_data
    preview = preview_series(now=request.now, client=client, leaving_out=left_out(request.GET), **rule)
    context = {
        "client": client,
        "form": form,
        "rule": rule,
        "page": series_page(preview, request.GET, rule["location"]),
        "refusal": refusal,
        "key": uuid4(),
    }
    return render(request, "scheduling/series_new.html", context, status=status)


def _asked_client(request: ClinicRequest, pk: str) -> Client | None:
    key = key_in(pk)
    return None if key is None else client_for(request.user, key, "booking", now=request.now)


def _choose_client(request: ClinicRequest, heading: str) -> HttpResponse:
    """Ask for whom, keeping everything that was already said in the address."""
    words = request.GET.get("q", "").strip()
    found = fitting(words).active() if words else Client.objects.none()
    kept = request.GET.copy()
    for name in ("q", "client"):
        kept.pop(name, None)
    context = {"heading": heading, "words": words, "found": found[:MATCHES_SHOWN], "kept": kept}
    return render(request, "scheduling/client_choose.html", context)


def _choose_time(
    request: ClinicRequest, wish: WhenForm, wanted: Wanted | None, *, take: Take, moving: Appointment | None = None
) -> HttpResponse:
    """Show the free times of the wish, and take the one that was chosen."""
    times = TimeForm(request.POST) if request.method == "POST" else TimeForm(initial={"key": uuid4()})
    show = partial(_show_times, request, wish, wanted, times, moving)
    if request.method != "POST" or wanted is None or not times.is_valid():
        return show()
    try:
        chosen = times.chosen(location=wanted.location, on=wanted.on, therapist=wanted.therapist)
        visit = take(wanted, chosen, times)
    except SlotTaken as taken:
        times.add_error(None, taken)
        return show(status=HTTPStatus.CONFLICT, nearest=nearest_free(wanted, chosen.starts_at, request.now))
    except ValidationError as refused:
        _beside_the_field(times, refused)
        return show()
    messages.success(request, _booked_words(visit))
    return redirect(day_url(visit))


def _show_times(
    request: ClinicRequest,
    wish: WhenForm,
    wanted: Wanted | None,
    times: TimeForm,
    moving: Appointment | None,
    *,
    nearest: Sequence[FreeTime] = (),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    wished = times["slot"].value() or request.GET.get("at", "")
    page = time_page(wanted, wish, now=request.now, wished=wished, nearest=nearest) if wanted else None
    context = {
        "wish": wish,
        "times": times,
        "wanted": wanted,
        "moving": moving,
        "page": page,
        "client_pk": (request.POST or request.GET).get("client", ""),
    }
    return render(request, "scheduling/appointment_time.html", context, status=status)


def _stays(request: ClinicRequest, visit: Appointment) -> HttpResponse:
    """Say that the visit can be neither moved nor cancelled any more, on the day where it stands."""
    facts = {"status": visit.get_status_display()}
    messages.info(request, _("This visit is %(status)s and stays where it is.") % facts)
    return redirect(day_url(visit))


def _series_data(request: ClinicRequest, client: Client) -> dict[str, Any]:
    """Return the rule as asked for; what was not said is as last time, every two weeks, ten visits."""
    last, asked = last_wish(client), request.GET.dict()
    every = asked.get("every_weeks", "2")
    begin = parse_day(asked.get("after", "")) or local_date(clinic_zone(), request.now)
    first_on = begin + timedelta(weeks=int(every) if every.isdecimal() and len(every) == 1 else 2)
    return {"first_on": first_on.isoformat(), "at_time": "10:00", "every_weeks": "2", "count": "10", **last, **asked}


def _chosen_visits(values: Sequence[str], location: Location) -> list[ChosenVisit]:
    return [one for value in values if (one := read_choice(value, location))]


def _beside_the_field(form: TimeForm, refused: ValidationError) -> None:
    if hasattr(refused, "error_dict"):
        form.add_error(None, refused)
    else:
        form.add_error("override_reason" if getattr(refused, "code", "") == "needs_reason" else None, refused)


def _booked_words(visit: Appointment) -> str:
    facts = {
        "client": visit.client.name,
        "when": moment_words(visit.starts_at, visit.location.zone),
        "therapist": visit.therapist.user.first_name,
        "room": visit.room,
    }
    return _("%(client)s is booked: %(when)s, %(therapist)s, %(room)s.") % facts
