"""Staff sign in by password, clients by a code in the mail, nobody else at all."""

import re
from itertools import count
from time import time

import pytest
import time_machine
from allauth.account import forms
from django.core import mail
from django.test import Client as Browser

from clinic.people.models import Role, User
from tests.conftest import NOW
from tests.factories import PASSWORD

LOGIN, CODE, CONFIRM, LOGOUT, RESET = "/login/", "/login/code/", "/login/code/confirm/", "/logout/", "/password/reset/"
ADDRESSES = count(1)


@pytest.fixture
def nobody(clinic) -> Browser:
    return Browser()


def who(browser: Browser) -> str | None:
    return browser.session.get("_auth_user_id")


def code_in_the_mail() -> str:
    assert len(mail.outbox) == 1
    return re.search(r"^\s+([A-Z0-9-]{6,})$", mail.outbox[0].body, re.MULTILINE)[1]


def test_staff_sign_in_by_password(nobody, dana):
    answer = nobody.post(LOGIN, {"login": "Dana@Example.org", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert who(nobody) == str(dana.pk)


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(nobody, dana):
    wrong = nobody.post(LOGIN, {"login": dana.email, "password": "wrong"})
    unknown = nobody.post(LOGIN, {"login": "none@example.org", "password": "wrong"})
    assert wrong.context["form"].errors == unknown.context["form"].errors
    assert who(nobody) is None


def from_anywhere() -> Browser:
    """A browser of somebody who takes another address each time."""
    return Browser(REMOTE_ADDR=f"192.0.2.{next(ADDRESSES)}")


def test_a_password_is_checked_ten_times_in_a_quarter_of_an_hour_from_wherever_it_is_tried(nobody, dana, monkeypatch):
    checked = []
    monkeypatch.setattr(type(dana), "check_password", lambda _user, raw: checked.append(raw) or raw == PASSWORD)
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(60):
            from_anywhere().post(LOGIN, {"login": dana.email, "password": "wrong"})
            clock.shift(14.9)
        assert len(checked) == 10
        nobody.post(LOGIN, {"login": dana.email, "password": PASSWORD})
        assert who(nobody) is None
        clock.shift(901)
        nobody.post(LOGIN, {"login": dana.email, "password": PASSWORD})
        assert who(nobody) == str(dana.pk)


def test_whose_password_is_tried_by_others_gets_in_by_the_link_in_the_mail(nobody, dana):
    for _ in range(12):
        from_anywhere().post(LOGIN, {"login": dana.email, "password": "wrong"})
    assert chooses_another_password(nobody, dana)
    nobody.post(LOGIN, {"login": dana.email, "password": "another quiet day"})
    assert who(nobody) == str(dana.pk)


def most_codes_checked(email: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Ask for codes whenever one gets any; try the first as late as they are good for, and the others at once.

    Return how many tries were compared with a code in the worst quarter of an hour.
    """
    checked, compare = [], forms.compare_user_code

    def look(*, actual: str, expected: str) -> bool:
        if expected:
            checked.append(time())
        return compare(actual=actual, expected=expected)

    monkeypatch.setattr(forms, "compare_user_code", look)
    with time_machine.travel(NOW, tick=False) as clock:
        waiting = []
        for minute in range(30):
            browser = from_anywhere()
            if browser.post(CODE, {"email": email}).status_code == 302:
                waiting.append((minute + 9 if minute < 5 else minute, browser))
            for one in (browser for when, browser in waiting if when == minute):
                for _ in range(4):
                    one.post(CONFIRM, {"code": "ZZZZZZ"})
            clock.shift(60)
    return max(sum(start <= one < start + 900 for one in checked) for start in checked)


def test_codes_are_checked_ten_times_at_most_in_any_quarter_of_an_hour(clinic, alice_user, monkeypatch):
    assert 3 <= most_codes_checked(alice_user.email, monkeypatch) <= 10


def test_three_codes_in_a_quarter_of_an_hour_would_be_too_many(clinic, alice_user, monkeypatch, settings):
    """The negative control: codes of the quarter before are still tried in the next."""
    settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "3/15m/key"}
    assert most_codes_checked(alice_user.email, monkeypatch) > 10


def test_a_code_is_spent_as_well_by_tries_that_come_at_once(nobody, alice_user):
    nobody.post(CODE, {"email": alice_user.email})
    right, before = code_in_the_mail(), dict(nobody.session)
    for code in ("ZZZZZZ", "ZZZZZZ", "ZZZZZZ", right):
        # As each of them read it, before any other had written.
        session = nobody.session
        session.update(before)
        session.save()
        nobody.post(CONFIRM, {"code": code})
    assert who(nobody) is None


def test_a_client_signs_in_by_the_code_in_the_mail(nobody, alice_user):
    answer = nobody.post(CODE, {"email": "Alice@example.org"})
    assert answer["Location"] == CONFIRM
    assert nobody.get(CONFIRM).status_code == 200
    nobody.post(CONFIRM, {"code": code_in_the_mail()})
    assert who(nobody) == str(alice_user.pk)


def test_the_mail_with_the_code_tells_nothing_but_the_code(nobody, alice_user):
    nobody.post(CODE, {"email": alice_user.email})
    (sent,) = mail.outbox
    assert sent.to == [alice_user.email]
    assert sent.subject == "Your code for signing in"
    for word in ("massage", "migraine", "headache", "Alice", "therap"):
        assert word.lower() not in (sent.subject + sent.body).lower()


def test_a_wrong_code_does_not_sign_in_and_cannot_be_tried_for_ever(nobody, alice_user):
    nobody.post(CODE, {"email": alice_user.email})
    right = code_in_the_mail()
    for _ in range(3):
        nobody.post(CONFIRM, {"code": "ZZZZZZ"})
    nobody.post(CONFIRM, {"code": right})
    assert who(nobody) is None


def test_a_code_runs_out_after_ten_minutes(nobody, alice_user, time_machine, now):
    time_machine.move_to(now)
    nobody.post(CODE, {"email": alice_user.email})
    time_machine.shift(601)
    nobody.post(CONFIRM, {"code": code_in_the_mail()})
    assert who(nobody) is None


def told_how_to_sign_in(email: str) -> bool:
    """Say whether one mail went to this address, with neither code nor link for it."""
    (sent,) = mail.outbox
    links = re.search(r"^\s+([A-Z0-9-]{6,})$|https?://", sent.body, re.MULTILINE)
    return sent.to == [email] and sent.subject == "About signing in" and links is None


@pytest.mark.parametrize("role", Role)
def test_staff_never_get_a_code(nobody, dana, role):
    dana.roles = [role]
    dana.save()
    answer = nobody.post(CODE, {"email": dana.email})
    assert answer["Location"] == CONFIRM
    assert told_how_to_sign_in(dana.email)


def test_an_unknown_address_gets_the_same_answer_and_a_mail_as_well(nobody, alice_user):
    """Of what takes time one is as much as the other: a page that comes sooner tells who is known here."""
    known = nobody.post(CODE, {"email": alice_user.email})
    page_for_known = nobody.get(CONFIRM).content.decode()
    mail.outbox.clear()
    stranger = Browser()
    unknown = stranger.post(CODE, {"email": "none@example.org"})
    page_for_unknown = stranger.get(CONFIRM).content.decode()
    assert told_how_to_sign_in("none@example.org")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert without_secrets(page_for_known, alice_user.email) == without_secrets(page_for_unknown, "none@example.org")


def without_secrets(page: str, email: str) -> str:
    page = re.sub(r"value=\"[A-Za-z0-9]{64}\"|X-CSRFToken\": \"[A-Za-z0-9]+\"", "", page)
    return page.replace(email, "E-MAIL")


def test_a_client_has_no_password_and_gets_no_link_to_make_one(nobody, alice_user):
    answer = nobody.post(RESET, {"email": alice_user.email})
    assert answer.status_code == 302
    assert told_how_to_sign_in(alice_user.email)


def chooses_another_password(browser: Browser, user: User) -> bool:
    browser.post(RESET, {"email": user.email})
    (sent,) = mail.outbox
    path = re.search(r"https?://[^/]+(/password/reset/key/\S+)", sent.body)[1]
    form = browser.get(path, follow=True)
    browser.post(form.request["PATH_INFO"], {"password1": "another quiet day", "password2": "another quiet day"})
    user.refresh_from_db()
    return user.check_password("another quiet day")


def test_staff_choose_a_new_password_by_the_link_in_the_mail(nobody, dana):
    assert chooses_another_password(nobody, dana)


def test_nobody_signs_up_alone(nobody, django_user_model):
    before = django_user_model.objects.count()
    facts = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert "By invitation" in nobody.get("/signup/").content.decode()
    nobody.post("/signup/", facts)
    assert django_user_model.objects.count() == before


@pytest.mark.parametrize("path", ["/email/", "/password/change/", "/password/set/", "/confirm-email/"])
def test_no_other_page_of_the_sign_in_library_is_open(as_alice, path):
    assert as_alice.get(path).status_code == 404


def test_only_a_post_signs_out(as_dana, dana):
    assert as_dana.get(LOGOUT).status_code == 200
    assert who(as_dana) == str(dana.pk)
    as_dana.post(LOGOUT)
    assert who(as_dana) is None


def test_whoever_is_deactivated_is_out_at_the_next_click(as_dana, dana):
    assert as_dana.get("/clients/").status_code == 200
    dana.is_active = False
    dana.save()
    assert as_dana.get("/clients/")["Location"] == "/login/?next=/clients/"


def test_whoever_is_deactivated_does_not_get_in_again(nobody, dana, alice_user):
    for user in (dana, alice_user):
        user.is_active = False
        user.save()
    nobody.post(LOGIN, {"login": dana.email, "password": PASSWORD})
    nobody.post(CODE, {"email": alice_user.email})
    assert who(nobody) is None
    assert told_how_to_sign_in(alice_user.email)


def test_after_signing_in_it_goes_on_to_the_page_that_was_asked_for(nobody, dana):
    asked = nobody.get("/clients/?q=ana")["Location"]
    assert asked == "/login/?next=/clients/%3Fq%3Dana"
    assert nobody.post(asked, {"login": dana.email, "password": PASSWORD})["Location"] == "/clients/?q=ana"


def test_it_never_leads_to_another_site(nobody, dana):
    answer = nobody.post("/login/?next=https://evil.example/", {"login": dana.email, "password": PASSWORD})
    assert answer["Location"] == "/"


def test_a_new_session_key_is_given_at_sign_in(nobody, dana):
    nobody.get(LOGIN)
    nobody.session.save()
    nobody.post(LOGIN, {"login": dana.email, "password": PASSWORD})
    first = nobody.cookies["sessionid"].value
    nobody.post(LOGOUT)
    nobody.post(LOGIN, {"login": dana.email, "password": PASSWORD})
    assert nobody.cookies["sessionid"].value != first


def test_too_many_tries_from_one_place_are_answered_calmly(nobody):
    for number in range(31):
        answer = nobody.post(LOGIN, {"login": f"guess{number}@example.org", "password": "x"})
    assert answer.status_code == 429
    assert "Please wait a few minutes" in answer.content.decode()
