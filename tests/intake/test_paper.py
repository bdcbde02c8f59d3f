"""The form on paper: a tagged sheet with her name and nothing else, and a therapist typing in what came back."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Change
from clinic.people.models import Client, Therapist, User
from intake import services
from intake.models import Consent, Effect, Finding, Submission
from intake.paper import begin_from_paper
from intake.questions import Answer, Kind, form_of
from tests.intake.answers import calm_answers, only
from tests.pdfs import words_on

SIGNED = "A. Marques"


def type_in(browser: Browser, client: Client, **changed: Answer) -> Submission:
    """Type in the whole form and send it."""
    browser.post(reverse("intake:paper", args=[client.pk]))
    draft = Submission.objects.get(state=Submission.State.DRAFT)
    form = form_of(draft.form_version_id)
    answers = calm_answers(form, **changed)
    for step in form.steps:
        said = only(step.questions, answers)
        typed = {
            code: "on" if form.questions[code].kind is Kind.CONSENT else answer
            for code, answer in said.items()
            if form.questions[code].kind is not Kind.MEDICINES
        }
        page = reverse("intake:paper-step", args=[client.pk, step.number])
        answer = browser.post(page, typed | {"signed_name": SIGNED})
        assert answer.status_code == 302, (step.code, re.findall(r"invalid-feedback[^<]*<[^<]*", answer.text))
    return Submission.objects.get(pk=draft.pk)


def test_the_sheet_is_tagged_and_holds_every_question_her_name_and_nothing_else_of_hers(
    as_dana: Browser, alice: Client
) -> None:
    Client.objects.update(phone="+351912345678", address="Harbour Street 9")
    response = as_dana.get(reverse("intake:paper-sheet", args=[alice.pk]))
    assert response.headers["Content-Type"] == "application/pdf"
    assert b"/StructTreeRoot" in response.content
    assert b"pdfuaid" in response.content
    told = " ".join(words_on(response.content).split())
    for question in form_of(services.current_form("en").pk).questions.values():
        assert " ".join(question.text.split())[:40] in told, question.code
    assert alice.name in told
    for secret in ("alice@example.org", "1988", "912345678", "Harbour Street 9"):
        assert secret not in told


def test_the_sheet_holds_nothing_of_what_she_answered_before(as_dana: Browser, as_bea: Browser, alice: Client) -> None:
    type_in(as_bea, alice, goals="To walk the dog again.")
    assert "walk the dog" not in words_on(as_dana.get(reverse("intake:paper-sheet", args=[alice.pk])).content)


def test_a_therapist_types_in_what_was_on_paper_and_her_name_stays_with_it(
    as_bea: Browser, bea: Therapist, alice: Client
) -> None:
    sent = type_in(as_bea, alice)
    assert sent.state == Submission.State.SUBMITTED
    assert sent.entered_by == bea.user
    assert sent.answers["goals"] == "To read in the evening again."
    signed = Consent.objects.get(code="privacy")
    assert (signed.signed_name, signed.recorded_by, signed.ip_address) == (SIGNED, bea.user, None)
    assert Change.objects.filter(words="intake form entered from paper", by=bea.user.pk).exists()
    page = as_bea.get(reverse("intake:review", args=[sent.pk])).text
    assert "entered from paper by Bea Lindqvist" in page


def test_an_emergency_on_paper_is_written_down_and_is_a_finding_at_once(as_bea: Browser, alice: Client) -> None:
    as_bea.post(reverse("intake:paper", args=[alice.pk]))
    sent = type_in(as_bea, alice, rf_sudden="yes")
    assert sent.state == Submission.State.SUBMITTED
    assert Finding.objects.open().get(rule="red_flag_04").effect == Effect.EMERGENCY


def test_what_she_herself_answers_as_an_emergency_is_still_not_sent(
    as_bea: Browser, alice: Client, bea: Therapist, now: datetime
) -> None:
    draft = begin_from_paper(by=bea.user, now=now, client=alice)
    form = form_of(draft.form_version_id)
    answers = calm_answers(form, rf_sudden="yes")
    for step in form.steps:
        services.save_step(now=now, submission=draft, step=step.number, answers=only(step.questions, answers))
    # She goes on with it herself.
    draft = services.begin(now=now, client=alice)
    assert draft.entered_by is None
    with pytest.raises(services.ValidationError, match="call for help first"):
        services.submit(now=now, submission=draft, signed_name="Alice")
    assert as_bea.get(reverse("intake:paper-step", args=[alice.pk, 1])).status_code == 302


def test_what_is_missing_is_said_and_what_was_typed_is_kept(as_bea: Browser, alice: Client) -> None:
    as_bea.post(reverse("intake:paper", args=[alice.pk]))
    page = reverse("intake:paper-step", args=[alice.pk, 1])
    refused = as_bea.post(page, {"headache_days": "12", "migraine_days": "many"})
    assert "Please write a whole number." in refused.text
    assert 'value="many"' in refused.text
    assert Submission.objects.get().answers["headache_days"] == 12
    assert as_bea.get(reverse("intake:paper-step", args=[alice.pk, 99])).status_code == 404


@pytest.mark.parametrize("who", ["as_dana", "as_olga", "as_alice", "as_carl"])
def test_nobody_but_a_therapist_types_it_in(
    who: str, request: pytest.FixtureRequest, alice: Client, bea: Therapist, now: datetime
) -> None:
    browser = request.getfixturevalue(who)
    begin_from_paper(by=bea.user, now=now, client=alice)
    for page in (reverse("intake:paper", args=[alice.pk]), reverse("intake:paper-step", args=[alice.pk, 1])):
        assert browser.get(page).status_code == 404
        assert browser.post(page, {"headache_days": "3"}).status_code == 404
    assert Submission.objects.get().answers.get("headache_days") is None


def test_clients_and_strangers_do_not_get_the_sheet(as_alice: Browser, as_carl: Browser, alice: Client) -> None:
    for browser in (as_alice, as_carl):
        assert browser.get(reverse("intake:paper-sheet", args=[alice.pk])).status_code == 404


def test_sent_twice_it_is_typed_in_once(as_bea: Browser, alice: Client, dana: User) -> None:
    sent = type_in(as_bea, alice)
    last = reverse("intake:paper-step", args=[alice.pk, len(form_of(sent.form_version_id).steps)])
    assert as_bea.post(last, {"signed_name": SIGNED}).headers["Location"] == reverse("intake:paper", args=[alice.pk])
    assert Submission.objects.count() == 1
