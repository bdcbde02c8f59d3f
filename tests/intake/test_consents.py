"""Consents: signed one by one, by name or by a drawing, and taken back one by one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, Therapist, User
from intake import services
from intake.consents import consents_in_force
from intake.links import token_for
from intake.models import Consent, Effect, Finding, Submission
from intake.signatures import drawing_in, path_of
from tests.intake.answers import NAME, fill_in, send

LAST = reverse("intake:step", args=[9])
DRAWN = [[20, 150, 120, 40, 220, 160], [300, 100]]


@pytest.fixture
def draft(alice: Client, now: datetime) -> Submission:
    return services.begin(now=now, client=alice)


@pytest.fixture
def phone(client: Browser, alice: Client, dana: User, now: datetime) -> Browser:
    """A browser in which Alice has opened her link."""
    invitation, _token = services.invite(by=dana, now=now, client=alice)
    client.post(reverse("intake:open", args=[token_for(invitation)]), {"born_on": "1988-03-14"})
    return client


def in_force(client: Client) -> set[str]:
    return set(consents_in_force(client.pk).values_list("code", flat=True))


# --- Signing


def test_each_is_signed_on_its_own_with_its_words_its_time_and_its_address(phone: Browser, now: datetime) -> None:
    page = unescape(phone.post(LAST, {"sign": "privacy", "privacy": "  Alice   Marques "}).text)
    assert "Signed by Alice Marques, 09:00" in page
    signed = Consent.objects.get()
    assert (signed.code, signed.signed_name, signed.ip_address) == ("privacy", NAME, "127.0.0.1")
    assert (signed.version, signed.signed_at) == (1, now)
    assert signed.words.startswith("What you write here")
    assert Submission.objects.get().answers == {"privacy": "yes"}


def test_the_next_one_can_be_signed_as_the_one_before(phone: Browser) -> None:
    phone.post(LAST, {"sign": "privacy", "privacy": NAME})
    assert "I agree: sign as Alice Marques" in phone.get(LAST).text
    phone.post(LAST, {"sign": "aroma"})
    assert Consent.objects.get(code="aroma").signed_name == NAME


def test_a_signature_may_be_drawn(phone: Browser) -> None:
    page = phone.post(LAST, {"sign": "privacy", "privacy-drawn": json.dumps(DRAWN)}).text
    signed = Consent.objects.get()
    assert (signed.drawing, signed.signed_name) == (DRAWN, "Alice Marques")
    assert f'<path d="{path_of(DRAWN)}">' in page


def test_without_a_signature_it_stays_open_and_says_so(phone: Browser) -> None:
    page = unescape(phone.post(LAST, {"sign": "privacy", "messages_email": "yes"}).text)
    assert "Please write your name, or draw your signature." in page
    assert not Consent.objects.exists()
    assert Submission.objects.get().answers == {"messages_email": "yes"}


@pytest.mark.parametrize(
    "drawn",
    [
        "[[1]]",
        "{}",
        "[[0, 0, 700, 10]]",
        "[[0, 0, 10, -1]]",
        '[["a", "b"]]',
        "[[true, 1, 2, 3]]",
        "[" * 50_000,
        "[[5, 5]]",
        json.dumps([[1, 1] * 5000]),
    ],
)
def test_a_drawing_that_is_none_is_refused_beside_its_consent(phone: Browser, drawn: str) -> None:
    page = phone.post(LAST, {"sign": "privacy", "privacy-drawn": drawn}).text
    assert 'id="id_privacy_error"' in page
    assert not Consent.objects.exists()


def test_nothing_drawn_is_no_drawing() -> None:
    assert drawing_in("") == []
    assert drawing_in("[]") == []


def test_a_name_that_is_too_long_is_refused_and_stays(phone: Browser) -> None:
    page = phone.post(LAST, {"sign": "privacy", "privacy": "x" * 161}).text
    assert 'id="id_privacy_error"' in page
    assert "x" * 161 in page


def test_what_a_form_does_not_ask_for_cannot_be_signed(phone: Browser) -> None:
    for code in ("guardian", "headache_days", "magic"):
        assert phone.post(LAST, {"sign": code}).status_code == 200
    assert not Consent.objects.exists()


def test_signing_twice_signs_once(draft: Submission, now: datetime) -> None:
    first = services.sign_consent(now=now, submission=draft, code="privacy", name=NAME)
    again = services.sign_consent(now=now + timedelta(minutes=1), submission=draft, code="privacy", name="Another")
    assert again == first
    assert Consent.objects.count() == 1


def test_what_she_takes_back_in_the_form_is_open_again(phone: Browser, alice: Client) -> None:
    phone.post(LAST, {"sign": "privacy", "privacy": NAME})
    phone.post(LAST, {"unsign": "privacy"})
    assert in_force(alice) == set()
    assert Submission.objects.get().answers == {}


def test_saving_while_she_types_signs_nothing_and_takes_nothing_back(phone: Browser) -> None:
    phone.post(LAST, {"sign": "privacy", "privacy": NAME})
    phone.post(reverse("intake:step-save", args=[9]), {"aroma": "Al", "messages_email": "yes"})
    assert Submission.objects.get().answers == {"privacy": "yes", "messages_email": "yes"}
    assert Consent.objects.count() == 1


def test_sending_wants_a_signature_under_each_that_is_agreed_to(alice: Client, now: datetime) -> None:
    draft = fill_in(alice, now=now)
    with pytest.raises(ValidationError) as refused:
        services.submit(now=now, submission=draft)
    assert refused.value.message_dict["privacy"] == ["Please sign this."]
    assert Submission.objects.get().state == Submission.State.DRAFT


def test_what_was_signed_keeps_its_own_hour_when_all_is_sent(alice: Client, now: datetime) -> None:
    draft = fill_in(alice, now=now)
    services.sign_consent(now=now, submission=draft, code="privacy", drawing=DRAWN)
    later = now + timedelta(minutes=5)
    services.submit(now=later, submission=draft, signed_name=NAME)
    times = dict(Consent.objects.values_list("code", "signed_at"))
    assert (times["privacy"], times["stop"]) == (now, later)


def test_signing_again_takes_the_place_of_the_year_before(alice: Client, now: datetime) -> None:
    send(alice, now=now)
    later = now + timedelta(days=400)
    draft = services.begin(now=later, client=alice)
    services.sign_consent(now=later, submission=draft, code="privacy", name=NAME)
    old, new = Consent.objects.filter(code="privacy").order_by("pk")
    assert (old.revoked_at, old.revoked_by, new.revoked_at) == (later, None, None)


# --- Taking back


def test_she_reads_again_what_she_agreed_to_and_takes_one_back(as_alice: Browser, alice: Client, now: datetime) -> None:
    send(alice, now=now, touch_head="yes")
    agreed = reverse("portal:agreed", args=[alice.pk])
    assert "I agree to be touched at the head, the face and the scalp." in as_alice.get(agreed).text
    consent = Consent.objects.get(code="touch_head")
    page = as_alice.get(reverse("portal:take-back", args=[alice.pk, consent.pk])).text
    assert "does not touch your head, face or scalp" in page
    assert "touch_head" in in_force(alice)
    page = as_alice.post(reverse("portal:take-back", args=[alice.pk, consent.pk]), follow=True).text
    assert "Taken back: Touch at head, face and scalp." in page
    consent.refresh_from_db()
    assert consent.revoked_by is not None
    assert consent.revoked_by.email == "alice@example.org"
    assert as_alice.post(reverse("portal:take-back", args=[alice.pk, consent.pk])).status_code == 404


def test_one_that_a_visit_needs_holds_the_next_visit_back(alice: Client, bea: Therapist, now: datetime) -> None:
    send(alice, now=now)
    consent = Consent.objects.get(code="treatment")
    services.take_back_consent(by=bea.user, now=now, consent=consent)
    finding = Finding.objects.open().get()
    assert (finding.rule, finding.effect) == ("withdrawn_treatment", Effect.CONSENT)


def test_her_therapist_writes_down_that_she_takes_it_back(
    as_bea: Browser, alice: Client, bea: Therapist, now: datetime
) -> None:
    send(alice, now=now)
    consent = Consent.objects.get(code="privacy")
    assert "Your data" in as_bea.get(reverse("intake:consents", args=[alice.pk])).text
    assert Look.objects.filter(client_pk=alice.pk).exists()
    back = reverse("intake:consent-take-back", args=[consent.pk])
    assert "Without it there can be no visit." in as_bea.get(back).text
    assert consent.code in in_force(alice)
    as_bea.post(back)
    consent.refresh_from_db()
    assert (consent.revoked_at, consent.revoked_by) == (now, bea.user)


def test_taken_back_twice_is_once(alice: Client, bea: Therapist, now: datetime) -> None:
    send(alice, now=now)
    consent = Consent.objects.get(code="privacy")
    services.take_back_consent(by=bea.user, now=now, consent=consent)
    services.take_back_consent(by=bea.user, now=now + timedelta(days=1), consent=consent)
    consent.refresh_from_db()
    assert consent.revoked_at == now


def test_taken_back_while_the_form_is_filled_in_it_is_open_again(
    draft: Submission, bea: Therapist, now: datetime
) -> None:
    consent = services.sign_consent(now=now, submission=draft, code="privacy", name=NAME)
    services.take_back_consent(by=bea.user, now=now, consent=consent)
    draft.refresh_from_db()
    assert draft.answers == {}


def test_what_was_signed_on_paper_is_taken_back_through_the_therapist(
    as_alice: Browser, as_bea: Browser, alice: Client, bea: Therapist, now: datetime
) -> None:
    paper = services.record_guardian_consent(
        by=bea.user, now=now, client=alice, name="Rui Marques", signed_on=now.date()
    )
    assert "signed on paper" in as_alice.get(reverse("portal:agreed", args=[alice.pk])).text
    assert as_alice.post(reverse("portal:take-back", args=[alice.pk, paper.pk])).status_code == 404
    assert as_bea.post(reverse("intake:consent-take-back", args=[paper.pk])).status_code == 302


def test_nobody_elses_consent_is_reached(as_carl: Browser, as_dana: Browser, alice: Client, now: datetime) -> None:
    send(alice, now=now)
    consent = Consent.objects.get(code="privacy")
    for browser in (as_carl, as_dana):
        for address in (
            reverse("portal:agreed", args=[alice.pk]),
            reverse("portal:take-back", args=[alice.pk, consent.pk]),
            reverse("intake:consents", args=[alice.pk]),
            reverse("intake:consent-take-back", args=[consent.pk]),
        ):
            assert browser.get(address).status_code == 404
    consent.refresh_from_db()
    assert consent.revoked_at is None


@pytest.mark.parametrize("place", ["portal:agreed", "intake:consents"])
def test_the_pages_ask_the_database_as_often_for_many_as_for_one(
    place: str,
    as_alice: Browser,
    as_bea: Browser,
    alice: Client,
    now: datetime,
    draft: Submission,
) -> None:
    browser = as_alice if place.startswith("portal") else as_bea
    services.sign_consent(now=now, submission=draft, code="privacy", name=NAME)
    counts = []
    for codes in ((), ("aroma", "stop", "draping", "diary")):
        for code in codes:
            services.sign_consent(now=now, submission=draft, code=code)
        browser.get(reverse(place, args=[alice.pk]))
        with CaptureQueriesContext(connection) as asked:
            browser.get(reverse(place, args=[alice.pk]))
        counts.append(len(asked))
    assert counts[0] == counts[1]
