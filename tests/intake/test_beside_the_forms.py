"""What no therapist knows of stands on the worklist, whether or not a form waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist
from clinic.people.worklist import worklists
from intake.consents import take_back_consent
from intake.evaluating import evaluate_anew, mark_crisis
from intake.models import Consent, Finding
from intake.services import acknowledge_finding, record_booking_answers, record_visit_answers
from tests.intake.answers import reviewed_intake
from tests.intake.test_evaluating import new_version

Happens = Callable[[Client, Therapist, datetime], object]


def a_rule_is_made_urgent(alice: Client, bea: Therapist, now: datetime) -> None:
    def change(row: dict[str, Any]) -> None:
        if row["code"] == "osteoporosis":
            row["effect"] = "same_day"
            row.pop("cap")

    new_version(now, change)
    evaluate_anew(now=now, client=alice)


def a_known_finding_grows_at_a_visit(alice: Client, bea: Therapist, now: datetime) -> None:
    record_visit_answers(by=bea.user, now=now, client=alice, answers={"neck_artery_signs": "yes"})


def a_consent_is_taken_back(alice: Client, bea: Therapist, now: datetime) -> None:
    take_back_consent(by=bea.user, now=now, consent=Consent.objects.get(code="treatment"))


def words_are_marked(alice: Client, bea: Therapist, now: datetime) -> None:
    mark_crisis(by=bea.user, now=now, client=alice)


def it_is_said_before_a_booking(alice: Client, bea: Therapist, now: datetime) -> None:
    record_booking_answers(by=None, now=now, client=alice, answers={"rf_change": "yes"})


@pytest.mark.parametrize(
    ("happens", "words", "is_urgent"),
    [
        (a_rule_is_made_urgent, "Needs medical contact today", True),
        (a_known_finding_grows_at_a_visit, "Emergency answer", True),
        (a_consent_is_taken_back, "To be acknowledged", False),
        (words_are_marked, "Words that a therapist marked", True),
        (it_is_said_before_a_booking, "Needs a clearance", False),
    ],
)
def test_what_nobody_knows_of_stands_on_the_worklist_until_somebody_does(
    alice: Client, bea: Therapist, as_bea: Browser, now: datetime, happens: Happens, words: str, is_urgent: bool
) -> None:
    reviewed_intake(alice, bea.user, now=now, osteoporosis="yes")
    reviews = worklists["reviews"]
    assert (reviews.rows(bea.user, now), reviews.count(bea.user, now)) == ([], 0)
    happens(alice, bea, now)
    [row] = reviews.rows(bea.user, now)
    assert (row.title, row.detail, row.is_urgent) == (alice.name, words, is_urgent)
    assert reviews.count(bea.user, now) == 1
    assert words in as_bea.get(reverse("intake:review-list")).text
    for finding in Finding.objects.unknown():
        acknowledge_finding(by=bea.user, now=now, finding=finding)
    assert (reviews.rows(bea.user, now), reviews.count(bea.user, now)) == ([], 0)
