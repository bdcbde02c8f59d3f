"""An owner changes the rules: each save is a version, the floor holds, and she sees beforehand whom it affects."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, Role, Therapist, User
from intake.answering import current_form
from intake.evaluating import evaluate_everybody
from intake.findings import facts_of_visit
from intake.forms_rules import RuleForm, consents_of, questions_of
from intake.models import Effect, Finding, RuleVersion
from intake.models_safety import RuleChange
from intake.questions import form_of
from intake.rule_book import StaleRules, add_rule, affected_by, change_rule, is_as_strict, retire_rule
from intake.rules import current_rules, parse_rule
from intake.services import open_findings
from tests.factories import ClientFactory
from tests.intake.answers import send

Row = dict[str, Any]


def row_of(code: str) -> Row:
    rows = RuleVersion.objects.latest("number").rules
    return json.loads(json.dumps(next(row for row in rows if row["code"] == code)))


def number() -> int:
    return RuleVersion.objects.latest("number").number


@pytest.fixture
def change(olga: User, now: datetime) -> Callable[..., RuleVersion]:
    def do(code: str, **facts: Any) -> RuleVersion:
        return change_rule(by=olga, now=now, seen=number(), row=row_of(code) | facts, why="After our meeting")

    return do


# --- The service


def test_a_change_is_a_new_version_with_who_when_and_why(
    change: Callable[..., RuleVersion], olga: User, now: datetime
) -> None:
    before = current_rules()[1]
    version = change("osteoporosis", cap=2)
    assert version.number == 3
    told = version.change
    assert (told.by, told.at, told.why, told.rule, told.act) == (
        olga,
        now,
        "After our meeting",
        "osteoporosis",
        "changed",
    )
    after = current_rules()[1]
    assert [rule.code for rule in before] == [rule.code for rule in after]
    assert {rule.version for rule in after} == {3}
    assert next(rule for rule in after if rule.code == "osteoporosis").cap == 2


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("aura_now", {"effect": "warn"}),
        ("aura_now", {"is_floor": False}),
        ("aura_now", {"applies_to": [{"regions": ["neck"]}]}),
        ("aura_now", {"when": {"question": "aura_alarming", "is": "yes"}}),
        ("aura_now", {"when": {"all": [{"question": "aura_now", "is": "yes"}, {"question": "rf_neuro", "is": "yes"}]}}),
        ("aura_now", {"window": {"since": "answer", "first_day": 1, "last_day": 1}}),
        ("aura_now", {"is_asked_at_visit": True}),
        ("attack_rest", {"cap": 3}),
        ("attack_rest", {"effect": "warn", "cap": None}),
        ("attack_rest", {"effect": "clear", "cap": None}),
        ("attack_deep", {"applies_to": [{"techniques": ["tapotement"]}]}),
        ("red_flag_01", {"window": {"since": "answer", "last_day": 30}}),
        ("elbow_at_neck", {"applies_to": [{"regions": ["neck"], "techniques": ["elbow"]}]}),
        ("elbow_at_neck", {"when": {"question": "clot", "is": "yes"}}),
        ("pulse_line_pressure", {"applies_to": [{"regions": ["pulse_line"], "pressure_from": 4}]}),
        ("pulse_line_static", {"effect": "letter"}),
        ("percussion_at_neck", {"effect": "warn"}),
        ("red_flag_03", {"effect": "same_day"}),
    ],
)
def test_a_floor_row_cannot_be_loosened(change: Callable[..., RuleVersion], code: str, facts: Row) -> None:
    with pytest.raises(ValidationError, match=r"never looser|cannot be read"):
        change(code, **facts)
    assert number() == 2


def test_every_floor_row_refuses_to_be_retired_or_made_a_letter(
    change: Callable[..., RuleVersion], olga: User, now: datetime
) -> None:
    floors = [rule for rule in current_rules()[1] if rule.is_floor]
    assert len(floors) > 20
    for rule in floors:
        with pytest.raises(ValidationError):
            retire_rule(by=olga, now=now, seen=2, code=rule.code, why="We never saw it")
        with pytest.raises(ValidationError):
            change(rule.code, effect="letter", cap=None)


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("aura_now", {"effect": "emergency"}),
        ("aura_now", {"window": {"since": "answer", "last_day": 3}}),
        ("attack_rest", {"cap": 1}),
        ("pulse_line_pressure", {"applies_to": [{"regions": ["pulse_line"], "pressure_from": 2}]}),
        ("attack_deep", {"applies_to": []}),
    ],
)
def test_a_floor_row_can_be_made_stricter(change: Callable[..., RuleVersion], code: str, facts: Row) -> None:
    assert change(code, **facts).number == 3


def test_a_row_that_is_no_floor_can_be_loosened_and_retired(
    change: Callable[..., RuleVersion], olga: User, now: datetime, alice: Client
) -> None:
    send(alice, now=now, osteoporosis="yes")
    change("osteoporosis", cap=4)
    retire_rule(by=olga, now=now, seen=3, code="osteoporosis", why="Covered by the letter")
    assert "osteoporosis" not in {rule.code for rule in current_rules()[1]}
    evaluate_everybody(now=now)
    assert Finding.objects.get(rule="osteoporosis").cap == 3


def test_a_rule_of_ones_own_raises_findings_for_answers_sent_before(olga: User, now: datetime, alice: Client) -> None:
    send(alice, now=now, stress=9)
    row = {
        "title": "High stress",
        "effect": "warn",
        "reason": "Stress of 8 and more: begin slowly.",
        "source": "Own rule of the clinic",
        "when": {"question": "stress", "at_least": 8},
    }
    version = add_rule(by=olga, now=now, seen=2, row=row, why="Asked for by Bea")
    evaluate_everybody(now=now)
    (finding,) = open_findings(alice.pk)
    assert (finding.rule, finding.effect, finding.rule_version) == ("own_1", Effect.WARN, version)
    retire_rule(by=olga, now=now, seen=3, code="own_1", why="No use")
    assert add_rule(by=olga, now=now, seen=4, row=row, why="Again").rules[-1]["code"] == "own_2"


def test_two_owners_at_once_the_second_is_told(change: Callable[..., RuleVersion], olga: User, now: datetime) -> None:
    change("osteoporosis", cap=2)
    with pytest.raises(StaleRules, match="Olga Novak changed the rules meanwhile: this is version 3"):
        change_rule(by=olga, now=now, seen=2, row=row_of("numbness") | {"cap": 1}, why="Mine")
    assert number() == 3


def test_a_page_that_claims_to_have_seen_what_is_still_to_come_is_told_too(olga: User, now: datetime) -> None:
    with pytest.raises(StaleRules, match="this is version 2 now"):
        change_rule(by=olga, now=now, seen=3, row=row_of("numbness") | {"cap": 1}, why="Mine")
    assert number() == 2


@pytest.mark.parametrize(
    "facts",
    [{"effect": "cap", "cap": None}, {"effect": "forbid"}, {"applies_to": [{"regions": ["tail"]}]}, {"reason": ""}],
)
def test_a_row_that_cannot_be_read_is_refused(change: Callable[..., RuleVersion], facts: Row) -> None:
    with pytest.raises(ValidationError, match="cannot be read"):
        change("osteoporosis", **facts)


def test_without_a_reason_or_a_change_there_is_no_version(olga: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="why"):
        change_rule(by=olga, now=now, seen=2, row=row_of("osteoporosis") | {"cap": 2}, why="  ")
    with pytest.raises(ValidationError, match="Nothing was changed"):
        change_rule(by=olga, now=now, seen=2, row=row_of("osteoporosis"), why="None")


def test_nobody_but_an_owner_changes_rules(bea: Therapist, dana: User, now: datetime) -> None:
    for by in (bea.user, dana):
        with pytest.raises(ValidationError, match="Only an owner"):
            change_rule(by=by, now=now, seen=2, row=row_of("osteoporosis") | {"cap": 2}, why="Mine")


def test_a_rule_is_as_strict_as_itself(db: None) -> None:
    for rule in current_rules()[1]:
        assert is_as_strict(rule, rule), rule.code


# --- Whom it affects


def test_only_those_are_affected_of_whom_it_would_say_something_else(alice: Client, now: datetime) -> None:
    send(alice, now=now, osteoporosis="yes")
    send(ClientFactory(), now=now)
    old = parse_rule(row_of("osteoporosis"))
    new = parse_rule(row_of("osteoporosis") | {"cap": 2})
    assert affected_by(old, new, now.date(), with_names=True).clients == [alice]
    assert affected_by(old, old, now.date(), with_names=True).count == 0
    assert affected_by(old, None, now.date(), with_names=False).count == 1
    everybody = parse_rule(row_of("elbow_at_neck"))
    assert affected_by(None, everybody, now.date(), with_names=False).count == 2


def test_the_preview_reads_a_constant_number_of_times(
    alice: Client, now: datetime, django_assert_max_num_queries: Any
) -> None:
    send(alice, now=now)
    for _number in range(4):
        send(ClientFactory(), now=now)
    row = row_of("withdrawn_touch_head")
    with django_assert_max_num_queries(5):
        affected_by(parse_rule(row), None, now.date(), with_names=True)


# --- The pages


def fields_of(page: HttpResponse) -> dict[str, Any]:
    """Return what a browser would send of the form as it is shown."""
    return sent_by(page.context["form"])


def sent_by(form: RuleForm) -> dict[str, Any]:
    found = {}
    for one in (form, *form.scopes):
        for name in one.fields:
            bound = one[name]
            value = bound.value()
            if value is not False and value not in (None, "", []):
                found[bound.html_name] = value
    return found


def test_a_form_sent_as_it_is_shown_changes_nothing_in_any_rule(db: None) -> None:
    version = RuleVersion.objects.latest("number")
    asked = form_of(current_form("en").pk)
    known: Row = {"seen": version.number, "questions": questions_of(asked), "consents": consents_of(asked)}
    for row in version.rules:
        sent = RuleForm(sent_by(RuleForm(None, row=row, **known)) | {"why": "To see"}, row=row, **known)
        assert sent.is_valid(), (row["code"], sent.errors)
        assert sent.as_row() == row


def test_an_owner_changes_a_rule_on_its_page(as_olga: Browser, olga: User) -> None:
    url = reverse("intake:rule", args=["osteoporosis"])
    sent = fields_of(as_olga.get(url)) | {"cap": "2", "why": "After our meeting"}
    page = as_olga.post(url, sent, follow=True)
    assert "This is version 3 of the rules" in page.text
    assert "After our meeting" in page.text
    assert "Olga Novak" in page.text
    assert row_of("osteoporosis")["cap"] == 2


def test_days_figures_and_places_can_be_changed(as_olga: Browser) -> None:
    url = reverse("intake:rule", args=["botulinum_cap"])
    sent = fields_of(as_olga.get(url)) | {"last_day": "10", "scope_1-regions": ["vertex"], "why": "Slower"}
    as_olga.post(url, sent)
    assert row_of("botulinum_cap")["window"]["last_day"] == 10
    assert row_of("botulinum_cap")["applies_to"][1] == {"regions": ["vertex"]}
    url = reverse("intake:rule", args=["medicine_triptan"])
    as_olga.post(url, fields_of(as_olga.get(url)) | {"figure_0": "9", "why": "Earlier"})
    assert row_of("medicine_triptan")["when"]["all"][0]["at_least"] == 9


def test_the_page_refuses_to_loosen_the_floor_and_keeps_what_was_typed(as_olga: Browser) -> None:
    url = reverse("intake:rule", args=["attack_rest"])
    page = as_olga.post(url, fields_of(as_olga.get(url)) | {"cap": "4", "why": "Too strict for us"})
    assert "never looser" in page.text
    assert "Too strict for us" in page.text
    assert number() == 2


def test_the_second_of_two_owners_is_told_and_loses_nothing(
    as_olga: Browser, change: Callable[..., RuleVersion]
) -> None:
    url = reverse("intake:rule", args=["numbness"])
    sent = fields_of(as_olga.get(url)) | {"cap": "1", "why": "My own words"}
    change("osteoporosis", cap=2)
    page = as_olga.post(url, sent)
    assert page.status_code == 409
    assert "Olga Novak changed the rules meanwhile" in page.text
    assert "My own words" in page.text


def test_the_preview_names_clients_only_to_an_owner_who_treats(
    as_olga: Browser, olga: User, alice: Client, now: datetime
) -> None:
    send(alice, now=now, osteoporosis="yes")
    url = reverse("intake:rule", args=["osteoporosis"])
    sent = fields_of(as_olga.get(url)) | {"cap": "2", "why": "To see", "preview": "1"}
    page = as_olga.post(url, sent)
    assert "For one client this rule would say something else" in page.text
    assert "Marques" not in page.text
    olga.roles = [Role.OWNER, Role.THERAPIST]
    olga.save()
    page = as_olga.post(url, sent)
    assert "Marques" in page.text
    assert Look.objects.filter(client_pk=alice.pk, why="preview of a safety rule").exists()
    assert number() == 2


def test_an_owner_adds_a_rule_over_a_question_of_the_form(as_olga: Browser) -> None:
    url = reverse("intake:rule-new")
    sent = fields_of(as_olga.get(url)) | {
        "title": "Smoker", "asks": "tobacco:yes", "effect": "warn", "reason": "Smokes.", "why": "Bea",
    }  # fmt: skip
    assert "This is version 3" in as_olga.post(url, sent, follow=True).text
    assert row_of("own_1")["when"] == {"question": "tobacco", "includes": ["yes"]}


def test_a_rule_over_a_question_of_the_check_in_holds_back_nobody_who_was_not_asked_yet(
    as_olga: Browser, alice: Client, now: datetime
) -> None:
    send(alice, now=now)
    url = reverse("intake:rule-new")
    sent = fields_of(as_olga.get(url)) | {
        "title": "Sedative", "asks": "sedative:yes", "effect": "warn", "reason": "Ask how much.", "why": "Bea",
    }  # fmt: skip
    page = as_olga.post(url, sent | {"preview": "1"})
    assert page.context["affected"].count == 0, page.context["form"].errors
    as_olga.post(url, sent)
    evaluate_everybody(now=now)
    assert list(open_findings(alice.pk)) == []
    (warned,) = facts_of_visit(alice, {"sedative": "yes"}, now.date())[-1:]
    assert warned.rule == "own_1"


def test_a_rule_over_a_question_below_another_holds_back_nobody_who_said_no_above(
    as_olga: Browser, alice: Client, now: datetime
) -> None:
    send(alice, now=now)
    url = reverse("intake:rule-new")
    sent = fields_of(as_olga.get(url)) | {
        "title": "Aura", "asks": "aura_alarming:yes", "effect": "warn", "reason": "Ask.", "why": "Bea",
    }  # fmt: skip
    as_olga.post(url, sent)
    assert "all" in row_of("own_1")["when"]
    evaluate_everybody(now=now)
    assert list(open_findings(alice.pk)) == []


def test_the_preview_counts_whom_a_rule_would_hold_back_for_not_having_been_asked(alice: Client, now: datetime) -> None:
    send(alice, now=now)
    rule = parse_rule(row_of("osteoporosis") | {"code": "own_1", "when": {"question": "never_asked", "is": "yes"}})
    assert affected_by(None, rule, now.date(), with_names=False).count == 1


def test_the_only_place_of_a_rule_cannot_be_left_out(as_olga: Browser) -> None:
    rules = current_rules()[1]
    code = next(rule.code for rule in rules if len(rule.applies_to) == 1 and not rule.is_floor and not rule.consent)
    url = reverse("intake:rule", args=[code])
    sent = fields_of(as_olga.get(url)) | {"scope_0-is_left_out": "on", "why": "Not there"}
    assert "or retire the rule" in as_olga.post(url, sent).text
    assert number() == 2
    as_olga.post(url, sent | {"scope_1-regions": ["foot"]})
    assert row_of(code)["applies_to"] == [{"regions": ["foot"]}]


def test_what_lacks_its_figure_is_asked_for_beside_the_field(as_olga: Browser) -> None:
    url = reverse("intake:rule-new")
    sent = {"seen": 2, "title": "Stress", "asks": "stress:", "effect": "cap", "reason": "Slowly.", "why": "Bea"}
    page = as_olga.post(url, sent)
    assert set(page.context["form"].errors) == {"number", "cap"}
    assert number() == 2


def test_an_owner_retires_a_rule(as_olga: Browser) -> None:
    url = reverse("intake:rule-retire", args=["deep_first"])
    page = as_olga.post(url, {"seen": 2, "why": "We always ask"}, follow=True)
    assert "This is version 3" in page.text
    assert RuleChange.objects.get(rule="deep_first").act == "retired"
    page = as_olga.post(reverse("intake:rule-retire", args=["aura_now"]), {"seen": 3, "why": "No"}, follow=True)
    assert "cannot be retired" in page.text


def test_a_finding_names_the_version_that_raised_it(
    change: Callable[..., RuleVersion], alice: Client, now: datetime
) -> None:
    version = change("osteoporosis", cap=1)
    send(alice, now=now, osteoporosis="yes")
    assert Finding.objects.get(rule="osteoporosis").rule_version == version
