"""Who looked at what, and who changed what: before and after, when and why."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.audit.kinds import Manner
from clinic.audit.reading import clinic_rows, look_rows, record_rows
from clinic.audit.telling import acts, looks
from clinic.lib.paging import PER_PAGE, Stretch, stretch
from clinic.lib.times import day_bounds
from clinic.people.access import ClinicRequest, client_for, for_roles, record_with_history
from clinic.people.forms.history import HistoryForm
from clinic.people.models import Client, Role, clinic_with_logo, clinic_zone
from clinic.people.records import records_of
from clinic.people.services.merging import merges_to_undo

# Gives so many of the newest rows.
Newest = Callable[[int], QuerySet[Any, Any]]


@require_safe
@for_roles(Role.OWNER, Role.THERAPIST)
def client_history(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show what was changed about a client, in all records that were merged into hers."""
    client = client_for(request.user, pk, _("history"), now=request.now)
    records = _records(client)
    manner = _manner()
    page = Paginator(record_rows("client", records), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "client": client,
        "page": page,
        "acts": acts(page.object_list, reader=request.user, manner=manner),
        "manner": manner,
        "names_records": len(records) > 1,
        "merges": merges_to_undo(client, request.now),
    }
    return render(request, "audit/client_history.html", context)


@require_safe
@for_roles(Role.OWNER, Role.THERAPIST)
def client_looks(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show who looked at something about a client."""
    client = client_for(request.user, pk, _("history"), now=request.now)
    page = Paginator(look_rows(_records(client)), PER_PAGE).get_page(request.GET.get("page"))
    context = {"client": client, "page": page, "looks": looks(page.object_list), "zone": clinic_zone()}
    return render(request, "audit/client_looks.html", context)


@require_safe
@for_roles(Role.OWNER)
def record_history(request: ClinicRequest, kind: str, pk: int) -> HttpResponse:
    """Show what was changed about a member of staff, a therapist, a place, a service or the clinic."""
    record, title = record_with_history(kind, pk)
    page = Paginator(record_rows(kind, [pk]), PER_PAGE).get_page(request.GET.get("page"))
    manner = _manner()
    context = {
        "record": record,
        "title": title,
        "page": page,
        "acts": acts(page.object_list, reader=request.user, manner=manner),
        "manner": manner,
    }
    return render(request, "audit/record_history.html", context)


@require_safe
@for_roles(Role.OWNER)
def clinic_history(request: ClinicRequest) -> HttpResponse:
    """Show the newest changes of the whole clinic, by whom, of what and on which day the owner asks for."""
    form = HistoryForm(request.GET or None)
    manner = _manner()
    newest: Newest = clinic_rows
    is_asking = form.is_valid() and form.is_asking
    if is_asking:
        between = day_bounds(manner.zone, form.chosen_day) if form.chosen_day else None
        newest = partial(clinic_rows, kind=form.chosen_kind, by=form.chosen_by, between=between)
    page: Stretch[Any] = stretch(newest, request.GET.get("page", ""))
    context = {
        "form": form,
        "is_asking": is_asking,
        "page": page,
        "acts": acts(page.rows, reader=request.user, manner=manner),
        "manner": manner,
    }
    return render(request, "audit/clinic_history.html", context)


def _records(client: Client) -> list[int]:
    return list(Client.objects.filter(pk__among=records_of(client.pk)).values_list("pk", flat=True))


def _manner() -> Manner:
    clinic = clinic_with_logo()
    return Manner(zone=clinic_zone(), currency=clinic.currency if clinic else "")
