"""The visits that wait to be booked anew, each with the ways on: who else is free then, or another time."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, for_roles, key_in, one_of
from clinic.people.models import Client, Role, Therapist
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.forms_rebooking import AllToForm, KeepForm, StandInForm
from clinic.scheduling.models import Appointment, AppointmentQuerySet
from clinic.scheduling.services import keep_appointment
from clinic.scheduling.standing_in import Refusal, stand_in, who_could
from clinic.scheduling.toasts import tell_done
from clinic.scheduling.words import moment_words

PER_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER, Role.FRONT_DESK)
def visits_to_rebook(request: ClinicRequest) -> HttpResponse:
    """List the visits to come that were left behind, or lie in an absence, and move them to whoever is free."""
    return _page(request, Appointment.objects.to_rebook(request.now))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER, Role.FRONT_DESK)
def therapist_visits(request: ClinicRequest, pk: int) -> HttpResponse:
    """List the visits to come with one therapist; of one who has left or is going to, those to book anew."""
    therapist = one_of(Therapist.objects.select_related("user"), pk)
    leaves = therapist.archived_at or therapist.leaves_on
    visits = Appointment.objects.to_rebook(request.now) if leaves else Appointment.objects.movable(request.now)
    clients = Client.objects.active().filter(primary_therapist=therapist).count()
    return _page(request, visits.filter(therapist=therapist), therapist, clients=clients)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def appointment_keep(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let a visit that waits to be booked anew take place as it is booked."""
    visit = visit_for(request.user, pk, now=request.now)
    if not Appointment.objects.to_rebook(request.now).filter(pk=visit.pk).exists():
        return redirect(day_url(visit))
    form, status = KeepForm(request.POST or None), HTTPStatus.OK
    if form.is_valid():
        try:
            kept = keep_appointment(by=request.user, now=request.now, appointment=visit, **form.cleaned_data)
        except ValidationError as refused:
            put_errors(form, refused)
            status = HTTPStatus.CONFLICT
        else:
            facts = {"client": kept.client.name, "when": moment_words(kept.starts_at, kept.location.zone)}
            tell_done(request, kept, _("%(client)s, %(when)s takes place as it is booked.") % facts)
            return redirect(day_url(kept))
    context = {"visit": visit, "form": form, "back": day_url(visit)}
    return render(request, "scheduling/appointment_keep.html", context, status=status)


def _page(
    request: ClinicRequest, visits: AppointmentQuerySet, therapist: Therapist | None = None, **context: Any
) -> HttpResponse:
    visits = visits.with_people()
    all_to = AllToForm(request.POST if "all_to" in request.POST else None, but=therapist)
    if all_to.is_valid():
        to = all_to.cleaned_data["all_to"]
        wishes = [(visit, to) for visit in visits if visit.therapist_id != to.pk]
        refused = stand_in(by=request.user, now=request.now, wishes=wishes)
        _tell(request, len(wishes) - len(refused), refused)
        return redirect(request.get_full_path())
    page = Paginator(visits, PER_PAGE).get_page(request.GET.get("page"))
    shown = list(visits.filter(pk__in=_named(request)) if _named(request) else page)
    form = StandInForm(request.POST if _named(request) else None, visits=shown, free=who_could(shown, now=request.now))
    if form.is_valid():
        refused = stand_in(by=request.user, now=request.now, wishes=form.wishes())
        _tell(request, len(form.wishes()) - len(refused), refused)
        return redirect(request.get_full_path())
    context |= {"page": page, "therapist": therapist, "form": form, "all_to": all_to}
    return render(request, "scheduling/visits_to_rebook.html", context)


def _named(request: ClinicRequest) -> list[int]:
    """Return the keys of the visits about which the form speaks: the list may have moved on since it was shown."""
    keys = (key_in(name.removeprefix("to_")) for name in request.POST if name.startswith("to_"))
    return [key for key in keys if key is not None][:PER_PAGE]


def _tell(request: ClinicRequest, moved: int, refused: list[Refusal]) -> None:
    if moved:
        words = ngettext("%(n)d visit is moved.", "%(n)d visits are moved.", moved)
        messages.success(request, words % {"n": moved})
    for one in refused[:3]:
        facts = {
            "visit": moment_words(one.visit.starts_at, one.visit.location.zone),
            "client": one.visit.client.name,
            "why": one.why,
        }
        messages.warning(request, _("%(visit)s, %(client)s, stays: %(why)s") % facts)
    if others := len(refused[3:]):
        words = ngettext("%(n)d more stays in the list.", "%(n)d more stay in the list.", others)
        messages.warning(request, words % {"n": others})
    if not moved and not refused:
        messages.info(request, _("Nobody was chosen, or the visits have moved on: nothing is moved."))
