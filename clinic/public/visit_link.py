"""The page behind the link of a message: she confirms, moves or cancels one visit without signing in.

Whoever holds the message may do this, so the page tells no more than when and where: no name, and nothing of what the
visit is for. Opening a link changes nothing; mail scanners open all of them. Its token is exchanged at once for a key
in the session, so that it stands in no address that is shown, logged or passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.rates import is_too_often, where_from
from clinic.people.access import the_clinic
from clinic.public.booking_answers import VisitorRequest, too_often
from clinic.public.booking_wish import first_place
from clinic.reminders.links import message_by, visit_behind
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import PROMISED, Appointment, Status
from clinic.scheduling.online import CallUs, cancel_online, confirm_coming, move_online, why_not_cancel, why_not_move
from clinic.scheduling.online_page import Sought, chosen_in, online_page
from clinic.scheduling.services import ChosenVisit, SlotTaken, cancelled_as, free_until
from clinic.scheduling.words import moment_words
from intake.checkin import open_address_of

P = ParamSpec("P")
OPENED = "visit_link"
GUESSES_AN_HOUR, AN_HOUR = 60, 3600
PAGES = {"": "booking:visit", "move": "booking:visit-move", "cancel": "booking:visit-cancel"}
VisitView = Callable[Concatenate[VisitorRequest, Appointment, P], HttpResponseBase]


@require_safe
@never_cache
def open_link(request: HttpRequest, token: str, page: str = "") -> HttpResponse:
    """Exchange the token of a message for a key in the session, and go on without it."""
    now, message = cast("VisitorRequest", request).now, message_by(token)  # the middleware has set `now`
    if message is None:
        guesses = f"visit-guess:{where_from(request)}"
        if is_too_often(guesses, most=GUESSES_AN_HOUR, seconds=AN_HOUR, now=now):
            return too_often(request)
        return _leads_nowhere(request, HTTPStatus.NOT_FOUND)
    request.session[OPENED] = message.pk
    return redirect(PAGES[page])


def of_the_opened_link(view: VisitView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Give a view the visit whose link was opened in this browser; where there is none any more, say so."""

    @wraps(view)
    @never_cache
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        visitor, opened = cast("VisitorRequest", request), request.session.get(OPENED)
        visit = visit_behind(opened, visitor.now) if opened else None
        if visit is None:
            return _leads_nowhere(request, HTTPStatus.GONE)
        return view(visitor, visit, *args, **kwargs)

    return wrapper


@require_http_methods(["GET", "HEAD", "POST"])
@of_the_opened_link
def visit(request: VisitorRequest, visit: Appointment) -> HttpResponse:
    """Show when and where it is, and let her say that she comes."""
    refused = ""
    if request.method == "POST":
        try:
            confirm_coming(by=None, now=request.now, appointment=visit)
        except ValidationError as problem:
            refused = " ".join(problem.messages)
        else:
            return redirect("booking:visit")
    clinic = the_clinic()
    standing: dict[str, Any] = {
        "is_to_come": visit.status in PROMISED and visit.starts_at > request.now,
        "is_off": visit.status in {Status.CANCELLED, Status.LATE_CANCELLED},
        "may_move": not why_not_move(clinic, visit, request.now),
        "may_cancel": not why_not_cancel(clinic, visit, request.now),
        "check_in": open_address_of(visit, request.now),
    }
    return _page(request, "visit", visit, refused, **standing)


@require_http_methods(["GET", "HEAD", "POST"])
@of_the_opened_link
def visit_cancel(request: VisitorRequest, visit: Appointment) -> HttpResponse:
    """Ask once, with what it costs, and cancel."""
    clinic = the_clinic()
    if visit.status in {Status.CANCELLED, Status.LATE_CANCELLED}:
        return redirect("booking:visit")
    if words := why_not_cancel(clinic, visit, request.now):
        return _page(request, "visit_call", visit, words)
    if request.method == "POST":
        try:
            cancel_online(by=None, now=request.now, appointment=visit)
        except ValidationError as problem:
            return _page(request, "visit_call", visit, " ".join(problem.messages))
        return redirect("booking:visit")
    costs: dict[str, Any] = {
        "is_late": cancelled_as(visit, now=request.now) == Status.LATE_CANCELLED,
        "fee": clinic.late_fee(visit.service.price_minor),
        "free_until": make_naive(free_until(visit), visit.location.zone),
        "may_move": not why_not_move(clinic, visit, request.now),
    }
    return _page(request, "visit_cancel", visit, **costs)


@require_http_methods(["GET", "HEAD", "POST"])
@of_the_opened_link
def visit_move(request: VisitorRequest, visit: Appointment) -> HttpResponse:
    """Show the free times with the same therapist, and move the visit to the chosen one."""
    if words := why_not_move(the_clinic(), visit, request.now):
        return _page(request, "visit_call", visit, words)
    if request.method != "POST":
        return _times(request, visit)
    chosen, seen = (chosen_in({"at": request.POST.get(name, "")}, visit.location) for name in ("at", "seen"))
    if chosen is None or seen is None:
        return _times(request, visit, _("Please choose a time first."))
    try:
        moved = move_online(
            by=None,
            now=request.now,
            appointment=visit,
            starts_at=chosen.starts_at,
            therapist=visit.therapist,
            seen=ChosenVisit(seen.starts_at, seen.therapist),
        )
    except SlotTaken as refused:
        return _times(request, visit, " ".join(refused.messages), missed=chosen)
    except CallUs as refused:
        return _page(request, "visit_call", visit, " ".join(refused.messages))
    facts = {"when": moment_words(moved.starts_at, moved.location.zone)}
    messages.success(request, _("Your appointment is now on %(when)s.") % facts)
    return redirect("booking:visit")


def _times(
    request: VisitorRequest, visit: Appointment, refused: str = "", *, missed: ChosenVisit | None = None
) -> HttpResponse:
    sought = Sought(the_clinic(), visit.service, visit.location, visit.client, visit.therapist, moving=visit)
    asked = {} if missed else request.GET.dict()
    page = online_page(sought, asked, now=request.now, missed=missed.starts_at if missed else None)
    seen = choice_value(visit.starts_at, visit.therapist, visit.location)
    return _page(request, "visit_move", visit, refused, page=page, seen=seen)


def _leads_nowhere(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    """Say what to do: one that was never ours was mostly cut off on its way from the message."""
    told = {"place": first_place(), "is_unknown": status == HTTPStatus.NOT_FOUND}
    return render(request, "public/visit_over.html", told, status=status)


def _page(request: VisitorRequest, name: str, visit: Appointment, refused: str = "", **context: Any) -> HttpResponse:
    status = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
    return render(request, f"public/{name}.html", {"visit": visit, "refused": refused, **context}, status=status)
