"""What somebody who books by herself wants, as the address says it, and for whom she may book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest

from clinic.people.access import own_clients
from clinic.people.models import Client, Location, Service
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment
from clinic.scheduling.online import is_new, places_shown
from clinic.scheduling.online_page import chosen_in
from clinic.scheduling.services import ChosenVisit


@dataclass(frozen=True)
class Wish:
    """What she wants, as the address says it."""

    service: Service
    location: Location
    chosen: ChosenVisit
    at: str

    @property
    def query(self) -> str:
        return urlencode({"location": self.location.pk, "at": self.at})


def service_of(pk: int) -> Service:
    """Return a service that can be booked online, or raise Http404."""
    found = Service.objects.filter(pk=pk, is_bookable_online=True, archived_at__isnull=True)
    service = found.select_related("modality").first()
    if service is None:
        raise Http404
    return service


def wish_in(service: Service, asked: Mapping[str, str]) -> Wish | None:
    """Return what the address or the form asks for; None where it names no time that could be."""
    location = next((one for one in places_shown() if str(one.pk) == asked.get("location")), None)
    chosen = chosen_in(asked, location) if location else None
    return Wish(service, location, chosen, asked.get("at", "")) if location and chosen else None


def wish_of(visit: Appointment) -> Wish:
    """Return what was wanted by what is held."""
    at = choice_value(visit.starts_at, visit.therapist, visit.location)
    return Wish(visit.service, visit.location, ChosenVisit(visit.starts_at, visit.therapist), at)


def clients_of(request: HttpRequest) -> list[Client]:
    """Return for whom this browser may book: for nobody, while no client has signed in."""
    if not request.user.is_authenticated or request.user.is_staff_member:
        return []
    return list(own_clients(request.user).select_related("primary_therapist").order_by("pk"))


def known_one(request: HttpRequest) -> Client | None:
    """Return one of them who has been here before, else the first."""
    clients = clients_of(request)
    return next((one for one in clients if not is_new(one)), clients[0] if clients else None)


def first_place() -> Location | None:
    """Return where to call when it is about no place."""
    return next(iter(places_shown()), None) or Location.objects.filter(archived_at__isnull=True).first()
