"""Series: previewed before they are booked or changed. Who, what, do, show."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles, key_in
from clinic.people.models import Client, Service, clinic_zone
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.choosing import asked_client, choose_client
from clinic.scheduling.ending import rows_ending
from clinic.scheduling.forms import LAST_WISH, TimeForm, last_wish, read_choices, therapists
from clinic.scheduling.forms_series import COUNT, SeriesCancelForm, SeriesChangeForm, SeriesForm
from clinic.scheduling.models import MOVABLE, Appointment, Status
from clinic.scheduling.offers import preview_series
from clinic.scheduling.series_page import change_page, chosen_moves, left_out, series_page
from clinic.scheduling.services import (
    SlotTaken,
    Which,
    book_series,
    cancel_series,
    cancelled_as,
    change_series,
    visits_meant,
)
from clinic.scheduling.time_page import parse_day
from clinic.scheduling.toasts import tell_done


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def series_new(request: ClinicRequest) -> HttpResponse:
    """Preview a series, each date free or with a way out, and book all that was accepted or nothing."""
    client = asked_client(request, request.GET.get("client", ""))
    if request.method != "POST" and not Service.objects.filter(archived_at__isnull=True).exists():
        return render(request, "scheduling/no_service.html")
    if client is None or client.archived_at is not None:
        return choose_client(request, _("New series"), archived=client)
    form = SeriesForm(_series_data(request, client), client=client, leaving_out=left_out(request.GET))
    if not form.is_valid():
        return render(request, "scheduling/series_new.html", {"client": client, "form": form})
    return _take_series(request, client, form) if request.method == "POST" else _show_series(request, client, form)


def _take_series(request: ClinicRequest, client: Client, form: SeriesForm) -> HttpResponse:
    """Book all that was accepted, or show what is in the way."""
    said = form.cleaned_data
    try:
        series = book_series(
            by=request.user,
            now=request.now,
            client=client,
            chosen=read_choices(request.POST.getlist("visit"), said["location"], said["therapist"]),
            idempotency_key=_key_in(request),
            continues=said["continues"],
            **form.rule,
        )
    except ValidationError as refused:
        return _show_series(request, client, form, refused)
    first, booked = series.appointments.select_related("location").earliest("starts_at"), series.appointments.count()
    words = ngettext("%(n)d visit of %(client)s is booked.", "%(n)d visits of %(client)s are booked.", booked)
    tell_done(request, first, words % {"client": client.name, "n": booked})
    return redirect(day_url(first))


def _show_series(
    request: ClinicRequest, client: Client, form: SeriesForm, refused: ValidationError | None = None
) -> HttpResponse:
    """Show each visit of the rule, free or with a way out."""
    preview = preview_series(now=request.now, client=client, leaving_out=form.leaving_out, **form.rule)
    context = {
        "client": client,
        "form": form,
        "rule": form.rule,
        "page": series_page(preview, request.GET, form.cleaned_data["location"]),
        "refusal": refused.messages if refused else (),
        "key": uuid4(),
    }
    return render(request, "scheduling/series_new.html", context, status=_status_of(refused))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def series_change(request: ClinicRequest, pk: int) -> HttpResponse:
    """Preview how this one, the following or all visits of a series change, and change all that was accepted."""
    visit = visit_for(request.user, pk, now=request.now)
    if visit.series is None or visit.status not in MOVABLE:
        return redirect("scheduling:appointment-move", pk)
    form = SeriesChangeForm(request.GET.dict(), visit=visit)
    if "which" not in request.GET or not form.is_valid():
        return render(request, "scheduling/series_change.html", {"visit": visit, "form": form})
    if request.method == "POST":
        return _take_change(request, visit, form)
    return _show_change(request, visit, form)


def _take_change(request: ClinicRequest, visit: Appointment, form: SeriesChangeForm) -> HttpResponse:
    """Change all that was accepted, or show what is in the way."""
    try:
        changed = change_series(
            by=request.user,
            now=request.now,
            appointment=visit,
            which=form.cleaned_data["which"],
            wished=form.wished,
            chosen=chosen_moves(request.POST.getlist("visit"), visit.location, form.wished.location),
            key=_key_in(request),
        )
    except ValidationError as refused:
        return _show_change(request, visit, form, refused)
    first = min(changed, key=lambda one: one.starts_at)
    words = ngettext("%(n)d visit of %(client)s is changed.", "%(n)d visits of %(client)s are changed.", len(changed))
    tell_done(request, first, words % {"client": visit.client.name, "n": len(changed)})
    return redirect(day_url(first))


def _show_change(
    request: ClinicRequest, visit: Appointment, form: SeriesChangeForm, refused: ValidationError | None = None
) -> HttpResponse:
    """Show where each visit goes, free or with a way out, and which ones stay."""
    meant = list(
        visits_meant(visit, form.cleaned_data["which"], now=request.now).with_people().select_related("series")
    )
    page = change_page(meant, visit, form.wished, request.GET, now=request.now)
    context = {
        "visit": visit,
        "form": form,
        "page": page,
        "refusal": refused.messages if refused else (),
        "key": uuid4(),
    }
    return render(request, "scheduling/series_change.html", context, status=_status_of(refused))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def series_cancel(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show which visits of a series are cancelled and which of them late, and cancel all of them."""
    visit = visit_for(request.user, pk, now=request.now)
    # The same form sent twice says twice what was done.
    if visit.series is None or (request.method != "POST" and visit.status not in MOVABLE):
        return redirect("scheduling:appointment-cancel", pk)
    asked = request.POST if request.method == "POST" else request.GET
    which = Which(asked["which"]) if asked.get("which") in Which.values else Which.FOLLOWING
    form = SeriesCancelForm(request.POST or None, initial={"which": which, "key": uuid4()})
    status = HTTPStatus.OK
    if form.is_valid():
        seen = [key for words in request.POST.getlist("visit") if (key := key_in(words)) is not None]
        try:
            gone = cancel_series(by=request.user, now=request.now, appointment=visit, seen=seen, **form.cleaned_data)
        except ValidationError as refused:
            form.add_error(None, refused)
            status = _status_of(refused)
        else:
            words = ngettext("%(n)d visit is cancelled.", "%(n)d visits are cancelled.", len(gone)) % {"n": len(gone)}
            tell_done(request, gone[0], words)
            return redirect(day_url(visit))
    meant = visits_meant(visit, which, now=request.now).with_people()
    context = {
        "visit": visit,
        "form": form,
        "which": which,
        "choices": Which.choices,
        "rows": [(one, cancelled_as(one, now=request.now) == Status.LATE_CANCELLED) for one in meant],
        "back": day_url(visit),
    }
    return render(request, "scheduling/series_cancel.html", context, status=status)


