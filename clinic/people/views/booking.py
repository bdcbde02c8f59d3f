"""The page about booking online."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, for_roles, the_clinic
from clinic.people.booking_page import preview_of
from clinic.people.forms.booking import BookingForm
from clinic.people.models import Role


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def booking_edit(request: ClinicRequest) -> HttpResponse:
    """Change how clients book by themselves; `preview` shows what was typed as they read it, and saves nothing."""
    shown = the_clinic()
    form = BookingForm(request.POST or None, instance=shown)
    is_preview = "preview" in request.POST
    if form.is_valid() and not is_preview and written(form, form.keep, by=request.user, now=request.now) is not None:
        messages.success(request, _("Online booking is saved."))
        return redirect("people:booking-edit")
    context = {
        "form": form,
        # What is wrong is not shown as if it were right: the preview stands by what is kept.
        "page": preview_of(the_clinic() if form.errors else shown, request.now),
        "is_preview": is_preview and not form.errors,
    }
    return render(request, "people/booking_edit.html", context)
