"""The pages about the clinic itself."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, for_roles, the_clinic
from clinic.people.forms.clinic import ClinicForm, LogoForm
from clinic.people.models import Role
from clinic.people.services.clinic import set_logo


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def clinic_edit(request: ClinicRequest) -> HttpResponse:
    """Change what the clinic says of itself; `preview` shows what was typed, and saves nothing.

    A policy that names other hours than the rule is asked about once.
    """
    shown = the_clinic()
    form = ClinicForm(request.POST or None, instance=shown)
    is_preview = "preview" in request.POST
    asks = False
    if form.is_valid() and not is_preview:
        asks = form.names_other_hours() and "save_anyway" not in request.POST
        if not asks and written(form, form.keep, by=request.user, now=request.now) is not None:
            messages.success(request, _("The clinic is saved."))
            return redirect("people:clinic-edit")
    context = {
        "form": form,
        # What is wrong is not shown as if it were right: the preview stands by what is kept.
        "shown": the_clinic() if form.errors else shown,
        "is_preview": is_preview,
        "asks": asks,
    }
    return render(request, "people/clinic_edit.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def clinic_logo(request: ClinicRequest) -> HttpResponse:
    """Show another logo, or none."""
    if "remove" in request.POST:
        set_logo(by=request.user, now=request.now, upload=None)
        messages.success(request, _("The logo is removed."))
        return redirect("people:clinic-edit")
    form = LogoForm(request.POST, request.FILES) if request.method == "POST" else LogoForm()
    if form.is_valid():
        try:
            form.keep(by=request.user, now=request.now)
        except ValidationError as refused:
            form.add_error("logo", refused)
        else:
            messages.success(request, _("The logo is saved."))
            return redirect("people:clinic-edit")
    return render(request, "people/clinic_logo.html", {"form": form})
