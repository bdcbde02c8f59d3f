"""Series: previewed before they are booked. Who, what, do, show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Client, Location, Service, clinic_zone
from clinic.scheduling.addresses import day_url
from clinic.scheduling.choosing import asked_client, choose_client
from clinic.scheduling.forms import SeriesForm, TimeForm, last_wish, read_choice
from clinic.scheduling.offers import preview_series
from clinic.scheduling.series_page import left_out, series_page
from clinic.scheduling.services import ChosenVisit, SlotTaken, book_series
from clinic.scheduling.time_page import parse_day


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def series_new(request: ClinicRequest) -> HttpResponse:
    """Preview a series, each date free or with a way out, and book all that was accepted or nothing."""
    client = asked_client(request, request.GET.get("client", ""))
    if not Service.objects.filter(archived_at__isnull=True).exists():
        return render(request, "scheduling/no_service.html")
    if client is None or client.archived_at is not None:
        return choose_client(request, _("New series"), archived=client)
    form = SeriesForm(_series_data(request, client))
    if not form.is_valid():
        return render(request, "scheduling/series_new.html", {"client": client, "form": form})
    return _take_series(request, client, form) if request.method == "POST" else _show_series(request, client, form)


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


def _series_data(request: ClinicRequest, client: Client) -> dict[str, Any]:
    """Return the rule as asked for; what was not said is as last time, every two weeks, ten visits."""
    last, asked = last_wish(client), request.GET.dict()
    every = asked.get("every_weeks", "2")
    begin = parse_day(asked.get("after", "")) or local_date(clinic_zone(), request.now)
    first_on = begin + timedelta(weeks=int(every) if every.isdecimal() and len(every) == 1 else 2)
    return {"first_on": first_on.isoformat(), "at_time": "10:00", "every_weeks": "2", "count": "10", **last, **asked}


def _chosen_visits(values: Sequence[str], location: Location) -> list[ChosenVisit]:
    return [one for value in values if (one := read_choice(value, location))]
