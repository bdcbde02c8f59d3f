"""What the clinic meets: the list, the review, the findings, and who may see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, ContactConsent, Location, Role, Therapist, User
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.services import book_appointment
from intake import services
from intake.alerts import alerts_due
from intake.models import Finding, Submission
from intake.seeing import StaleFinding, seen_of
from tests.factories import ClientFactory, ServiceFactory
from tests.intake.answers import fill_in, reviewed_intake, send

Assert = Callable[[int], object]


@pytest.fixture
def sent(alice: Client, now: datetime) -> Submission:
    """Alice's answers, with a red flag that wants a clearance."""
    return send(alice, now=now, rf_position="yes")


def finding() -> Finding:
    return Finding.objects.get()


def addresses(submission: Submission) -> list[tuple[str, str]]:
    return [
        ("get", reverse("intake:review-list")),
        ("get", reverse("intake:review", args=[submission.pk])),
        ("post", reverse("intake:review-done", args=[submission.pk])),
        ("get", reverse("intake:findings", args=[submission.client_id])),
        ("post", reverse("intake:finding-acknowledge", args=[finding().pk])),
        ("post", reverse("intake:finding-close", args=[finding().pk])),
    ]


@pytest.mark.parametrize("who", ["as_dana", "as_olga", "as_alice", "as_carl"])
def test_only_therapists_reach_answers_and_findings(who: str, request: pytest.FixtureRequest, sent: Submission) -> None:
    browser: Browser = request.getfixturevalue(who)
    for method, address in addresses(sent):
        assert getattr(browser, method)(address).status_code == 404, address
    assert finding().acknowledged_at is None
    assert not Look.objects.filter(what__startswith="intake").exists()


