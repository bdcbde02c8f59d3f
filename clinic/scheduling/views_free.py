"""Free times as data, for pages that show another day, or mark in the calendar where a visit fits."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, client_for, for_roles, key_in
from clinic.scheduling.access import visit_for
from clinic.scheduling.offers import MOST_DAYS, free_by_key
from clinic.scheduling.time_page import parse_day

EACH = "each"


@require_safe
@for_roles()
def free_times(request: ClinicRequest) -> HttpResponse:
    """Tell the free times of a service at one or more locations, of one therapist, of anyone or of each.

    Asked for by `service`, `location` (also several), `therapist` (nobody in particular, a key, or “each”), `on` and
    `days`; with a `client` her other visits are in the way too, and a visit in `moving` is not in its own.
    """
    try:
        found = free_by_key(now=request.now, **_wish(request))
    except ValidationError as refused:
        return JsonResponse({"problem": " ".join(refused.messages)}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if found is None:
        raise Http404
    free = [{"location": one.location, "therapist": one.therapist, "times": one.times} for one in found]
    return JsonResponse({"free": free}, json_dumps_params={"separators": (",", ":")})


def _wish(request: ClinicRequest) -> dict[str, Any]:
    """Return what the address asks for. Raises ValidationError for what cannot be read."""
    asked, user, now = request.GET, request.user, request.now
    on, days = parse_day(asked.get("on", "")), _key(asked.get("days", "1"))
    if on is None or not 1 <= days <= MOST_DAYS or "location" not in asked:
        facts = {"most": MOST_DAYS}
        raise ValidationError(_("Say where, from which day, and for how many days: 1 to %(most)d."), params=facts)
    therapist, client, moving = (asked.get(name, "") for name in ("therapist", "client", "moving"))
    return {
        "service": _key(asked.get("service", "")),
        "locations": [_key(one) for one in asked.getlist("location")],
        "first": on,
        "days": days,
        "therapist": None if therapist in {"", EACH} else _key(therapist),
        "is_each": therapist == EACH,
        "client": client_for(user, _key(client), "booking", now=now) if client else None,
        "leaving_out": visit_for(user, _key(moving), now=now) if moving else None,
    }


def _key(typed: str) -> int:
    """Return the number that was meant. Raises ValidationError for anything else."""
    key = key_in(typed)
    if key is None:
        raise ValidationError(_("“%(typed)s” is no number."), params={"typed": typed[:20]})
    return key
