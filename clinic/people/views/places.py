"""The pages about locations, their hours and their rooms."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.forms.places import LocationForm, RoomForm, WeekForm, with_monday_copied
from clinic.people.models import Location, Role, Room
from clinic.people.places_page import location_page, location_rows


@require_safe
@for_roles(Role.OWNER)
def location_list(request: ClinicRequest) -> HttpResponse:
    """List where the clinic works, with the rooms there."""
    return render(request, "people/location_list.html", {"rows": location_rows()})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def location_new(request: ClinicRequest) -> HttpResponse:
    """Add a location."""
    return _location_form(request, Location())


@require_safe
@for_roles(Role.OWNER)
def location(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show a location with its hours and its rooms."""
    page = location_page(_location(pk), now=request.now)
    return render(request, "people/location.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def location_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change a location."""
    return _location_form(request, _location(pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def location_hours(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say when a location is open; `copy` fills the working week with what was typed for Monday, and saves nothing."""
    place = _location(pk)
    refusal = ""
    if request.method == "POST":
        week = WeekForm(data=with_monday_copied(request.POST.dict()) if "copy" in request.POST else request.POST)
        if week.is_valid() and "copy" not in request.POST:
            try:
                week.keep(by=request.user, now=request.now, location=place)
            except ValidationError as refused:
                refusal = " ".join(refused.messages)
            else:
                messages.success(request, _("The opening hours of %(name)s are saved.") % {"name": place})
                return redirect("people:location", place.pk)
    else:
        week = WeekForm(location_page(place, now=request.now).spans)
    return render(request, "people/location_hours.html", {"location": place, "week": week, "refusal": refusal})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def room_new(request: ClinicRequest, pk: int) -> HttpResponse:
    """Add a room to a location."""
    return _room_form(request, Room(location=_location(pk)))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def room_edit(request: ClinicRequest, pk: int) -> HttpResponse:
    """Change a room."""
    return _room_form(request, _room(pk))


def _location(pk: int) -> Location:
    return one_of(Location.objects.prefetch_related(Prefetch("rooms", Room.objects.order_by("name", "pk"))), pk)


def _room(pk: int) -> Room:
    return one_of(Room.objects.select_related("location"), pk)


def _location_form(request: ClinicRequest, place: Location) -> HttpResponse:
    called = place.name  # read first: checking the form writes what was typed into the location
    form = LocationForm(request.POST or None, instance=place)
    if form.is_valid() and (kept := written(form, form.keep, by=request.user, now=request.now)):
        messages.success(request, _("%(name)s is saved.") % {"name": kept})
        return redirect("people:location", kept.pk)
    return render(request, "people/location_form.html", {"form": form, "location": place, "called": called})


def _room_form(request: ClinicRequest, room: Room) -> HttpResponse:
    called = room.name
    form = RoomForm(request.POST or None, instance=room)
    if form.is_valid() and (kept := written(form, form.keep, by=request.user, now=request.now)):
        messages.success(request, _("%(name)s is saved.") % {"name": kept})
        return redirect("people:location", room.location_id)
    return render(request, "people/room_form.html", {"form": form, "room": room, "called": called})
