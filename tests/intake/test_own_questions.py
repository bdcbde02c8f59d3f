"""The clinic's own questions and consents: each change a new version, no version ever changed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, InternalError, connection, transaction
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist, User
from intake import own_questions, services
from intake.models import Consent, FormVersion, Submission
from intake.own_questions import FormChanged, OwnConsent, OwnQuestion, newest_form
from intake.questions import Kind, form_of, parse_form
from intake.reviewing import review_page
from tests.factories import UserFactory
from tests.intake.answers import calm_answers, fill_in, only, send

SETTINGS, NEW = reverse("intake:settings"), reverse("intake:own-question-new")
NEW_CONSENT = reverse("intake:own-consent-new")
FLOOR = OwnQuestion("Which floor do you live on?", Kind.NUMBER, least=0, most=40, unit="floor")
TEA = OwnQuestion("Which tea?", Kind.CHOICE, options=("Mint", "Lemon balm", "None"), is_required=True)


def newest() -> FormVersion:
    return newest_form("en")[0]


def add(by: User, now: datetime, question: OwnQuestion, step: str = "headaches") -> FormVersion:
    return own_questions.add_question(by=by, now=now, language="en", based_on=newest().pk, step=step, question=question)


def change(by: User, now: datetime, code: str, question: OwnQuestion) -> FormVersion:
    return own_questions.change_question(
        by=by, now=now, language="en", based_on=newest().pk, code=code, question=question
    )


def typed(**changed: str) -> dict[str, str]:
    """Return a new question as the owner's browser sends it."""
    facts = {"step": "headaches", "text": "Which floor do you live on?", "kind": "number", "least": "0", "most": "40"}
    return {f"own-{name}": fact for name, fact in (facts | {"based_on": str(newest().pk)} | changed).items()}


# --- Adding, wording differently, ordering, withdrawing


def test_an_owner_adds_a_question_and_the_next_client_is_asked(
    as_olga: Browser, olga: User, alice: Client, now: datetime
) -> None:
    before = newest()
    answer = as_olga.post(NEW, typed(unit="floor"), follow=True)
    assert "It is asked from now on." in answer.text
    version = newest()
    assert (version.number, version.published_by) == (before.number + 1, olga)
    assert version.words == "New question: Which floor do you live on?"
    draft = services.begin(now=now, client=alice)
    assert form_of(draft.form_version_id).questions["own_1"].unit == "floor"
    with pytest.raises(ValidationError, match="from 0 to 40"):
        services.save_step(now=now, submission=draft, step=1, answers={"own_1": 41}, is_complete=False)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"text": ""}, "This field is required."),
        ({"text": "x" * 201}, "at most 200 characters"),
        ({"kind": "choice", "options": "Mint"}, "Write from two to 12, one to a line."),
        ({"kind": "choice", "options": "Mint\nMint"}, "One of them stands there twice."),
        ({"kind": "number", "least": "5", "most": "5"}, "the largest number."),
        ({"kind": "number", "least": "", "most": "5"}, "the largest number."),
        ({"kind": "number", "least": "0", "most": "99999999999"}, "less than or equal to"),
        ({"kind": "regions"}, "Select a valid choice."),
        ({"step": "nowhere"}, "Select a valid choice."),
        ({"text": "<script>alert(1)</script>", "kind": "choice", "options": ""}, "Write from two to 12"),
    ],
)
def test_what_cannot_be_asked_gets_a_sentence_and_nothing_typed_is_lost(
    as_olga: Browser, changed: dict[str, str], words: str
) -> None:
    before = newest()
    page = as_olga.post(NEW, typed(help="My own help", **changed)).text
    assert words in page
    assert "My own help" in page
    assert "<script>alert(1)" not in page
    assert newest() == before


