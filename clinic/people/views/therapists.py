"""A therapist's pages: licence, qualifications and places, what clients read, and leaving."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from clinic.lib.forms import written
from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.forms.therapists import HandOverForm, LeaveForm, ProfileForm, TherapistForm
from clinic.people.lacking import lacking
from clinic.people.leaving import left_behind_by
from clinic.people.licences import endings_of
from clinic.people.models import Client, ClientQuerySet, Role, Therapist, User, clinic_zone
from clinic.people.services import bring_back_therapist

PER_PAGE = 25


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def staff_bookable(request: ClinicRequest, pk: int) -> HttpResponse:
    """Make a member of staff with the role of therapist one who can be booked."""
    able = User.objects.filter(roles__contains=[Role.THERAPIST], is_active=True, therapist__isnull=True)
    return _therapist_form(request, Therapist(user=one_of(able, pk)))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def therapist(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show a therapist, and change what an owner says about her."""
    return _therapist_form(request, _therapist(pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def therapist_profile(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change what clients read and see of a therapist."""
    return _profile_form(request, _therapist(pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def my_profile(request: ClinicRequest) -> HttpResponse:
    """Let a therapist change what clients read and see of her, and nothing else."""
    own = Therapist.objects.filter(user=request.user).select_related("user", "photo").first()
    return _profile_form(request, own) if own else render(request, "people/my_profile_none.html")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def therapist_leave(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what a therapist's leaving means, and take down the last day."""
    leaving = _therapist(pk)
    form = LeaveForm(request.POST or None, therapist=leaving)
    if form.is_valid() and (kept := written(form, form.keep, by=request.user, now=request.now)):
        words = _("%(name)s is offered nowhere after %(day)s. The visits left behind are listed here.")
        day = kept.leaves_on or local_date(clinic_zone(), request.now)
        messages.success(request, words % {"name": kept.user.name, "day": date_format(day, "D j M Y")})
        return redirect("scheduling:therapist-visits", kept.pk)
    context = {"therapist": leaving, "form": form, "left_behind": left_behind_by(leaving.user, request.now)}
    return render(request, "people/therapist_leave.html", context)


@require_POST
@for_roles(Role.OWNER)
def therapist_bring_back(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let a therapist who has left, or is about to, be booked again."""
    try:
        back = bring_back_therapist(by=request.user, now=request.now, therapist=_therapist(pk))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("%(name)s can be booked again.") % {"name": back.user.name})
    return redirect("people:therapist", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER, Role.FRONT_DESK)
def therapist_clients(request: ClinicRequest, pk: int) -> HttpResponse:
    """List the clients whose primary therapist she is, so that each may get another, or all the same one."""
    whose = _therapist(pk)
    form = HandOverForm(request.POST or None, therapist=whose)
    if form.is_valid() and (count := written(form, form.keep, by=request.user, now=request.now)) is not None:
        words = ngettext("%(n)d client now sees %(name)s.", "%(n)d clients now see %(name)s.", count)
        messages.success(request, words % {"n": count, "name": form.cleaned_data["to"].user.name})
        return redirect("people:therapist-clients", pk)
    page = Paginator(_clients(whose).order_by("legal_name", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/therapist_clients.html", {"therapist": whose, "page": page, "form": form})


def _therapist_form(request: ClinicRequest, one: Therapist) -> HttpResponse:
    zone = clinic_zone()
    today = local_date(zone, request.now)
    form = TherapistForm(request.POST or None, therapist=one, today=today)
    if form.is_valid() and (kept := written(form, form.keep, by=request.user, now=request.now)):
        messages.success(request, _("%(name)s is saved.") % {"name": kept.user.name})
        # Nothing can be booked with a new one before there are working hours.
        return redirect("people:therapist" if one.pk else "scheduling:therapist-hours", kept.pk)
    is_here = one.pk is not None and one.archived_at is None
    context = {
        "form": form,
        "therapist": one,
        "endings": endings_of(one, today),
        "lacks": lacking([one.pk], today).get(one.pk) if is_here else None,
        "left_on": _last_day(one, zone),
        "clients": _clients(one).count() if one.archived_at or one.leaves_on else 0,
    }
    return render(request, "people/therapist.html", context)


def _last_day(one: Therapist, zone: ZoneInfo) -> date | None:
    """Return the day on which she left, or is going to."""
    days = (one.leaves_on, one.archived_at and local_date(zone, one.archived_at))
    return min((day for day in days if day), default=None)


def _profile_form(request: ClinicRequest, one: Therapist) -> HttpResponse:
    is_own = one.user_id == request.user.pk
    form = ProfileForm(request.POST or None, request.FILES or None, therapist=one)
    if form.is_valid() and written(form, form.keep, by=request.user, now=request.now) is not None:
        messages.success(request, _("Saved for the booking page."))
        return redirect(request.path)
    context = {
        "form": form,
        "therapist": one,
        "is_own": is_own,
        "endings": endings_of(one, local_date(clinic_zone(), request.now)),
    }
    return render(request, "people/therapist_profile.html", context)


def _therapist(pk: int) -> Therapist:
    return one_of(Therapist.objects.select_related("user", "photo"), pk)


def _clients(whose: Therapist) -> ClientQuerySet:
    return Client.objects.active().filter(primary_therapist=whose)
