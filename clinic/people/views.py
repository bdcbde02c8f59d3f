"""The list of clients, the form about one, her history, and the page that sets the clinic up."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from clinic.audit.reading import entries, history_rows
from clinic.people.access import ClinicRequest, client_for, for_roles
from clinic.people.forms import ClientForm, SetUpForm, put_errors
from clinic.people.models import Client, Role, clinic_zone
from clinic.people.services import is_set_up_token

PER_PAGE = 25


@require_safe
@for_roles()
def client_list(request: ClinicRequest) -> HttpResponse:
    """Find a client; without words, those who came last stand first."""
    words = request.GET.get("q", "").strip()
    found = Client.objects.active().matching(words).select_related("primary_therapist__user")
    found = found.order_by("legal_name", "pk") if words else found.order_by("-created_at", "-pk")
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
    form = ClientForm(request.POST or None, instance=client)
    twin = None
    if form.is_valid():
        twin = None if "save_anyway" in request.POST else form.twin()
        if twin is None:
            try:
                kept = form.keep(by=request.user, now=request.now)
            except ValidationError as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%(name)s is saved.") % {"name": kept.name})
                return redirect("desk:client", kept.pk)
    return render(request, "people/client_form.html", {"form": form, "client": client, "called": called, "twin": twin})


@require_safe
@for_roles(Role.OWNER, Role.THERAPIST)
def client_history(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show who looked at what about a client and who changed what."""
    client = client_for(request.user, pk, _("history"), now=request.now)
    page = Paginator(history_rows(client.pk), PER_PAGE).get_page(request.GET.get("page"))
    context = {"client": client, "page": page, "entries": entries(page.object_list), "zone": clinic_zone()}
    return render(request, "audit/client_history.html", context)


@sensitive_post_parameters("owner_password")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Let whoever holds the one-time link found the clinic, and sign the owner in."""
    now = timezone.now()
    if not is_set_up_token(token, now=now):
        return render(request, "people/setup_over.html", status=HTTPStatus.NOT_FOUND)
    form = SetUpForm(request.POST or None)
    if form.is_valid():
        try:
            owner = form.found(token=token, now=now)
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            login(request, owner, backend=settings.AUTHENTICATION_BACKENDS[0])
            return redirect("desk:day")
    return render(request, "people/setup.html", {"form": form})
