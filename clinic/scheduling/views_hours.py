"""Working hours, time off and closures: of a therapist, and of the clinic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import put_errors
from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role, Therapist, User, clinic_zone
from clinic.scheduling.absences import VisitsInTheWay, Wanted, enter_absences, rows_of, visits_in
from clinic.scheduling.access import absence_for, may_change_hours, therapist_for
from clinic.scheduling.availability import zone_of
from clinic.scheduling.forms_hours import ClosureForm, FromDayForm, TimeOffForm, WorkweekForm, with_monday_copied
from clinic.scheduling.models import Appointment, TimeOff, WeeklyHours, monday_of
from clinic.scheduling.services import remove_time_off
from clinic.scheduling.time_page import parse_day
from clinic.scheduling.week_page import hours_page, places_for
from clinic.scheduling.working_week import lines_on, set_hours


@require_safe
@for_roles()
def therapist_hours(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show a therapist's working hours: now, later and before."""
    therapist = therapist_for(request.user, pk)
    today = local_date(zone_of(therapist), request.now)
    context = {
        "therapist": therapist,
        "page": hours_page(therapist, today),
        "may_change": may_change_hours(request.user, therapist),
        "is_own": therapist.user_id == request.user.pk,
    }
    return render(request, "scheduling/therapist_hours.html", context)


@require_safe
@for_roles(Role.THERAPIST)
def my_hours(request: ClinicRequest) -> HttpResponse:
    """Lead a therapist to her own hours."""
    own = Therapist.objects.filter(user=request.user).first()
    return redirect("scheduling:therapist-hours", own.pk) if own else render(request, "people/my_profile_none.html")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER, Role.THERAPIST)
