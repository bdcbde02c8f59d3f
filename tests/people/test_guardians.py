"""Who is under 18 has somebody who answers for her."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import reverse

from clinic.people.models import ClientAccess
from clinic.people.services import (
    create_client,
    give_client_login,
    is_under_age,
    lacks_guardian,
    mail_address,
    update_client,
)
from clinic.reminders.services import sweep
from intake.services import invite
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


# --- Her letters


def minor(**facts):
    return ClientFactory(
        **{"legal_name": "Mia Reis", "email": "", "born_on": CHILD, "guardian_email": "rosa@example.org"} | ROSA | facts
    )


@pytest.mark.parametrize(
    ("facts", "address"),
    [
        ({}, "rosa@example.org"),
        ({"email": "mia@example.org"}, "mia@example.org"),
        ({"guardian_email": ""}, ""),
        ({"born_on": date(1990, 5, 6)}, ""),
        ({"born_on": date(2008, 11, 19)}, ""),  # her eighteenth birthday
        ({"born_on": date(2008, 11, 20)}, "rosa@example.org"),
        ({"born_on": None}, ""),
    ],
)
def test_under_age_and_without_an_address_she_is_written_to_at_her_guardians(location, now, facts, address) -> None:
    assert mail_address(minor(**facts), now) == address


def test_the_intake_form_of_a_minor_goes_to_her_guardian_and_greets_her(as_dana, dana, clinic, location, now) -> None:
    mia = minor()
    page = as_dana.get(reverse("desk:client", args=[mia.pk])).content.decode()
    assert reverse("intake:invite", args=[mia.pk]) in page
    sent = as_dana.post(reverse("intake:invite", args=[mia.pk]), follow=True)
    assert "on its way to rosa@example.org" in sent.content.decode()
    sweep(now)
    (letter,) = mail.outbox
    assert letter.to == ["rosa@example.org"]
    assert "Mia" in letter.body


def test_a_grown_up_without_an_address_is_not_invited(dana, location, now) -> None:
    with pytest.raises(ValidationError, match="no e-mail address yet"):
        invite(by=dana, now=now, client=minor(born_on=date(1990, 5, 6)))


def test_the_chart_offers_the_form_to_a_minors_guardian(as_bea, clinic, location, now) -> None:
    page = as_bea.get(reverse("intake:findings", args=[minor().pk])).content.decode()
    assert "Send the form" in page


@pytest.mark.parametrize(("born_on", "is_enough"), [(CHILD, True), (date(1990, 5, 6), False)])
def test_a_yes_to_messages_is_satisfied_with_the_guardians_address_of_a_minor(
    as_dana, clinic, location, now, born_on, is_enough
) -> None:
    client = minor(born_on=born_on)
    said = {"channel": "email", "word": "yes", "source": "in person"}
    answer = as_dana.post(reverse("people:client-consents", args=[client.pk]), said)
    assert (answer.status_code == 302) is is_enough
    typed = {"legal_name": "Mia Reis", "born_on": born_on, "by_email": "on", "source": "in person"} | ROSA
    answer = as_dana.post(reverse("people:client-new"), typed | {"guardian_email": "r@example.org", "save_anyway": "1"})
    if answer.status_code == 200:
        assert ("email" not in answer.context["form"].errors) is is_enough
    else:
        assert is_enough
