"""The pages about what can be booked, and the clinic's own modalities."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, for_roles, key_in, one_of, the_clinic
from clinic.people.catalogue_page import modalities_not_offered, service_groups
from clinic.people.forms.catalogue import ModalityForm, ServiceForm
from clinic.people.models import Modality, Role, Service
from clinic.people.services.catalogue import has_other_lengths, length_in_words

M = TypeVar("M", bound=Model)
COPIED = ("price_minor", "buffer_before", "buffer_after", "description", "is_bookable_online", "is_open_to_new_clients")


@require_safe
@for_roles(Role.OWNER)
def service_list(request: ClinicRequest) -> HttpResponse:
    """List what can be booked, by modality."""
    context = {
        "groups": service_groups(),
        "archived": service_groups(archived=True),
        "not_offered": modalities_not_offered(),
    }
    return render(request, "people/service_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def service_new(request: ClinicRequest) -> HttpResponse:
    """Add a service: from nothing, of one `modality`, or with another length `like` an existing one."""
    like = _asked(request, Service.objects.select_related("modality"), "like")
    modality = like.modality if like else _asked(request, Modality.objects.all(), "modality")
    service = Service(modality=modality) if modality else Service()
    initial: dict[str, Any] = {name: getattr(like, name) for name in (*COPIED, "name")} if like else {}
    return _service_form(request, service, like=like, initial=initial)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def service_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change a service for whoever books it from now on."""
    return _service_form(request, _service(pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def modality_new(request: ClinicRequest) -> HttpResponse:
    """Add a way of working of the clinic's own."""
    return _modality_form(request, Modality())


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def modality(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change a way of working of the clinic's own; of what came with the program show what holds."""
    one = _modality(pk)
    if one.is_own:
        return _modality_form(request, one)
    return render(request, "people/modality.html", {"modality": one, "length": length_in_words(one)})


def _modality(pk: int) -> Modality:
    return one_of(Modality.objects.all(), pk)


def _service(pk: int) -> Service:
    return one_of(Service.objects.select_related("modality"), pk)


def _asked(request: ClinicRequest, among: QuerySet[M], name: str) -> M | None:
    """Return what the address names, or None where it names nothing."""
    asked = key_in(request.GET.get(name, ""))
    return None if asked is None else one_of(among, asked)


def _service_form(
    request: ClinicRequest, service: Service, *, like: Service | None = None, initial: dict[str, Any] | None = None
) -> HttpResponse:
    called = service.name
    currency = the_clinic().currency
    form = ServiceForm(request.POST or None, instance=service, currency=currency, like=like, initial=initial)
    if form.is_valid() and (kept := written(form, form.keep, by=request.user, now=request.now)):
        messages.success(request, _("%(name)s is saved.") % {"name": kept})
        return redirect("people:service-list")
    context = {
        "form": form,
        "service": service,
        "called": called,
        "like": like,
        "currency": currency,
        "has_other_lengths": bool(service.pk) and has_other_lengths(service.modality),
    }
    return render(request, "people/service_form.html", context)


def _modality_form(request: ClinicRequest, one: Modality) -> HttpResponse:
    """Add or change a modality; looser safety rules are asked about once."""
    called = one.name
    form = ModalityForm(request.POST or None, instance=one)
    asks = False
    if form.is_valid():
        asks = form.is_loosened() and "loosen_anyway" not in request.POST
        if not asks and (kept := written(form, form.keep, by=request.user, now=request.now)):
            return _after_modality(request, kept, is_new=one.pk is None)
    return render(request, "people/modality_form.html", {"form": form, "modality": one, "called": called, "asks": asks})


def _after_modality(request: ClinicRequest, kept: Modality, *, is_new: bool) -> HttpResponse:
    if not is_new:
        messages.success(request, _("%(name)s is saved.") % {"name": kept})
        return redirect("people:service-list")
    messages.success(request, _("%(name)s is added. What lengths do you offer?") % {"name": kept})
    return redirect(f"{reverse('people:service-new')}?modality={kept.pk}")
