"""A time that the waitlist holds for her: she answers by the link that was mailed; opening it does nothing."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import cast

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from clinic.public.booking_answers import VisitorRequest, stopped_by
from clinic.public.booking_forms import ConfirmForm
from clinic.scheduling.access import offer_by
from clinic.scheduling.services import GRACE, free_until
from clinic.scheduling.waitlist import accept_offer, decline_offer
from clinic.scheduling.waitlist_page import Standing, standing_of


@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, token: str) -> HttpResponse:
    """Ask how she is, and take her yes or her no."""
    visitor = cast("VisitorRequest", request)  # the middleware has set `now`
    found, form = offer_by(token, now=visitor.now), ConfirmForm(None, asks_consent=False)
    if request.method != "POST":
        return _page(visitor, token, form)
    try:
        if "decline" in request.POST:
            decline_offer(by=None, now=visitor.now, offer=found)
        elif "accept" in request.POST and standing_of(found, visitor.now) is not Standing.ACCEPTED:
            form = ConfirmForm(request.POST, asks_consent=False)
            if not form.is_valid():
                return _page(visitor, token, form)
            if (stopped := stopped_by(form, request, found.appointment, by=None, now=visitor.now)) is not None:
                return stopped
            accept_offer(by=None, now=visitor.now, offer=found)
    except ValidationError as refused:
        return _page(visitor, token, form, refused=" ".join(refused.messages))
    return redirect("booking:offer", token)


def _page(request: VisitorRequest, token: str, form: ConfirmForm, *, refused: str = "") -> HttpResponse:
    now, found = request.now, offer_by(token, now=request.now)
    visit = found.appointment
    context = {
        "visit": visit,
        "form": form,
        "standing": standing_of(found, now).value,
        "refused": refused,
        "until": visit.held_until,
        "zone": visit.location.zone,
        # Where the deadline has passed, only what was booked a moment ago is cancelled free of charge.
        "grace": GRACE // timedelta(minutes=1) if free_until(visit) < now else 0,
    }
    status = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
    return render(request, "public/booking_offer.html", context, status=status)
