"""The owner sets how clients book online, and sees before saving how it reads."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Clinic, Location, Service, Therapist
from tests.factories import LocationFactory, TherapistFactory

pytestmark = pytest.mark.usefixtures("now", "hours")
URL = "/settings/booking/"


@pytest.fixture
def typed(bea: Therapist, location: Location) -> dict[str, object]:
    return {
        "online_booking": "requests",
        "online_lead_hours": 6,
        "online_horizon_days": 30,
        "online_most_visits": 3,
        "online_cancel_hours": 4,
        "online_move_hours": 48,
        "late_fee_percent": 25,
        "therapists": [bea.pk],
        "locations": [location.pk],
    }


def text(answer: HttpResponse) -> str:
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def test_the_owner_saves_the_rules(as_olga: Browser, typed: dict[str, object], service: Service) -> None:
    assert as_olga.post(URL, typed)["Location"] == reverse("people:booking-edit")
    clinic = Clinic.objects.get()
    assert (clinic.online_booking, clinic.online_lead_hours, clinic.online_horizon_days) == ("requests", 6, 30)
    assert (clinic.online_most_visits, clinic.online_cancel_hours, clinic.online_move_hours) == (3, 4, 48)
    assert clinic.late_fee_percent == 25
    assert "Clients ask, the clinic answers, up to 30 days ahead" in text(as_olga.get("/settings/"))


def test_the_owner_chooses_who_and_what_place_is_shown(
    as_olga: Browser, typed: dict[str, object], bea: Therapist, location: Location
) -> None:
    other, place = TherapistFactory(works_at=(location,)), LocationFactory()
    as_olga.post(URL, typed | {"therapists": [other.pk], "locations": [place.pk]})
    bea.refresh_from_db()
    location.refresh_from_db()
    assert (bea.is_shown_online, location.is_bookable_online) == (False, False)
    assert Therapist.objects.get(pk=other.pk).is_shown_online
    assert Location.objects.get(pk=place.pk).is_bookable_online


def test_a_preview_shows_the_sum_and_saves_nothing(
    as_olga: Browser, typed: dict[str, object], service: Service
) -> None:
    page = text(as_olga.post(URL, typed | {"preview": "1"}))
    assert "As typed. Nothing is saved yet." in page
    assert "After that, or if you do not come: €20.63." in page
    assert "What is confirmed is a request." in page
    assert Clinic.objects.get().online_booking == "at_once"
    assert Clinic.objects.get().late_fee_percent == 50


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("online_horizon_days", 0),
        ("online_horizon_days", 366),
        ("online_most_visits", 0),
        ("late_fee_percent", 101),
        ("online_lead_hours", -1),
        ("online_booking", "sometimes"),
        ("online_cancel_hours", ""),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    as_olga: Browser, typed: dict[str, object], service: Service, field: str, value: object
) -> None:
    answer = as_olga.post(URL, typed | {field: value})
    assert answer.status_code == 200
    assert field in answer.context["form"].errors
    assert Clinic.objects.get().online_booking == "at_once"


def test_the_database_holds_the_bounds_as_well(open_clinic: Clinic) -> None:
    open_clinic.online_horizon_days = 0
    with pytest.raises(ValidationError, match="clinic online booking has its bounds"):
        open_clinic.validate_constraints()


def test_only_owners_see_the_page(as_dana: Browser, as_bea: Browser, as_alice: Browser) -> None:
    for browser in (as_dana, as_bea, as_alice):
        assert browser.get(URL).status_code == 404
        assert browser.post(URL, {"online_booking": "closed"}).status_code == 404
