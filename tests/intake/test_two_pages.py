"""The same step open in two browsers: nobody overwrites the other's answers without being told."""

from __future__ import annotations

import json
import re
from datetime import datetime
from html import unescape

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, User
from intake import services
from intake.links import token_for
from intake.models import Finding, Submission


class Open:
    """A page of a step that stands open in a browser, as it was shown."""

    def __init__(self, browser: Browser, step: int = 1) -> None:
        self.browser, self.step = browser, reverse("intake:step", args=[step])
        self._read(browser.get(self.step).text)

    def _read(self, page: str) -> None:
        self.hidden = {
            name: unescape(value)
            for name, value in re.findall(r'name="(page|seen)"(?: id="seen")? value="([^"]*)"', page)
        } or self.hidden

    def saves(self, **typed: object) -> str:
        """Send what is typed, as the page does by itself, and take over what it is told to have shown."""
        page = self.browser.post(f"{self.step}save/", self.hidden | typed).text
        if found := re.search(r'name="seen" id="seen" value="([^"]*)"', page):
            self.hidden["seen"] = unescape(found[1])
        return unescape(page)

    def continues(self, **typed: object) -> str:
        """Press Continue; return the page where she stays, nothing where she goes on."""
        response = self.browser.post(self.step, self.hidden | typed)
        if response.status_code == 302:
            return ""
        self._read(response.text)
        return unescape(response.text)


@pytest.fixture
def browsers(alice: Client, dana: User, now: datetime) -> tuple[Browser, Browser]:
    """Her phone and her tablet, both opened by her link."""
    invitation, _token = services.invite(by=dana, now=now, client=alice)
    both = Browser(), Browser()
    for browser in both:
        browser.post(reverse("intake:open", args=[token_for(invitation)]), {"born_on": "1988-03-14"})
    return both


@pytest.fixture
def phone(browsers: tuple[Browser, Browser]) -> Open:
    return Open(browsers[0])


@pytest.fixture
def tablet(browsers: tuple[Browser, Browser]) -> Open:
    return Open(browsers[1])


def answers() -> dict[str, object]:
    return Submission.objects.get().answers


def test_different_questions_of_a_step_come_together(phone: Open, tablet: Open) -> None:
    phone.saves(headache_days="9")
    tablet.saves(migraine_days="4")
    assert answers() == {"headache_days": 9, "migraine_days": 4}


def test_a_page_that_was_left_open_takes_nothing_away(phone: Open, tablet: Open) -> None:
    phone.saves(headache_days="9")
    assert tablet.continues(attack_today="no") == ""
    assert answers() == {"headache_days": 9, "attack_today": "no"}


def test_an_answer_given_otherwise_elsewhere_is_asked_about_and_not_overwritten(phone: Open, tablet: Open) -> None:
    phone.saves(headache_days="9")
    assert "Answered otherwise on another page: “On how many days" in tablet.saves(headache_days="12")
    assert answers()["headache_days"] == 9
    page = tablet.continues(headache_days="12", attack_today="no")
    assert "Meanwhile you answered “9 of 28 days” on another page." in page
    assert 'value="12"' in page
    assert answers() == {"headache_days": 9, "attack_today": "no"}
    assert tablet.continues(headache_days="12", attack_today="no") == ""
    assert answers()["headache_days"] == 12


def test_the_same_answer_on_both_is_no_question(phone: Open, tablet: Open) -> None:
    phone.saves(headache_days="9")
    assert "otherwise" not in tablet.saves(headache_days="9")


def test_a_page_never_clashes_with_itself_even_when_the_answer_to_a_saving_was_lost(phone: Open) -> None:
    before = dict(phone.hidden)
    phone.saves(headache_days="9")
    phone.hidden = before
    assert "otherwise" not in phone.saves(headache_days="10")
    assert answers()["headache_days"] == 10


def test_without_the_name_of_the_page_it_would_clash_with_itself(phone: Open) -> None:
    before = dict(phone.hidden)
    phone.saves(headache_days="9")
    phone.hidden = before | {"page": "0" * 32}
    assert "otherwise" in phone.saves(headache_days="10")


def test_of_two_answers_about_safety_the_more_cautious_counts_until_she_decides(
    browsers: tuple[Browser, Browser],
) -> None:
    phone, tablet = Open(browsers[0], 7), Open(browsers[1], 7)
    phone.saves(rf_sudden="no")
    tablet.saves(rf_sudden="yes")
    assert answers()["rf_sudden"] == "yes"
    assert Finding.objects.get().rule == "red_flag_04"
    phone.saves(rf_sudden="unsure")
    assert answers()["rf_sudden"] == "yes"


def test_a_no_elsewhere_takes_its_follow_up_along(browsers: tuple[Browser, Browser]) -> None:
    phone, tablet = Open(browsers[0], 6), Open(browsers[1], 6)
    phone.saves(allergy="yes", allergy_what="lavender")
    tablet = Open(browsers[1], 6)
    tablet.saves(allergy="no", allergy_what="lavender")
    assert answers() == {"allergy": "no"}
    phone.saves(allergy="yes", allergy_what="lavender", skin="no")
    assert answers() == {"allergy": "no", "skin": "no"}


def test_what_cannot_be_read_leaves_the_answer_before_it(phone: Open) -> None:
    phone.saves(headache_days="9")
    phone.saves(headache_days="many", migraine_days="4")
    assert answers() == {"headache_days": 9, "migraine_days": 4}


@pytest.mark.parametrize("seen", ["", "[1]", "{", "[" * 100_000, json.dumps({"headache_days": {"a": 1}})])
def test_a_page_that_tells_nonsense_about_what_it_showed_harms_nothing(phone: Open, seen: str) -> None:
    phone.hidden = {"page": "<script>", "seen": seen}
    phone.saves(headache_days="9")
    assert answers() == {"headache_days": 9}
    assert phone.continues(headache_days="8", attack_today="no") == ""
    assert answers()["headache_days"] == 8
