"""The owner's pages that bring people and visits from elsewhere, and hand them out again."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.exporting import csv_lines, record_export
from clinic.people.forms.importing import ColumnsForm, FileForm, TakeOverForm, wanted_of
from clinic.people.importing.asking import (
    ask_again,
    choose_columns,
    decide,
    decide_all,
    forget_import,
    start_import,
    take_over,
    undo_import,
)
from clinic.people.importing.checking import table_of
from clinic.people.importing.forgetting import LEFT_OUT_STAY
from clinic.people.importing.kinds import Kind, counted, kinds
from clinic.people.importing.left_out import left_out_csv
from clinic.people.importing.progress import progress_of
from clinic.people.importing.showing import PER_PAGE, shown_rows
from clinic.people.importing.table import Unreadable
from clinic.people.models import Import, ImportRow, Role, clinic_zone

NEWEST = 20
State = Import.State


@require_safe
@for_roles(Role.OWNER)
def import_list(request: ClinicRequest) -> HttpResponse:
    """Show what can be brought and handed out, and what was."""
    jobs = Import.objects.without_content().select_related("by").order_by("-at", "-pk")[:NEWEST]
    rows = [(job, kinds[job.kind]) for job in jobs if job.kind in kinds]
    context = {"kinds": list(kinds), "rows": rows, "zone": clinic_zone()}
    return render(request, "people/import_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def import_new(request: ClinicRequest, kind: str) -> HttpResponse:
    """Take a file; where everything in it is recognised, have it checked at once."""
    chosen = _kind_of(kind)
    form = FileForm(request.POST or None, request.FILES or None) if request.method == "POST" else FileForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job, is_clear = start_import(
                by=request.user, now=request.now, kind=chosen, file_name=file.name, content=file.read()
            )
        except Unreadable as refused:
            form.add_error("file", refused)
        else:
            return _check_at_once(request, job) if is_clear else redirect("people:import-columns", job.pk)
    return render(request, "people/import_new.html", {"form": form, "kind": chosen})


@require_safe
@for_roles(Role.OWNER)
def import_page(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show how far an import is, and what can be done with it now."""
    job = _import_of(pk)
    if job.is_at_work:
        return render(request, "people/import_progress.html", _progress(request, job))
    if job.state in {State.UPLOADED, State.FAILED}:
        return redirect("people:import-columns", job.pk)
    if job.state == State.CHECKED:
        asked = request.GET.get("show", ""), request.GET.get("page", "")
        return render(request, "people/import_checked.html", _checked(job, TakeOverForm(job=job), *asked))
    kind = _kind_of(job.kind)
    page = Paginator(job.made, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "job": job, "kind": kind, "zone": clinic_zone(), "title": kind.taken_over % counted(job.made_count),
        "page": page, "listed": kind.listed(list(page)), "has_left_out": job.lines.exists(),
        "stay_days": LEFT_OUT_STAY.days,
    }  # fmt: skip
    return render(request, "people/import_done.html", context)


@require_safe
@for_roles(Role.OWNER)
def import_progress(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say how far an import is, each second and so without the frame; where it is done, the page comes anew."""
    job = one_of(Import.objects.only("state", "asked_at"), pk)
    if not job.is_at_work:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = _progress(request, job) | {"csrf_token": get_token(request)}
    return HttpResponse(render_to_string("people/parts/import_progress.html", context))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def import_columns(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say which column is what."""
    job = _import_of(pk)
    kind = _kind_of(job.kind)
    if job.state not in {State.UPLOADED, State.CHECKED, State.FAILED}:
        return redirect("people:import", job.pk)
    form = ColumnsForm(request.POST or None, kind=kind, table=table_of(job, kind), job=job)
    if form.is_valid():
        try:
            choose_columns(
                by=request.user,
                now=request.now,
                job=job,
                columns=form.chosen(),
                day_first=form.cleaned_data["day_first"],
                region=form.cleaned_data["region"],
            )
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            return redirect("people:import", job.pk)
    return render(request, "people/import_columns.html", {"form": form, "job": job, "kind": kind})


@require_POST
@for_roles(Role.OWNER)
def import_decide(request: ClinicRequest, pk: int) -> HttpResponse:
    """Keep what was chosen for the doubtful rows on the page, or for all of them; then show the page asked for."""
    job = _import_of(pk)
    try:
        decide(by=request.user, now=request.now, job=job, wanted=wanted_of(request.POST))
        if "all" in request.POST:
            decide_all(by=request.user, now=request.now, job=job, is_wanted=request.POST["all"] == "yes")
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("What you chose is kept."))
    asked = {"show": ImportRow.Fate.DOUBTFUL, "page": request.POST.get("go") or request.POST.get("page", "")}
    return redirect(f"{reverse('people:import', args=[job.pk])}?{urlencode(asked)}")


