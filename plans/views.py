"""A client's plan, for the therapists. What she herself sees of it is in the portal."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from plans import access, pages, services
from plans.draft import draft_for
from plans.forms import EndPlanForm, PlanForm, ScoreForm
from plans.standing import clinic_day, plan_in_force


@require_safe
@for_roles(Role.THERAPIST)
def plan(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show the plan in force: where it stands, its goals, and what to do next."""
    client = access.client_for(request.user, pk, "plan", now=request.now)
    return render(request, "plans/plan.html", {"client": client, "page": pages.plan_page(client, request.now)})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def plan_new(request: ClinicRequest, pk: int) -> HttpResponse:
    """Draft a plan from what she told us, and make it."""
    client = access.client_for(request.user, pk, "new plan", now=request.now)
    today = clinic_day(request.now)
    draft = draft_for(client, by=request.user, today=today)
    form = PlanForm(request.POST or None, draft=draft, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            services.make_plan(
                by=request.user,
                now=request.now,
                client=client,
                service=form.chosen_service,
                starts_on=form.cleaned_data["starts_on"],
                phases=form.phases,
                goals=form.goals,
                why=form.cleaned_data["why"],
            )
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            messages.success(request, _("The plan is made. Its visits are still to be booked."))
            return redirect("plans:plan", pk=client.pk)
    context = {"client": client, "draft": draft, "form": form, "in_force": plan_in_force(client)}
    return render(request, "plans/plan_new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def plan_end(request: ClinicRequest, pk: int) -> HttpResponse:
    """Ask why the plan ends, and end it."""
    plan = access.plan_for(request.user, pk, "end of the plan", now=request.now)
    form = EndPlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.end_plan(by=request.user, now=request.now, plan=plan, why=form.cleaned_data["why"])
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            messages.success(request, _("The plan has ended."))
            return redirect("plans:plan", pk=plan.client_id)
    return render(request, "plans/plan_end.html", {"client": plan.client, "plan": plan, "form": form})


@require_safe
@for_roles(Role.THERAPIST)
def progress(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show what was counted: pain at each visit, and each goal beside its start."""
    client = access.client_for(request.user, pk, "progress", now=request.now)
    return render(request, "plans/progress.html", {"client": client, "page": pages.progress_page(client, request.now)})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def score_new(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record a count of days."""
    client = access.client_for(request.user, pk, "new count of days", now=request.now)
    form = ScoreForm(request.POST or None, today=clinic_day(request.now))
    if request.method == "POST" and form.is_valid():
        try:
            services.record_score(
                by=request.user,
                now=request.now,
                client=client,
                measure=form.measure_chosen,
                value=form.days,
                on=form.cleaned_data["on"],
            )
        except ValidationError as refused:
            form.add_error("on", refused)
        else:
            messages.success(request, _("The count is recorded."))
            return redirect("plans:progress", pk=client.pk)
    return render(request, "plans/score_new.html", {"client": client, "form": form})
