"""Lines of medicine: what may be written, what they say about days, and the finding they raise."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, User
from intake import services
from intake.links import token_for
from intake.medicines import with_medicine_days
from intake.models import Finding, Submission
from intake.questions import Answer, Medicine, Question, checked_answer, form_of
from tests.intake.answers import send

TODAY = date(2026, 11, 19)


def line(kind: str, days: int, months: str = "over_3") -> Medicine:
    return {"class": kind, "name": "", "days": days, "months": months}


def days_of(*lines: Medicine, **more: Answer) -> dict[str, Answer]:
    found = with_medicine_days({"acute_medicines": list(lines), **more})
    return {code: answer for code, answer in found.items() if code != "acute_medicines"}


def test_two_lines_of_a_class_may_meet_on_a_day_so_their_sum_is_the_most_it_can_have_been() -> None:
    found = days_of(line("triptan", 6), line("triptan", 7))
    assert (found["days_triptan"], found["days_any"]) == (13, 13)


def test_it_is_never_more_than_the_days_she_counted_in_all() -> None:
    found = days_of(line("triptan", 6), line("triptan", 7), days_any=9)
    assert (found["days_triptan"], found["days_any"]) == (9, 9)


def test_what_she_takes_for_up_to_three_months_does_not_count() -> None:
    found = days_of(line("triptan", 20, "up_to_3"), line("simple", 4))
    assert "days_triptan" not in found
    assert (found["days_simple"], found["days_any"], found["acute_months"]) == (4, 4, "over_3")
    assert days_of(line("triptan", 20, "up_to_3"))["acute_months"] == "up_to_3"


def test_not_saying_for_how_long_counts() -> None:
    assert days_of({"class": "triptan", "days": 12})["days_triptan"] == 12


def test_answers_of_the_form_before_are_read_as_they_were_given() -> None:
    assert with_medicine_days({"days_triptan": 12}) == {"days_triptan": 12}


@pytest.fixture
def question(alice: Client, now: datetime) -> Question:
    return form_of(services.begin(now=now, client=alice).form_version_id).questions["acute_medicines"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"class": "magic", "days": 3}, "which kind"),
        ({"name": "Sumatriptan", "days": 3}, "which kind"),
        ({"class": "triptan"}, "whole number"),
        ({"class": "triptan", "days": "three"}, "whole number"),
        ({"class": "triptan", "days": 29}, "from 0 to 28"),
        ({"class": "triptan", "days": -1}, "from 0 to 28"),
        ({"class": "triptan", "days": 3, "name": "x" * 81}, "81 characters"),
        ({"class": "triptan", "days": 3, "months": "years"}, "how long"),
    ],
)
def test_an_impossible_line_is_refused_in_words(question: Question, row: Medicine, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        checked_answer(question, [line("simple", 2), row], TODAY)
    assert "Medicine 2" in refused.value.messages[0]


def test_more_lines_than_anybody_takes_are_refused(question: Question) -> None:
    with pytest.raises(ValidationError, match="12"):
        checked_answer(question, [line("simple", 1)] * 13, TODAY)


def test_a_line_that_is_still_being_written_is_kept(question: Question) -> None:
    half: list[Medicine] = [{"name": "Sumatriptan"}]
    assert checked_answer(question, half, TODAY, is_complete=False) == half


@pytest.fixture
def phone(client: Browser, alice: Client, dana: User, now: datetime) -> Browser:
    invitation, _token = services.invite(by=dana, now=now, client=alice)
    client.post(reverse("intake:open", args=[token_for(invitation)]), {"born_on": "1988-03-14"})
    return client


REST = {"rf_new_medicine": "no", "bleeding": "no"}


def test_the_page_takes_them_line_by_line_and_shows_them_again(phone: Browser) -> None:
    typed = {
        "acute_medicines-1-class": "triptan",
        "acute_medicines-1-name": "<b>Sumatriptan</b> 💊",
        "acute_medicines-1-days": "6",
        "acute_medicines-3-class": "simple",
        "acute_medicines-3-days": "2",
        "acute_medicines-3-months": "up_to_3",
    }
    assert phone.post(reverse("intake:step", args=[4]), typed | REST).status_code == 302
    assert Submission.objects.get().answers["acute_medicines"] == [
        {"class": "triptan", "name": "<b>Sumatriptan</b> 💊", "days": 6},
        {"class": "simple", "days": 2, "months": "up_to_3"},
    ]
    page = phone.get(reverse("intake:step", args=[4])).text
    assert 'value="&lt;b&gt;Sumatriptan&lt;/b&gt; 💊"' in page
    assert "Medicine 3" in page


def test_a_wrong_line_gets_its_sentence_and_stays_as_it_was_written(phone: Browser) -> None:
    typed = {"acute_medicines-1-name": "Sumatriptan", "acute_medicines-1-days": "many"}
    page = phone.post(reverse("intake:step", args=[4]), typed | REST).text
    assert 'id="id_acute_medicines_error"' in page
    assert 'value="Sumatriptan"' in page
    assert 'value="many"' in page


def test_asking_for_one_more_line_without_script_keeps_what_is_written(phone: Browser) -> None:
    typed = {"acute_medicines-1-name": "Sumatriptan", "acute_medicines-1-days": "6", "more": "1"}
    assert "Medicine 2" in phone.post(reverse("intake:step", args=[4]), typed).text
    assert Submission.objects.get().answers["acute_medicines"] == [{"name": "Sumatriptan", "days": 6}]


@pytest.mark.parametrize(("days", "is_told"), [(10, True), (7, False)])
def test_the_days_raise_the_offer_of_a_letter(alice: Client, now: datetime, days: int, is_told: bool) -> None:
    send(alice, now=now, acute_medicines=[line("triptan", days)], days_any=days)
    assert Finding.objects.filter(rule="medicine_triptan").exists() is is_told
