"""The list of clients and the form about one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.people.access import ClinicRequest, client_for, for_roles
from clinic.people.forms.clients import ClientForm
from clinic.people.forms.errors import put_errors
from clinic.people.models import Client, clinic_zone
from clinic.people.searching import fitting
from clinic.people.twins import Twin

PER_PAGE = 25


@require_safe
@for_roles()
def client_list(request: ClinicRequest) -> HttpResponse:
    """Find a client; without words, those who were added last stand first."""
    words = request.GET.get("q", "").strip()
    found = fitting(words).select_related("primary_therapist__user")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/client_list.html", {"page": page, "words": words})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_new(request: ClinicRequest) -> HttpResponse:
    """Add a client; what was typed into the search is taken for the name."""
    return _client_form(request, Client(legal_name=request.GET.get("name", "")))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change what the desk knows about a client."""
    return _client_form(request, client_for(request.user, pk, _("contact details"), now=request.now))


def _client_form(request: ClinicRequest, client: Client) -> HttpResponse:
    called = client.name  # read first: checking the form writes what was typed into the client
    form = ClientForm(request.POST or None, instance=client, now=request.now)
    twins: list[Twin] = []
    if form.is_valid():
        twins = form.twins()
        if not twins:
            try:
                kept = form.keep(by=request.user, now=request.now)
            except ValidationError as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%(name)s is saved.") % {"name": kept.name})
                return redirect("desk:client", kept.pk)
    context = {"form": form, "client": client, "called": called, "twins": twins, "zone": clinic_zone()}
    return render(request, "people/client_form.html", context)