def test_each_kind_of_answer_is_asked_kept_and_read(as_bea: Browser, olga: User, alice: Client, now: datetime) -> None:
    asked: dict[str, tuple[OwnQuestion, Any, str]] = {
        "own_1": (OwnQuestion("Own words?", Kind.TEXT), "By the sea", "By the sea"),
        "own_2": (FLOOR, 4, "4 floor"),
        "own_3": (TEA, "o2", "Lemon balm"),
        "own_4": (OwnQuestion("Stairs?", Kind.YES_NO), "yes", "Yes"),
        "own_5": (OwnQuestion("Since when?", Kind.DATE), "2026-03-01", "Sun 1 Mar 2026"),
    }
    for question, _answer, _words in asked.values():
        add(olga, now, question)
    send(alice, now=now, **{code: answer for code, (_question, answer, _words) in asked.items()})
    page = as_bea.get(reverse("intake:review", args=[Submission.objects.get().pk])).text
    for question, _answer, words in asked.values():
        assert question.text in page
        assert words in page


def test_a_question_is_worded_anew_and_old_answers_are_read_as_it_was(
    olga: User, alice: Client, bea: Therapist, now: datetime
) -> None:
    add(olga, now, TEA)
    sent = send(alice, now=now, own_1="o3")
    other = OwnQuestion("Which tea do you like?", Kind.CHOICE, options=("Sage", "Mint", "Lemon balm"))
    change(olga, now, "own_1", other)
    row = next(row for step in review_page(sent).steps for row in step.rows if row.code == "own_1")
    assert (row.text, row.answer) == ("Which tea?", "None")
    values = {option.label: option.value for option in newest_form("en")[1].questions["own_1"].options}
    assert values == {"Sage": "o4", "Mint": "o1", "Lemon balm": "o2"}
    # What is no answer any more is not filled in again; what still is one, is.
    assert "own_1" not in services.begin(now=now + timedelta(days=400), client=alice).answers


def test_the_value_of_an_option_that_went_is_never_given_to_another(olga: User, now: datetime) -> None:
    add(olga, now, TEA)
    for labels in (("Mint", "Lemon balm"), ("Mint", "Lemon balm", "Fennel"), ("Mint", "None")):
        change(olga, now, "own_1", OwnQuestion("Which tea?", Kind.CHOICE, options=labels))
    values = {
        (option["label"], option["value"])
        for version in FormVersion.objects.all()
        for step in version.content["steps"]
        for row in step["questions"]
        if row["code"] == "own_1"
        for option in row["options"]
    }
    assert values == {("Mint", "o1"), ("Lemon balm", "o2"), ("None", "o3"), ("Fennel", "o4")}


def test_the_kind_of_answer_stays(as_olga: Browser, olga: User, now: datetime) -> None:
    add(olga, now, FLOOR)
    with pytest.raises(ValidationError, match="withdraw this question"):
        change(olga, now, "own_1", OwnQuestion("Which floor?", Kind.TEXT))
    as_olga.post(reverse("intake:own-question", args=["own_1"]), typed(text="Floor?", kind="text"))
    asked = newest_form("en")[1].questions["own_1"]
    assert (asked.text, asked.kind) == ("Floor?", Kind.NUMBER)


def test_they_are_asked_in_the_order_that_the_owner_gives_them(as_olga: Browser, olga: User, now: datetime) -> None:
    add(olga, now, FLOOR)
    add(olga, now, TEA)
    for way, order in (("up", ["own_2", "own_1"]), ("down", ["own_1", "own_2"])):
        as_olga.post(reverse("intake:own-move", args=["own_2"]), {"based_on": newest().pk, way: "1"})
        assert [one.code for one in own_questions.own_questions(newest_form("en")[1])] == order
    page = as_olga.post(
        reverse("intake:own-move", args=["own_1"]), {"based_on": newest().pk, "up": "1"}, follow=True
    ).text
    assert "It stands there already." in page


def test_what_is_withdrawn_is_asked_no_longer_and_its_code_is_not_used_again(
    as_olga: Browser, olga: User, alice: Client, now: datetime
) -> None:
    add(olga, now, TEA)
    sent = send(alice, now=now, own_1="o1")
    as_olga.post(reverse("intake:own-withdraw", args=["own_1"]), {"based_on": newest().pk})
    assert "own_1" not in newest_form("en")[1].questions
    assert any(row.answer == "Mint" for step in review_page(sent).steps for row in step.rows)
    add(olga, now, FLOOR)
    assert "own_2" in newest_form("en")[1].questions


