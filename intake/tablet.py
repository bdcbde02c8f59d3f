"""A tablet of the clinic in a client's hands: its browser fills in her form, and does nothing else until staff sign in.

The staff's sign-in ends when the tablet is handed over. After the form is sent, or after ten quiet minutes, the tablet
shows a page that says nothing of anybody; what was typed stays with the clinic, not on the tablet.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django_htmx.http import HttpResponseClientRedirect

from clinic.lib.middleware import NextHandler
from clinic.people.access import ClinicRequest
from intake.access import DRAFT, HANDED_OVER, INVITATION, SENT, enter
from intake.models import Submission

# D: after so long without a touch the tablet shows nothing of hers any more.
QUIET = timedelta(minutes=10)
# What the session remembers beside what access.py names: the address of the check-in that is being answered.
CHECK_IN = "intake_check_in"
THE_FORM = frozenset({"intake:step", "intake:step-save", "intake:stop"})
# Where staff unlock it; the light of the page and the clinic's sign, which anybody may see.
OPEN_TO_ALL = frozenset({"account_login", "theme", "people:picture"})


def hand_over(request: ClinicRequest, draft: Submission) -> HttpResponse:
    """End the staff's sign-in in this browser and lock it to this form."""
    logout(request)
    enter(request.session, draft, None)
    return _lock(request)


def hand_over_check_in(request: ClinicRequest, address: str) -> HttpResponse:
    """End the staff's sign-in in this browser and lock it to the check-in at this address."""
    logout(request)
    request.session[CHECK_IN] = address
    return _lock(request)


def _lock(request: ClinicRequest) -> HttpResponse:
    request.session[HANDED_OVER] = request.now.isoformat()
    response = redirect("intake:tablet")
    # Pages that staff have seen are not to be had by Back.
    response["Clear-Site-Data"] = '"cache"'
    return response


def is_being_filled_in(request: ClinicRequest) -> bool:
    """Say whether the form is open on this tablet, and somebody has touched it lately."""
    touched_at = datetime.fromisoformat(request.session[HANDED_OVER])
    return _has_a_form(request) and request.now - touched_at < QUIET


def _has_a_form(request: HttpRequest) -> bool:
    return DRAFT in request.session or CHECK_IN in request.session


def put_to_rest(request: HttpRequest) -> None:
    """Let the tablet forget whose form it had; it stays locked."""
    for key in (DRAFT, CHECK_IN):
        request.session.pop(key, None)


def tablet_middleware(get_response: NextHandler) -> NextHandler:
    """Lead every request of a tablet that was handed over to the form, or to the page that says nothing."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if HANDED_OVER not in request.session:
            return get_response(request)
        if request.user.is_authenticated and request.user.is_staff_member:
            _unlock(request)
            return get_response(request)
        return _locked(cast("ClinicRequest", request), get_response)  # now_middleware has set `now`

    return middleware


def _unlock(request: HttpRequest) -> None:
    for key in (HANDED_OVER, DRAFT, INVITATION, SENT, CHECK_IN):
        request.session.pop(key, None)


def _locked(request: ClinicRequest, get_response: NextHandler) -> HttpResponse:
    if request.user.is_authenticated:
        # Only staff unlock it: a client who signs in by herself is signed out again.
        _sign_out_and_stay_locked(request)
    place = _place(request)
    if place in OPEN_TO_ALL or place == "intake:tablet":
        return get_response(request)
    is_hers = place in THE_FORM or request.path_info == request.session.get(CHECK_IN)
    if not is_hers or not is_being_filled_in(request):
        return _to_the_tablets_page(request)
    request.session[HANDED_OVER] = request.now.isoformat()
    response = get_response(request)
    # What was sent, or may be answered no longer, leaves nothing on the screen.
    is_over = not _has_a_form(request) or response.status_code == 410  # noqa: PLR2004  # gone
    return _to_the_tablets_page(request) if is_over else response


def _sign_out_and_stay_locked(request: ClinicRequest) -> None:
    touched_at = request.session[HANDED_OVER]
    logout(request)
    request.session[HANDED_OVER] = touched_at


def _place(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _to_the_tablets_page(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(reverse("intake:tablet"))
    return redirect("intake:tablet")
