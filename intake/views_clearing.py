"""Clearances, letters and documents of one client; for therapists."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.files import read_file
from clinic.lib.forms import put_errors, written
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Client, Role
from intake import access, clearing, documents
from intake.forms_clearing import ClearanceForm, DocumentForm, LetterForm, RevokeForm
from intake.models_clearing import Clearance, Document
from intake.reading import finding_row, finding_rows, modality_names, scope_words
from intake.wall import render_at_wall, today_at

# Whatever a document holds, it runs nowhere, and no cache keeps it.
CLOSED_IN = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@require_safe
@for_roles(Role.THERAPIST)
def clearances(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show what waits for a clearance, what was asked and allowed, and the papers."""
    client = access.client_with_clearances(request.user, pk, now=request.now)
    return _show(request, client)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def clearance_new(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record a clearance from its paper. A paper that came is kept, whatever else is still to be put right."""
    client = access.client_with_clearances(request.user, pk, now=request.now)
    form = _clearance_form(request, client)
    if request.method == "POST":
        is_valid = form.is_valid()
        document = form.cleaned_data.get("document")
        if form.upload is not None:
            document = written(form, _kept_paper, request, client, form.upload)
        if is_valid and document is not None and not form.errors:
            record = written(
                form,
                clearing.record_clearance,
                by=request.user,
                now=request.now,
                client=client,
                document=document,
                **form.told(),
            )
            if record is not None:
                messages.success(request, _("The clearance is recorded."))
                return redirect("intake:clearances", client.pk)
        if document is not None:
            form = _with_paper(request, client, form, document)
    context = {"client": client, "form": form}
    return render_at_wall(request, "intake/clearance_new.html", context)


@require_POST
@for_roles(Role.THERAPIST)
def clearance_revoke(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let a clearance count no longer."""
    clearance = access.clearance_for(request.user, pk, now=request.now)
    form = RevokeForm(request.POST, prefix=str(clearance.pk))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        taken = written(
            form, clearing.revoke_clearance, by=request.user, now=request.now, clearance=clearance, reason=reason
        )
        if taken is not None:
            messages.success(request, _("The clearance no longer counts."))
            return redirect("intake:clearances", clearance.client_id)
    client = access.client_with_clearances(request.user, clearance.client_id, now=request.now)
    return _show(request, client, revoking=form)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def letter_new(request: ClinicRequest, pk: int) -> HttpResponse:
    """Write the letter that asks a doctor for a clearance."""
    client = access.client_with_clearances(request.user, pk, now=request.now)
    waiting = clearing.waiting_for_clearance(client.pk)
    form = LetterForm(request.POST or None, client=client, waiting=waiting)
    if request.method == "POST" and form.is_valid():
        letter = written(
            form, clearing.write_letter, by=request.user, now=request.now, client=client, **form.cleaned_data
        )
        if letter is not None:
            messages.success(request, _("The letter is written; its copy is kept below."))
            return redirect("intake:clearances", client.pk)
    context = {"client": client, "form": form, "has_consent": clearing.may_write_to_doctor(client.pk)}
    return render_at_wall(request, "intake/letter_new.html", context)


@require_POST
@for_roles(Role.THERAPIST)
def document_add(request: ClinicRequest, pk: int) -> HttpResponse:
    """Keep a document about a client."""
    client = access.client_with_clearances(request.user, pk, now=request.now)
    form = DocumentForm(request.POST, request.FILES)
    if form.is_valid():
        kept = written(form, _kept_paper, request, client, form.cleaned_data["file"])
        if kept is not None:
            messages.success(request, _("The document is kept."))
            return redirect("intake:clearances", client.pk)
    return _show(request, client, adding=form)


@require_safe
@for_roles(Role.THERAPIST)
def document(request: ClinicRequest, pk: int) -> HttpResponse:
    """Hand out a document."""
    kept = access.document_for(request.user, pk, now=request.now)
    try:
        content = read_file(kept.file)
    except FileNotFoundError:
        messages.error(request, _("This file is not on the disk; tell whoever looks after the server and its backups."))
        return redirect("intake:clearances", kept.client_id)
    headers = CLOSED_IN | {"Content-Disposition": content_disposition_header(as_attachment=True, filename=kept.name)}
    return HttpResponse(content, content_type=kept.media_type, headers=headers)


@require_POST
@for_roles(Role.THERAPIST)
def document_remove(request: ClinicRequest, pk: int) -> HttpResponse:
    """Remove a document on which nothing rests."""
    kept = access.document_for(request.user, pk, now=request.now)
    try:
        documents.remove_document(by=request.user, now=request.now, document=kept)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        messages.success(request, _("Removed: %(name)s") % {"name": kept.name})
    return redirect("intake:clearances", kept.client_id)


def _clearance_form(request: ClinicRequest, client: Client) -> ClearanceForm:
    return ClearanceForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        client=client,
        waiting=clearing.waiting_for_clearance(client.pk),
        documents=documents.documents_of(client.pk).filter(kind=Document.Kind.CAME),
        today=today_at(request.now),
    )


def _kept_paper(request: ClinicRequest, client: Client, upload: UploadedFile[bytes]) -> Document:
    """Keep an upload. Raises ValidationError beside the field it came by."""
    try:
        content = documents.content_of(upload)
        return documents.add_document(
            by=request.user, now=request.now, client=client, name=upload.name or "", content=content
        )
    except ValidationError as problem:
        raise ValidationError({"file": problem}) from problem


def _with_paper(request: ClinicRequest, client: Client, form: ClearanceForm, paper: Document) -> ClearanceForm:
    """Return the form with what was typed, and with the paper that has come chosen: a browser sends no file twice."""
    typed = request.POST.copy()
    typed["document"] = str(paper.pk)
    again = ClearanceForm(
        typed,
        client=client,
        waiting=clearing.waiting_for_clearance(client.pk),
        documents=documents.documents_of(client.pk).filter(kind=Document.Kind.CAME),
        today=today_at(request.now),
    )
    again.is_valid()
    put_errors(again, ValidationError({n: e for n, e in form.errors.as_data().items() if n not in again.errors}))
    return again


def _show(
    request: ClinicRequest,
    client: Client,
    *,
    revoking: RevokeForm | None = None,
    adding: DocumentForm | None = None,
) -> HttpResponse:
    today = today_at(request.now)
    given = list(clearing.clearances_of(client.pk))
    names = modality_names(slug for clearance in given for slug in clearance.modalities)

    def told(clearance: Clearance) -> dict[str, object]:
        prefix = str(clearance.pk)
        return {
            "clearance": clearance,
            "scope": scope_words(clearance, names),
            "about": [finding_row(finding) for finding in clearance.findings.all()],
            "is_in_force": clearance.is_in_force(today),
            "is_to_come": clearance.revoked_at is None and clearance.starts_on > today,
            "form": revoking if revoking and revoking.prefix == prefix else RevokeForm(prefix=prefix),
        }

    context = {
        "client": client,
        "waiting": finding_rows(clearing.waiting_for_clearance(client.pk)),
        "clearances": [told(clearance) for clearance in given],
        "letters": clearing.letters_of(client.pk),
        "documents": documents.documents_of(client.pk).filter(kind=Document.Kind.CAME),
        "has_consent": clearing.may_write_to_doctor(client.pk),
        "adding": adding or DocumentForm(),
    }
    return render_at_wall(request, "intake/clearances.html", context)
