"""The therapist's note: check, write, sign, read. Only therapists come here; everybody else gets 404."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.emergencies import emergency_number
from clinic.people.models import Role
from intake.checkin import checked_in
from sessions import access, pages, services
from sessions.bodymarks import drawings
from sessions.checking import setting_of
from sessions.forms import AddendumForm, MarkForm, NoteForm, StartForm, modalities_for
from sessions.models import Note
from sessions.open_work import drafts_of
from sessions.signing import shown_digest
from sessions.today import confirmed_first

NOT_TODAY = 409
CONFLICT = 409
UNFINISHED = 422


@require_safe
@for_roles(Role.THERAPIST)
def note_list(request: ClinicRequest) -> HttpResponse:
    """List the notes that this therapist has still to finish."""
    drafts = [
        {"note": note, "when": pages.visit_words(note.appointment), "missing": services.missing_in(note)}
        for note in drafts_of(request.user).prefetch_related("blocks")
    ]
    return render(request, "treatment/note_list.html", {"drafts": drafts})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def start(request: ClinicRequest, pk: int) -> HttpResponseBase:
    """Ask what must be asked before the hands start, and start."""
    visit = access.visit_for(request.user, pk, now=request.now)
    existing = Note.objects.filter(appointment=visit).first()
    if existing is not None:
        return redirect("treatment:note", pk=existing.pk)
    said = checked_in(visit)
    first = confirmed_first(said.answers) if said else None
    form = StartForm(request.POST if request.method == "POST" else None, initial=first)
    status = 200
    if request.method == "POST" and form.is_valid():
        answers = form.cleaned_data
        try:
            note = services.start_note(
                by=request.user,
                now=request.now,
                appointment=visit,
                phase=answers["phase"],
                is_usual=not answers["is_different"],
                consent_given=answers["consent_given"],
                pain_before=answers["pain_before"],
                is_sedated=answers["is_sedated"],
                is_intoxicated=answers["is_intoxicated"],
                neck_artery=answers["neck_artery"],
            )
        except services.NotToday as refused:
            if refused.is_emergency:
                context = {"visit": visit, "number": emergency_number(visit.location)}
                return render(request, "treatment/emergency.html", context, status=NOT_TODAY)
            form.add_error(None, refused)
            status = NOT_TODAY
        except ValidationError as refused:
            form.add_error(None, refused)
            status = NOT_TODAY
        else:
            return redirect("treatment:note", pk=note.pk)
    day = visit.local_start.date()
    context = {
        "visit": visit,
        "when": pages.visit_words(visit),
        "form": form,
        "said": said,
        "in_force": pages.in_force(visit.client, day),
        "room": visit.client.room_wishes,
    }
    return render(request, "treatment/start.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def note(request: ClinicRequest, pk: int) -> HttpResponseBase:
    """Show a note: to its therapist as a draft to write in, to the others and once signed to read."""
    if request.method == "POST":
        return _save(request, access.own_draft_for(request.user, pk, now=request.now))
    found = access.note_for(request.user, pk, now=request.now)
    if found.is_signed or found.therapist.user_id != request.user.pk:
        return _show_to_read(request, found)
    return show_draft(request, found, NoteForm(note=found))


def _save(request: ClinicRequest, found: Note) -> HttpResponseBase:
    """Save the text; `add` goes on to a new block, so that without script nothing typed is lost on the way."""
    refused, kept = keep_text(request, found)
    if refused is not None:
        return refused
    if request.htmx:
        context = {"note": kept}
        if (kept.position, kept.products) != (found.position, found.products):
            context |= _setting(request, kept)
        return _part("treatment/parts/saved_part.html", context)
    if request.POST.get("add"):
        query = urlencode({"modality": request.POST["add"]})
        return redirect(f"{reverse('treatment:block-add', args=[kept.pk])}?{query}")
    messages.success(request, _("Saved."))
    return redirect("treatment:note", pk=kept.pk)


def keep_text(request: ClinicRequest, found: Note) -> tuple[HttpResponse | None, Note]:
    """Save the note's text that came with a request; return the page to answer with if that was refused."""
    form = NoteForm(request.POST, note=found)
    if form.is_valid():
        revision = form.cleaned_data["revision"]
        try:
            kept = services.save_note(by=request.user, now=request.now, note=found, revision=revision, **form.written)
        except services.StaleNote as stale:
            return _conflict(request, stale.current), found
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            return None, kept
    return _unsaved(request, found, form), found


