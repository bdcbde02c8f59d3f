"""A tablet of the clinic in a client's hands: her form and nothing else, until staff sign in again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client as Browser
from django.test import override_settings
from django.urls import reverse

from clinic.audit.models import Change
from clinic.people.models import Client, User
from intake import services
from intake.models import Submission
from intake.questions import form_of
from intake.tablet import QUIET
from tests.factories import PASSWORD
from tests.intake.answers import calm_answers, fill_in, only, send

STEP, TABLET = reverse("intake:step", args=[1]), reverse("intake:tablet")


@pytest.fixture
def tablet(as_dana: Browser, alice: Client, now: datetime) -> Browser:
    """A tablet on which Dana has opened Alice's form and which she has handed over."""
    answer = as_dana.post(reverse("intake:hand-over", args=[alice.pk]))
    assert answer.headers["Location"] == TABLET
    return as_dana


def test_it_leads_to_the_form_and_staff_are_signed_out(tablet: Browser, alice: Client, dana: User) -> None:
    assert tablet.get(TABLET).headers["Location"] == STEP
    assert tablet.get(STEP).status_code == 200
    assert "_auth_user_id" not in tablet.session
    assert Change.objects.filter(words="intake form handed over on a tablet", by=dana.pk, client_pk=alice.pk).exists()


def test_the_page_before_it_says_what_will_happen(as_dana: Browser, alice: Client) -> None:
    page = as_dana.get(reverse("intake:hand-over", args=[alice.pk])).text
    assert "You are signed out here" in page
    assert not Submission.objects.exists()
    assert as_dana.get(reverse("desk:client", args=[alice.pk])).status_code == 200


def test_back_to_a_page_of_the_clinic_leads_on_to_the_form(tablet: Browser, alice: Client) -> None:
    for page in (reverse("desk:client", args=[alice.pk]), reverse("home"), reverse("portal:home"), "/nowhere/"):
        answer = tablet.get(page)
        assert (answer.headers["Location"], answer.content) == (TABLET, b"")


def test_pages_seen_before_are_thrown_out_of_the_browsers_store(as_dana: Browser, alice: Client) -> None:
    answer = as_dana.post(reverse("intake:hand-over", args=[alice.pk]))
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert "no-store" in as_dana.get(STEP).headers["Cache-Control"]


def test_the_fields_are_not_remembered_by_the_browser(tablet: Browser) -> None:
    assert 'autocomplete="off"' in tablet.get(STEP).text
    assert "js/tablet.js" in tablet.get(STEP).text


def test_whoever_hands_it_over_sees_nothing_that_was_answered_before(
    as_dana: Browser, alice: Client, dana: User, now: datetime
) -> None:
    told = {"goals": "Sing canary one", "aura": ["visual"], "days_any": 23}
    send(alice, now=now - timedelta(days=30), **told)
    begun = fill_in(alice, now=now, goals="Sing canary two", headache_days=27, rf_sudden="yes")
    as_dana.post(reverse("intake:hand-over", args=[alice.pk]))
    assert as_dana.get(TABLET).headers["Location"] == STEP
    blank = "".join(
        as_dana.get(reverse("intake:step", args=[step.number])).text for step in form_of(begun.form_version_id).steps
    )
    calm = {"attack_today": "no", "headache_days": "3"}
    went_on = as_dana.post(STEP, calm, follow=True)
    assert went_on.redirect_chain[-1][0] == reverse("intake:step", args=[2])
    page = blank + went_on.text + as_dana.get(reverse("intake:stop"), follow=True).text
    for canary in ("canary", 'value="27"', "Last time", "Your answers of", "What has changed"):
        assert canary not in page
    assert not re.search(r'type="(radio|checkbox)"[^>]*checked', blank)