@require_safe
@for_roles()
def series_ending(request: ClinicRequest) -> HttpResponse:
    """List the series that end soon, each with the way to go on."""
    return render(request, "scheduling/series_ending.html", {"rows": rows_ending(request.user, request.now)})


# --- What the views share


def _status_of(refused: ValidationError | None) -> HTTPStatus:
    return HTTPStatus.CONFLICT if isinstance(refused, SlotTaken) else HTTPStatus.OK


def _key_in(request: ClinicRequest) -> UUID:
    key: UUID = TimeForm.base_fields["key"].clean(request.POST.get("key", ""))
    return key


def _series_data(request: ClinicRequest, client: Client) -> dict[str, Any]:
    """Return the rule as asked for; what was not said is as last time, every two weeks, ten visits."""
    asked = request.GET.dict()
    last = {} if asked.keys() >= LAST_WISH else last_wish(client)
    if last and not last["therapist"]:
        # A series has one therapist from the beginning: where hers has left, the first of those who are here.
        last["therapist"] = therapists().values_list("pk", flat=True).first()
    every = asked.get("every_weeks", "2")
    begin = parse_day(asked.get("after", "")) or local_date(clinic_zone(), request.now)
    first_on = begin + timedelta(weeks=int(every) if every.isdecimal() and len(every) == 1 else 2)
    return {
        "first_on": first_on.isoformat(),
        "at_time": "10:00",
        "every_weeks": "2",
        "ends": COUNT,
        "count": "10",
        **last,
        **asked,
    }
