"""Blocks and marks of a draft. With script each swaps its part of the note; without, each is a page and a way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Modality, Role
from sessions import access, pages, services
from sessions.bodymarks import drawings
from sessions.checking import Limits, Work, limits_for
from sessions.forms import BlockForm, MarkForm, NoteForm, modalities_for
from sessions.modalities import details_form
from sessions.modalities.base import DetailsForm
from sessions.models import Note
from sessions.views import UNFINISHED, keep_text, show_draft

DETAILS = "details"


@dataclass(frozen=True)
class Opened:
    """A block being written: its two forms, and what holds for what they say so far."""

    modality: Modality
    form: BlockForm
    details: DetailsForm
    limits: Limits
    is_above: bool

    @property
    def keys(self) -> list[pages.PressureKey]:
        """The five pressure keys, those above the cap locked."""
        chosen = self.form["pressure"].value()
        return pages.pressure_keys(self.limits, int(chosen) if chosen else None, is_above=self.is_above)

    @property
    def may_go_above(self) -> bool:
        """Whether a reason would unlock keys that are locked now."""
        return not self.is_above and self.limits.cap < self.limits.hard_cap

    @property
    def asks_reason(self) -> bool:
        """Whether something is passed over."""
        return self.is_above or bool(self.limits.warnings) or bool(self.limits.forbidden)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def block_add(request: ClinicRequest, pk: int) -> HttpResponseBase:
    """Write a block of one modality; a POST with `look` only shows what holds for what is filled in so far."""
    note = access.own_draft_for(request.user, pk, now=request.now)
    data = request.POST if request.method == "POST" else None
    modality = _modality(note, (data or request.GET).get("modality", ""))
    opened = _open(note, modality, data, request)
    if data is None or "look" in data or "above" in data:
        return _show(request, note, opened)
    if opened.form.is_valid() & opened.details.is_valid():
        try:
            _record(request, note, opened)
        except ValidationError as refused:
            _put_errors(opened, refused)
        else:
            return _back(request, note, "treatment")
    return _show(request, note, opened, UNFINISHED)


def _modality(note: Note, slug: str) -> Modality:
    offered = modalities_for(note)
    return next((modality for modality in offered if modality.slug == slug), offered[0])


def _open(note: Note, modality: Modality, data: QueryDict | None, request: ClinicRequest) -> Opened:
    form_class = details_form(modality.slug)
    is_look = data is not None and ("look" in data or "above" in data)
    # While it is only looked at, nothing is told to be wrong: what was chosen so far comes back as initial values.
    so_far = data.dict() if data is not None else {}
    form = BlockForm(None if is_look else data, regions=form_class.regions, initial=so_far)
    details = form_class(
        None if is_look else data,
        prefix=DETAILS,
        initial={key.removeprefix(f"{DETAILS}-"): value for key, value in so_far.items()},
    )
    work = _work(modality, form, details, so_far)
    limits = limits_for(note, work, day=local_date(note.appointment.location.zone, request.now))
    return Opened(modality, form, details, limits, is_above="above" in so_far or "is_above" in so_far)


def _work(modality: Modality, form: BlockForm, details: DetailsForm, so_far: dict[str, Any]) -> Work:
    known = dict(form.fields["region"].choices)  # type: ignore[attr-defined]  # a ChoiceField has them
    region = so_far.get("region", "")
    said = {name: so_far.get(details.add_prefix(name), "") for name in details.fields}
    return Work(modality, region if region in known else "", said.pop("technique"), said)


def _record(request: ClinicRequest, note: Note, opened: Opened) -> None:
    block, details = opened.form.cleaned_data, opened.details
    services.add_block(
        by=request.user,
        now=request.now,
        note=note,
        modality=opened.modality,
        technique=details.cleaned_data["technique"],
        details=details.details,
        **block,
    )


def _put_errors(opened: Opened, refused: ValidationError) -> None:
    for field, problems in refused.error_dict.items() if hasattr(refused, "error_dict") else ():
        target = opened.form if field in opened.form.fields else opened.details
        target.add_error(field if field in target.fields else None, problems)
    if not hasattr(refused, "error_dict"):
        opened.form.add_error(None, refused)


def _show(request: ClinicRequest, note: Note, opened: Opened, status: int = 200) -> HttpResponse:
    template = "treatment/parts/block_form.html" if request.htmx else "treatment/block_add.html"
    return render(request, template, {"note": note, "opened": opened, "form": opened.form}, status=status)


@require_POST
@for_roles(Role.THERAPIST)
def block_remove(request: ClinicRequest, pk: int, block_pk: int) -> HttpResponseBase:
    """Take a block out, and keep the text that came along."""
    note = access.own_draft_for(request.user, pk, now=request.now)
    block = access.block_in(note, block_pk)
    refused, note = keep_text(request, note)
    if refused is not None:
        return refused
    try:
        services.remove_block(by=request.user, now=request.now, note=note, block=block)
    except ValidationError as problem:
        return _show_why(request, note, problem)
    return _back(request, note, "treatment")


@require_POST
@for_roles(Role.THERAPIST)
def mark_add(request: ClinicRequest, pk: int) -> HttpResponseBase:
    """Put a mark on the body map, and keep the text that came along."""
    note = access.own_draft_for(request.user, pk, now=request.now)
    refused, note = keep_text(request, note)
    if refused is not None:
        return refused
    form = MarkForm(request.POST)
    if form.is_valid():
        try:
            services.place_mark(by=request.user, now=request.now, note=note, **form.cleaned_data)
        except ValidationError as problem:
            form.add_error(None, problem)
        else:
            return _back(request, note, "body-map")
    if request.htmx:
        return _marks_part(request, note, form, UNFINISHED)
    return show_draft(request, note, NoteForm(note=note), mark_form=form, status=UNFINISHED)


@require_POST
@for_roles(Role.THERAPIST)
def mark_remove(request: ClinicRequest, pk: int, mark_pk: int) -> HttpResponseBase:
    """Take a mark off, and keep the text that came along."""
    note = access.own_draft_for(request.user, pk, now=request.now)
    mark = access.mark_in(note, mark_pk)
    refused, note = keep_text(request, note)
    if refused is not None:
        return refused
    try:
        services.lift_mark(by=request.user, now=request.now, note=note, mark=mark)
    except ValidationError as problem:
        return _show_why(request, note, problem)
    return _back(request, note, "body-map")


def _show_why(request: ClinicRequest, note: Note, problem: ValidationError) -> HttpResponseBase:
    """Lead to the note as it is now: it was signed between the page and the click."""
    messages.error(request, " ".join(problem.messages))
    page = reverse("treatment:note", args=[note.pk])
    return HttpResponseClientRedirect(page) if request.htmx else redirect(page)


def _back(request: ClinicRequest, note: Note, part: str) -> HttpResponseBase:
    """Answer with the changed parts of the note, or lead back to it from a page of its own."""
    page = f"{reverse('treatment:note', args=[note.pk])}#{part}"
    if not request.htmx:
        return redirect(page)
    if urlsplit(request.htmx.current_url).path == reverse("treatment:block-add", args=[note.pk]):
        return HttpResponseClientRedirect(page)
    if part == "body-map":
        kind = request.POST.get(f"{MarkForm.prefix}-kind")
        return _marks_part(request, note, MarkForm(initial={"kind": kind}), 200)
    context = {
        "note": note,
        "page": pages.note_page(note, request.now),
        "modalities": modalities_for(note),
        **_marks(note),
        "mark_form": MarkForm(),
        "is_part": True,
    }
    part_of_page = render(request, "treatment/parts/treatment.html", context)
    return reswap(retarget(part_of_page, "#blocks"), "outerHTML")


def _marks(note: Note) -> dict[str, Any]:
    marks = list(note.marks.order_by("pk"))
    return {"marks": marks, "drawings": drawings(marks)}


def _marks_part(request: ClinicRequest, note: Note, form: MarkForm, status: int) -> HttpResponse:
    context = {"note": note, "mark_form": form, "is_part": True, **_marks(note)}
    return render(request, "treatment/parts/marks_part.html", context, status=status)
