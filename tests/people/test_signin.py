"""Staff sign in by password, clients by a code in the mail, nobody else at all."""

import re

import pytest
from django.core import mail
from django.test import Client as Browser

from clinic.people.models import Role
from tests.factories import PASSWORD

LOGIN, CODE, CONFIRM, LOGOUT, RESET = "/login/", "/login/code/", "/login/code/confirm/", "/logout/", "/password/reset/"


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


def test_passwords_cannot_be_tried_for_ever(nobody, dana):
    for _ in range(5):
        nobody.post(LOGIN, {"login": dana.email, "password": "wrong"})
    nobody.post(LOGIN, {"login": dana.email, "password": PASSWORD})
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


@pytest.mark.parametrize("role", Role)
def test_staff_never_get_a_code(nobody, dana, role):
    dana.roles = [role]
    dana.save()
    answer = nobody.post(CODE, {"email": dana.email})
    assert answer["Location"] == CONFIRM
    assert mail.outbox == []


def test_an_unknown_address_gets_the_same_answer_and_no_mail(nobody, alice_user):
    known = nobody.post(CODE, {"email": alice_user.email})
    page_for_known = nobody.get(CONFIRM).content.decode()
    mail.outbox.clear()
    stranger = Browser()
    unknown = stranger.post(CODE, {"email": "none@example.org"})
    page_for_unknown = stranger.get(CONFIRM).content.decode()
    assert mail.outbox == []
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert without_secrets(page_for_known, alice_user.email) == without_secrets(page_for_unknown, "none@example.org")


def without_secrets(page: str, email: str) -> str:
    page = re.sub(r"value=\"[A-Za-z0-9]{64}\"|X-CSRFToken\": \"[A-Za-z0-9]+\"", "", page)
    return page.replace(email, "E-MAIL")


def test_a_client_has_no_password_and_gets_no_link_to_make_one(nobody, alice_user):
    answer = nobody.post(RESET, {"email": alice_user.email})
    assert answer.status_code == 302
    assert mail.outbox == []


def test_staff_choose_a_new_password_by_the_link_in_the_mail(nobody, dana):
    nobody.post(RESET, {"email": dana.email})
    (sent,) = mail.outbox
    path = re.search(r"https?://[^/]+(/password/reset/key/\S+)", sent.body)[1]
    form = nobody.get(path, follow=True)
    nobody.post(form.request["PATH_INFO"], {"password1": "another quiet day", "password2": "another quiet day"})
    dana.refresh_from_db()
    assert dana.check_password("another quiet day")


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
    assert mail.outbox == []


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
