"""Findings are kept in the rules' own words, whichever language the request had, and put into the reader's."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist
from intake import safety
from intake.findings import fact_of
from intake.models import Finding
from intake.safety import NOT_ASKED, SafetyProfile
from tests.intake.answers import reviewed_intake, send
from tests.intake.test_safety import RULES, TODAY


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the request be in a language whose words differ."""
    monkeypatch.setattr(safety, "_", lambda words: f"<{words}>")


def test_a_finding_keeps_the_rules_text_and_is_read_in_the_readers_language(
    german: None, alice: Client, as_bea: Browser, now: datetime
) -> None:
    send(alice, now=now, rf_position="unsure")
    finding = Finding.objects.get()
    assert (finding.reason, finding.is_unsure) == ("Depends on position", True)
    page = as_bea.get(reverse("intake:findings", args=[alice.pk])).text
    assert "&lt;Not sure about this: Depends on position.&gt;" in page


def test_what_was_not_asked_is_kept_in_one_language(german: None) -> None:
    fact = safety.not_asked(RULES.values(), SafetyProfile({}, TODAY, 38), TODAY)
    assert fact is not None
    assert (fact.reason, fact.words) == (NOT_ASKED, f"<{NOT_ASKED}>")


def test_another_wording_does_not_make_a_known_finding_unknown(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now, rf_position="yes")
    finding = Finding.objects.get()
    fact = fact_of(finding)
    assert replace(fact, reason="Anders gesagt.") == fact
    assert replace(fact, cap=1) != fact
    Finding.objects.update(reason="Anders gesagt.")
    send(alice, now=now, rf_position="yes")
    finding.refresh_from_db()
    assert finding.acknowledged_by == bea.user
