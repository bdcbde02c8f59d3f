"""The way home, how the pages look, and what is said when something fails."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Role
from tests.factories import UserFactory


@pytest.mark.parametrize(
    ("roles", "page"),
    [
        ([Role.THERAPIST], "desk:my-day"),
        ([Role.FRONT_DESK], "desk:day"),
        ([Role.OWNER], "desk:day"),
        ([Role.OWNER, Role.THERAPIST], "desk:my-day"),
        ([Role.FRONT_DESK, Role.THERAPIST], "desk:day"),
        ([], "portal:home"),
    ],
)
def test_home_is_where_the_day_of_each_role_begins(clinic, signed_in, roles, page):
    assert signed_in(UserFactory(roles=roles)).get("/")["Location"] == reverse(page)


def test_home_asks_a_stranger_to_sign_in(clinic):
    assert Browser().get("/")["Location"] == "/login/"


def test_before_the_clinic_exists_home_says_where_the_link_is(db):
    page = Browser().get("/")
    assert page.status_code == 200
    assert "not set up yet" in page.content.decode()


@pytest.mark.parametrize(("chosen", "mark"), [("dark", 'data-bs-theme="dark"'), ("light", 'data-bs-theme="light"')])
def test_the_theme_is_remembered_and_written_into_the_page(clinic, chosen, mark):
    browser = Browser()
    answer = browser.post("/theme/", {"theme": chosen, "next": "/login/"})
    assert answer["Location"] == "/login/"
    cookie = answer.cookies["theme"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 365 * 24 * 3600)
    assert mark in browser.get("/login/").content.decode()


def test_following_the_system_forgets_the_choice(clinic):
    browser = Browser()
    browser.post("/theme/", {"theme": "dark"})
    browser.post("/theme/", {"theme": "system"})
    assert "data-bs-theme" not in browser.get("/login/").content.decode()


def test_a_theme_nobody_made_is_refused(clinic):
    assert Browser().post("/theme/", {"theme": "pink"}).status_code == 400


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:///evil.example", "\\\\evil.example", ""],
)
def test_the_theme_never_leads_to_another_site(clinic, elsewhere):
    assert Browser().post("/theme/", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_a_theme_is_not_chosen_by_a_link(clinic):
    assert Browser().get("/theme/").status_code == 405


def test_a_form_without_its_token_is_refused_in_our_own_words(clinic):
    answer = Browser(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "Please send it again" in answer.content.decode()


def test_an_address_where_nothing_is_says_so_calmly(clinic):
    answer = Browser().get("/nowhere/")
    assert answer.status_code == 404
    assert "This page is not here" in answer.content.decode()


def test_a_failure_is_told_without_asking_the_database(clinic, monkeypatch, django_assert_num_queries):
    def fail(request):
        raise RuntimeError

    monkeypatch.setattr("clinic.public.views.Clinic.objects", property(fail))
    browser = Browser(raise_request_exception=False)
    with django_assert_num_queries(0):
        answer = browser.get("/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()


@pytest.mark.parametrize("path", ["/clients/", "/clients/new/", "/logout/"])
def test_no_page_is_kept_by_a_cache(as_dana, path):
    assert "no-store" in as_dana.get(path)["Cache-Control"]


def test_pages_allow_nothing_inline_and_no_frame(as_dana):
    policy = as_dana.get("/clients/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