@require_POST
@for_roles(Role.OWNER)
def import_take_over(request: ClinicRequest, pk: int) -> HttpResponse:
    """Have what was checked taken over, with what was chosen on this page. Asked twice, it happens once."""
    job = _import_of(pk)
    if job.state != State.CHECKED:
        return redirect("people:import", job.pk)
    form = TakeOverForm(request.POST, job=job)
    if form.is_valid():
        try:
            if wanted := wanted_of(request.POST):
                decide(by=request.user, now=request.now, job=job, wanted=wanted)
            leaves_wrong = bool(form.cleaned_data.get("leaves_wrong"))
            take_over(by=request.user, now=request.now, job=job, leaves_wrong=leaves_wrong)
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            return redirect("people:import", job.pk)
    asked = request.POST.get("show", ""), request.POST.get("page", "")
    context = _checked(job, form, *asked)
    return render(request, "people/import_checked.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@for_roles(Role.OWNER)
def import_undo(request: ClinicRequest, pk: int) -> HttpResponse:
    """Have an import taken back."""
    undo_import(by=request.user, now=request.now, job=_import_of(pk))
    return redirect("people:import", pk)


@require_POST
@for_roles(Role.OWNER)
def import_wake(request: ClinicRequest, pk: int) -> HttpResponse:
    """Wake a worker for an import that nobody seems to be at."""
    ask_again(_import_of(pk), now=request.now)
    return redirect("people:import", pk)


@require_POST
@for_roles(Role.OWNER)
def import_forget(request: ClinicRequest, pk: int) -> HttpResponse:
    """Give up a file that was not taken over."""
    try:
        forget_import(by=request.user, now=request.now, job=_import_of(pk))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("people:import", pk)
    messages.success(request, _("The file is gone; nothing was taken over."))
    return redirect("people:import-list")


@require_safe
@for_roles(Role.OWNER)
def import_left_out(request: ClinicRequest, pk: int) -> StreamingHttpResponse:
    """Hand out the rows that are not taken over, as CSV."""
    job = _import_of(pk)
    if job.state not in {State.CHECKED, State.DONE, State.UNDONE}:
        raise Http404
    name = f"{slugify(job.file_name.rpartition('.')[0]) or 'import'}-left-out.csv"
    return _handed_out(left_out_csv(job, _kind_of(job.kind)), name)


@require_safe
@for_roles(Role.OWNER)
def export(request: ClinicRequest, kind: str) -> StreamingHttpResponse:
    """Hand out everything of one kind as CSV that the import understands at once; never anything about health."""
    chosen = _kind_of(kind)
    record_export(by=request.user, kind=chosen, now=request.now)
    name = f"{chosen.slug}-{request.now.astimezone(clinic_zone()):%Y-%m-%d}.csv"
    return _handed_out(csv_lines(chosen, request.now), name)


def _handed_out(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _progress(request: ClinicRequest, job: Import) -> dict[str, object]:
    percent, is_silent = progress_of(job, request.now)
    return {"job": job, "percent": percent, "is_silent": is_silent}


def _checked(job: Import, form: TakeOverForm, show: str, number: str) -> dict[str, object]:
    kind = _kind_of(job.kind)
    wanted_count = job.lines.filter(is_wanted=True).count()
    return {
        "job": job, "kind": kind, "form": form, "shown": shown_rows(job, kind, show, number),
        "wanted_count": wanted_count, "taken_count": job.new_count + wanted_count,
    }  # fmt: skip


def _check_at_once(request: ClinicRequest, job: Import) -> HttpResponse:
    choose_columns(
        by=request.user, now=request.now, job=job, columns=job.columns, day_first=job.day_first, region=job.region
    )
    return redirect("people:import", job.pk)


def _kind_of(slug: str) -> Kind:
    if slug not in kinds:
        raise Http404
    return kinds[slug]


def _import_of(pk: int) -> Import:
    return one_of(Import.objects.without_content().select_related("by", "undone_by"), pk)