def test_without_setting_it_aside_it_would_be_seen(
    as_dana: Browser, alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_in(alice, now=now, headache_days=27)
    monkeypatch.setattr(services, "begin_on_tablet", lambda *, by, now, client: services.begin(now=now, client=client))
    as_dana.post(reverse("intake:hand-over", args=[alice.pk]))
    assert 'value="27"' in as_dana.get(STEP).text


def test_what_she_had_begun_comes_back_with_her_link(
    tablet: Browser, alice: Client, dana: User, client: Browser, now: datetime
) -> None:
    Submission.objects.update(set_aside={"goals": "To sing again.", "headache_days": 9})
    tablet.post(reverse("intake:step-save", args=[1]), {"headache_days": "3"})
    _invitation, token = services.invite(by=dana, now=now, client=alice)
    client.post(reverse("intake:open", args=[token]), {"born_on": "1988-03-14"})
    draft = Submission.objects.get()
    assert (draft.answers, draft.set_aside) == ({"goals": "To sing again.", "headache_days": 3}, {})


def test_after_ten_quiet_minutes_it_shows_nothing_of_hers_and_keeps_what_she_wrote(
    tablet: Browser, alice: Client, now: datetime
) -> None:
    tablet.post(reverse("intake:step-save", args=[1]), {"headache_days": "27"})
    with time_machine.travel(now + QUIET - timedelta(seconds=1), tick=False):
        assert "27" in tablet.get(STEP).text
    with time_machine.travel(now + 3 * QUIET, tick=False):
        assert tablet.get(STEP).headers["Location"] == TABLET
        saving = tablet.post(
            reverse("intake:step-save", args=[1]), {"headache_days": "3"}, headers={"HX-Request": "true"}
        )
        assert saving.headers["HX-Redirect"] == TABLET
        page = tablet.get(TABLET).text
        assert "Please give the tablet back." in page
        assert "Alice" not in page
        # It does not wake up by itself.
    assert tablet.get(STEP).headers["Location"] == TABLET
    assert tablet.get(TABLET).status_code == 200
    assert Submission.objects.get().answers == {"headache_days": 27}


def test_each_saving_begins_the_ten_minutes_anew(tablet: Browser, now: datetime) -> None:
    for minutes in (8, 16, 24):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            assert tablet.post(reverse("intake:step-save", args=[1]), {"headache_days": "2"}).status_code == 200


def test_after_sending_it_shows_nothing_and_staff_see_nothing_of_it(
    tablet: Browser, alice: Client, as_bea: Browser, now: datetime
) -> None:
    draft = Submission.objects.get()
    form = form_of(draft.form_version_id)
    answers = calm_answers(form)
    for step in form.steps[:-1]:
        services.save_step(now=now, submission=draft, step=step.number, answers=only(step.questions, answers))
    agreed = dict.fromkeys(only(form.steps[-1].questions, answers), "Alice Marques")
    kept = {code: said for code, said in only(form.steps[-1].questions, answers).items() if code.startswith("messages")}
    answer = tablet.post(reverse("intake:step", args=[len(form.steps)]), agreed | kept)
    assert answer.headers["Location"] == TABLET
    page = tablet.get(TABLET).text
    assert "Thank you, that is all" in page
    assert "Alice" not in page
    assert tablet.get(reverse("intake:sent")).headers["Location"] == TABLET
    assert tablet.get(STEP).headers["Location"] == TABLET


def test_it_can_be_put_to_rest_at_once(tablet: Browser) -> None:
    assert tablet.get(f"{TABLET}?rest=1").status_code == 200
    assert tablet.get(STEP).headers["Location"] == TABLET


def test_staff_unlock_it_by_signing_in_and_the_form_is_closed(tablet: Browser, alice: Client, dana: User) -> None:
    assert tablet.get(reverse("account_login")).status_code == 200
    tablet.post(reverse("account_login"), {"login": dana.email, "password": PASSWORD})
    assert tablet.get(reverse("desk:client", args=[alice.pk])).status_code == 200
    assert tablet.get(STEP).status_code == 410
    assert tablet.get(TABLET).status_code == 404


def test_a_client_who_signs_in_on_it_does_not_unlock_it(tablet: Browser, alice_user: User) -> None:
    session = tablet.session
    locked_since = session["intake_handed_over"]
    tablet.force_login(alice_user)
    session = tablet.session
    session["intake_handed_over"] = locked_since
    session.save()
    assert tablet.get(reverse("portal:home")).headers["Location"] == TABLET
    assert "_auth_user_id" not in tablet.session
    assert tablet.get(reverse("portal:home")).headers["Location"] == TABLET


def test_without_the_lock_the_clinic_would_be_reachable(as_dana: Browser, alice: Client) -> None:
    unlocked = [name for name in settings.MIDDLEWARE if "tablet" not in name]
    with override_settings(MIDDLEWARE=unlocked):
        as_dana.post(reverse("intake:hand-over", args=[alice.pk]))
        assert as_dana.get(reverse("account_request_login_code")).status_code == 200


def test_who_may_not_hand_it_over(as_alice: Browser, as_carl: Browser, alice: Client) -> None:
    for browser in (as_alice, as_carl):
        assert browser.post(reverse("intake:hand-over", args=[alice.pk])).status_code == 404
    assert not Submission.objects.exists()


def test_what_is_sent_on_her_phone_meanwhile_ends_it(tablet: Browser, alice: Client, now: datetime) -> None:
    Submission.objects.update(state=Submission.State.SUBMITTED, submitted_at=now)
    assert tablet.get(STEP).headers["Location"] == TABLET
    assert "Please give the tablet back." in tablet.get(TABLET).text
