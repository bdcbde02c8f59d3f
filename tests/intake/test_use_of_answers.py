"""What she wrote beside her record, what changed since the last time, and her answers to take along."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, Therapist, User
from intake.matching import facts_in, matches_of, use_answers
from intake.models import FormVersion, Submission
from intake.reviewing import Change, review_page
from tests.factories import ClientFactory
from tests.intake.answers import reviewed_intake, send
from tests.pdfs import words_on

DOCTOR = "Dr Lemaire, Rua das Flores 1, Lisboa"


@pytest.fixture
def sent(alice: Client, now: datetime) -> Submission:
    return send(alice, now=now, doctor=DOCTOR)


def rows_of(submission: Submission) -> dict[str, Any]:
    page = review_page(submission)
    return {row.code: row for step in page.steps for row in (*step.rows, *step.folded)}


# --- What changed


def test_each_answer_is_told_as_changed_new_gone_or_as_it_was(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now - timedelta(days=200), periods="yes")
    again = send(alice, now=now, migraine_days=11, tobacco="yes", periods="")
    rows = rows_of(again)
    assert (rows["migraine_days"].change, rows["migraine_days"].before) == (Change.CHANGED, "6 of 28 days")
    assert (rows["tobacco"].change, rows["tobacco"].before) == (Change.NEW, "")
    assert (rows["periods"].change, rows["periods"].before, rows["periods"].answer) == (Change.GONE, "Yes", "")
    assert rows["stress"].change is Change.SAME
    assert review_page(again).changes == 3


def test_what_is_as_it_was_is_folded_and_a_yes_to_a_safety_question_never_is(
    as_bea: Browser, alice: Client, bea: Therapist, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now - timedelta(days=200), rf_position="yes")
    again = send(alice, now=now, rf_position="yes", migraine_days=11)
    read = {row.code for step in review_page(again).steps for row in step.rows}
    assert read == {"migraine_days", "rf_position"}
    page = as_bea.get(reverse("intake:review", args=[again.pk])).text
    assert "answers as they were" in page
    assert page.index("11 of 28 days") < page.index("answers as they were")


def test_the_first_time_nothing_is_folded(sent: Submission) -> None:
    page = review_page(sent)
    assert page.changes == 0
    assert not any(step.folded for step in page.steps)


def test_the_answers_of_before_are_said_in_the_words_of_their_own_form(
    alice: Client, bea: Therapist, now: datetime
) -> None:
    before = reviewed_intake(alice, bea.user, now=now - timedelta(days=200), goals="To read.")
    older = FormVersion.objects.exclude(pk=before.form_version_id).filter(language="en").earliest("number")
    content = json.loads(json.dumps(before.form_version.content))
    for step in content["steps"]:
        for question in step["questions"]:
            for option in question.get("options", ()):
                option["label"] = f"then: {option['label']}"
    FormVersion.objects.bulk_create(
        [FormVersion(number=99, language="xx", content=content, published_at=older.published_at)]
    )
    Submission.objects.filter(pk=before.pk).update(form_version=FormVersion.objects.get(number=99))
    again = send(alice, now=now, jaw_clenching="sometimes")
    assert rows_of(again)["jaw_clenching"].before == "then: Often"
    assert not rows_of(again)["jaw_clenching"].answer.startswith("then")


# --- Into the record


def test_the_doctor_is_matched_by_name_and_by_place(alice: Client, sent: Submission) -> None:
    Client.objects.filter(pk=alice.pk).update(physician_name="Dr. Old")
    alice.refresh_from_db()
    found = {match.field: (match.there, match.wrote) for match in matches_of(sent, alice)}
    assert found == {
        "physician_name": ("Dr. Old", "Dr Lemaire"),
        "physician_contact": ("", "Rua das Flores 1, Lisboa"),
    }


def test_what_a_form_asks_of_the_record_is_matched_field_by_field() -> None:
    answers = {"phone": "+351 912 345 678", "pronouns": "she", "goals": "To read.", "room_light": "dim"}
    assert facts_in(answers) == {"phone": "+351 912 345 678", "pronouns": "she", "light": "dim"}


def test_a_therapist_chooses_each_and_may_put_it_right(
    as_bea: Browser, bea: Therapist, alice: Client, sent: Submission
) -> None:
    Client.objects.filter(pk=alice.pk).update(physician_name="Dr. Old", light="normal")
    use = reverse("intake:answers-use", args=[sent.pk])
    assert "Use these answers" in as_bea.get(reverse("intake:review", args=[sent.pk])).text
    page = as_bea.get(use).text
    assert "Keep: Dr. Old" in page
    assert "Take: dim" in page
    response = as_bea.post(use, {
        "physician_name": "take", "physician_name-wrote": "Dr Anne Lemaire", "physician_name-there": "Dr. Old",
        "physician_contact": "keep", "physician_contact-wrote": "", "physician_contact-there": "",
        "light": "take", "light-wrote": "dim", "light-there": "normal",
    })  # fmt: skip
    assert response.status_code == 302
    alice.refresh_from_db()
    assert (alice.physician_name, alice.physician_contact, alice.light) == ("Dr Anne Lemaire", "", "dim")
    history = as_bea.get(reverse("audit:client-history", args=[alice.pk])).text
    assert "intake answers" in history
    assert "Bea Lindqvist" in history


def test_what_somebody_changed_meanwhile_is_told_and_not_overwritten(
    as_bea: Browser, alice: Client, sent: Submission
) -> None:
    typed = {
        "physician_name": "take", "physician_name-wrote": "Dr Anne Lemaire", "physician_name-there": "",
        "physician_contact": "keep", "physician_contact-wrote": "", "physician_contact-there": "",
    }  # fmt: skip
    Client.objects.filter(pk=alice.pk).update(physician_name="Dr Meanwhile")
    page = as_bea.post(reverse("intake:answers-use", args=[sent.pk]), typed).text
    assert "Somebody has changed this meanwhile; it now says “Dr Meanwhile”." in page
    assert 'value="Dr Anne Lemaire"' in page, "nothing typed is lost"
    alice.refresh_from_db()
    assert alice.physician_name == "Dr Meanwhile"


def test_nothing_is_taken_over_that_she_did_not_write(
    bea: Therapist, dana: User, sent: Submission, now: datetime
) -> None:
    with pytest.raises(TypeError, match="say nothing of alert"):
        use_answers(by=bea.user, now=now, submission=sent, taken={"alert": "x"}, seen={})
    with pytest.raises(ValidationError, match="Only a therapist"):
        use_answers(by=dana, now=now, submission=sent, taken={"physician_name": "x"}, seen={"physician_name": ""})


def test_where_the_record_says_the_same_nothing_is_asked(as_bea: Browser, alice: Client, now: datetime) -> None:
    sent = send(alice, now=now)
    assert "Use these answers" not in as_bea.get(reverse("intake:review", args=[sent.pk])).text
    assert "Her record already says all of this." in as_bea.get(reverse("intake:answers-use", args=[sent.pk])).text


# --- To take along


@pytest.mark.parametrize("who", ["as_bea", "as_alice"])
def test_the_answers_are_handed_out_as_a_tagged_pdf(
    who: str, request: pytest.FixtureRequest, alice: Client, now: datetime
) -> None:
    sent = send(alice, now=now, goals="To read *again* #panic() 😀", rf_position="yes")
    browser: Browser = request.getfixturevalue(who)
    address = {"as_bea": reverse("intake:answers-pdf", args=[sent.pk])}.get(
        who, reverse("intake:own-pdf", args=[alice.pk, sent.pk])
    )
    response = browser.get(address)
    assert response.headers["Content-Disposition"] == 'attachment; filename="intake-2026-11-19.pdf"'
    assert "no-store" in response.headers["Cache-Control"]
    assert b"/StructTreeRoot" in response.content
    words = words_on(response.content)
    for expected in ("What you told us", "Alice Marques", "6 of 28 days", "To read *again* #panic()", "Your data"):
        assert expected in words


@pytest.mark.parametrize("who", ["as_bea", "as_alice"])
def test_the_answers_are_handed_out_as_data(
    who: str, request: pytest.FixtureRequest, alice: Client, sent: Submission
) -> None:
    browser: Browser = request.getfixturevalue(who)
    address = {"as_bea": reverse("intake:answers-json", args=[sent.pk])}.get(
        who, reverse("intake:own-json", args=[alice.pk, sent.pk])
    )
    data = json.loads(browser.get(address).content)
    assert data["form"] == {"number": sent.form_version.number, "language": "en"}
    questions = {one["code"]: one for step in data["steps"] for one in step["questions"]}
    assert questions["migraine_days"]["answer"] == 6
    assert questions["migraine_days"]["words"] == "6 of 28 days"
    assert questions["migraine_days"]["text"] == "On how many of them was it a migraine?"
    assert questions["periods"]["answer"] is None
    assert {consent["code"] for consent in data["consents"]} >= {"privacy", "treatment"}


def test_she_finds_them_on_a_page_of_her_own(as_alice: Browser, alice: Client, sent: Submission) -> None:
    page = as_alice.get(reverse("intake:own-answers", args=[alice.pk])).text
    assert reverse("intake:own-pdf", args=[alice.pk, sent.pk]) in page
    assert reverse("intake:own-answers", args=[alice.pk]) in as_alice.get(reverse("portal:home")).text
    assert Look.objects.filter(why="own answers", client_pk=alice.pk).exists()


@pytest.mark.parametrize("who", ["as_dana", "as_olga", "as_carl"])
def test_nobody_else_takes_them_along(
    who: str, request: pytest.FixtureRequest, alice: Client, sent: Submission
) -> None:
    browser: Browser = request.getfixturevalue(who)
    for name, keys in (
        ("intake:answers-pdf", [sent.pk]),
        ("intake:answers-json", [sent.pk]),
        ("intake:answers-use", [sent.pk]),
        ("intake:own-answers", [alice.pk]),
        ("intake:own-pdf", [alice.pk, sent.pk]),
        ("intake:own-json", [alice.pk, sent.pk]),
    ):
        assert browser.get(reverse(name, args=keys)).status_code == 404, name


def test_she_reaches_no_answers_of_another_by_changing_a_number(
    as_alice: Browser, alice: Client, sent: Submission, now: datetime
) -> None:
    theirs = send(ClientFactory(), now=now)
    for name in ("intake:own-pdf", "intake:own-json"):
        assert as_alice.get(reverse(name, args=[alice.pk, theirs.pk])).status_code == 404
        assert as_alice.get(reverse(name, args=[theirs.client_id, theirs.pk])).status_code == 404


def test_the_review_costs_the_same_whatever_was_answered_before(
    as_bea: Browser, bea: Therapist, alice: Client, now: datetime, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    def queries(submission: Submission) -> int:
        with django_assert_max_num_queries(40) as counted:
            as_bea.get(reverse("intake:review", args=[submission.pk]))
        return len(counted)

    reviewed_intake(alice, bea.user, now=now - timedelta(days=300))
    second = reviewed_intake(alice, bea.user, now=now - timedelta(days=200))
    queries(second)
    few = queries(second)
    assert queries(send(alice, now=now, migraine_days=11, tobacco="yes", water=9)) == few