@pytest.mark.parametrize("code", ["attack_today", "rf_sudden", "privacy", "own_99"])
def test_what_the_program_asks_can_be_neither_changed_nor_removed(
    code: str, as_olga: Browser, olga: User, now: datetime
) -> None:
    before = newest()
    for call in (
        lambda: change(olga, now, code, OwnQuestion("Harmless?", Kind.YES_NO)),
        lambda: own_questions.withdraw_own(by=olga, now=now, language="en", based_on=before.pk, code=code),
        lambda: own_questions.move_own(by=olga, now=now, language="en", based_on=before.pk, code=code, up=True),
    ):
        with pytest.raises(ValidationError):
            call()
    assert as_olga.get(reverse("intake:own-question", args=[code])).status_code == 404
    as_olga.post(reverse("intake:own-withdraw", args=[code]), {"based_on": before.pk})
    assert newest() == before


def test_only_an_owner_may_even_past_the_page(bea: Therapist, dana: User, now: datetime) -> None:
    for by in (bea.user, dana):
        with pytest.raises(ValidationError, match="Only an owner"):
            add(by, now, FLOOR)


# --- Consents


def test_a_consent_of_the_clinics_own_is_signed_and_worded_anew_it_is_another_version(
    as_olga: Browser, olga: User, alice: Client, now: datetime
) -> None:
    words = {"own-title": "Photos", "own-words": "You agree to photos of your posture.", "own-is_required": "on"}
    as_olga.post(NEW_CONSENT, words | {"own-based_on": str(newest().pk)})
    send(alice, now=now)
    signed = Consent.objects.get(code="own_1")
    assert (signed.version, signed.text) == (1, "Photos\n\nYou agree to photos of your posture.")
    page = reverse("intake:own-consent", args=["own_1"])
    as_olga.post(page, words | {"own-words": "You agree to photos and films.", "own-based_on": str(newest().pk)})
    asked = newest_form("en")[1].questions["own_1"]
    assert (asked.version, asked.words) == (2, "You agree to photos and films.")
    # Asked anew: what she signed before is not filled in, and stays readable.
    later = now + timedelta(days=400)
    assert "own_1" not in services.begin(now=later, client=alice).answers
    send(alice, now=later)
    assert [one.version for one in Consent.objects.filter(code="own_1").order_by("signed_at")] == [1, 2]
    assert Consent.objects.get(code="own_1", version=1).revoked_at == later


def test_a_consent_whose_words_stay_keeps_its_version(olga: User, now: datetime) -> None:
    consent = OwnConsent("Photos", "You agree to photos.")
    facts = {"by": olga, "now": now, "language": "en"}
    own_questions.add_consent(**facts, based_on=newest().pk, consent=consent)  # type: ignore[arg-type]
    required = OwnConsent("Photos", "You agree to photos.", is_required=True)
    own_questions.change_consent(**facts, based_on=newest().pk, code="own_1", consent=required)  # type: ignore[arg-type]
    assert newest_form("en")[1].questions["own_1"].version == 1


def test_no_question_stands_among_the_consents(olga: User, now: datetime) -> None:
    last = newest_form("en")[1].steps[-1]
    with pytest.raises(ValidationError, match="consents only"):
        add(olga, now, FLOOR, step=last.code)


# --- Versions


def test_a_form_that_was_begun_goes_on_as_it_was(olga: User, alice: Client, now: datetime) -> None:
    draft = fill_in(alice, now=now)
    add(olga, now, TEA)
    assert services.begin(now=now, client=alice).form_version_id == draft.form_version_id
    form = form_of(draft.form_version_id)
    step = form.steps[0]
    answers = only(step.questions, calm_answers(form))
    assert services.save_step(now=now, submission=draft, step=1, answers=answers).answers["headache_days"] == 9


def test_the_database_refuses_to_change_or_delete_a_version_used_or_not(olga: User, now: datetime) -> None:
    add(olga, now, FLOOR)
    tries = (
        lambda: FormVersion.objects.update(content={"steps": []}),
        lambda: FormVersion.objects.filter(pk=newest().pk).delete(),
        lambda: newest().save(),
        lambda: connection.cursor().execute("UPDATE intake_formversion SET content = '{}'"),
        lambda: connection.cursor().execute("DELETE FROM intake_formversion"),
    )
    for attempt in tries:
        with pytest.raises((IntegrityError, InternalError), match="only ever added"), transaction.atomic():
            attempt()
    assert newest().content["steps"]


