"""What is held for her who books by herself: she says how she is, reads the rules, and it is booked."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.people.access import ClinicRequest, signed_in, the_clinic
from clinic.people.consents import words_of
from clinic.people.models import Clinic, ContactConsent
from clinic.people.services import record_contact_consent
from clinic.public.booking_answers import call_us, stopped_by, taken
from clinic.public.booking_forms import ConfirmForm
from clinic.public.booking_wish import wish_of
from clinic.scheduling.access import own_visit_for
from clinic.scheduling.feeds import file_of
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.online import CallUs, confirm_online
from clinic.scheduling.services import GRACE, SlotTaken, cancel_appointment, free_until
from intake.access import pending_for

PROMISED = (Status.BOOKED, Status.CONFIRMED)
SETTLED = (Status.REQUESTED, *PROMISED)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def held(request: ClinicRequest, pk: int) -> HttpResponse:
    """Ask how she is, tell the rules, and book what is held for her."""
    visit, clinic = own_visit_for(request.user, pk, now=request.now), the_clinic()
    if hasattr(visit, "offer"):
        raise Http404
    if visit.status in SETTLED:
        return redirect("booking:done", visit.pk)
    form = ConfirmForm(request.POST if request.method == "POST" else None, asks_consent=_asks_consent(visit))
    if form.is_valid():
        return _confirm(request, clinic, visit, form)
    is_held = visit.status == Status.HELD and visit.held_until is not None and visit.held_until > request.now
    context = {
        "visit": visit,
        "form": form,
        "is_held": is_held,
        "until": visit.held_until,
        "again": wish_of(visit),
        "free_until": make_naive(free_until(visit), visit.location.zone),
        "grace": GRACE // timedelta(minutes=1) if free_until(visit) < request.now else 0,
        "fee": clinic.late_fee(visit.service.price_minor),
        "asks_first": clinic.online_booking == Clinic.OnlineBooking.REQUESTS,
    }
    return render(request, "public/booking_held.html", context)


def _confirm(request: ClinicRequest, clinic: Clinic, visit: Appointment, form: ConfirmForm) -> HttpResponse:
    by, now = request.user, request.now
    if (stopped := stopped_by(form, request, visit, by=by, now=now)) is not None:
        return stopped
    if "by_email" in form.cleaned_data:
        record_contact_consent(
            by=by,
            now=now,
            client=visit.client,
            channel=ContactConsent.Channel.EMAIL,
            is_given=form.cleaned_data["by_email"] == "yes",
            source=_("online booking"),
        )
    try:
        booked = confirm_online(by=by, now=now, appointment=visit)
    except SlotTaken as refused:
        return taken(request, clinic, wish_of(visit), refused)
    except CallUs as refused:
        return call_us(request, " ".join(refused.messages), HTTPStatus.CONFLICT, place=visit.location)
    return redirect("booking:done", booked.pk)


@require_POST
@signed_in
def give_up(request: ClinicRequest, pk: int) -> HttpResponse:
    """Give up what is held for her, and show the times again."""
    visit = own_visit_for(request.user, pk, now=request.now)
    if visit.status == Status.HELD and not hasattr(visit, "offer"):
        cancel_appointment(by=request.user, now=request.now, appointment=visit)
    return redirect("booking:times", visit.service_id)


@require_safe
@signed_in
def done(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what is booked, or asked for, and what comes next."""
    visit = own_visit_for(request.user, pk, now=request.now)
    if visit.status not in SETTLED:
        return redirect("portal:visits")
    pending = next((one for one in pending_for(request.user, request.now) if one.client_pk == visit.client_id), None)
    context = {"visit": visit, "is_promised": visit.status in PROMISED, "pending": pending}
    return render(request, "public/booking_done.html", context)


@require_safe
@signed_in
def calendar_file(request: ClinicRequest, pk: int) -> HttpResponse:
    """Give a visit as a file for her own calendar."""
    visit = own_visit_for(request.user, pk, now=request.now)
    if visit.status not in PROMISED:
        raise Http404
    return HttpResponse(
        file_of([visit.pk], visit.client.language),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="visit.ics"'},
    )


def _asks_consent(visit: Appointment) -> bool:
    """Say whether nobody has asked her yet if she may be written to by e-mail."""
    email = words_of(visit.client)[ContactConsent.Channel.values.index(ContactConsent.Channel.EMAIL)]
    return email.latest is None
