"""The calendar, and the panel about one visit."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from clinic.desk.day import MANY_COLUMNS, By, Calendar, Days, Wish, calendar
from clinic.desk.visit_panel import visit_panel
from clinic.desk.wire import message, words
from clinic.lib.times import local_date
from clinic.people.access import ClinicRequest, for_roles, key_in
from clinic.people.models import Location, User
from clinic.scheduling.access import visit_for
from clinic.scheduling.addresses import day_url
from clinic.scheduling.models import MOVABLE
from clinic.scheduling.time_page import parse_day
from clinic.scheduling.waitlist_page import ROLES as WAITLIST_ROLES
from clinic.scheduling.waitlist_page import waiting_for
from clinic.scheduling.words import time_words


@require_safe
@for_roles()
def day(request: ClinicRequest) -> HttpResponse:
    """Show a day or a week of one location, as columns or as a list, with the panel of the visit that is open."""
    locations = list(Location.objects.filter(archived_at__isnull=True))
    wish = _wish(request, locations)
    if wish is None:
        return render(request, "desk/day_no_location.html")
    shown = calendar(user=request.user, now=request.now, wish=wish)
    if _is_too_wide(shown, request):
        return _first_of(shown, request)
    told = message(shown, _rail(shown, request.user))
    context: dict[str, Any] = {
        "calendar": shown,
        "told": told,
        "words": words(),
        "query": _query(wish),
        "locations": locations,
        "as_list": request.GET.get("as") == "list",
        "with_arrivals": request.GET.get("arrivals") == "1",
        "previous": wish.on - wish.step,
        "next": wish.on + wish.step,
        "updated": time_words(request.now, wish.location.zone),
        "own": own_column(request.user),
    }
    if (pk := key_in(request.GET.get("open", ""))) is not None:
        visit = visit_for(request.user, pk, now=request.now)
        context["panel"] = visit_panel(user=request.user, now=request.now, visit=visit)
    if (pk := key_in(request.GET.get("moving", ""))) is not None:
        visit = visit_for(request.user, pk, now=request.now)
        context["moving"] = visit if visit.status in MOVABLE else None
    return render(request, "desk/day.html", context)


@require_safe
@for_roles()
def day_visits(request: ClinicRequest) -> HttpResponse:
    """Tell the calendar's script what is shown now; nothing but 304 where that has not changed."""
    wish = _wish(request, list(Location.objects.filter(archived_at__isnull=True)))
    if wish is None:
        raise Http404
    shown = calendar(user=request.user, now=request.now, wish=wish)
    told = message(shown, _rail(shown, request.user))
    whole = HttpResponse(told.text, content_type="application/json", headers={"ETag": told.etag})
    response = get_conditional_response(request, etag=told.etag, response=whole) or whole
    response.headers["Updated"] = time_words(request.now, wish.location.zone)
    return response


@require_safe
@for_roles()
def appointment(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show one visit: beside the day for htmx, as a page of its own otherwise."""
    visit = visit_for(request.user, pk, now=request.now)
    panel = visit_panel(user=request.user, now=request.now, visit=visit)
    template = "desk/appointment_panel.html" if request.htmx else "desk/appointment.html"
    return render(request, template, {"panel": panel, "day_url": day_url(visit, is_open=False)})


def _is_too_wide(shown: Calendar, request: ClinicRequest) -> bool:
    """Tell whether everybody's week, which was not asked for by name, has more columns than anybody can survey."""
    is_week, is_list = shown.wish.days == Days.WEEK, request.GET.get("as") == "list"
    return is_week and not is_list and "of" not in request.GET and len(shown.shown) > MANY_COLUMNS


def _first_of(shown: Calendar, request: ClinicRequest) -> HttpResponse:
    """Lead to the week of the first; the menu leads to the others, and to everybody's."""
    asked = request.GET.copy()
    asked["of"] = str(shown.shown[0].pk)
    return HttpResponseRedirect(f"?{asked.urlencode()}")


def _wish(request: ClinicRequest, locations: list[Location]) -> Wish | None:
    """Read from the address which part of the calendar is asked for; None while there is no location."""
    location = _chosen(locations, request.GET.get("location", ""))
    if location is None:
        return None
    days = Days.WEEK if request.GET.get("days") == Days.WEEK else Days.DAY
    by = By.ROOM if request.GET.get("by") == By.ROOM else By.THERAPIST
    return Wish(
        location=location,
        on=parse_day(request.GET.get("on", "")) or local_date(location.zone, request.now),
        days=days,
        by=by,
        of=_of(request, days, by),
    )


def _of(request: ClinicRequest, days: Days, by: By) -> int | None:
    """Return the one column that is asked for; unless she says otherwise, a therapist's week is her own."""
    if "of" not in request.GET and (days, by) == (Days.WEEK, By.THERAPIST):
        return own_column(request.user)
    return key_in(request.GET.get("of", ""))


def own_column(user: User) -> int | None:
    """Return the key of the therapist who asks; None for everybody else."""
    return user.therapist.pk if user.is_therapist and hasattr(user, "therapist") else None


def _query(wish: Wish) -> str:
    """Return the wish as an address says it."""
    said = {"location": wish.location.pk, "on": wish.on.isoformat(), "days": wish.days, "by": wish.by}
    return urlencode(said | {"of": wish.of or ""})


def _rail(shown: Calendar, user: User) -> str:
    """Draw who is here and expected, and who waits for time; a week has no room for it."""
    wish = shown.wish
    if wish.days != Days.DAY:
        return ""
    # Who waits is the desk's work; and nobody waits for a day that is over.
    books = WAITLIST_ROLES & {*user.roles} and wish.on >= shown.today
    waiting = waiting_for(wish.on, wish.location, shown.now) if books else ()
    return render_to_string("desk/day_rail.html", {"rail": shown.rail(), "query": _query(wish), "waiting": waiting})


def _chosen(locations: list[Location], pk: str) -> Location | None:
    if not pk:
        return locations[0] if locations else None
    found = [location for location in locations if str(location.pk) == pk]
    if not found:
        raise Http404
    return found[0]