def test_without_the_trigger_a_version_would_change(olga: User, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE intake_formversion DISABLE TRIGGER intake_formversion_is_only_added")
    assert FormVersion.objects.update(words="changed") > 0


def test_of_two_owners_the_second_is_told_who_was_faster_and_loses_nothing(
    as_olga: Browser, olga: User, now: datetime
) -> None:
    rita = UserFactory(name="Rita Costa", roles=["owner"])
    opened_with = typed()
    add(rita, now, TEA)
    refused = as_olga.post(NEW, opened_with)
    assert "Rita Costa changed the form on Thu 19 Nov 2026, 09:00, after you opened this page" in refused.text
    assert "New question: Which tea?" in refused.text
    assert "Which floor do you live on?" in refused.text
    assert "own_2" not in newest_form("en")[1].questions
    found = re.search(r'name="own-based_on" value="(\d+)"', refused.text)
    assert found is not None
    as_olga.post(NEW, opened_with | {"own-based_on": found[1]})
    assert [one.text for one in own_questions.own_questions(newest_form("en")[1])] == [TEA.text, FLOOR.text]


def test_the_same_form_sent_twice_adds_one_question(as_olga: Browser) -> None:
    sent = typed()
    as_olga.post(NEW, sent)
    assert "changed the form on" in as_olga.post(NEW, sent).text
    assert len(own_questions.own_questions(newest_form("en")[1])) == 1


def test_a_service_that_is_too_late_says_so(olga: User, now: datetime) -> None:
    old = newest().pk
    add(olga, now, FLOOR)
    with pytest.raises(FormChanged, match="Olga Novak"):
        own_questions.withdraw_own(by=olga, now=now, language="en", based_on=old, code="own_1")


def test_another_form_of_ours_takes_over_what_the_clinic_has_added(olga: User, now: datetime) -> None:
    first = FormVersion.objects.get(number=1).content
    add(olga, now, TEA)
    add(olga, now, FLOOR, step=newest_form("en")[1].steps[1].code)
    consent = OwnConsent("Photos", "You agree to photos.")
    own_questions.add_consent(by=olga, now=now, language="en", based_on=newest().pk, consent=consent)
    before = newest().content
    for ours in (first, {"steps": first["steps"][2:]}):
        form = parse_form(own_questions.with_own(ours, before))
        assert {one.code for one in own_questions.own_questions(form)} == {"own_1", "own_2", "own_3"}
        assert form.questions["own_3"] in form.consents
    assert not any(row.get("is_own") for step in first["steps"] for row in step["questions"])


# --- Pages


def test_the_preview_shows_the_step_with_the_question_and_saves_nothing(as_olga: Browser) -> None:
    before = newest()
    page = as_olga.post(
        NEW, typed(preview="1", text="Which tea?", kind="choice", options="Mint\nSage") | {"preview": "1"}
    )
    shown = page.text.partition('id="preview"')[2]
    assert "Which tea?" in shown
    assert "Sage" in shown
    assert "Are you having an attack today?" in shown
    assert "inert" in shown
    assert newest() == before


def test_each_step_can_be_seen_as_she_sees_it(as_olga: Browser) -> None:
    steps = newest_form("en")[1].steps
    for step in steps:
        assert step.title in as_olga.get(reverse("intake:preview", args=[step.number])).text.replace("&#x27;", "'")
    assert as_olga.get(reverse("intake:preview", args=[len(steps) + 1])).status_code == 404


def test_the_settings_page_tells_the_versions_and_switches_the_sending_off(
    as_olga: Browser, olga: User, now: datetime
) -> None:
    add(olga, now, TEA)
    page = as_olga.get(SETTINGS).text
    assert "New question: Which tea?" in page
    assert "Olga Novak" in page
    as_olga.post(SETTINGS, {"days_ahead": "10"})
    assert "Sent by hand, 1 question of your own" in as_olga.get(reverse("people:settings")).text
    assert "greater than or equal to 3" in as_olga.post(SETTINGS, {"days_ahead": "1"}).text
