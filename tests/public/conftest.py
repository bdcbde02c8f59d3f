"""A clinic that is booked online, and the way through its pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Clinic, Location, Service, Therapist
from clinic.scheduling.forms import choice_value
from tests.factories import ServiceFactory, give_hours
from tests.importing import bring, send, take, worker  # noqa: F401 -- fixtures


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    """Return a moment in November 2026, when Lisbon keeps UTC; the 24th is a Tuesday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def service(open_clinic: Clinic, now: datetime) -> Service:
    return ServiceFactory(name="Myofascial release", minutes=60, price_minor=8250)


@pytest.fixture
def hours(bea: Therapist, location: Location) -> None:
    """Bea works from Monday to Friday, from 9 to 13 and from 14 to 19."""
    location.phone = "+351213456789"
    location.save(update_fields=["phone"])
    give_hours(bea, location, (9, 13), (14, 19))


Wish = Callable[..., dict[str, str]]


@pytest.fixture
def wish(bea: Therapist, location: Location, hours: None) -> Wish:
    """Return a function that writes a time as the pages' forms carry it."""

    def write(starts_at: datetime, therapist: Therapist | None = None) -> dict[str, str]:
        return {"location": str(location.pk), "at": choice_value(starts_at, therapist or bea, location)}

    return write


class Visitor:
    """Somebody who books by herself, page by page."""

    def __init__(self, service: Service, browser: Browser | None = None) -> None:
        self.browser, self.service = browser or Browser(), service

    def chooses(self, wish: dict[str, str]) -> HttpResponse:
        return self.browser.post(reverse("booking:hold", args=[self.service.pk]), wish)

    def proves(self, email: str, wish: dict[str, str], **also: str) -> HttpResponse:
        """Give an address, and the code that was mailed to it."""
        mail.outbox.clear()
        self.browser.post(reverse("booking:who", args=[self.service.pk], query=wish), {"email": email})
        return self.types(code_in_the_mail(), wish)

    def types(self, code: str, wish: dict[str, str]) -> HttpResponse:
        return self.browser.post(reverse("booking:code", args=[self.service.pk], query=wish), {"code": code})

    def says(self, wish: dict[str, str], **facts: str) -> HttpResponse:
        """Tell who she is."""
        told = {"is_for": "myself", "legal_name": "Nina Prates", "born_on": "4.3.1990", "phone": "+351 912 345 678"}
        return self.browser.post(reverse("booking:you", args=[self.service.pk], query=wish), told | facts)

    def confirms(self, held: HttpResponse, **answers: object) -> HttpResponse:
        """Answer on the page to which `held` leads."""
        return self.browser.post(held["Location"], {"is_different": "no", "by_email": "yes"} | answers)


@pytest.fixture
def visitor(service: Service) -> Visitor:
    return Visitor(service)


def code_in_the_mail() -> str:
    (sent,) = mail.outbox
    found = re.search(r"^\s+([A-Z0-9-]{6,})$", sent.body, re.MULTILINE)
    assert found
    return found[1]