def _unsaved(request: ClinicRequest, found: Note, form: NoteForm) -> HttpResponse:
    if request.htmx:
        return _part("treatment/parts/unsaved.html", {"form": form}, UNFINISHED)
    return show_draft(request, found, form, status=UNFINISHED)


def _conflict(request: ClinicRequest, current: Note) -> HttpResponse:
    """Show both texts: what was typed here to go on with, what is kept beside it."""
    if request.htmx:
        return _part("treatment/parts/conflict.html", {"note": current}, CONFLICT)
    data = request.POST.copy()
    data["revision"] = str(current.revision)
    context = {"note": current, "fields": pages.both_texts(NoteForm(data, note=current), current)}
    return render(request, "treatment/note_conflict.html", context, status=CONFLICT)


def _part(template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Answer an autosave: without what whole pages know, which would cost more than the save.

    It says so where the saving is told, also when text came along with a block or a mark.
    """
    return reswap(retarget(HttpResponse(render_to_string(template, context), status=status), "#saved"), "outerHTML")


def show_draft(
    request: ClinicRequest,
    found: Note,
    form: NoteForm,
    *,
    mark_form: MarkForm | None = None,
    extra: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show a draft to write in."""
    marks = list(found.marks.order_by("pk"))
    context = {
        "note": found,
        "page": pages.note_page(found, request.now),
        "form": form,
        "mark_form": mark_form or MarkForm(),
        "marks": marks,
        "drawings": drawings(marks),
        "modalities": modalities_for(found),
        **_setting(request, found),
        **(extra or {}),
    }
    return render(request, "treatment/note.html", context, status=status)


def _setting(request: ClinicRequest, found: Note) -> dict[str, Any]:
    return {"setting": setting_of(found, day=local_date(found.appointment.location.zone, request.now))}


def _show_to_read(
    request: ClinicRequest, found: Note, form: AddendumForm | None = None, status: int = 200
) -> HttpResponse:
    marks = list(found.marks.order_by("pk"))
    context = {
        "note": found,
        "page": pages.note_page(found, request.now),
        "parts": pages.read_parts(found),
        "marks": marks,
        "drawings": [drawing for drawing in drawings(marks) if drawing.mark_count],
        "addenda": found.addenda.select_related("by"),
        "form": form or AddendumForm(),
    }
    return render(request, "treatment/note_read.html", context, status=status)


@require_POST
@for_roles(Role.THERAPIST)
def sign(request: ClinicRequest, pk: int) -> HttpResponseBase:
    """Save, then show what will be signed or what is missing; signed once it is confirmed."""
    found = access.own_draft_for(request.user, pk, now=request.now)
    if "shown" in request.POST:
        return _sign_for_ever(request, found)
    refused, found = keep_text(request, found)
    return refused or _show_to_sign(request, found)


def _show_to_sign(request: ClinicRequest, found: Note, *, changed: str = "") -> HttpResponse:
    """Show what a signature would freeze, or what it still lacks; `changed` says that it is not what was shown."""
    missing = services.missing_in(found)
    if missing:
        return show_draft(request, found, NoteForm(note=found), extra={"missing": missing}, status=UNFINISHED)
    context = {
        "note": found,
        "page": pages.note_page(found, request.now),
        "parts": pages.read_parts(found),
        "marks": found.marks.order_by("pk"),
        "shown": shown_digest(found, signed_by=request.user),
        "changed": changed,
    }
    return render(request, "treatment/note_sign.html", context, status=CONFLICT if changed else 200)


def _sign_for_ever(request: ClinicRequest, found: Note) -> HttpResponseBase:
    try:
        services.sign_note(by=request.user, now=request.now, note=found, shown=request.POST["shown"])
    except services.NotAsShown as refused:
        return _show_to_sign(request, refused.current, changed=" ".join(refused.messages))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("Signed. The visit is completed."))
    return redirect("treatment:note", pk=found.pk)


@require_POST
@for_roles(Role.THERAPIST)
def addendum_add(request: ClinicRequest, pk: int) -> HttpResponseBase:
    """Add a dated word to a signed note."""
    found = access.note_for(request.user, pk, now=request.now)
    form = AddendumForm(request.POST)
    if form.is_valid():
        try:
            services.add_addendum(by=request.user, now=request.now, note=found, text=form.cleaned_data["text"])
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            messages.success(request, _("Added."))
            return redirect("treatment:note", pk=found.pk)
    return _show_to_read(request, found, form, UNFINISHED)
