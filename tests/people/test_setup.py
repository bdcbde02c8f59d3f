"""The page that sets the clinic up, and the link to it."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client as Browser

from clinic.people.models import Clinic, SetUpToken, User
from clinic.people.services import issue_set_up_token
from tests.factories import PASSWORD

TYPED = {
    "name": "Quiet Rooms",
    "location_name": "Harbour Street",
    "time_zone": "Europe/Lisbon",
    "currency": "eur",
    "owner_name": "Olga Novak",
    "owner_email": "olga@example.org",
    "owner_password": PASSWORD,
}


@pytest.fixture
def link(db, now) -> str:
    return f"/set-up/{issue_set_up_token(now=now)}/"


def printed_by_setup_link(*arguments: str) -> str:
    out = StringIO()
    call_command("setup_link", *arguments, stdout=out)
    return out.getvalue()


def test_the_printed_link_sets_the_clinic_up_and_signs_its_owner_in(db, now):
    printed = printed_by_setup_link("--base", "http://127.0.0.1:8123/")
    path = re.search(r"http://127\.0\.0\.1:8123(/set-up/\S+/)", printed)[1]
    browser = Browser()
    assert browser.get(path).status_code == 200
    assert browser.post(path, TYPED)["Location"] == "/day/"
    assert Clinic.objects.get().name == "Quiet Rooms"
    assert browser.session["_auth_user_id"] == str(User.objects.get().pk)


def test_the_token_itself_is_never_kept(db, now):
    token = issue_set_up_token(now=now)
    assert token not in str(list(SetUpToken.objects.values()))


def test_once_set_up_the_command_says_where_to_sign_in(clinic):
    printed = printed_by_setup_link("--base", "http://127.0.0.1:8123")
    assert printed == "Harbour Clinic is set up; sign in at http://127.0.0.1:8123/login/\n"
    assert not SetUpToken.objects.exists()


def test_the_link_does_not_work_twice(link):
    Browser().post(link, TYPED)
    again = Browser().get(link)
    assert again.status_code == 404
    assert "used up" in again.content.decode()
    assert Browser().post(link, TYPED | {"owner_email": "other@example.org"}).status_code == 404
    assert User.objects.count() == 1


def test_a_guessed_link_opens_nothing(db, now):
    issue_set_up_token(now=now)
    assert Browser().get("/set-up/guess/").status_code == 404
    assert Browser().post("/set-up/guess/", TYPED).status_code == 404
    assert not Clinic.objects.exists()


@pytest.mark.parametrize("letters", ["zzz", "E9", "eu"])
def test_letters_that_are_no_currency_found_no_clinic(link, letters):
    page = Browser().post(link, TYPED | {"currency": letters})
    assert "No currency has these letters." in page.content.decode()
    assert not Clinic.objects.exists()


def test_what_was_typed_stays_and_the_field_says_what_is_wrong(link):
    page = Browser().post(link, TYPED | {"owner_password": "short", "currency": "E9"})
    assert page.status_code == 200
    assert page.context["form"].errors.keys() == {"currency"}
    text = page.content.decode()
    for kept in ("Quiet Rooms", "Harbour Street", "olga@example.org"):
        assert f'value="{kept}"' in text
    page = Browser().post(link, TYPED | {"owner_password": "short"})
    assert page.context["form"].errors.keys() == {"owner_password"}
    assert not Clinic.objects.exists()


@pytest.mark.parametrize(("said", "guess"), [(":Asia/Tokyo", "Asia/Tokyo"), ("UTC", ""), ("Mars/Olympus", "")])
def test_it_guesses_the_zone_from_the_machine(link, monkeypatch, said, guess):
    monkeypatch.setenv("TZ", said)
    page = Browser().get(link).content.decode()
    assert re.findall(r'<option value="([^"]*)" selected', page) == [guess]


def test_a_clinic_just_set_up_opens_each_place_of_its_owners_navigation(link):
    browser = Browser()
    browser.post(link, TYPED)
    assert browser.get("/")["Location"] == "/day/"
    for place in ("/day/", "/clients/", "/messages/"):
        assert browser.get(place).status_code == 200
