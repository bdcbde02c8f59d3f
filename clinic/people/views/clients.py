"""The list of clients and the form about one."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.addresses import asked_next
from clinic.lib.forms import written
from clinic.lib.prepared import planned_for_these_words
from clinic.people.access import ClinicRequest, client_for, for_roles
from clinic.people.duplicates import Twin
from clinic.people.forms.adding import with_what_is_new
from clinic.people.forms.clients import ClientForm
from clinic.people.models import Client, clinic_zone
from clinic.people.models.searching import as_typed
from clinic.people.searching import fitting, told_by
from clinic.people.services.clients import lock_kept

PER_PAGE = 25
# From the search, by what `told_by` makes of it.
CARRIED = ("legal_name", "born_on", "phone", "email")


@require_safe
@for_roles()
@planned_for_these_words()
def client_list(request: ClinicRequest) -> HttpResponse:
    """Find a client, opened at once where only one fits; without words, those who were added last stand first."""
    words = request.GET.get("q", "").strip()
    found = fitting(words).select_related("primary_therapist__user")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    if as_typed(words) and page.paginator.count == 1:
        return redirect("desk:client", page[0].pk)
    context = {"page": page, "words": words, "told": urlencode(told_by(words))}
    return render(request, "people/client_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_new(request: ClinicRequest) -> HttpResponse:
    """Add a client, and go on with a booking that asked for her; what was searched for stands in its field already."""
    return _client_form(request, Client())


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change what the desk knows about a client; of two who save at once the second reads what the first has written.

    Somebody typed in as new who is this client comes along (`brought`), and is shown before anything is saved.
    """
    client = client_for(request.user, pk, _("contact details"), now=request.now)
    if request.method != "POST":
        return _client_form(request, client)
    with transaction.atomic():
        client = lock_kept(client.pk)
        if "brought" in request.POST:
            return _shown(request, with_what_is_new(request.POST, client=client, now=request.now), client)
        return _client_form(request, client)


def _client_form(request: ClinicRequest, client: Client) -> HttpResponse:
    called = client.name  # read first: checking the form writes what was typed into the client
    # What is posted is new even where the search had brought it: it has to be looked at for twins.
    known = {} if request.POST or client.pk else {name: request.GET.get(name, "") for name in CARRIED}
    form = ClientForm(request.POST or None, instance=client, initial=known, now=request.now)
    twins: list[Twin] = []
    if form.is_valid():
        twins = [] if "compare" in request.POST else form.twins()
        if not twins and (kept := written(form, form.keep, by=request.user, now=request.now)):
            messages.success(request, _("%(name)s is saved.") % {"name": kept.name})
            return redirect(_following(request, kept))
    return _shown(request, form, client, called=called, twins=twins)


def _following(request: ClinicRequest, kept: Client) -> str:
    """Return where to go on: to comparing with another record, to the booking that asked for her, or to her page."""
    if other := request.POST.get("compare", ""):
        return f"{reverse('people:client-merge', args=[kept.pk])}?{urlencode({'with': other})}"
    following = asked_next(request)
    return f"{following}&client={kept.pk}" if following else reverse("desk:client", args=[kept.pk])


def _shown(
    request: ClinicRequest, form: ClientForm, client: Client, *, called: str = "", twins: Sequence[Twin] = ()
) -> HttpResponse:
    context = {
        "form": form,
        "client": client,
        "called": called or client.name,
        "twins": twins,
        "zone": clinic_zone(),
        "following": request.GET.get("next") or asked_next(request),
        "is_brought": "brought" in request.POST,
    }
    return render(request, "people/client_form.html", context)
