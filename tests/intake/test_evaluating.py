"""Facts change: findings are raised and grow, none is closed; the clinic is alerted once for each that is urgent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Role, Therapist, User
from clinic.people.services import update_client
from clinic.reminders import services as reminders
from clinic.reminders.models import Message
from intake.alerts import alerts_due, concerned
from intake.evaluating import evaluate_anew, evaluate_everybody, mark_crisis
from intake.findings import open_findings, verdict_for
from intake.models import Effect, Finding, RuleVersion, Submission
from intake.models_safety import RuleChange, StaffAlert
from intake.rules import current_rules, parse_rules
from intake.safety import Planned
from intake.services import acknowledge_finding, close_finding, record_visit_answers
from tests.factories import ClientFactory, TherapistFactory
from tests.intake.answers import reviewed_intake, send

CANARY = "canary: swollen optic nerve"


def rules_of(client: Client) -> set[str]:
    return {finding.rule for finding in open_findings(client.pk)}


def new_version(now: datetime, change: Callable[[dict[str, Any]], None]) -> RuleVersion:
    """Publish rules in which every row went through `change`."""
    newest = RuleVersion.objects.latest("number")
    rows = json.loads(json.dumps(newest.rules))
    for row in rows:
        change(row)
    version = RuleVersion.objects.create(number=newest.number + 1, rules=rows, published_at=now)
    RuleChange.objects.create(version=version, at=now)
    return version


# --- Facts that change


def test_a_birth_date_that_makes_her_a_minor_raises_the_guardians_consent(
    alice: Client, dana: User, now: datetime
) -> None:
    send(alice, now=now)
    assert rules_of(alice) == set()
    update_client(
        by=dana, now=now, client=alice, born_on=date(2009, 5, 1), guardian_name="Ana", guardian_phone="+351911111111"
    )
    assert rules_of(alice) == {"guardian"}
    finding = Finding.objects.get()
    assert finding.ends_on == date(2027, 4, 30)
    update_client(by=dana, now=now, client=alice, born_on=date(1988, 5, 1))
    assert Finding.objects.get().closed_at is None


def test_another_fact_of_the_record_evaluates_nothing(
    alice: Client, dana: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(**_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("intake.evaluating.evaluate_anew", never)
    update_client(by=dana, now=now, client=alice, preferred_name="Ali")


def test_new_rules_raise_what_they_say_of_answers_sent_long_ago(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now, osteoporosis="yes")
    carla = ClientFactory()
    send(carla, now=now)

    version = new_version(now, stricter_bones)
    assert evaluate_everybody(now=now) == 2
    finding = Finding.objects.get(client=alice, rule="osteoporosis")
    assert (finding.cap, finding.rule_version, finding.acknowledged_at) == (2, version, None)
    assert not Finding.objects.filter(client=carla).exists()
    assert evaluate_everybody(now=now) == 0


def test_looser_rules_leave_what_is_open(alice: Client, now: datetime) -> None:
    send(alice, now=now, osteoporosis="yes")

    def looser(row: dict[str, Any]) -> None:
        if row["code"] == "osteoporosis":
            row["cap"] = 5

    new_version(now, looser)
    evaluate_everybody(now=now)
    assert Finding.objects.get(rule="osteoporosis").cap == 3


def stricter_bones(row: dict[str, Any]) -> None:
    if row["code"] == "osteoporosis":
        row["cap"] = 2


@pytest.mark.parametrize(("batch", "again"), [(1, [1, 2]), (100, [0, 1, 2])])
def test_a_worker_that_was_interrupted_goes_on_where_it_stopped_and_keeps_what_was_done(
    now: datetime, db: None, monkeypatch: pytest.MonkeyPatch, batch: int, again: list[int]
) -> None:
    clients = [ClientFactory() for _number in range(3)]
    for client in clients:
        send(client, now=now, osteoporosis="yes")
    monkeypatch.setattr("intake.evaluating.BATCH", batch)
    version = new_version(now, stricter_bones)
    seen: list[int] = []

    def killed_at_the_second(*, now: datetime, client: Client) -> list[Finding]:
        seen.append(client.pk)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return evaluate_anew(now=now, client=client)

    monkeypatch.setattr("intake.evaluating.evaluate_anew", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        evaluate_everybody(now=now)
    assert Finding.objects.filter(rule_version=version).count() == 1
    assert evaluate_everybody(now=now) == len(again)
    in_order = sorted(client.pk for client in clients)
    assert seen == [*in_order[:2], *(in_order[n] for n in again)]
    assert Finding.objects.filter(rule_version=version).count() == 3


def test_an_answer_that_cannot_be_read_keeps_nobody_else_from_being_evaluated(
    now: datetime, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable, other = sorted((ClientFactory(), ClientFactory()), key=lambda client: client.pk)
    for client in (unreadable, other):
        send(client, now=now, osteoporosis="yes")
    answers = Submission.objects.get(client=unreadable).answers | {"botulinum": "yes", "botulinum_on": CANARY}
    Submission.objects.filter(client=unreadable).update(answers=answers)
    version = new_version(now, stricter_bones)
    evaluate_everybody(now=now)
    assert Finding.objects.get(client=other, rule="osteoporosis").rule_version == version
    assert evaluate_everybody(now=now) == 0
    assert f"Client {unreadable.pk} could not be evaluated anew: ValueError." in caplog.text
    assert CANARY not in caplog.text


def test_what_the_database_refuses_for_the_moment_is_done_the_next_time(
    now: datetime, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(alice, now=now, osteoporosis="yes")
    version = new_version(now, stricter_bones)

    def held_elsewhere(**_: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr("intake.evaluating.evaluate_anew", held_elsewhere)
        with pytest.raises(OperationalError):
            evaluate_everybody(now=now)
    assert evaluate_everybody(now=now) == 1
    assert Finding.objects.get(rule="osteoporosis").rule_version == version


def test_what_a_therapist_closed_for_these_answers_stays_closed(alice: Client, bea: Therapist, now: datetime) -> None:
    send(alice, now=now, rf_position="yes")
    close_finding(by=bea.user, now=now, finding=Finding.objects.get(), reason="Asked: it was a flu.")
    evaluate_anew(now=now, client=alice)
    assert rules_of(alice) == set()


def test_a_consent_that_is_withdrawn_stops_what_it_was_for(alice: Client, now: datetime) -> None:
    sent = send(alice, now=now, touch_head="yes")
    sent.consents.filter(code="touch_head").update(revoked_at=now)
    evaluate_anew(now=now, client=alice)
    assert rules_of(alice) == {"withdrawn_touch_head"}
    head = Planned("swedish", regions=frozenset({"temple"}), pressure=1)
    back = Planned("swedish", regions=frozenset({"lumbar"}), pressure=1)
    assert verdict_for(alice, head, now.date()).blocked
    assert verdict_for(alice, back, now.date()).allowed


def test_who_never_sent_answers_is_left_alone(alice: Client, now: datetime) -> None:
    assert evaluate_anew(now=now, client=alice) == []


# --- The floor


def test_the_database_refuses_rules_without_the_floor(db: None, now: datetime) -> None:
    newest = RuleVersion.objects.latest("number")

    def refused(rows: list[dict[str, Any]]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            RuleVersion.objects.create(number=newest.number + 1, rules=rows, published_at=now)

    refused([row for row in newest.rules if row["code"] != "aura_now"])
    refused([row | ({"is_floor": False} if row["code"] == "aura_now" else {}) for row in newest.rules])
    refused([row | ({"effect": "warn"} if row["code"] == "aura_now" else {}) for row in newest.rules])
    refused([row | ({"cap": 3} if row["code"] == "attack_rest" else {}) for row in newest.rules])

    def refused_with(code: str, **facts: Any) -> None:
        refused([row | (facts if row["code"] == code else {}) for row in newest.rules])

    refused_with("pulse_line_pressure", applies_to=[{"regions": ["foot"]}])
    refused_with("pulse_line_pressure", applies_to=[{"regions": ["pulse_line"], "pressure_from": 4}])
    refused_with("pulse_line_static", applies_to=[{"regions": ["pulse_line"], "techniques": ["elbow"]}])
    refused_with("elbow_at_neck", applies_to=[{"regions": ["neck"], "techniques": ["elbow"]}])
    refused_with("percussion_at_neck", applies_to=[{"regions_from": "numbness_regions"}])
    refused_with("aura_now", applies_to=[{"regions": ["neck"]}])
    refused_with("attack_deep", window={"since": "answer", "first_day": 400, "last_day": 401})
    refused_with("attack_deep", window={"since": "botulinum_on", "last_day": 0})
    refused_with("red_flag_03", window={"since": "answer", "last_day": 400})
    refused_with("red_flag_03", is_asked_at_visit=True)
    refused_with("attack_rest", effect="clear", cap=None)
    refused_with("red_flag_03", when={"question": "rf_optic", "is": "yes"})
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleVersion.objects.filter(pk=newest.pk).update(rules=[])
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleVersion.objects.filter(pk=newest.pk).delete()
    stricter = [row | ({"effect": "emergency"} if row["code"] == "aura_now" else {}) for row in newest.rules]
    RuleVersion.objects.create(number=newest.number + 1, rules=stricter, published_at=now)


def test_the_database_takes_a_floor_row_that_holds_in_more_places_and_longer(db: None, now: datetime) -> None:
    newest = RuleVersion.objects.latest("number")
    wider: dict[str, dict[str, Any]] = {
        "pulse_line_pressure": {"applies_to": [{"regions": ["pulse_line"], "pressure_from": 2}]},
        "attack_deep": {"applies_to": [], "window": {"since": "answer", "last_day": 3}},
        "attack_rest": {"cap": 1},
        "red_flag_03": {"reason": "In the clinic's own words."},
    }
    rows = [row | wider.get(row["code"], {}) for row in newest.rules]
    rows = [{name: part for name, part in row.items() if (row["code"], name) != ("aura_now", "window")} for row in rows]
    assert parse_rules(rows)
    RuleVersion.objects.create(number=newest.number + 1, rules=rows, published_at=now)


# --- Alerts


def swept(now: datetime) -> list[Message]:
    reminders.prepare(now)
    return list(Message.objects.filter(kind="finding_alert"))


def test_an_emergency_alerts_her_therapist_once_at_night_too(alice: Client, bea: Therapist, now: datetime) -> None:
    night = now.replace(hour=2)
    TherapistFactory()
    record_visit_answers(by=bea.user, now=night, client=alice, answers={"neck_artery_signs": "yes"})
    for minute in range(3):
        messages = swept(night + timedelta(minutes=minute))
    assert [message.user for message in messages] == [bea.user]
    assert StaffAlert.objects.count() == 1


def test_the_alert_says_neither_whom_nor_what(alice: Client, bea: Therapist, now: datetime) -> None:
    record_visit_answers(by=bea.user, now=now, client=alice, answers={"rf_optic": "yes"})
    reminders.prepare(now)
    reminders.sweep(now)
    (letter,) = [letter for letter in mail.outbox if "bea@example.org" in letter.to]
    said = f"{letter.subject} {letter.message()}"
    assert reverse("intake:review-list") in str(letter.body)
    assert f"/{alice.pk}/" not in str(letter.body)
    for word in ("Alice", "Marques", "optic", "emergency", "doctor", "migraine"):
        assert word.lower() not in said.lower()


def test_a_finding_that_grows_urgent_alerts_then(alice: Client, bea: Therapist, now: datetime) -> None:
    record_visit_answers(by=bea.user, now=now, client=alice, answers={"rf_fever": "yes"})
    later = now + timedelta(days=3)
    acknowledge_finding(by=bea.user, now=now, finding=Finding.objects.get())
    assert list(alerts_due(now)) == []
    record_visit_answers(by=bea.user, now=later, client=alice, answers={"rf_fever": "yes", "rf_fever_stiff": "yes"})
    assert {due.user_pk for due in alerts_due(later)} == {bea.user_id}
    assert StaffAlert.objects.filter(raised_at=later, finding__rule="red_flag_01_severe").exists()


def test_a_finding_that_grows_into_an_emergency_alerts_anew(alice: Client, bea: Therapist, now: datetime) -> None:
    for answer, minutes in (("unsure", 0), ("unsure", 1), ("yes", 2), ("yes", 3)):
        at = now + timedelta(minutes=minutes)
        record_visit_answers(by=bea.user, now=at, client=alice, answers={"neck_artery_signs": answer})
    finding = Finding.objects.get()
    assert list(finding.alerts.order_by("pk").values_list("effect", "raised_at")) == [
        ("same_day", now),
        ("emergency", now + timedelta(minutes=2)),
    ]


def test_an_emergency_said_again_on_another_day_alerts_again_whoever_knew(
    alice: Client, bea: Therapist, now: datetime
) -> None:
    saturday = now + timedelta(days=5)
    for at in (now, saturday):
        record_visit_answers(by=bea.user, now=at, client=alice, answers={"neck_artery_signs": "yes"})
        assert [due.user_pk for due in alerts_due(at)] == [bea.user_id]
        acknowledge_finding(by=bea.user, now=at, finding=Finding.objects.get())
        record_visit_answers(by=bea.user, now=at, client=alice, answers={"neck_artery_signs": "yes"})
        assert list(alerts_due(at)) == []
    assert StaffAlert.objects.count() == 2


def test_words_marked_again_on_another_day_alert_again(alice: Client, bea: Therapist, now: datetime) -> None:
    for at in (now, now + timedelta(days=3)):
        finding = mark_crisis(by=bea.user, now=at, client=alice)
        assert [due.user_pk for due in alerts_due(at)] == [bea.user_id]
        acknowledge_finding(by=bea.user, now=at, finding=finding)


def test_new_rules_alone_say_nothing_anew(alice: Client, bea: Therapist, now: datetime) -> None:
    send(alice, now=now, rf_fever="yes", rf_fever_stiff="no")
    acknowledge_finding(by=bea.user, now=now, finding=Finding.objects.get())
    evaluate_anew(now=now + timedelta(days=1), client=alice)
    assert Finding.objects.get().acknowledged_at is not None
    assert StaffAlert.objects.count() == 1


def test_what_was_taken_up_is_not_told_any_more(alice: Client, bea: Therapist, now: datetime) -> None:
    record_visit_answers(by=bea.user, now=now, client=alice, answers={"rf_optic": "yes"})
    reminders.prepare(now)
    acknowledge_finding(by=bea.user, now=now, finding=Finding.objects.get())
    reminders.sweep(now)
    assert mail.outbox == []


def test_a_clearance_alerts_nobody(alice: Client, now: datetime) -> None:
    send(alice, now=now, rf_position="yes")
    assert not StaffAlert.objects.exists()


def test_owners_who_treat_are_told_and_where_nobody_is_hers_every_therapist(
    alice: Client, bea: Therapist, olga: User, now: datetime
) -> None:
    other = TherapistFactory()
    assert concerned(alice.pk, now) == [bea.user_id]
    olga.roles = [Role.OWNER, Role.THERAPIST]
    olga.save()
    treating = TherapistFactory(user=olga)
    assert set(concerned(alice.pk, now)) == {bea.user_id, treating.user_id}
    nobodys = ClientFactory()
    olga.roles = [Role.OWNER]
    olga.save()
    assert set(concerned(nobodys.pk, now)) == {bea.user_id, other.user_id}


# --- Words that a therapist marks


def test_words_about_self_harm_are_marked_and_the_script_is_shown(
    alice: Client, as_bea: Browser, now: datetime
) -> None:
    page = as_bea.post(reverse("intake:crisis", args=[alice.pk]), follow=True)
    finding = Finding.objects.get(rule="crisis")
    assert finding.effect == Effect.WARN
    assert finding.reason in page.text
    assert StaffAlert.objects.filter(finding=finding).exists()


def test_only_a_therapist_marks_words(alice: Client, dana: User, as_dana: Browser, now: datetime) -> None:
    with pytest.raises(ValidationError):
        mark_crisis(by=dana, now=now, client=alice)
    assert as_dana.post(reverse("intake:crisis", args=[alice.pk])).status_code == 404
    assert not Finding.objects.exists()


def test_the_rules_in_force_are_those_that_came_last(db: None) -> None:
    version, rules = current_rules()
    assert RuleVersion.objects.get(pk=version).number == 2
    assert len(rules) > 90
