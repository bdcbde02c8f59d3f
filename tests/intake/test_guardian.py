"""Who is under age needs a guardian's consent; a therapist records it from paper, and that lifts the rule."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Change
from clinic.desk.force import force_of
from clinic.people.models import Client, Therapist, User
from intake import services
from intake.models import Consent, Finding
from intake.safety import STOPPING, Planned
from sessions.pages import in_force
from tests.intake.answers import send

ANYTHING = Planned(modality="swedish")
PAPER = {"guardian-name": "Rosa Marques", "guardian-signed_on": "2026-11-12", "guardian-is_seen": "on"}


@pytest.fixture
def minor(alice: Client, now: datetime) -> Client:
    alice.born_on = date(2010, 5, 1)
    alice.save()
    send(alice, now=now)
    return alice


def record(browser: Browser, client: Client, **changed: str) -> object:
    return browser.post(reverse("intake:guardian-consent", args=[client.pk]), PAPER | changed, follow=True)


def test_a_missing_consent_stops_and_every_page_says_so(minor: Client, now: datetime) -> None:
    day = now.date()
    assert Finding.objects.get().effect in STOPPING
    assert services.verdict_for(minor, ANYTHING, day).blocked
    assert force_of(minor.pk, day).kind == "stop"
    assert [line.tag for line in in_force(minor, day).lines if line.is_stop] == ["Consent", "Never"]


def test_the_consent_recorded_from_paper_lifts_it_everywhere(
    minor: Client, as_bea: Browser, bea: Therapist, now: datetime
) -> None:
    assert (
        "without a guardian’s consent there is no session"
        in as_bea.get(reverse("intake:findings", args=[minor.pk])).text
    )
    page = record(as_bea, minor).text  # type: ignore[attr-defined]
    assert "Signed by Rosa Marques on 12 Nov 2026; seen on paper by Bea Lindqvist." in page
    assert "lifted by the guardian’s consent" in page
    assert not services.verdict_for(minor, ANYTHING, now.date()).blocked
    assert not force_of(minor.pk, now.date()).rows
    assert [line.tag for line in in_force(minor, now.date()).lines if line.is_stop] == ["Never"]
    assert Finding.objects.get().closed_at is None
    assert Change.objects.filter(words="guardian's consent recorded", by=bea.user, client_pk=minor.pk).exists()


def test_it_lifts_nothing_but_the_guardians_rule(minor: Client, as_bea: Browser, now: datetime) -> None:
    record(as_bea, minor)
    inside = Planned(modality="myofascial", regions=frozenset({"mouth_inside"}))
    assert services.verdict_for(minor, inside, now.date()).blocked


def test_of_a_client_without_answers_and_date_of_birth_it_can_be_recorded_too(
    alice: Client, as_bea: Browser, now: datetime
) -> None:
    Client.objects.filter(pk=alice.pk).update(born_on=None)
    record(as_bea, alice)
    alice.refresh_from_db()
    assert not services.verdict_for(alice, ANYTHING, now.date()).blocked


def test_an_adult_is_not_asked_for_a_guardian(alice: Client, as_bea: Browser) -> None:
    assert "Guardian’s consent" not in as_bea.get(reverse("intake:findings", args=[alice.pk])).text


def test_a_newer_one_takes_the_place_of_the_older(minor: Client, as_bea: Browser) -> None:
    record(as_bea, minor)
    record(as_bea, minor, **{"guardian-name": "Rui Marques"})
    assert Consent.objects.get(code="guardian", revoked_at__isnull=True).signed_name == "Rui Marques"
    assert Consent.objects.filter(code="guardian").count() == 2


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"guardian-name": "  "}, "name"),
        ({"guardian-signed_on": "2026-11-20"}, "signed_on"),
        ({"guardian-signed_on": "12.11."}, "signed_on"),
        ({"guardian-is_seen": ""}, "is_seen"),
    ],
)
def test_what_is_missing_on_the_paper_is_said(
    minor: Client, as_bea: Browser, changed: dict[str, str], field: str
) -> None:
    page = record(as_bea, minor, **changed)
    assert set(page.context["guardian_form"].errors) == {field}  # type: ignore[attr-defined]
    assert not Consent.objects.filter(code="guardian").exists()


def test_only_a_therapist_records_it(minor: Client, dana: User, as_dana: Browser, now: datetime) -> None:
    assert record(as_dana, minor).status_code == 404  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="Only a therapist"):
        services.record_guardian_consent(by=dana, now=now, client=minor, name="Rosa", signed_on=now.date())
