"""How she is on the day: asked by a link, kept for the visit, confirmed by the therapist; the desk sees “done”."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.signing import Signer
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist, User
from clinic.reminders import links
from clinic.reminders.models import Message
from clinic.scheduling.badges import badges_for
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import cancel_appointment, change_status
from intake.checkin import CheckInClosed, address_of, check_in, token_for
from intake.findings import verdict_for
from intake.models import Effect, Finding
from intake.models_safety import CheckIn, StaffAlert
from intake.safety import Planned
from intake.today import said_on
from sessions.services import NotToday
from tests.intake.answers import reviewed_intake
from tests.sessions.conftest import Book, Start, book, service, start

__all__ = ["book", "service", "start"]  # fixtures

QUESTIONS = ("rf_change", "attack_today", "aura_now", "tender_today", "illness", "sedative", "new_event")
WELL = dict.fromkeys(QUESTIONS, "no")
# In an answer's words, for what no byte at the desk may hold.
CANARY = "a canary fell on my head"


@pytest.fixture
def known(alice: Client, bea: Therapist, now: datetime) -> Client:
    reviewed_intake(alice, bea.user, now=now - timedelta(days=30))
    return alice


@pytest.fixture
def visit(known: Client, book: Book, now: datetime) -> Appointment:
    return book(now + timedelta(hours=2))


def said(visit: Appointment) -> dict[str, object]:
    return CheckIn.objects.filter(appointment=visit).order_by("pk")[0].answers


def test_she_says_how_she_is_without_signing_in(visit: Appointment) -> None:
    browser = Browser()
    page = browser.get(address_of(visit))
    assert page.status_code == 200
    assert "different from your usual" in page.text
    assert "Marques" not in page.text
    done = browser.post(address_of(visit), WELL)
    assert "checked in" in done.text
    assert said(visit)["rf_change"] == "no"
    assert said(visit)["neck_artery_signs"] == "no"
    visit.refresh_from_db()
    assert not visit.review_needed


def test_a_question_left_open_is_asked_again_and_nothing_typed_is_lost(visit: Appointment) -> None:
    typed = WELL | {"new_event": "yes", "new_event_what": CANARY, "illness": ""}
    page = Browser().post(address_of(visit), typed)
    assert page.context["form"].errors.keys() == {"illness"}
    assert CANARY in page.text
    assert not CheckIn.objects.exists()


def test_what_is_different_asks_for_the_signs_of_the_neck_artery(visit: Appointment) -> None:
    page = Browser().post(address_of(visit), WELL | {"rf_change": "yes"})
    assert page.context["form"].errors.keys() == {"neck_artery"}
    assert not CheckIn.objects.exists()
    Browser().post(address_of(visit), WELL | {"rf_change": "yes", "neck_artery": ["none"]})
    assert said(visit)["neck_artery_signs"] == "no"
    visit.refresh_from_db()
    assert visit.review_needed


@pytest.mark.parametrize(
    ("signs", "rule", "effect", "words"),
    [
        (["double_vision"], "neck_artery_signs", Effect.EMERGENCY, "call 112 now"),
        (["one_sided_pain"], "neck_artery_risk", Effect.SAME_DAY, "speak to a doctor today"),
        (["double_vision", "none"], "neck_artery_signs", Effect.EMERGENCY, "call 112 now"),
        (["unsure"], "neck_artery_signs", Effect.SAME_DAY, "speak to a doctor today"),
    ],
)
def test_a_sign_shows_the_script_at_once_and_alerts_the_clinic(
    visit: Appointment, signs: list[str], rule: str, effect: Effect, words: str
) -> None:
    page = Browser().post(address_of(visit), WELL | {"rf_change": "yes", "neck_artery": signs})
    assert words in page.text
    assert "Nobody is watching this screen" in page.text
    finding = Finding.objects.get(rule=rule)
    assert (finding.effect, finding.submission) == (effect, None)
    assert StaffAlert.objects.filter(finding=finding).exists()


@pytest.mark.parametrize("answer", ["yes", "unsure"])
def test_different_from_her_usual_holds_until_a_therapist_closes_it(
    visit: Appointment, known: Client, answer: str, now: datetime
) -> None:
    Browser().post(address_of(visit), WELL | {"rf_change": answer, "neck_artery": ["none"], "sedative": "yes"})
    assert [finding.rule for finding in Finding.objects.all()] == ["red_flag_06"]
    neck = Planned("swedish", regions=frozenset({"neck_posterior_upper"}), pressure=3)
    tomorrow = verdict_for(known, neck, now.date() + timedelta(1))
    assert (tomorrow.blocked, tomorrow.cap) == ((True, 0) if answer == "yes" else (False, 2))


def test_said_at_the_start_only_it_holds_tomorrow_too(
    visit: Appointment, known: Client, start: Start, now: datetime
) -> None:
    start(visit, is_usual=False)
    neck = Planned("swedish", regions=frozenset({"neck_posterior_upper"}), pressure=3)
    assert verdict_for(known, neck, now.date() + timedelta(1)).blocked


def test_ticked_by_mistake_she_answers_again_and_the_finding_stays(visit: Appointment) -> None:
    Browser().post(address_of(visit), WELL | {"rf_change": "yes", "neck_artery": ["double_vision"]})
    Browser().post(address_of(visit), WELL)
    assert said(visit)["neck_artery_signs"] == "yes"
    assert Finding.objects.get(rule="neck_artery_signs").closed_at is None
    assert StaffAlert.objects.count() == 1


def test_sent_twice_it_is_one_check_in(visit: Appointment) -> None:
    for _time in range(2):
        assert Browser().post(address_of(visit), WELL).status_code == 200
    assert CheckIn.objects.count() == 1


@pytest.mark.parametrize("day", [-1, 1])
def test_it_opens_on_the_day_of_the_visit_only(known: Client, book: Book, now: datetime, day: int) -> None:
    visit = book(now + timedelta(days=1))
    Appointment.objects.filter(pk=visit.pk).update(
        starts_at=now + timedelta(days=day), ends_at=now + timedelta(days=day, hours=1),
        occupied_from=now + timedelta(days=day), occupied_until=now + timedelta(days=day, hours=1),
    )  # fmt: skip
    assert Browser().get(address_of(visit)).status_code == 410
    assert Browser().post(address_of(visit), WELL).status_code == 410
    assert not CheckIn.objects.exists()


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_emergency_that_comes_too_late_or_in_part_is_answered_all_the_same(
    visit: Appointment, dana: User, now: datetime, is_whole: bool
) -> None:
    signs = WELL | {"rf_change": "yes", "neck_artery": ["double_vision"]}
    if is_whole:
        cancel_appointment(by=dana, now=now, appointment=visit)
    page = Browser().post(address_of(visit), signs if is_whole else signs | {"illness": ""})
    assert (page.status_code, "call 112 now" in page.text) == (200, True)
    assert StaffAlert.objects.filter(finding__rule="neck_artery_signs").exists()
    assert not CheckIn.objects.exists()


def test_what_comes_too_late_and_is_calm_is_refused_with_what_was_typed(
    visit: Appointment, dana: User, now: datetime
) -> None:
    cancel_appointment(by=dana, now=now, appointment=visit)
    page = Browser().post(address_of(visit), WELL | {"new_event": "yes", "new_event_what": CANARY})
    assert page.status_code == 410
    assert "can no longer be checked in" in page.text
    assert CANARY in page.text
    assert not Finding.objects.exists()


@pytest.mark.parametrize(
    ("ticked", "rule"),
    [
        ({"neck_artery": ["double_vision"]}, "neck_artery_signs"),
        ({"aura_alarming": "yes"}, "aura_alarming"),
    ],
)
def test_a_sign_ticked_below_a_no_counts(visit: Appointment, ticked: dict[str, object], rule: str) -> None:
    page = Browser().post(address_of(visit), WELL | ticked)
    assert "call 112 now" in page.text
    assert Finding.objects.get(rule=rule).effect == Effect.EMERGENCY


def test_a_no_below_a_no_is_calm(visit: Appointment) -> None:
    page = Browser().post(address_of(visit), WELL | {"neck_artery": ["none"], "aura_alarming": "no"})
    assert "checked in" in page.text
    assert said(visit)["rf_change"] == "no"


def test_a_token_of_another_making_opens_nothing(visit: Appointment) -> None:
    forged = Signer(sep=".", salt="intake.checkin", key="not ours").sign(str(visit.pk))
    for token in (forged, str(visit.pk), f"{visit.pk}.", "x", token_for(visit) + "x"):
        assert Browser().get(reverse("intake:checkin", args=[token])).status_code == 410


def test_a_visit_that_was_cancelled_or_has_begun_takes_no_check_in(
    visit: Appointment, dana: User, now: datetime
) -> None:
    cancel_appointment(by=dana, now=now, appointment=visit)
    assert Browser().get(address_of(visit)).status_code == 410
    with pytest.raises(CheckInClosed, match="no longer"):
        check_in(by=None, now=now, appointment=visit, answers=WELL)


def test_what_she_said_holds_for_her_visit_and_that_day_only(visit: Appointment, known: Client, now: datetime) -> None:
    Browser().post(address_of(visit), WELL | {"tender_today": "yes", "tender_regions": ["temple"]})
    day = now.date()
    firm = Planned("swedish", frozenset({"head_or_neck"}), regions=frozenset({"temple"}), pressure=3)
    assert verdict_for(known, firm, day).cap == 2
    assert verdict_for(known, firm, day + timedelta(1)).cap == 5
    assert [answers["tender_today"] for answers in said_on(known.pk, day)] == ["yes"]
    assert not Finding.objects.exists()


def test_fever_stops_the_session_until_her_therapist_has_gone_through_it(
    visit: Appointment, start: Start, now: datetime, known: Client, as_bea: Browser
) -> None:
    Browser().post(address_of(visit), WELL | {"illness": "yes"})
    with pytest.raises(NotToday, match="Fever"):
        start(visit)
    Browser().post(address_of(visit), WELL)
    with pytest.raises(NotToday, match="Fever"):
        start(visit)
    visit.refresh_from_db()
    assert visit.review_needed
    assert "in place of all that was said" in as_bea.get(address_of(visit)).text
    as_bea.post(address_of(visit), WELL)
    assert start(visit).client == known
    assert [kept.answers["illness"] for kept in CheckIn.objects.order_by("pk")] == ["yes", "no", "no"]


@pytest.mark.parametrize(("code", "reason"), [("aura_now", "aura"), ("illness", "Fever")])
def test_a_milder_answer_later_takes_nothing_back(
    visit: Appointment, known: Client, now: datetime, as_bea: Browser, code: str, reason: str
) -> None:
    Browser().post(address_of(visit), WELL | {code: "yes"} | ({"aura_alarming": "no"} if code == "aura_now" else {}))
    Browser().post(address_of(visit), WELL)
    verdict = verdict_for(known, Planned("swedish"), now.date())
    assert any(reason.lower() in words.lower() for words in verdict.reasons)
    assert not verdict_for(known, Planned("swedish"), now.date(), today={code: "no"}).blocked
    form = as_bea.get(reverse("treatment:start", args=[visit.pk])).context["form"]
    assert form["phase"].value() == ("aura" if code == "aura_now" else None)


def test_the_therapist_finds_the_answers_given_and_confirms_them(
    visit: Appointment, as_bea: Browser, known: Client
) -> None:
    Browser().post(address_of(visit), WELL | {"attack_today": "yes", "sedative": "unsure", "new_event": "yes",
                                              "new_event_what": CANARY})  # fmt: skip
    page = as_bea.get(reverse("treatment:start", args=[visit.pk]))
    form = page.context["form"]
    assert form["phase"].value() == "attack"
    assert form["is_different"].value() == "no"
    assert form["is_sedated"].value()
    assert CANARY in page.text
    assert address_of(visit) in page.text


def test_the_front_desk_sees_that_it_is_done_and_nothing_else(
    visit: Appointment, as_dana: Browser, dana: User, known: Client
) -> None:
    answers = WELL | {"rf_change": "yes", "neck_artery": ["double_vision"], "illness": "yes", "new_event": "yes"}
    Browser().post(address_of(visit), answers | {"new_event_what": CANARY})
    visit.refresh_from_db()
    assert visit.review_needed
    assert "checked in" in [badge.words for badge in badges_for(dana, [visit])[visit.pk]]
    day = reverse("desk:day")
    for address in (day, reverse("desk:appointment", args=[visit.pk]), reverse("desk:client", args=[known.pk])):
        page = as_dana.get(address, follow=True).content.decode().lower()
        for word in (CANARY, "double vision", "fever", "neck artery", "emergency answer"):
            assert word not in page, (address, word)


def test_a_stranger_gets_no_badge(visit: Appointment, carl: User) -> None:
    Browser().post(address_of(visit), WELL)
    assert not badges_for(carl, [visit])[visit.pk]


def test_the_front_desk_neither_sees_nor_answers_it(visit: Appointment, as_dana: Browser, as_bea: Browser) -> None:
    assert as_dana.get(address_of(visit)).status_code == 404
    answer = as_dana.post(address_of(visit), WELL | {"new_event_what": CANARY})
    assert answer.status_code == 404
    assert CANARY not in answer.text
    assert not CheckIn.objects.exists()
    assert as_bea.get(address_of(visit)).status_code == 200


@pytest.fixture
def tablet(visit: Appointment, dana: User, as_dana: Browser, now: datetime) -> Browser:
    """A tablet of the desk that was handed over for the check-in of this visit."""
    change_status(by=dana, now=now, appointment=visit, to=Status.ARRIVED)
    place = reverse("intake:checkin-hand-over", args=[visit.pk])
    assert place in as_dana.get(reverse("desk:appointment", args=[visit.pk])).text
    assert "You are signed out here" in as_dana.get(place).text
    assert as_dana.post(place, follow=True).redirect_chain[-1][0] == address_of(visit)
    return as_dana


def test_arrived_she_can_still_check_in_on_a_tablet(tablet: Browser, visit: Appointment) -> None:
    assert tablet.get(reverse("desk:day")).headers["Location"] == reverse("intake:tablet")
    done = tablet.post(address_of(visit), WELL)
    assert done.headers["Location"] == reverse("intake:tablet")
    assert "give the tablet back" in tablet.get(reverse("intake:tablet")).text
    assert tablet.get(address_of(visit)).headers["Location"] == reverse("intake:tablet")
    assert CheckIn.objects.get(appointment=visit).confirmed_by is None


def test_on_a_tablet_an_emergency_shows_the_script_and_it_opens_no_other_check_in(
    tablet: Browser, visit: Appointment, book: Book, now: datetime
) -> None:
    other = book(now + timedelta(hours=5))
    assert tablet.get(address_of(other)).headers["Location"] == reverse("intake:tablet")
    page = tablet.post(address_of(visit), WELL | {"rf_change": "yes", "neck_artery": ["double_vision"]})
    assert "call 112 now" in page.text
    assert "data-rest" in page.text


def test_her_own_page_leads_to_it_on_the_day_until_it_is_done(
    visit: Appointment, as_alice: Browser, now: datetime
) -> None:
    assert address_of(visit) in as_alice.get(reverse("portal:home")).text
    Browser().post(address_of(visit), WELL)
    assert address_of(visit) not in as_alice.get(reverse("portal:home")).text


def test_before_the_day_nothing_leads_to_it(known: Client, book: Book, as_alice: Browser, now: datetime) -> None:
    visit = book(now + timedelta(days=1))
    assert address_of(visit) not in as_alice.get(reverse("portal:home")).text


def test_the_page_of_a_reminder_leads_to_it(visit: Appointment, known: Client, now: datetime) -> None:
    message = Message.objects.create(
        kind="reminder", subject_pk=visit.pk, client=known, channel="email", about_at=visit.starts_at, due_at=now,
        useless_after=visit.starts_at, state=Message.State.FAILED, created_at=now,
    )  # fmt: skip
    page = Browser().get(reverse("booking:visit-link", args=[links.token_for(message)]), follow=True)
    assert address_of(visit) in page.text
