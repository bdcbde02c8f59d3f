"""A client's record beside her contact details: her word on being written to, the therapists' note, the archive."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, client_for, for_roles, health_record_for
from clinic.people.consents import words_of
from clinic.people.forms.record import ConsentForm, NoteForm
from clinic.people.models import Role, clinic_zone
from clinic.people.refusals import refuse_archiving
from clinic.people.services import NoteChanged, archive_client, bring_back_client


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_consents(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show what she said about being written to, and record a new word."""
    client = client_for(request.user, pk, _("word on messages"), now=request.now)
    form = ConsentForm(request.POST if request.method == "POST" else None, client=client, now=request.now)
    if form.is_valid():
        form.keep(by=request.user, now=request.now)
        messages.success(request, _("The answer is recorded."))
        return redirect("people:client-consents", client.pk)
    context = {"client": client, "channels": words_of(client), "form": form, "zone": clinic_zone()}
    return render(request, "people/client_consents.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def client_note(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let a therapist read and write what colleagues should know."""
    client = health_record_for(request.user, pk, _("note for therapists"), now=request.now)
    form = NoteForm(request.POST if request.method == "POST" else None, client=client)
    newer = ""
    if form.is_valid():
        try:
            form.keep(by=request.user, now=request.now)
        except NoteChanged as refused:
            put_errors(form, refused)
            form.read_anew()
            newer = form.kept
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            messages.success(request, _("The note is saved."))
            return redirect("desk:client", client.pk)
    return render(request, "people/client_note.html", {"client": client, "form": form, "newer": newer})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_archive(request: ClinicRequest, pk: int) -> HttpResponse:
    """Ask whether to put a client away, say what speaks against it, and do it."""
    client = client_for(request.user, pk, _("archive"), now=request.now)
    if client.archived_at is not None:
        return redirect("desk:client", client.pk)
    try:
        if request.method == "POST":
            archive_client(by=request.user, now=request.now, client=client)
            messages.success(request, _("%(name)s is archived.") % {"name": client.name})
            return redirect("desk:client", client.pk)
        refuse_archiving(client, now=request.now)
    except ValidationError as refused:
        context = {"client": client, "against": refused.messages}
        status = HTTPStatus.CONFLICT if request.method == "POST" else HTTPStatus.OK
        return render(request, "people/client_archive.html", context, status=status)
    return render(request, "people/client_archive.html", {"client": client})


@require_POST
@for_roles()
def client_bring_back(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take a client out of the archive."""
    client = client_for(request.user, pk, _("archive"), now=request.now)
    try:
        bring_back_client(by=request.user, now=request.now, client=client)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("%(name)s is back.") % {"name": client.name})
        if "brought" in request.POST:
            # With all that was typed, which is shown before anything of it is saved.
            return redirect("people:client-edit", client.pk, preserve_request=True)
    return redirect("desk:client", client.pk)