def therapist_hours_change(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change the working hours from a day on: the old ones end, and what was stays true."""
    therapist = therapist_for(request.user, pk, changing=True)
    today = local_date(zone_of(therapist), request.now)
    first = _asked_day(request, "from") or _first_day(therapist, today)
    data: Mapping[str, str] | None = request.POST.dict() if request.method == "POST" else None
    if data is not None and "copy" in data:
        data = with_monday_copied(data)
    when = FromDayForm(data, initial={"first": first, "last": _asked_day(request, "until")})
    week = WorkweekForm(lines_on(therapist, first), places_for(therapist), today, data)
    # Both are asked, so that all errors are told at once.
    is_valid = when.is_valid() & week.is_valid()
    visits: Sequence[Appointment] = []
    if is_valid and data is not None and "copy" not in data:
        said = {name: when.cleaned_data[name] for name in ("first", "last")}
        try:
            left_out = set_hours(
                by=request.user, now=request.now, therapist=therapist, lines=week.lines(), seen=when.seen_keys(), **said
            )
        except VisitsInTheWay as found:
            visits = found.visits
        except ValidationError as refused:
            put_errors(when, refused)
        else:
            messages.success(request, _saved_words(said["first"], len(left_out)))
            return redirect("scheduling:therapist-hours", therapist.pk)
    context = {
        "therapist": therapist,
        "when": when,
        "week": week,
        "later": _planned_after(therapist, first),
        "visits": visits,
        "seen": _keys(visits),
    }
    return render(request, "scheduling/therapist_hours_change.html", context, status=409 if visits else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def therapist_time_off(request: ClinicRequest, pk: int) -> HttpResponse:
    """List a therapist's time off to come, and enter some."""
    therapist = therapist_for(request.user, pk)
    form = TimeOffForm(request.POST or None, now=request.now, zone=zone_of(therapist))
    visits: Sequence[Appointment] = []
    if form.is_valid():
        entered = _enter(request, form, form.wanted(therapist))
        if isinstance(entered, HttpResponse):
            return entered
        visits = entered
    context = {
        "therapist": therapist,
        "is_own": therapist.user_id == request.user.pk,
        "form": form,
        "visits": visits,
        "seen": _keys(visits),
        "rows": rows_of(TimeOff.objects.to_come(request.now).filter(therapist=therapist).with_names(), request.now),
    }
    return render(request, "scheduling/therapist_time_off.html", context, status=409 if visits else 200)


@require_safe
@for_roles(Role.OWNER, Role.FRONT_DESK)
def time_off_list(request: ClinicRequest) -> HttpResponse:
    """List who is away when, and lead to where more is entered."""
    away = TimeOff.objects.to_come(request.now).filter(therapist__archived_at__isnull=True, therapist__isnull=False)
    context = {
        "rows": rows_of(away.with_names(), request.now),
        "therapists": Therapist.objects.filter(archived_at__isnull=True).select_related("user").order_by("user__name"),
    }
    return render(request, "scheduling/time_off_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def closures(request: ClinicRequest) -> HttpResponse:
    """List what is closed and when, and close more: the clinic, a location or a room."""
    form = ClosureForm(request.POST or None, now=request.now, zone=clinic_zone())
    visits: Sequence[Appointment] = []
    if form.is_valid():
        entered = _enter(request, form, form.closures())
        if isinstance(entered, HttpResponse):
            return entered
        visits = entered
    closed = TimeOff.objects.to_come(request.now).filter(therapist__isnull=True)
    context = {
        "form": form,
        "visits": visits,
        "seen": _keys(visits),
        "rows": rows_of(closed.with_names(), request.now),
    }
    return render(request, "scheduling/closures.html", context, status=409 if visits else 200)


@require_safe
@for_roles()
def absence(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show an absence and the visits that lie in it, each with the way to move it."""
    found = absence_for(request.user, pk)
    (row,) = rows_of([found], request.now)
    context = {
        "row": row,
        "visits": visits_in([found], request.now).with_people(),
        "back": _list_of(found, request.user),
    }
    return render(request, "scheduling/absence.html", context)


@require_POST
@for_roles()
def absence_remove(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take an absence back; one that has begun ends now."""
    found = absence_for(request.user, pk, changing=True)
    try:
        remove_time_off(by=request.user, now=request.now, absence=found)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("Taken back."))
    return redirect(_list_of(found, request.user))


def _enter(request: ClinicRequest, form: TimeOffForm, wanted: Sequence[Wanted]) -> HttpResponse | Sequence[Appointment]:
    """Enter absences and lead on; or return the visits in the way, which whoever enters them has not seen yet."""
    try:
        entered = enter_absences(by=request.user, now=request.now, wanted=wanted, seen=form.seen_keys())
    except VisitsInTheWay as found:
        return found.visits
    except ValidationError as refused:
        put_errors(form, refused)
        return []
    waiting = visits_in(entered, request.now).count()
    if not waiting:
        messages.success(request, _("Entered."))
        return redirect(request.path)
    words = ngettext("Entered. %(n)d visit waits to be moved.", "Entered. %(n)d visits wait to be moved.", waiting)
    messages.success(request, words % {"n": waiting})
    return redirect("scheduling:absence", entered[0].pk) if len(entered) == 1 else redirect(request.path)


def _saved_words(first: date, waiting: int) -> str:
    facts = {"day": date_format(first, "l j F"), "n": waiting}
    if not waiting:
        return _("The hours from %(day)s on are saved.") % facts
    words = ngettext(
        "The hours from %(day)s on are saved. %(n)d visit waits to be moved.",
        "The hours from %(day)s on are saved. %(n)d visits wait to be moved.",
        waiting,
    )
    return words % facts


def _keys(visits: Sequence[Appointment]) -> str:
    return ",".join(str(visit.pk) for visit in visits)


def _list_of(found: TimeOff, user: User) -> str:
    """Return the address of the list in which an absence stands."""
    if found.therapist_id is not None:
        return reverse("scheduling:therapist-time-off", args=[found.therapist_id])
    return reverse("scheduling:closures" if user.is_owner else "scheduling:visits-to-rebook")


def _asked_day(request: ClinicRequest, name: str) -> date | None:
    return parse_day(request.GET.get(name, ""))


def _first_day(therapist: Therapist, today: date) -> date:
    """Return from when on hours are most likely to change: next Monday, or today for the first ones."""
    has_hours = WeeklyHours.objects.filter(therapist=therapist).exists()
    return monday_of(today) + timedelta(weeks=1) if has_hours else today


def _planned_after(therapist: Therapist, first: date) -> date | None:
    """Return the next day after `first` from which other hours are planned."""
    later = WeeklyHours.objects.filter(therapist=therapist, valid_from__gt=first).order_by("valid_from")
    return later.values_list("valid_from", flat=True).first()
