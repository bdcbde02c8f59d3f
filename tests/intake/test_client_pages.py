"""What the client meets: her link, the steps, the stop page, the thanks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest
from django.core import mail
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, ClientAccess, ContactConsent, Therapist, User
from clinic.people.services import has_contact_consent
from clinic.reminders.services import sweep
from intake import services
from intake.links import token_for
from intake.models import Consent, Effect, Finding, Invitation, RuleVersion, Submission
from intake.questions import Answer, IntakeForm, form_of
from tests.factories import ClientFactory
from tests.intake.answers import NAME, calm_answers, fill_in, only, send

BORN_ON = "1988-03-14"
THUNDERCLAP = "A sudden, severe headache that peaked within a minute"


@pytest.fixture
def link(alice: Client, dana: User, now: datetime) -> str:
    _invitation, token = services.invite(by=dana, now=now, client=alice)
    return reverse("intake:open", args=[token])


@pytest.fixture
def phone(client: Browser, link: str) -> Browser:
    """A browser in which Alice has opened her link."""
    client.post(link, {"born_on": BORN_ON})
    return client


def form_of_draft() -> IntakeForm:
    return form_of(Submission.objects.get().form_version_id)


def typed(answers: Mapping[str, Answer]) -> dict[str, object]:
    """Return answers as a browser sends them: a name under each consent, a field for each part of a medicine."""
    sent: dict[str, object] = {}
    for code, answer in answers.items():
        if isinstance(answer, list) and answer and isinstance(answer[0], dict):
            sent |= {f"{code}-{n}-{part}": said for n, line in enumerate(answer, 1) for part, said in line.items()}
        else:
            sent[code] = NAME if code_is_consent(code) else answer
    return sent


def code_is_consent(code: str) -> bool:
    return any(code == question.code for question in form_of_draft().consents)


def answer_step(browser: Browser, number: int, **changed: Answer) -> object:
    form = form_of_draft()
    answers = only(form.step(number).questions, calm_answers(form, **changed))
    return browser.post(reverse("intake:step", args=[number]), typed(answers))


def test_the_whole_form_is_filled_in_and_sent_from_the_link(phone: Browser, alice: Client) -> None:
    for number in range(1, 9):
        response = answer_step(phone, number)
        assert response.headers["Location"] == reverse("intake:step", args=[number + 1])
    form = form_of_draft()
    last = typed(only(form.step(9).questions, calm_answers(form)))
    response = phone.post(reverse("intake:step", args=[9]), last, follow=True)
    assert "Thank you" in response.text
    submission = Submission.objects.get()
    assert submission.state == Submission.State.SUBMITTED
    assert submission.answers["migraine_days"] == 6
    assert submission.answers["headache_regions"] == ["temple", "suboccipital"]
    signed = Consent.objects.get(code="privacy")
    assert (signed.signed_name, signed.ip_address, signed.version) == ("Alice Marques", "127.0.0.1", 1)
    assert "the front desk does not" in signed.text
    assert has_contact_consent(alice, ContactConsent.Channel.EMAIL)
    assert not has_contact_consent(alice, ContactConsent.Channel.TEXT)


def test_the_link_reaches_her_by_mail_and_says_nothing_of_health(
    as_dana: Browser, alice: Client, client: Browser, now: datetime
) -> None:
    as_dana.post(reverse("intake:invite", args=[alice.pk]))
    sweep(now)
    [message] = mail.outbox
    assert message.to == ["alice@example.org"]
    assert not re.search(r"migraine|headache|pain|health", message.subject + str(message.body), re.IGNORECASE)
    path = re.search(r"https?://[^/]+(/i/\S+/)", str(message.body))
    assert path is not None
    response = client.post(path[1], {"born_on": BORN_ON})
    assert response.headers["Location"] == reverse("intake:step", args=[1])


def test_the_message_is_not_sent_once_the_form_was_sent_in(alice: Client, dana: User, now: datetime) -> None:
    services.invite(by=dana, now=now, client=alice)
    send(alice, now=now)
    sweep(now + timedelta(minutes=1))
    assert [message.to for message in mail.outbox if "questions" in message.subject] == []


def test_she_is_reminded_once_after_three_days(alice: Client, dana: User, now: datetime) -> None:
    services.invite(by=dana, now=now, client=alice)
    for day in range(8):
        sweep(now + timedelta(days=day))
    assert len(mail.outbox) == 2


def test_a_stranger_with_the_link_gets_five_tries(client: Browser, link: str) -> None:
    for _ in range(4):
        response = client.post(link, {"born_on": "1990-01-01"})
        assert "That is not the date of birth that we have" in response.text
    assert client.post(link, {"born_on": "1990-01-01"}).status_code == 410
    assert client.post(link, {"born_on": BORN_ON}).status_code == 410
    assert not Submission.objects.exists()


def test_a_date_that_does_not_exist_is_not_counted_as_wrong(client: Browser, link: str) -> None:
    response = client.post(link, {"born_on": "1988-02-31"})
    assert "Please write a date that exists." in response.text
    assert Invitation.objects.get().wrong_answers == 0


def test_opening_the_page_of_a_link_changes_nothing(client: Browser, link: str) -> None:
    assert client.get(link).status_code == 200
    assert Invitation.objects.get().opened_at is None
    assert not Submission.objects.exists()


@pytest.mark.parametrize("token", ["nothing", "0" * 32 + ".forged", "%00"])
def test_a_link_nobody_made_is_not_found(client: Browser, alice: Client, token: str) -> None:
    assert client.get(f"/i/{token}/").status_code == 404


def test_the_key_in_the_database_opens_nothing(client: Browser, link: str) -> None:
    assert client.get(reverse("intake:open", args=[Invitation.objects.get().key.hex])).status_code == 404


def test_a_link_that_ran_out_a_newer_one_and_one_that_was_used_are_closed(
    client: Browser, alice: Client, dana: User, now: datetime
) -> None:
    first, _ = services.invite(by=dana, now=now, client=alice)
    second, _ = services.invite(by=dana, now=now, client=alice)
    assert client.get(reverse("intake:open", args=[token_for(first)])).status_code == 410
    Invitation.objects.filter(pk=second.pk).update(
        created_at=now - timedelta(days=31), expires_at=now - timedelta(days=1)
    )
    assert client.get(reverse("intake:open", args=[token_for(second)])).status_code == 410
    third, _ = services.invite(by=dana, now=now, client=alice)
    send(alice, now=now)
    response = client.get(reverse("intake:open", args=[token_for(third)]))
    assert response.status_code == 410
    assert "ask the clinic for a new link" in response.text


def test_a_link_taken_back_closes_the_browser_in_which_it_was_open(
    phone: Browser, alice: Client, dana: User, now: datetime
) -> None:
    assert phone.get(reverse("intake:step", args=[1])).status_code == 200
    services.invite(by=dana, now=now, client=alice)
    assert phone.get(reverse("intake:step", args=[1])).status_code == 410


def test_who_may_act_for_her_no_longer_is_out_of_a_form_that_is_open(
    as_alice: Browser, alice: Client, dana: User, now: datetime
) -> None:
    services.invite(by=dana, now=now, client=alice)
    assert as_alice.post(reverse("intake:own", args=[alice.pk])).status_code == 302
    assert as_alice.get(reverse("intake:step", args=[1])).status_code == 200
    ClientAccess.objects.all().delete()
    assert as_alice.get(reverse("intake:step", args=[1])).status_code == 410
    assert as_alice.post(reverse("intake:step-save", args=[1]), {"headache_days": "3"}).status_code == 410
    assert Submission.objects.get().answers == {}


def test_a_browser_without_a_link_sees_no_step(client: Browser, alice: Client) -> None:
    for name, args in (("intake:step", [1]), ("intake:stop", [])):
        assert client.get(reverse(name, args=args)).status_code == 410
    assert client.post(reverse("intake:step-save", args=[1])).status_code == 410


def test_she_goes_on_with_another_device_where_she_stopped(phone: Browser, link: str) -> None:
    answer_step(phone, 1, goals="")
    tablet = Browser()
    response = tablet.post(link, {"born_on": BORN_ON}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("intake:step", args=[2])
    assert 'value="9"' in tablet.get(reverse("intake:step", args=[1])).text


def test_what_she_types_is_kept_while_she_types(phone: Browser) -> None:
    response = phone.post(reverse("intake:step-save", args=[1]), {"headache_days": "12", "migraine_days": "nine"})
    assert "Saved 09:00" in response.text
    assert Submission.objects.get().answers == {"headache_days": 12}


def test_going_back_keeps_what_she_has_typed(phone: Browser) -> None:
    answer_step(phone, 1)
    response = phone.post(reverse("intake:step", args=[2]), {"symptoms": ["nausea"], "back": "1"})
    assert response.headers["Location"] == reverse("intake:step", args=[1])
    assert Submission.objects.get().answers["symptoms"] == ["nausea"]


def test_going_back_from_an_emergency_answer_stops_her(phone: Browser) -> None:
    response = phone.post(reverse("intake:step", args=[7]), {"rf_sudden": "yes", "back": "1"})
    assert response.headers["Location"] == reverse("intake:stop")


def test_nothing_typed_is_lost_when_an_answer_is_refused(phone: Browser) -> None:
    typed_in = {
        "warning_signs": "yawning 🥱 <script>alert(1)</script> صداع",
        "after_effects": "x" * 10_000,
        "aura": ["visual"],
        "aura_now": "no",
    }
    response = phone.post(reverse("intake:step", args=[3]), typed_in)
    assert "That is 10000 characters; please keep to 2000." in response.text
    assert "x" * 10_000 in response.text
    assert "yawning 🥱 &lt;script&gt;alert(1)&lt;/script&gt; صداع" in response.text
    assert re.search(r'value="visual"[^>]*checked', response.text)
    kept = Submission.objects.get().answers
    assert (kept["aura"], "after_effects" in kept) == (["visual"], False)


@pytest.mark.parametrize(
    ("code", "answer", "words"),
    [
        ("headache_days", "29", "Please write a number from 0 to 28."),
        ("headache_days", "-1", "Please write a number from 0 to 28."),
        ("headache_days", "many", "Please write a whole number."),
        ("attack_today", "perhaps", "Select a valid choice."),
        ("attack_today", "", "“Not sure” is fine."),
    ],
)
def test_an_impossible_answer_gets_a_sentence_beside_its_field(
    phone: Browser, code: str, answer: str, words: str
) -> None:
    response = phone.post(reverse("intake:step", args=[1]), {"attack_today": "no", code: answer})
    assert f'id="id_{code}_error"' in response.text
    assert words in response.text


@pytest.mark.parametrize("day", ["2027-01-01", "1850-01-01", "2026-02-30"])
def test_an_impossible_day_is_refused(phone: Browser, day: str) -> None:
    response = phone.post(reverse("intake:step", args=[6]), {"botulinum": "yes", "botulinum_on": day})
    assert 'id="id_botulinum_on_error"' in response.text


def test_a_follow_up_is_needed_only_after_a_yes_or_a_not_sure(phone: Browser) -> None:
    calm = only(form_of_draft().step(7).questions, calm_answers(form_of_draft()))
    assert phone.post(reverse("intake:step", args=[7]), calm).status_code == 302
    response = phone.post(reverse("intake:step", args=[7]), calm | {"rf_eye": "unsure"})
    assert 'id="id_rf_eye_vision_error"' in response.text
    assert phone.post(reverse("intake:step", args=[7]), calm | {"rf_eye_vision": "yes"}).status_code == 302
    assert "rf_eye_vision" not in Submission.objects.get().answers


def test_an_emergency_answer_stops_her_as_soon_as_its_step_is_kept(phone: Browser, alice: Client) -> None:
    response = answer_step(phone, 7, rf_sudden="yes")
    assert response.headers["Location"] == reverse("intake:stop")
    page = phone.get(reverse("intake:stop")).text
    assert 'href="tel:112"' in page
    assert THUNDERCLAP in page
    assert "Nobody is watching this screen" in page
    finding = Finding.objects.get()
    assert (finding.rule, finding.effect) == ("red_flag_04", Effect.EMERGENCY)


@pytest.mark.parametrize(
    ("code", "changed", "named"),
    [
        (
            "medicine_triptan",
            {"acute_medicines": [{"class": "triptan", "days": 20, "months": "over_3"}], "days_any": 20},
            True,
        ),
        ("guardian", {}, False),
    ],
)
def test_a_rule_made_urgent_stops_her_also_where_no_question_is_its_own(
    phone: Browser, alice: Client, now: datetime, code: str, changed: Mapping[str, Answer], *, named: bool
) -> None:
    newest = RuleVersion.objects.latest("number")
    rows = [
        {name: part for name, part in row.items() if name not in ("cap", "consent")} | {"effect": "same_day"}
        if row["code"] == code
        else row
        for row in newest.rules
    ]
    RuleVersion.objects.create(number=newest.number + 1, rules=rows, published_at=now)
    if code == "guardian":
        Client.objects.filter(pk=alice.pk).update(born_on=date(2012, 3, 14))
    fill_in(alice, now=now, **changed)
    page = phone.get(reverse("intake:stop"))
    assert "Please speak to a doctor today" in page.text
    assert ("You ticked" in page.text) == named
    correct = re.search(r'href="([^"#]*)[^"]*">I ticked this by mistake', page.text)
    assert correct is not None
    assert phone.get(correct.group(1)).status_code == 200


def test_an_emergency_answer_stops_her_while_she_types_too(phone: Browser) -> None:
    response = phone.post(reverse("intake:step-save", args=[7]), {"rf_sudden": "yes"})
    assert response.headers["HX-Redirect"] == reverse("intake:stop")
    assert Finding.objects.get().effect == Effect.EMERGENCY


def test_whoever_comes_back_with_an_emergency_answer_meets_the_page_that_stops(phone: Browser, link: str) -> None:
    answer_step(phone, 7, rf_sudden="yes")
    assert Browser().post(link, {"born_on": BORN_ON}).headers["Location"] == reverse("intake:stop")


def test_an_unsure_answer_is_quoted_as_unsure(phone: Browser) -> None:
    answer_step(phone, 7, rf_sudden="yes")
    assert "Not sure" not in phone.get(reverse("intake:stop")).text
    answer_step(phone, 7, rf_sudden="unsure")
    assert re.search(rf"{THUNDERCLAP}</b>\s*<span[^>]*>Not sure", phone.get(reverse("intake:stop")).text)


def test_ticked_by_mistake_corrects_the_answer_and_leaves_the_finding(phone: Browser) -> None:
    answer_step(phone, 7, rf_sudden="yes")
    page = phone.get(reverse("intake:stop")).text
    assert f"{reverse('intake:step', args=[7])}#div_id_rf_sudden" in page
    response = answer_step(phone, 7)
    assert response.headers["Location"] == reverse("intake:step", args=[8])
    assert Submission.objects.get().answers["rf_sudden"] == "no"
    assert Finding.objects.open().get().rule == "red_flag_04"
    assert phone.get(reverse("intake:stop")).status_code == 302


def test_a_same_day_answer_tells_her_and_lets_her_go_on(phone: Browser) -> None:
    response = answer_step(phone, 7, rf_optic="yes")
    assert response.headers["Location"] == reverse("intake:stop")
    page = phone.get(reverse("intake:stop")).text
    assert "Please speak to a doctor today" in page
    assert reverse("intake:step", args=[8]) in page
    assert answer_step(phone, 8).headers["Location"] == reverse("intake:step", args=[9])


def test_a_form_with_an_emergency_answer_is_not_sent(alice: Client, bea: Therapist, now: datetime) -> None:
    draft = fill_in(alice, now=now, rf_sudden="yes")
    with pytest.raises(services.ValidationError, match="call for help first"):
        services.submit(now=now, submission=draft, signed_name="Alice")
    later = now + timedelta(minutes=5)
    services.close_finding(by=bea.user, now=later, finding=Finding.objects.get(), reason="Seen by her doctor in May.")
    assert services.submit(now=later, submission=draft, signed_name="Alice").state == Submission.State.SUBMITTED


def test_the_last_step_asks_for_each_needed_consent(phone: Browser) -> None:
    for number in range(1, 9):
        answer_step(phone, number)
    response = phone.post(reverse("intake:step", args=[9]), {"complementary": NAME})
    assert 'id="id_privacy_error"' in response.text
    assert 'id="id_aroma_error"' not in response.text
    assert re.search(rf'id="id_complementary"[^>]*value="{NAME}"', response.text)


def test_she_cannot_send_with_a_step_left_out(phone: Browser) -> None:
    form = form_of_draft()
    last = typed(only(form.step(9).questions, calm_answers(form)))
    response = phone.post(reverse("intake:step", args=[9]), last)
    assert "Step 1 is not finished." in response.text
    assert Submission.objects.get().state == Submission.State.DRAFT


def test_a_form_sent_from_two_tabs_is_sent_once(alice: Client, now: datetime) -> None:
    draft = fill_in(alice, now=now)
    services.submit(now=now, submission=draft, signed_name="Alice Marques")
    again = services.submit(now=now + timedelta(minutes=1), submission=draft, signed_name="Alice Marques")
    assert again.submitted_at == now
    assert Consent.objects.filter(code="privacy").count() == 1


def test_answers_that_were_sent_can_no_longer_be_changed(phone: Browser, alice: Client, now: datetime) -> None:
    draft = Submission.objects.get()
    fill_in(alice, now=now)
    services.submit(now=now, submission=draft, signed_name="Alice Marques")
    assert answer_step(phone, 1, headache_days=28).status_code == 410
    assert Submission.objects.get().answers["headache_days"] == 9


def test_sending_gives_her_a_sign_in(now: datetime, bea: Therapist) -> None:
    noor = ClientFactory(legal_name="Noor Aziz", email="noor@example.org")
    send(noor, now=now)
    access = ClientAccess.objects.get(client=noor)
    assert access.user.email == "noor@example.org"
    assert not access.user.is_staff_member


def test_an_address_of_the_staff_is_no_reason_to_refuse_her_answers(now: datetime, dana: User) -> None:
    noor = ClientFactory(legal_name="Noor Aziz", email=dana.email)
    assert send(noor, now=now).state == Submission.State.SUBMITTED
    assert not ClientAccess.objects.filter(client=noor).exists()


def test_she_opens_her_own_waiting_form_after_signing_in(
    as_alice: Browser, alice: Client, dana: User, now: datetime
) -> None:
    own = reverse("intake:own", args=[alice.pk])
    assert as_alice.get(own).status_code == 404
    services.invite(by=dana, now=now, client=alice)
    assert as_alice.get(own).status_code == 200
    assert not Submission.objects.exists()
    response = as_alice.post(own)
    assert response.headers["Location"] == reverse("intake:step", args=[1])


def test_a_stranger_cannot_open_it(as_carl: Browser, alice: Client, dana: User, now: datetime) -> None:
    services.invite(by=dana, now=now, client=alice)
    assert as_carl.get(reverse("intake:own", args=[alice.pk])).status_code == 404
    assert as_carl.post(reverse("intake:own", args=[alice.pk])).status_code == 404


def test_last_years_answers_are_there_again_but_safety_and_consents_are_asked_afresh(
    alice: Client, now: datetime
) -> None:
    send(alice, now=now)
    again = services.begin(now=now + timedelta(days=400), client=alice)
    assert again.answers["headache_days"] == 9
    assert "rf_sudden" not in again.answers
    assert "privacy" not in again.answers


def test_a_consent_left_open_the_next_time_is_no_longer_given(alice: Client, now: datetime) -> None:
    send(alice, now=now, aroma="yes")
    assert Consent.objects.filter(code="aroma", revoked_at__isnull=True).exists()
    later = now + timedelta(days=400)
    send(alice, now=later)
    assert Consent.objects.get(code="aroma").revoked_at == later
    assert Consent.objects.filter(code="privacy", revoked_at__isnull=True).count() == 1


def test_whoever_goes_back_or_sends_again_is_thanked_again(phone: Browser) -> None:
    for number in range(1, 9):
        answer_step(phone, number)
    last = typed(only(form_of_draft().step(9).questions, calm_answers(form_of_draft())))
    assert phone.post(reverse("intake:step", args=[9]), last).headers["Location"] == reverse("intake:sent")
    assert phone.post(reverse("intake:step", args=[9]), last).headers["Location"] == reverse("intake:sent")
    assert phone.get(reverse("intake:step", args=[9])).headers["Location"] == reverse("intake:sent")
    late = phone.post(reverse("intake:step-save", args=[9]), last, headers={"HX-Request": "true"})
    assert late.status_code == 410
    assert Submission.objects.count() == 1


def test_the_request_comes_at_any_hour_and_says_whether_she_has_begun(
    alice: Client, dana: User, now: datetime, client: Browser
) -> None:
    late = now + timedelta(hours=13)
    _invitation, token = services.invite(by=dana, now=late, client=alice)
    sweep(late)
    assert "Please answer a few questions" in mail.outbox[0].body
    client.post(reverse("intake:open", args=[token]), {"born_on": BORN_ON})
    Invitation.objects.update(opened_at=late)
    sweep(late + timedelta(days=3))
    for words in (mail.outbox[1].body, str(mail.outbox[1].alternatives[0][0])):
        assert "You have begun our questions" in words
