"""Calendar feeds: the address itself, and the pages on which its owner makes it, renews it and takes it back."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.rates import is_too_often, where_from
from clinic.people.access import ClinicRequest, for_roles, signed_in
from clinic.people.models import Client, Role, Therapist
from clinic.scheduling.access import own_client_of
from clinic.scheduling.feeds import feed_at, kept_feed, make_feed, read_feed, revoke_feed

AN_HOUR = 3600
# Calendars ask every few minutes at most, on a few devices.
READINGS_AN_HOUR = 60
GUESSES_AN_HOUR = 60


@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give other calendars the visits of a feed. Nothing is written, and an unchanged feed is not sent again."""
    now = cast("ClinicRequest", request).now  # the middleware has set it
    feed = feed_at(token)
    if feed is None:
        stranger = f"feed-guess:{where_from(request)}"
        if is_too_often(stranger, most=GUESSES_AN_HOUR, seconds=AN_HOUR, now=now):
            return _too_often()
        raise Http404
    if is_too_often(f"feed:{feed.pk}", most=READINGS_AN_HOUR, seconds=AN_HOUR, now=now):
        return _too_often()
    reading = read_feed(feed, now)
    etag = quote_etag(reading.digest)
    answer = get_conditional_response(request, etag=etag) or HttpResponse(
        reading.as_ics(),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'inline; filename="visits.ics"'},
    )
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def my_calendar(request: ClinicRequest) -> HttpResponse:
    """Let a therapist read her visits in a calendar of her own."""
    if not Therapist.objects.filter(user=request.user, archived_at__isnull=True).exists():
        return render(request, "people/my_profile_none.html")
    return _feed_page(request, None, "scheduling/feed_therapist.html")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def client_calendar(request: ClinicRequest, client_pk: int) -> HttpResponse:
    """Let a client, or who acts for her, read her visits in a calendar of her own."""
    client = own_client_of(request.user, client_pk, _("calendar address"), now=request.now)
    return _feed_page(request, client, "scheduling/feed_client.html")


def _feed_page(request: ClinicRequest, client: Client | None, template: str) -> HttpResponse:
    address = ""
    if request.method == "POST" and "take_back" in request.POST:
        revoke_feed(by=request.user, now=request.now, client=client)
        messages.success(request, _("The address opens nothing any more."))
        return redirect(request.path)
    if request.method == "POST":
        # Shown in this answer and never again: only its digest is kept.
        token = make_feed(by=request.user, now=request.now, client=client)
        address = f"{settings.SITE_URL}{reverse('scheduling:calendar-feed', args=[token])}"
    context = {
        "client": client,
        "plan_client_pk": client and client.pk,
        "feed": kept_feed(request.user, client),
        "address": address,
        "subscribe": address.replace("https://", "webcal://", 1).replace("http://", "webcal://", 1),
    }
    return render(request, template, context)


def _too_often() -> HttpResponse:
    return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": str(AN_HOUR)})
