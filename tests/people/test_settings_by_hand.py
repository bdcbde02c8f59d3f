"""What goes wrong by hand in the settings: Enter, capitals, another number in the policy, ends of lines."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.people.models import Clinic, Location, Room
from clinic.people.services import archive_therapist
from clinic.people.services.clinic import set_logo, update_clinic
from clinic.people.services.places import add_location
from tests.factories import LocationFactory, TherapistFactory
from tests.people.test_clinic_settings import URL, last_event, logo, typed


def test_enter_saves_the_opening_hours_and_copies_nothing(as_olga, location):
    page = as_olga.get(f"/settings/locations/{location.pk}/hours/").content.decode()
    form = page[page.rindex("<form", 0, page.index("week-hours")) :]
    first = re.search(r"<button[^>]*>", form)
    assert first is not None
    assert "copy" not in first[0]
    assert 'type="submit"' in first[0]


@pytest.mark.parametrize("name", ["room 1", "ROOM 1 "])
def test_a_room_has_a_name_of_its_own_in_any_case(as_olga, room, name):
    page = as_olga.post(f"/settings/locations/{room.location_id}/rooms/new/", {"name": name}).content.decode()
    assert "Another room here has this name" in page
    with transaction.atomic(), pytest.raises(IntegrityError):
        Room.objects.create(location=room.location, name=name.strip())


def test_a_location_has_a_name_of_its_own_in_any_case(as_olga, olga, now, location):
    new = {"name": "HARBOUR street", "time_zone": "Europe/Lisbon"}
    page = as_olga.post("/settings/locations/new/", new).content.decode()
    assert 'id="id_name_error"' in page
    assert "Another location has this name" in page
    with pytest.raises(ValidationError, match="Another location has this name"):
        add_location(by=olga, now=now, **new)
    assert Location.objects.count() == 1


def test_a_new_location_begins_with_the_clinics_clock(as_olga, clinic):
    LocationFactory(time_zone="America/Bogota")
    page = as_olga.get("/settings/locations/new/").content.decode()
    assert '<option value="America/Bogota" selected>' in page


def test_who_works_at_a_location_is_said_beside_its_archiving(as_olga, olga, now, location):
    here, gone = (TherapistFactory(user__name=name) for name in ("Ida Berg", "Tom Reis"))
    location.therapists.set([here, gone])
    archive_therapist(by=olga, now=now, therapist=gone)
    page = as_olga.get(f"/settings/locations/{location.pk}/").content.decode()
    assert "Who works here:" in page
    assert "Ida Berg. Once it is archived" in page
    assert "Tom Reis" not in page


@pytest.mark.parametrize(
    ("hours", "policy", "is_asked"),
    [
        ("36", "Please tell us 24 hours before.", True),
        ("24", "Please tell us 24 hours before.", False),
        ("48", "Please tell us 2 days before.", False),
        ("36", "Please tell us in time.", False),
        ("36", "Call +351 912 345 678, 36 hours before.", False),
    ],
)
def test_a_policy_that_names_other_hours_is_asked_about_once(as_olga, clinic, hours, policy, is_asked):
    said = typed(cancellation_hours=hours, cancellation_policy=policy)
    page = as_olga.post(URL, said)
    assert (page.status_code == 200) is is_asked
    if is_asked:
        assert "The policy says another number of hours." in page.content.decode()
        as_olga.post(URL, said | {"save_anyway": "1"})
    clinic.refresh_from_db()
    assert (str(clinic.cancellation_hours), clinic.cancellation_policy) == (hours, policy)


def test_what_a_browser_does_to_the_ends_of_lines_is_no_change(as_olga, olga, now, clinic):
    update_clinic(by=olga, now=now, house_rules="No scents.\nNo shoes.")
    before = last_event().pk
    update_clinic(by=olga, now=now, house_rules="No scents.\r\nNo shoes.\r\n")
    assert last_event().pk == before
    assert Clinic.objects.get().house_rules == "No scents.\nNo shoes."


def test_the_history_says_that_a_logo_was_replaced(as_olga, olga, now, clinic):
    for colour in ("teal", "black"):
        set_logo(by=olga, now=now, upload=logo(colour=colour))
    page = as_olga.get("/history/clinic/1/").content.decode()
    assert "<ins>replaced</ins>" in page
