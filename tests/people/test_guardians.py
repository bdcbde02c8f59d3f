"""Who is under 18 has somebody who answers for her."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from clinic.people.models import ClientAccess
from clinic.people.services import create_client, give_client_login, is_under_age, lacks_guardian, update_client
from tests.factories import ClientFactory, LocationFactory

CHILD = date(2010, 5, 6)
ROSA = {"guardian_name": "Rosa Reis", "guardian_phone": "+351912345678"}


@pytest.mark.parametrize("by_herself", [True, False])
def test_a_minor_is_not_added_without_a_guardian(now, dana, by_herself) -> None:
    with pytest.raises(ValidationError) as refused:
        create_client(by=None if by_herself else dana, now=now, legal_name="Mia Reis", born_on=CHILD)
    assert set(refused.value.error_dict) == {"guardian_name", "guardian_phone"}


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({"guardian_name": "Rosa Reis"}, {"guardian_phone"}),
        ({"guardian_phone": "+351912345678"}, {"guardian_name"}),
        ({"guardian_name": " ", "guardian_email": "rosa@example.org"}, {"guardian_name"}),
    ],
)
def test_a_guardian_has_a_name_and_can_be_reached(now, dana, given, lacking) -> None:
    with pytest.raises(ValidationError) as refused:
        create_client(by=dana, now=now, legal_name="Mia Reis", born_on=CHILD, **given)
    assert set(refused.value.error_dict) == lacking


@pytest.mark.parametrize("reach", [{"guardian_phone": "+351912345678"}, {"guardian_email": "rosa@example.org"}])
def test_a_phone_or_an_address_is_enough(now, dana, reach) -> None:
    mia = create_client(by=dana, now=now, legal_name="Mia Reis", born_on=CHILD, guardian_name="Rosa Reis", **reach)
    assert not lacks_guardian(mia, now)


def test_somebody_whose_birthday_is_not_known_needs_none(now, dana) -> None:
    assert create_client(by=dana, now=now, legal_name="Ana Reis").pk


@pytest.mark.parametrize(
    ("zone", "is_minor"),
    [("Pacific/Auckland", False), ("Europe/Lisbon", True), ("America/Los_Angeles", True)],
)
def test_she_comes_of_age_at_midnight_of_the_clinics_wall(db, zone, is_minor) -> None:
    LocationFactory(time_zone=zone)
    # The evening before her eighteenth birthday in Lisbon is the morning of it in Auckland.
    client = ClientFactory(born_on=date(2008, 11, 20))
    assert is_under_age(client, datetime(2026, 11, 19, 20, 0, tzinfo=UTC)) is is_minor


@pytest.mark.parametrize(("day", "is_minor"), [(date(2026, 2, 28), True), (date(2026, 3, 1), False)])
def test_who_was_born_on_29_february_comes_of_age_on_1_march(location, day, is_minor) -> None:
    leap = ClientFactory(born_on=date(2008, 2, 29))
    assert is_under_age(leap, datetime(day.year, day.month, day.day, 12, tzinfo=UTC)) is is_minor


def test_the_guardian_is_asked_for_when_somebody_at_the_clinic_changes_a_minors_record(now, dana, clinic) -> None:
    mia = ClientFactory(born_on=CHILD)
    with pytest.raises(ValidationError) as refused:
        update_client(by=dana, now=now, client=mia, pronouns="she/her")
    assert "guardian_name" in refused.value.error_dict
    mia.refresh_from_db()
    assert mia.pronouns == ""
    assert update_client(by=dana, now=now, client=mia, pronouns="she/her", **ROSA).guardian_name == "Rosa Reis"


def test_a_minors_own_answers_are_taken_without_one(now, clinic) -> None:
    mia = ClientFactory(born_on=CHILD)
    assert update_client(by=None, now=now, client=mia, light="dim").light == "dim"
    with pytest.raises(ValidationError):
        update_client(by=None, now=now, client=ClientFactory(), born_on=CHILD)


def test_a_guardian_may_not_be_taken_from_a_minor(now, dana, clinic) -> None:
    mia = create_client(by=dana, now=now, legal_name="Mia Reis", born_on=CHILD, **ROSA)
    with pytest.raises(ValidationError):
        update_client(by=dana, now=now, client=mia, guardian_phone="")


@pytest.mark.parametrize(("email", "relation"), [("ROSA@example.org", "guardian"), ("mia@example.org", "self")])
def test_the_guardians_address_signs_in_as_the_guardian(now, dana, email, relation) -> None:
    mia = create_client(
        by=dana,
        now=now,
        legal_name="Mia Reis",
        born_on=CHILD,
        guardian_name="Rosa Reis",
        guardian_email="rosa@example.org",
    )
    give_client_login(by=None, now=now, client=mia, email=email)
    assert ClientAccess.objects.get().relation == relation


def test_an_oddity_in_the_record_is_no_reason_to_refuse_another_fact(now, dana, alice) -> None:
    type(alice).objects.filter(pk=alice.pk).update(email="not an address")
    assert update_client(by=dana, now=now, client=alice, alert="Rings twice.").alert == "Rings twice."
    with pytest.raises(ValidationError):
        update_client(by=dana, now=now, client=alice, email="neither")
