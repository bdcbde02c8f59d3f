"""The client's own pages: what comes next, what was, and how her plan stands."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from clinic.people.access import ClinicRequest, signed_in
from clinic.portal import access, pages


@require_safe
@signed_in
def home(request: ClinicRequest) -> HttpResponse:
    """Show the next visit and the one thing to do."""
    whom = access.whom(request, "own home page")
    page = pages.home_page(request.user, whom.client, request.now) if whom.client else None
    return render(request, "portal/home.html", {"whom": whom, "page": page, **plan_link(whom)})


@require_safe
@signed_in
def visits(request: ClinicRequest) -> HttpResponse:
    """List what is booked and what was."""
    whom = access.whom(request, "own visits")
    page = pages.visits_page(whom.client, request.now) if whom.client else None
    return render(request, "portal/visits.html", {"whom": whom, "page": page, **plan_link(whom)})


@require_safe
@signed_in
def plan(request: ClinicRequest, client_pk: int) -> HttpResponse:
    """Show the plan that was agreed and how it stands."""
    client = access.own_client(request.user, client_pk, "own plan", now=request.now)
    page = pages.plan_page(client, request.now)
    return render(request, "portal/plan.html", {"client": client, "page": page, "plan_client_pk": client.pk})


@require_POST
@signed_in
def choose(request: ClinicRequest, client_pk: int) -> HttpResponse:
    """Show another of the clients for whom this login acts."""
    access.choose(request, client_pk)
    return redirect("portal:home")


def plan_link(whom: access.Whom) -> dict[str, int]:
    """Return what the navigation needs to link the plan."""
    return {"plan_client_pk": whom.client.pk} if whom.client else {}
