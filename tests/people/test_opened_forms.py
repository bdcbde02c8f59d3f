"""Of two who have the same form open, the later takes nothing back that the earlier has changed."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client as Browser

from clinic.people.models import Clinic, Location, Role, Room, Service, Therapist
from tests.factories import LocationFactory, RoomFactory, ServiceFactory, modality


def remembered(page: str) -> dict[str, list[str]]:
    """Return what a page's form remembers of the moment it was opened."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(initial-\w+)"(?: value="([^"]*)")?', page):
        found.setdefault(name, []).append(unescape(value))
    return found


def opened(browser: Browser, url: str) -> dict[str, list[str]]:
    """Return what a browser sends that changes nothing: what the form was opened with, twice."""
    began = remembered(browser.get(url).content.decode())
    assert began["initial-form"] == ["1"]
    shown = {
        name.removeprefix("initial-"): [value for value in values if value not in {"False", ""}]
        for name, values in began.items()
        if name != "initial-form"
    }
    return began | shown


def test_of_two_who_change_a_service_each_keeps_her_word(as_olga, clinic):
    service = ServiceFactory(name="Relief", modality=modality("deep_tissue"), minutes=60, price_minor=6000)
    url = f"/settings/services/{service.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"price_minor": "75.00", "is_bookable_online": []})
    as_olga.post(url, second | {"description": "A quiet hour."})
    service.refresh_from_db()
    assert (service.price_minor, service.is_bookable_online, service.description) == (7500, False, "A quiet hour.")


def test_of_two_who_change_a_location_each_keeps_her_word(as_olga, clinic):
    place = LocationFactory(name="Hill", phone="+351211234567")
    url = f"/settings/locations/{place.pk}/edit/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"address": "Rua Nova 1"})
    as_olga.post(url, second | {"phone": ""})
    place = Location.objects.get(pk=place.pk)
    assert (place.address, place.phone) == ("Rua Nova 1", "")


def test_of_two_who_change_a_room_each_keeps_her_word(as_olga, clinic):
    room = RoomFactory(name="Attic", features=["quiet"])
    url = f"/settings/rooms/{room.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"features": []})
    as_olga.post(url, second | {"name": "Loft"})
    room = Room.objects.get(pk=room.pk)
    assert (room.name, room.features) == ("Loft", [])


def test_of_two_who_change_the_clinic_each_keeps_her_word(as_olga, clinic):
    Clinic.objects.update(house_rules="No scents.\nNo shoes.")
    url = "/settings/clinic/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"house_rules": "No scents."})
    as_olga.post(url, second | {"letterhead": "Rua do Cais 12"})
    clinic.refresh_from_db()
    assert (clinic.house_rules, clinic.letterhead) == ("No scents.", "Rua do Cais 12")


def test_of_two_who_change_a_therapist_each_keeps_her_word(as_olga, bea, location):
    bea.locations.add(location)
    swedish, reflexology = modality("swedish"), modality("reflexology")
    url = f"/settings/therapists/{bea.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    changed = {"licence_number": "PT-77", f"held_{swedish.pk}": [], f"certificate_{reflexology.pk}": "ABC"}
    assert as_olga.post(url, first | changed).status_code == 302
    assert as_olga.post(url, second | {"colour": "plum", f"expires_{reflexology.pk}": ""}).status_code == 302
    bea = Therapist.objects.get(pk=bea.pk)
    assert (bea.licence_number, bea.colour) == ("PT-77", "plum")
    assert not bea.qualifications.filter(modality=swedish).exists()
    assert bea.qualifications.get(modality=reflexology).certificate == "ABC"
    assert [*bea.locations.all()] == [location]


def test_of_two_who_change_a_biography_and_a_photo_each_keeps_her_word(as_olga, as_bea, bea):
    url = "/settings/my-profile/"
    began = opened(as_bea, url)
    as_olga.post(f"/settings/therapists/{bea.pk}/profile/", {"biography": "Quiet hands."})
    as_bea.post(url, began)
    bea.refresh_from_db()
    assert bea.biography == "Quiet hands."


def test_of_two_who_change_a_member_each_keeps_her_word(as_olga, dana):
    url = f"/settings/staff/{dana.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"roles": [Role.FRONT_DESK, Role.OWNER]})
    as_olga.post(url, second | {"name": "Dana Sousa"})
    dana.refresh_from_db()
    assert (dana.name, dana.roles) == ("Dana Sousa", [Role.FRONT_DESK, Role.OWNER])


@pytest.mark.parametrize("features", [[], ["quiet"]])
def test_what_was_typed_counts_also_when_something_else_had_to_be_put_right_first(as_olga, clinic, features):
    room = RoomFactory(name="Attic", features=features)
    url = f"/settings/rooms/{room.pk}/"
    began = opened(as_olga, url)
    refused = as_olga.post(url, began | {"name": "", "features": ["dimmable"]}).content.decode()
    again = remembered(refused)
    assert again == {name: values for name, values in began.items() if name.startswith("initial-")}
    as_olga.post(url, again | {"name": "Attic", "features": ["dimmable"]})
    assert Room.objects.get(pk=room.pk).features == ["dimmable"]


def test_a_name_that_a_colleague_gave_meanwhile_stays_though_the_length_changes(as_olga, clinic):
    service = ServiceFactory(name="Relief, 45 min", modality=modality("deep_tissue"), minutes=45)
    url = f"/settings/services/{service.pk}/"
    began = opened(as_olga, url)
    as_olga.post(url, opened(as_olga, url) | {"name": "Ease, 45 min"})
    as_olga.post(url, began | {"minutes": "50"})
    assert Service.objects.get(pk=service.pk).name == "Ease, 50 min"


def test_of_two_owners_who_give_another_price_the_later_is_told_and_decides(as_olga, olga, clinic, now):
    service = ServiceFactory(name="Relief", modality=modality("deep_tissue"), minutes=60, price_minor=6000)
    url = f"/settings/services/{service.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"price_minor": "75.00"})
    refused = as_olga.post(url, second | {"price_minor": "80.00"})
    [told] = refused.context["form"].errors["price_minor"]
    assert told.startswith("Olga Novak changed this on ")
    assert "now it is “75.00”" in told
    assert 'value="80.00"' in refused.content.decode()
    service.refresh_from_db()
    assert service.price_minor == 7500
    as_olga.post(url, second | remembered(refused.content.decode()) | {"price_minor": "80.00"})
    service.refresh_from_db()
    assert service.price_minor == 8000


def test_of_two_owners_who_change_roles_and_places_the_later_reads_them_in_words(as_olga, bea, dana, location):
    url = f"/settings/staff/{dana.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"roles": [Role.FRONT_DESK, Role.OWNER]})
    refused = as_olga.post(url, second | {"roles": [Role.THERAPIST]})
    assert "now it is “front desk, owner”" in refused.context["form"].errors["roles"][0]
    bea.locations.add(location)
    hill, quay = LocationFactory(name="Hill"), LocationFactory(name="Quay")
    url = f"/settings/therapists/{bea.pk}/"
    first, second = opened(as_olga, url), opened(as_olga, url)
    as_olga.post(url, first | {"locations": [str(location.pk), str(hill.pk)]})
    refused = as_olga.post(url, second | {"locations": [str(location.pk), str(quay.pk)]})
    [told] = refused.context["form"].errors["locations"]
    assert told == f"This was changed after you opened it: now it is “{location.name}, Hill”. Save again for yours."
