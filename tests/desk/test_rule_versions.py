"""Every screen that speaks from a rule says which version of the rules it speaks from."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Service
from clinic.scheduling.models import Appointment
from intake.models import RuleVersion
from intake.reading import version_words
from intake.rules import current_rules
from intake.safety import SafetyProfile, evaluate
from tests.factories import ServiceFactory, modality
from tests.intake.answers import fill_in, send
from tests.sessions.conftest import Start, book, service, start, visit

__all__ = ["book", "service", "start", "visit"]  # fixtures

SHOWN = "Rules, version 2<"


@pytest.fixture
def capped(alice: Client, now: datetime) -> Client:
    """Alice, whose answers hold the pressure down."""
    send(alice, now=now, botulinum="yes", botulinum_on=now.date().isoformat())
    return alice


def test_a_fact_carries_the_version_that_raised_it(db: None, now: datetime) -> None:
    rules = current_rules()[1]
    facts = evaluate(rules, SafetyProfile({"rf_position": "yes"}, now.date(), 38), now.date())
    assert len(facts) > 1
    assert {fact.version for fact in facts} == {2}


def test_the_check_before_a_session_shows_it(visit: Appointment, capped: Client, as_bea: Browser) -> None:
    assert SHOWN in as_bea.get(reverse("treatment:start", args=[visit.pk])).text


def test_the_note_and_the_limits_of_its_blocks_show_it(
    visit: Appointment, capped: Client, start: Start, as_bea: Browser
) -> None:
    note = start(visit)
    assert SHOWN in as_bea.get(reverse("treatment:note", args=[note.pk])).text
    looked_at = {"modality": "myofascial", "region": "temple", "look": "1"}
    block = as_bea.post(reverse("treatment:block-add", args=[note.pk]), looked_at)
    assert block.context["opened"].limits.rules == "rules, version 2"
    assert SHOWN in block.text


def test_the_box_of_what_is_in_force_shows_it(visit: Appointment, capped: Client, as_bea: Browser) -> None:
    assert SHOWN in as_bea.get(reverse("desk:my-day")).text
    assert SHOWN in as_bea.get(reverse("desk:client", args=[capped.pk])).text


def test_the_draft_of_a_plan_shows_it(service: Service, alice: Client, as_bea: Browser) -> None:
    ServiceFactory(modality=modality("deep_tissue"))
    page = as_bea.get(reverse("plans:plan-new", args=[alice.pk]))
    assert [refusal.modality.slug for refusal in page.context["draft"].refused] == ["deep_tissue"]
    assert "What safety refuses or limits here: rules, version 2." in page.text


def test_the_page_that_stops_her_shows_it(as_alice: Browser, alice: Client, now: datetime) -> None:
    fill_in(alice, now=now, rf_sudden="yes")
    as_alice.post(reverse("intake:own", args=[alice.pk]))
    assert "(rules, version 2)" in as_alice.get(reverse("intake:stop")).text


def test_two_versions_are_both_named(visit: Appointment, capped: Client, as_bea: Browser, now: datetime) -> None:
    RuleVersion.objects.create(number=3, rules=RuleVersion.objects.latest("number").rules, published_at=now)
    assert "Rules, version 2, 3<" in as_bea.get(reverse("treatment:start", args=[visit.pk])).text
    assert version_words([]) == ""
