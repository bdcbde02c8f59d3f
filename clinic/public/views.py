"""Pages that belong to nobody: the way home, how the pages look, how the house is, and what is said to a stale form."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.lib.addresses import asked_next
from clinic.people.context import THEMES
from clinic.people.models import Clinic, User
from clinic.public.health import how_it_is

THEME_LASTS = 365 * 24 * 3600


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Send everybody to the page where their day begins."""
    if request.user.is_authenticated:
        return redirect(first_page(request.user))
    if not Clinic.objects.exists():
        return render(request, "public/not_set_up.html")
    return redirect("account_login")


def first_page(user: User) -> str:
    """Return the name of the page where this login's day begins."""
    if user.is_front_desk or (user.is_owner and not user.is_therapist):
        return "desk:day"
    return "desk:my-day" if user.is_therapist else "portal:home"


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember how the pages look on this device, and go back to where the reader was."""
    chosen = request.POST.get("theme", "")
    if chosen not in {*THEMES, "system"}:
        return HttpResponseBadRequest()
    response = HttpResponseRedirect(asked_next(request) or "/")
    if chosen == "system":
        response.delete_cookie("theme", samesite="Lax")
    else:
        response.set_cookie(
            "theme", chosen, THEME_LASTS, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    return response


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Say that this process serves; asks nobody else."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say how each part of the house is; 503 as soon as one is not well."""
    parts = how_it_is(timezone.now())
    is_well = set(parts.values()) == {"ok"}
    return JsonResponse(parts, status=HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the page was open for too long, in our own page rather than Django's."""
    return render(request, "403_csrf.html", status=HTTPStatus.FORBIDDEN)