def test_nobody_reaches_them_without_signing_in(client: Browser, sent: Submission) -> None:
    for method, address in addresses(sent):
        response = getattr(client, method)(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/")


def test_a_therapist_reads_all_answers_and_the_look_is_logged(
    as_bea: Browser, bea: Therapist, sent: Submission
) -> None:
    page = as_bea.get(reverse("intake:review", args=[sent.pk])).text
    for words in ("On how many of them was it a migraine?", "6 of 28 days", "Temple, Base of the skull", "7 of 10"):
        assert words in page
    assert "Sent Thu 19 Nov 2026, 09:00" in page
    assert "Depends on position" in page
    look = Look.objects.get(what="intake.submission")
    assert (look.by, look.client_pk, look.what_pk) == (bea.user, sent.client_id, sent.pk)


def test_a_script_in_an_answer_is_shown_and_not_run(as_bea: Browser, alice: Client, now: datetime) -> None:
    sent = send(alice, now=now, goals="<script>alert(1)</script>")
    page = as_bea.get(reverse("intake:review", args=[sent.pk])).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_what_changed_since_the_last_answers_is_marked(
    as_bea: Browser, bea: Therapist, alice: Client, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now - timedelta(days=200))
    again = send(alice, now=now, migraine_days=11, illness="unsure")
    page = as_bea.get(reverse("intake:review", args=[again.pk])).text
    assert "2 answers changed since 3 May 2026" in page
    assert "11 of 28 days" in page
    assert "6 of 28 days" in page


def test_answers_are_read_against_the_version_they_were_given_to(
    as_bea: Browser, sent: Submission, now: datetime
) -> None:
    version = sent.form_version
    newer = version.__class__.objects.create(
        number=99,
        language="en",
        published_at=now,
        content={"steps": [{"code": "a", "title": "New", "intro": "", "questions": []}]},
    )
    assert services.current_form("en") == newer
    page = as_bea.get(reverse("intake:review", args=[sent.pk])).text
    assert f"form version {version.number}" in page
    assert "On how many days did you have any headache?" in page


def test_the_review_waits_until_each_finding_is_acknowledged(as_bea: Browser, sent: Submission) -> None:
    done = reverse("intake:review-done", args=[sent.pk])
    response = as_bea.post(done)
    assert response.status_code == 409
    assert "Acknowledge or close each finding first." in response.text
    seen = {"seen": seen_of(finding())}
    as_bea.post(reverse("intake:finding-acknowledge", args=[finding().pk]), {"review": sent.pk} | seen)
    assert as_bea.post(done).headers["Location"] == reverse("intake:review-list")
    sent.refresh_from_db()
    assert sent.state == Submission.State.REVIEWED
    assert finding().closed_at is None


def test_a_finding_is_closed_only_with_a_reason(as_bea: Browser, bea: Therapist, sent: Submission) -> None:
    close, name = reverse("intake:finding-close", args=[finding().pk]), f"{finding().pk}-reason"
    for nothing in ("", "   "):
        assert "Say why the finding no longer holds." in as_bea.post(close, {name: nothing}).text
    too_long = "because " * 40
    assert too_long.strip() in as_bea.post(close, {name: too_long}).text
    assert finding().closed_at is None
    as_bea.post(close, {name: "Seen by Dr Lemaire on 8 July; head and neck agreed.", "seen": seen_of(finding())})
    assert finding().closed_by == bea.user
    assert "Seen by Dr Lemaire" in as_bea.get(reverse("intake:findings", args=[sent.client_id])).text


def test_without_answers_the_therapist_sends_the_form_from_the_findings(as_bea: Browser, alice: Client) -> None:
    page = as_bea.get(reverse("intake:findings", args=[alice.pk])).text
    assert "No answers yet." in page
    assert reverse("intake:invite", args=[alice.pk]) in page


def test_the_findings_lead_on_to_her_visit_of_today(
    as_bea: Browser, dana: User, bea: Therapist, location: Location, sent: Submission, now: datetime
) -> None:
    findings_page = reverse("intake:findings", args=[sent.client_id])
    assert "/start/" not in as_bea.get(findings_page).text
    visit = book_appointment(
        by=dana, now=now, client=sent.client, service=ServiceFactory(), therapist=bea, location=location,
        starts_at=now + timedelta(hours=1), override_reason="Her only hour.",
    )  # fmt: skip
    assert reverse("treatment:start", args=[visit.pk]) in as_bea.get(findings_page).text


def test_a_refused_closing_stays_on_the_review_from_which_it_came(as_bea: Browser, sent: Submission) -> None:
    close, came_from = reverse("intake:finding-close", args=[finding().pk]), {"review": str(sent.pk)}
    refused = as_bea.post(close, came_from)
    assert refused.templates[0].name == "intake/review.html"
    assert "Say why the finding no longer holds." in refused.text
    said = {f"{finding().pk}-reason": "Seen by her doctor.", "seen": seen_of(finding())}
    closed = as_bea.post(close, came_from | said)
    assert closed.headers["Location"] == f"{reverse('intake:review', args=[sent.pk])}#findings"


def test_a_finding_that_somebody_closed_is_not_closed_again(bea: Therapist, sent: Submission, now: datetime) -> None:
    stale = finding()
    services.close_finding(by=bea.user, now=now, finding=stale, reason="Cleared.")
    for act in (services.acknowledge_finding, services.close_finding):
        with pytest.raises(ValidationError, match="closed this finding meanwhile"):
            act(by=bea.user, now=now, finding=stale, **({"reason": "Again."} if act is services.close_finding else {}))


def seen_on(page: str, act: str) -> str:
    """Return what a page says that it shows of the finding, in the form that leads to `act`."""
    form = page[page.index(f'action="{reverse(act, args=[finding().pk])}"') :]
    found = re.search(r'name="seen" value="(\w+)"', form)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("act", ["intake:finding-acknowledge", "intake:finding-close"])
def test_a_click_on_a_page_that_is_out_of_date_silences_no_emergency(
    as_bea: Browser, alice: Client, bea: Therapist, now: datetime, act: str
) -> None:
    def asked(signs: str) -> None:
        services.record_visit_answers(by=bea.user, now=now, client=alice, answers={"neck_artery_signs": signs})

    asked("unsure")
    page = as_bea.get(reverse("intake:findings", args=[alice.pk])).text
    asked("yes")
    said = {f"{finding().pk}-reason": "She felt well again.", "seen": seen_on(page, act)}
    refused = as_bea.post(reverse(act, args=[finding().pk]), said)
    assert refused.status_code == 409
    assert "This finding has changed since you opened the page." in refused.text
    assert (finding().effect, finding().acknowledged_at, finding().closed_at) == ("emergency", None, None)
    assert list(alerts_due(now))
    again = as_bea.post(reverse(act, args=[finding().pk]), said | {"seen": seen_on(refused.text, act)})
    assert again.status_code == 302
    assert finding().acknowledged_at or finding().closed_at


def test_the_services_take_a_finding_only_as_it_was_read(bea: Therapist, alice: Client, now: datetime) -> None:
    services.record_visit_answers(by=bea.user, now=now, client=alice, answers={"neck_artery_signs": "unsure"})
    read = finding()
    services.record_visit_answers(by=bea.user, now=now, client=alice, answers={"neck_artery_signs": "yes"})
    with pytest.raises(StaleFinding):
        services.acknowledge_finding(by=bea.user, now=now, finding=read)
    with pytest.raises(StaleFinding):
        services.close_finding(by=bea.user, now=now, finding=read, reason="She felt well again.")
    assert services.acknowledge_finding(by=bea.user, now=now, finding=finding()).acknowledged_at == now


def test_the_services_refuse_whoever_is_no_therapist(dana: User, olga: User, sent: Submission, now: datetime) -> None:
    for user in (dana, olga):
        with pytest.raises(ValidationError, match="Only a therapist"):
            services.close_finding(by=user, now=now, finding=finding(), reason="No.")
        with pytest.raises(ValidationError, match="Only a therapist"):
            services.review(by=user, now=now, submission=sent)


def test_a_later_answer_never_closes_a_finding(sent: Submission, alice: Client, now: datetime) -> None:
    send(alice, now=now + timedelta(days=1))
    assert finding().closed_at is None


def test_a_more_severe_answer_makes_a_known_finding_unknown_again(bea: Therapist, alice: Client, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now, rf_position="unsure")
    assert (finding().effect, finding().cap) == ("cap", 2)
    send(alice, now=now + timedelta(days=1), rf_position="yes")
    assert (finding().effect, finding().cap, finding().acknowledged_at) == ("clear", None, None)


def test_the_list_is_most_urgent_first_and_shows_answers_still_being_given(as_bea: Browser, now: datetime) -> None:
    calm, soon, now_at_once = (
        ClientFactory(legal_name=name) for name in ("Calm Person", "Soon Person", "Atonce Person")
    )
    send(calm, now=now - timedelta(days=3))
    send(soon, now=now - timedelta(days=1), rf_optic="yes")
    fill_in(now_at_once, now=now, rf_sudden="yes")
    page = as_bea.get(reverse("intake:review-list")).text
    places = [page.index(name) for name in ("Atonce Person", "Soon Person", "Calm Person")]
    assert places == sorted(places)
    assert "still being filled in" in page


def test_the_list_costs_the_same_for_one_and_for_twenty(
    as_bea: Browser, now: datetime, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(30) as counted:  # type: ignore[attr-defined]
            as_bea.get(reverse("intake:review-list"))
        return len(counted)

    send(ClientFactory(), now=now)
    as_bea.get(reverse("intake:review-list"))
    one = queries()
    for _ in range(19):
        send(ClientFactory(), now=now)
    assert queries() == one


def test_the_worklist_counts_and_names_the_urgent_for_therapists_only(
    bea: Therapist, dana: User, alice: Client, now: datetime
) -> None:
    send(alice, now=now, clot="yes")
    assert counts_for(bea.user, now)["reviews"] == 1
    assert counts_for(dana, now)["reviews"] == 0
    [row] = worklists["reviews"].rows(bea.user, now)
    assert (row.title, row.is_urgent) == ("Alice Marques", True)
    assert list(worklists["reviews"].rows(dana, now)) == []


def test_staff_send_the_form_and_hear_where_it_went(as_dana: Browser, alice: Client) -> None:
    response = as_dana.post(reverse("intake:invite", args=[alice.pk]), follow=True)
    assert "The intake form is on its way to alice@example.org." in response.text


def test_in_the_same_step_they_take_down_that_she_agreed_to_mail(as_dana: Browser, dana: User, alice: Client) -> None:
    page = as_dana.get(reverse("desk:client", args=[alice.pk])).content.decode()
    assert 'name="agreed"' in page
    as_dana.post(reverse("intake:invite", args=[alice.pk]), {"agreed": "on the phone"})
    word = ContactConsent.objects.get(client=alice)
    assert (word.channel, word.is_given, word.by, word.source) == ("email", True, dana, "on the phone")
    assert 'name="agreed"' not in as_dana.get(reverse("desk:client", args=[alice.pk])).content.decode()


@pytest.mark.parametrize("typed", ["", "by pigeon"])
def test_what_was_not_talked_about_is_taken_down_as_nothing(as_dana: Browser, alice: Client, typed: str) -> None:
    response = as_dana.post(reverse("intake:invite", args=[alice.pk]), {"agreed": typed}, follow=True)
    assert "on its way" in response.text
    assert not ContactConsent.objects.exists()


def test_where_the_form_cannot_be_sent_no_word_is_taken_down_either(as_dana: Browser, bea: Therapist) -> None:
    nobody = ClientFactory(legal_name="Noor Aziz", email="")
    as_dana.post(reverse("intake:invite", args=[nobody.pk]), {"agreed": "on the phone"})
    assert not ContactConsent.objects.exists()


def test_without_an_address_they_are_told_so(as_dana: Browser, bea: Therapist) -> None:
    nobody = ClientFactory(legal_name="Noor Aziz", email="")
    response = as_dana.post(reverse("intake:invite", args=[nobody.pk]), follow=True)
    assert "Noor Aziz has no e-mail address yet." in response.text


@pytest.mark.parametrize("who", ["as_alice", "as_carl"])
def test_a_client_cannot_send_the_form(who: str, request: pytest.FixtureRequest, alice: Client) -> None:
    browser: Browser = request.getfixturevalue(who)
    assert browser.post(reverse("intake:invite", args=[alice.pk])).status_code == 404


def test_the_front_desk_sees_neither_link_nor_token(as_dana: Browser, alice: Client) -> None:
    response = as_dana.post(reverse("intake:invite", args=[alice.pk]), follow=True)
    assert "/i/" not in response.text


def test_an_owner_who_also_treats_may_review(
    sent: Submission, olga: User, signed_in: Callable[[User], Browser]
) -> None:
    User.objects.filter(pk=olga.pk).update(roles=[Role.OWNER, Role.THERAPIST])
    olga.refresh_from_db()
    assert signed_in(olga).get(reverse("intake:review", args=[sent.pk])).status_code == 200


# --- The line


def names_on(page: str, *names: str) -> list[str]:
    return sorted(names, key=page.index)


def test_of_equal_urgency_whoever_comes_soonest_is_first_then_who_wrote_first(
    as_bea: Browser, dana: User, bea: Therapist, location: Location, now: datetime
) -> None:
    late, soon, never, longer = (ClientFactory(legal_name=f"{name} Person") for name in ("Late", "Soon", "No", "Old"))
    clear = ClientFactory(legal_name="Clear Person")
    send(longer, now=now - timedelta(days=5))
    send(never, now=now - timedelta(days=4))
    send(late, now=now - timedelta(days=3))
    send(soon, now=now - timedelta(days=1))
    send(clear, now=now, rf_position="yes")
    for client, days in ((late, 9), (soon, 2)):
        book_appointment(
            by=dana, now=now, client=client, service=ServiceFactory(), therapist=bea, location=location,
            starts_at=now + timedelta(days=days, hours=1), override_reason="Her only hour.",
        )  # fmt: skip
    page = as_bea.get(reverse("intake:review-list")).text
    order = ["Clear Person", "Soon Person", "Late Person", "Old Person", "No Person"]
    assert names_on(page, *sorted(order)) == order
    assert "Sat 21 Nov, 10:00" in page
    assert "none booked" in page


def test_what_a_therapist_knows_of_is_no_longer_urgent(as_bea: Browser, bea: Therapist, now: datetime) -> None:
    known, new = (ClientFactory(legal_name=name) for name in ("Known Person", "New Person"))
    send(known, now=now, rf_position="yes")
    send(new, now=now, rf_change="yes")
    assert names_on(as_bea.get(reverse("intake:review-list")).text, "Known Person", "New Person")[0] == "Known Person"
    services.acknowledge_finding(by=bea.user, now=now, finding=Finding.objects.get(client=known))
    page = as_bea.get(reverse("intake:review-list")).text
    assert names_on(page, "Known Person", "New Person")[0] == "New Person"
    assert page.count("Needs a clearance") == 1


def test_a_finding_on_the_other_record_of_a_person_counts_for_her_line(
    as_bea: Browser, dana: User, now: datetime
) -> None:
    from clinic.people.services.merging import merge_clients

    kept, gone, calm = (ClientFactory(legal_name=name) for name in ("Kept Person", "Gone Person", "Calm Person"))
    send(calm, now=now - timedelta(days=2))
    send(kept, now=now - timedelta(days=1))
    send(gone, now=now - timedelta(days=9), rf_position="yes")
    merge_clients(by=dana, now=now, kept=kept, gone=gone, from_gone=set())
    page = as_bea.get(reverse("intake:review-list")).text
    assert page.count("Kept Person") == 2
    assert page.index("Kept Person") < page.index("Calm Person")
    assert "Gone Person" not in page
