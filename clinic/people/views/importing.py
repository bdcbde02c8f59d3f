"""The owner's pages that bring people and visits from elsewhere, and hand them out again."""

from __future__ import annotations

import zlib
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.exporting import csv_lines, record_export
from clinic.people.forms.importing import ColumnsForm, FileForm, TakeOverForm
from clinic.people.importing.checking import table_of
from clinic.people.importing.kinds import Kind, kinds
from clinic.people.importing.running import (
    ask_again,
    choose_columns,
    forget_import,
    is_silent,
    progress_of,
    start_import,
    take_over,
    undo_import,
)
from clinic.people.importing.table import Unreadable
from clinic.people.models import Import, Role, clinic_zone

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
    kind = _kind_of(job.kind)
    context = {"job": job, "kind": kind, "zone": clinic_zone()}
    if job.is_at_work:
        context |= {"percent": round(100 * progress_of(job)), "is_silent": is_silent(job, request.now)}
        part = "people/parts/import_progress.html" if request.htmx else "people/import_progress.html"
        return render(request, part, context)
    if request.htmx:
        return HttpResponse(headers={"HX-Refresh": "true"})
    if job.state in {State.UPLOADED, State.FAILED}:
        return redirect("people:import-columns", job.pk)
    if job.state == State.CHECKED:
        return render(request, "people/import_checked.html", context | {"form": TakeOverForm(kind=kind, job=job)})
    return render(request, "people/import_done.html", context)


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
def import_take_over(request: ClinicRequest, pk: int) -> HttpResponse:
    """Have what was checked taken over."""
    job = _import_of(pk)
    kind = _kind_of(job.kind)
    form = TakeOverForm(request.POST, kind=kind, job=job)
    if form.is_valid():
        try:
            take_over(
                by=request.user,
                now=request.now,
                job=job,
                takes_doubtful=bool(form.cleaned_data.get("doubtful")),
                leaves_wrong=bool(form.cleaned_data.get("leaves_wrong")),
            )
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            return redirect("people:import", job.pk)
    context = {"job": job, "kind": kind, "form": form, "zone": clinic_zone()}
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
def import_findings(request: ClinicRequest, pk: int) -> HttpResponse:
    """Hand out everything that the check has found, as CSV."""
    job = _import_of(pk)
    if job.findings_csv is None:
        raise Http404
    name = f"{slugify(job.file_name.rpartition('.')[0]) or 'import'}-problems.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(zlib.decompress(job.findings_csv), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@for_roles(Role.OWNER)
def export(request: ClinicRequest, kind: str) -> StreamingHttpResponse:
    """Hand out everything of one kind as CSV that the import understands at once; never anything about health."""
    chosen = _kind_of(kind)
    record_export(by=request.user, kind=chosen, now=request.now)
    name = f"{chosen.slug}-{request.now.astimezone(clinic_zone()):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(
        csv_lines(chosen, request.now), content_type="text/csv; charset=utf-8", headers=headers
    )


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
