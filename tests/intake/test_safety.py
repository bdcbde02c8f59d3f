"""Every row of the rules as they come: an answer that raises it, one that does not, and what follows for the hands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.lib.body import GROUPS, REGIONS, Group
from intake.models import Effect
from intake.questions import NO, UNSURE, YES, Answer, Kind, parse_form
from intake.rule_book import is_as_strict
from intake.rules import POSITIONS, PRODUCTS, TECHNIQUES, RuleProblem, Scope, parse_rule, parse_rules
from intake.safety import (
    LADDER,
    FindingFact,
    Planned,
    SafetyProfile,
    Verdict,
    evaluate,
    everyone,
    may,
    merged,
    milder,
    raise_fact,
)
from tests.intake.answers import calm_answers

VERSIONS = Path(__file__).parents[2] / "intake" / "versions"
ROWS = json.loads((VERSIONS / "rules-2.json").read_text("utf-8"))
RULES = {rule.code: rule for rule in parse_rules(ROWS)}
FORM = parse_form(json.loads((VERSIONS / "form-1.en.json").read_text("utf-8")))
CALM = calm_answers(FORM)
TODAY = date(2026, 11, 19)


def ago(days: int) -> str:
    return (TODAY - timedelta(days)).isoformat()


def profile(age: int | None = 38, *withdrawn: str, **answers: Answer) -> SafetyProfile:
    return SafetyProfile({**CALM, **answers}, TODAY, age, withdrawn=frozenset(withdrawn))


SWEDISH = Planned("swedish", frozenset({"head_or_neck"}), pressure=2)
DEEP = Planned("deep_tissue", frozenset({"deep", "head_or_neck"}), pressure=4)
NEUROMUSCULAR = Planned("neuromuscular", frozenset({"static_compression", "head_or_neck"}), pressure=3)
CRANIOSACRAL = Planned("craniosacral", frozenset({"head_or_neck"}), pressure=1)
REFLEXOLOGY = Planned("reflexology", pressure=3, regions=frozenset({"foot"}))


def at(planned: Planned, *regions: str, **changed: Any) -> Planned:
    return replace(planned, regions=frozenset(regions), **changed)


def by(planned: Planned, technique: str, **changed: Any) -> Planned:
    return replace(planned, techniques=frozenset({technique}), **changed)


@dataclass(frozen=True)
class Row:
    """A rule, what raises it, what does not, a plan it touches, and one that it leaves alone."""

    rule: str
    raised_by: dict[str, Answer]
    not_by: dict[str, Answer]
    effect: Effect
    touches: Planned
    spares: Planned | None = None
    ages: tuple[int | None, int | None] = (38, 38)
    cap: int | None = None
    withdrawn: str = ""


E, U, CLEAR, BLOCK, CAP, WARN = (
    Effect.EMERGENCY,
    Effect.SAME_DAY,
    Effect.CLEAR,
    Effect.BLOCK,
    Effect.CAP,
    Effect.WARN,
)
FEET = REFLEXOLOGY
NECK = at(SWEDISH, "neck_posterior_upper")
HEAD = at(SWEDISH, "temple")
BACK = at(SWEDISH, "thoracic_upper")


def flag(number: str, code: str, effect: Effect, sub: str = "", sub_effect: Effect = E) -> list[Row]:
    spares = FEET if effect is CLEAR else None
    rows = [Row(f"red_flag_{number}", {code: YES}, {code: NO}, effect, HEAD, spares)]
    if sub:
        severe = Row(f"red_flag_{number}_severe", {code: YES, sub: YES}, {code: YES, sub: NO}, sub_effect, FEET)
        rows.append(severe)
    return rows


def medicine(kind: str, level: int) -> Row:
    code = f"days_{kind}"
    long_since = {"acute_months": "over_3"}
    return Row(f"medicine_{kind}", {code: level, **long_since}, {code: level - 1, **long_since}, Effect.LETTER, FEET)


def amber(kind: str, level: int) -> Row:
    code = f"days_{kind}"
    return Row(f"medicine_{kind}_amber", {code: level}, {code: level - 1}, Effect.LETTER, FEET)


def withdrawn(consent: str, touches: Planned, spares: Planned | None = None) -> Row:
    return Row(f"withdrawn_{consent}", {}, {}, Effect.CONSENT, touches, spares, withdrawn=consent)


TABLE = [
    Row("guardian", {}, {}, Effect.CONSENT, FEET, ages=(17, 18)),
    Row("attack_deep", {"attack_today": YES}, {"attack_today": NO}, BLOCK, at(NEUROMUSCULAR, "foot"), BACK),
    Row("attack_rest", {"attack_today": YES}, {}, CAP, at(SWEDISH, "hand", pressure=3), cap=2),
    Row(
        "tender_block",
        {"tender_today": YES, "tender_regions": ["temple"]},
        {"tender_today": NO},
        BLOCK,
        at(NEUROMUSCULAR, "temple"),
        at(NEUROMUSCULAR, "lumbar"),
    ),
    Row(
        "tender_cap",
        {"tender_today": YES, "tender_regions": ["temple"]},
        {"tender_today": NO},
        CAP,
        at(SWEDISH, "temple", pressure=3),
        at(SWEDISH, "lumbar", pressure=3),
        cap=2,
    ),
    Row("aura_now", {"aura_now": YES}, {"aura_now": NO}, Effect.POSTPONE, FEET),
    Row("aura_alarming", {"aura_now": YES, "aura_alarming": YES}, {"aura_now": YES, "aura_alarming": NO}, E, FEET),
    *flag("01", "rf_fever", U, "rf_fever_stiff"),
    *flag("02", "rf_cancer", CLEAR),
    *flag("03", "rf_neuro", E),
    *flag("04", "rf_sudden", E),
    *flag("05", "rf_after_50", CLEAR, "rf_after_50_signs", U),
    *flag("06", "rf_change", CLEAR),
    *flag("07", "rf_position", CLEAR),
    *flag("08", "rf_cough", CLEAR),
    *flag("09", "rf_optic", U),
    *flag("10", "rf_progressive", CLEAR),
    *flag("11", "rf_birth", U, "rf_birth_severe"),
    *flag("12", "rf_eye", U, "rf_eye_vision"),
    *flag("13", "rf_injury", U, "rf_injury_severe"),
    *flag("14", "rf_immune", CLEAR),
    Row("red_flag_15_drug", {"rf_new_medicine": YES}, {"rf_new_medicine": NO}, Effect.LETTER, FEET),
    medicine("triptan", 10),
    medicine("ergot", 10),
    medicine("opioid", 10),
    medicine("combination", 10),
    medicine("simple", 15),
    Row(
        "medicine_any",
        {"days_any": 10, "days_triptan": 5, "acute_months": "over_3"},
        {"days_any": 10, "days_triptan": 5, "acute_months": "up_to_3"},
        Effect.LETTER,
        FEET,
    ),
    amber("triptan", 8),
    amber("ergot", 8),
    amber("opioid", 8),
    amber("combination", 8),
    amber("simple", 12),
    Row(
        "medicine_any_amber",
        {"days_any": 8, "days_triptan": 5, "days_simple": 5},
        {"days_any": 7, "days_triptan": 5, "days_simple": 5},
        Effect.LETTER,
        FEET,
    ),
    Row("neck_artery_signs", {"neck_artery_signs": YES}, {"neck_artery_signs": NO}, E, FEET),
    Row("neck_artery_risk", {"neck_artery_risk": YES}, {"neck_artery_risk": NO}, U, FEET),
    Row("neck_artery_past", {"artery_tear": YES}, {"artery_tear": NO}, CLEAR, at(SWEDISH, "suboccipital"), HEAD),
    Row(
        "neck_unstable_cap",
        {"neck_unstable": YES},
        {},
        CAP,
        replace(NECK, pressure=3),
        replace(HEAD, pressure=3),
        cap=2,
    ),
    Row("neck_unstable", {"neck_unstable": YES}, {}, CLEAR, by(SWEDISH, "traction"), NECK),
    Row(
        "neck_injury",
        {"neck_injury": YES, "neck_injury_on": ago(41)},
        {"neck_injury": YES, "neck_injury_on": ago(43)},
        CLEAR,
        NECK,
        HEAD,
    ),
    Row("head_injury", {"head_injury": YES}, {}, CLEAR, CRANIOSACRAL, FEET),
    Row(
        "stroke_recent",
        {"stroke": YES, "stroke_on": ago(100)},
        {"stroke": YES, "stroke_on": ago(200)},
        BLOCK,
        HEAD,
        FEET,
    ),
    Row("stroke_past", {"stroke": YES, "stroke_on": ago(2000)}, {}, CLEAR, CRANIOSACRAL, FEET),
    Row("skull_cs", {"skull_pressure": YES}, {}, BLOCK, at(CRANIOSACRAL, "sacrum"), at(SWEDISH, "sacrum")),
    Row("skull_rest", {"skull_pressure": YES}, {}, CLEAR, NECK, BACK),
    Row("spine_procedure", {"spine_procedure": YES}, {}, CLEAR, at(SWEDISH, "lumbar"), HEAD),
    Row(
        "bleeding_cap",
        {"bleeding": YES},
        {},
        CAP,
        at(NEUROMUSCULAR, "lumbar"),
        at(SWEDISH, "lumbar", pressure=3),
        cap=2,
    ),
    Row("bleeding", {"bleeding": YES}, {}, CLEAR, by(SWEDISH, "friction", pressure=3), by(SWEDISH, "friction")),
    Row("clot", {"clot": YES}, {}, U, FEET),
    Row("clot_block", {"clot": YES}, {}, CLEAR, FEET),
    Row("illness", {"illness": YES}, {}, BLOCK, FEET),
    Row("skin", {"skin": YES, "skin_regions": ["leg"]}, {}, BLOCK, at(SWEDISH, "leg"), HEAD),
    Row("fracture", {"fracture": YES, "fracture_regions": ["arm"]}, {}, BLOCK, at(SWEDISH, "arm"), HEAD),
    Row("osteoporosis", {"osteoporosis": YES}, {}, CAP, at(DEEP, "leg"), HEAD, cap=3),
    Row("osteoporosis_chest", {"osteoporosis": YES}, {}, BLOCK, by(SWEDISH, "chest_compression"), HEAD),
    Row(
        "pressure_crisis",
        {"pressure_uncontrolled": YES, "pressure_crisis": YES},
        {"pressure_uncontrolled": YES, "pressure_crisis": NO},
        U,
        FEET,
    ),
    Row("pressure_uncontrolled", {"pressure_uncontrolled": YES, "pressure_crisis": NO}, {}, CLEAR, FEET),
    Row(
        "pregnancy",
        {"pregnant": YES, "pregnant_20": NO},
        {},
        WARN,
        at(SWEDISH, "leg", pressure=4),
        at(SWEDISH, "leg", products=frozenset({"cold"})),
    ),
    Row(
        "pregnancy_20",
        {"pregnant": YES, "pregnant_20": YES},
        {"pregnant": YES, "pregnant_20": NO},
        WARN,
        replace(BACK, position="prone"),
        replace(BACK, position="side"),
    ),
    Row(
        "cancer_region",
        {"cancer_active": YES, "cancer_regions": ["clavicle_pectoral"]},
        {},
        BLOCK,
        at(SWEDISH, "clavicle_pectoral"),
        HEAD,
    ),
    Row("cancer_cap", {"cancer_active": YES}, {}, CAP, at(SWEDISH, "leg", pressure=3), cap=2),
    Row("cancer_deep", {"cancer_active": YES}, {}, CLEAR, at(DEEP, "leg", pressure=2), BACK),
    Row(
        "surgery_region",
        {"surgery": YES, "surgery_on": ago(10), "surgery_regions": ["abdomen"]},
        {"surgery": YES, "surgery_on": ago(43), "surgery_regions": ["abdomen"]},
        BLOCK,
        at(SWEDISH, "abdomen"),
        HEAD,
    ),
    Row("surgery", {"surgery": YES, "surgery_on": ago(42)}, {"surgery": YES, "surgery_on": ago(43)}, CLEAR, FEET),
    Row(
        "botulinum_block",
        {"botulinum": YES, "botulinum_on": ago(1)},
        {"botulinum": YES, "botulinum_on": ago(2)},
        BLOCK,
        HEAD,
        BACK,
    ),
    Row(
        "botulinum_cap",
        {"botulinum": YES, "botulinum_on": ago(7)},
        {"botulinum": YES, "botulinum_on": ago(8)},
        CAP,
        replace(HEAD, pressure=3),
        replace(BACK, pressure=3),
        cap=2,
    ),
    Row(
        "botulinum_warn",
        {"botulinum": YES, "botulinum_on": ago(14)},
        {"botulinum": YES, "botulinum_on": ago(15)},
        WARN,
        HEAD,
        BACK,
    ),
    Row(
        "nerve_block_block",
        {"nerve_block": YES, "nerve_block_on": ago(1)},
        {"nerve_block": YES, "nerve_block_on": ago(2)},
        BLOCK,
        at(SWEDISH, "occiput"),
        HEAD,
    ),
    Row(
        "nerve_block_cap",
        {"nerve_block": YES, "nerve_block_on": ago(3)},
        {"nerve_block": YES, "nerve_block_on": ago(4)},
        CAP,
        at(SWEDISH, "suboccipital", pressure=3),
        replace(HEAD, pressure=3),
        cap=2,
    ),
    Row(
        "numbness",
        {"numbness": YES, "numb_regions": ["hand"]},
        {},
        CAP,
        at(SWEDISH, "hand", pressure=3),
        replace(HEAD, pressure=3),
        cap=2,
    ),
    Row("jaw", {"jaw": YES}, {}, BLOCK, at(SWEDISH, "jaw_masseter"), HEAD),
    Row(
        "implant_block",
        {"implant": YES, "implant_regions": ["clavicle_pectoral"]},
        {},
        BLOCK,
        at(SWEDISH, "clavicle_pectoral"),
        HEAD,
    ),
    Row("implant", {"implant": YES}, {}, CLEAR, FEET),
    Row("intoxication", {"intoxicated": YES}, {"intoxicated": NO}, BLOCK, FEET),
    Row("sedative_cap", {"sedative": YES}, {"sedative": NO}, CAP, at(DEEP, "leg"), BACK, cap=3),
    Row("sedative_warn", {"sedative": YES}, {"sedative": NO}, WARN, at(DEEP, "leg"), FEET),
    Row(
        "aroma",
        {"triggers": ["odour"]},
        {"triggers": ["stress"]},
        Effect.NO_PRODUCT,
        replace(BACK, products=frozenset({"aroma"})),
        replace(BACK, products=frozenset({"heat"})),
    ),
    Row("deep_first", {"deep_new": YES}, {"deep_new": NO}, WARN, DEEP, BACK),
    Row("new_event", {"new_event": YES}, {"new_event": NO}, WARN, FEET),
    Row("crisis", {"crisis": YES}, {"crisis": NO}, WARN, FEET),
    *(withdrawn(code, FEET) for code in ("complementary", "treatment", "stop", "draping", "medicines")),
    withdrawn("emergency", FEET),
    withdrawn("privacy", FEET),
    withdrawn("touch_head", HEAD, BACK),
    withdrawn("touch_chest", at(SWEDISH, "sternum"), HEAD),
]
EVERYONE = {"pulse_line_pressure", "pulse_line_static", "elbow_at_neck", "percussion_at_neck", "inside_mouth"}


def test_every_row_of_the_rules_stands_in_the_table() -> None:
    assert {row.rule for row in TABLE} | EVERYONE == set(RULES)


# What the domain's pages ask for, row by row: the rules that carry it, and whether it may never be loosened.
FLOOR = True
DOMAIN: dict[str, tuple[str, bool]] = {
    "Active attack (today)": ("attack_deep attack_rest", FLOOR),
    "Touch sensitivity today": ("tender_block tender_cap", False),
    "Aura now": ("aura_now aura_alarming", FLOOR),
    "Red flag 1": ("red_flag_01 red_flag_01_severe", FLOOR),
    "Red flag 2": ("red_flag_02", False),
    "Red flag 3": ("red_flag_03", FLOOR),
    "Red flag 4": ("red_flag_04", FLOOR),
    "Red flag 5": ("red_flag_05", False),
    "Red flag 5 with signs; giant-cell arteritis signs": ("red_flag_05_severe", FLOOR),
    "Red flag 6": ("red_flag_06", False),
    "Red flag 7": ("red_flag_07", False),
    "Red flag 8": ("red_flag_08", False),
    "Red flag 9": ("red_flag_09", FLOOR),
    "Red flag 10": ("red_flag_10", False),
    "Red flag 11": ("red_flag_11 red_flag_11_severe", FLOOR),
    "Red flag 12": ("red_flag_12 red_flag_12_severe", FLOOR),
    "Red flag 13": ("red_flag_13 red_flag_13_severe", FLOOR),
    "Red flag 14": ("red_flag_14", False),
    "Red flag 15": ("red_flag_15_drug", False),
    "Medicine days, level": (
        "medicine_triptan medicine_ergot medicine_opioid medicine_combination medicine_simple medicine_any",
        False,
    ),
    "Medicine days, amber": (
        "medicine_triptan_amber medicine_ergot_amber medicine_opioid_amber medicine_combination_amber"
        " medicine_simple_amber medicine_any_amber",
        False,
    ),
    "Neck-artery questions; dissection suspected": ("neck_artery_signs neck_artery_risk", FLOOR),
    "Neck-artery dissection past": ("neck_artery_past", False),
    "Neck instability": ("neck_unstable neck_unstable_cap", False),
    "Whiplash or neck injury < 6 weeks": ("neck_injury", False),
    "Pulse line, everyone": ("pulse_line_pressure pulse_line_static elbow_at_neck", FLOOR),
    "Percussion device at the neck": ("percussion_at_neck", FLOOR),
    "Head injury": ("head_injury", False),
    "Brain bleed or stroke": ("stroke_recent stroke_past", False),
    "Aneurysm, raised pressure, shunt, leak, Chiari": ("skull_cs skull_rest", False),
    "Lumbar puncture, epidural, surgery": ("spine_procedure", False),
    "Blood thinner": ("bleeding bleeding_cap", False),
    "Deep-vein thrombosis": ("clot clot_block", False),
    "Fever, contagious illness": ("illness", False),
    "Skin lesion": ("skin", False),
    "Fracture / osteoporosis": ("fracture osteoporosis osteoporosis_chest", False),
    "Blood pressure": ("pressure_crisis pressure_uncontrolled", False),
    "Pregnancy": ("pregnancy pregnancy_20", False),
    "Active cancer": ("cancer_region cancer_cap cancer_deep", False),
    "Surgery < 6 weeks": ("surgery surgery_region", False),
    "Botulinum toxin": ("botulinum_block botulinum_cap botulinum_warn", False),
    "Occipital nerve block": ("nerve_block_block nerve_block_cap", False),
    "Numbness": ("numbness", False),
    "Jaw lock, dental surgery": ("jaw", False),
    "Implant": ("implant implant_block", False),
    "Intoxication": ("intoxication", False),
    "Under 18, or birth date unknown": ("guardian", False),
    "Sedative or strong painkiller": ("sedative_cap sedative_warn", False),
    "Work inside the mouth": ("inside_mouth", False),
    "Thoughts of self-harm or harm by others": ("crisis", False),
    "Oil allergy, odour trigger": ("aroma", False),
    "Deep tissue, first time": ("deep_first", False),
    "New events, at check-in": ("new_event", False),
    "Consents, each revocable": (
        "withdrawn_complementary withdrawn_treatment withdrawn_stop withdrawn_draping withdrawn_medicines"
        " withdrawn_emergency withdrawn_privacy withdrawn_touch_head withdrawn_touch_chest",
        False,
    ),
}


@pytest.mark.parametrize("row", DOMAIN)
def test_every_row_of_the_domain_has_its_rules_with_their_source_and_floor(row: str) -> None:
    codes, is_floor = DOMAIN[row]
    for code in codes.split():
        assert RULES[code].is_floor == is_floor, code
        assert RULES[code].source


def test_every_rule_belongs_to_one_row_of_the_domain() -> None:
    named = [code for codes, _is_floor in DOMAIN.values() for code in codes.split()]
    assert sorted(named) == sorted(RULES)


def fact_for(rule: str, age: int | None, answers: dict[str, Answer], withdrawn: str = "") -> FindingFact | None:
    return raise_fact(RULES[rule], profile(age, *withdrawn.split(), **answers), TODAY)


def is_touched(planned: Planned, fact: FindingFact) -> bool:
    """Say whether a finding alone changes anything about a plan."""
    verdict = may(planned, [fact], TODAY)
    if fact.effect is Effect.LETTER:
        return verdict == Verdict()
    return verdict.blocked or (planned.pressure or 0) > verdict.cap or bool(verdict.warnings)


@pytest.mark.parametrize("row", TABLE, ids=[row.rule for row in TABLE])
def test_the_answer_raises_it(row: Row) -> None:
    fact = fact_for(row.rule, row.ages[0], row.raised_by, row.withdrawn)
    assert fact is not None
    assert (fact.effect, fact.cap) == (row.effect, row.cap)
    assert is_touched(row.touches, fact)


@pytest.mark.parametrize("row", TABLE, ids=[row.rule for row in TABLE])
def test_the_other_answer_does_not(row: Row) -> None:
    assert fact_for(row.rule, row.ages[1], row.not_by) is None


SPARING = [row for row in TABLE if row.spares is not None]


@pytest.mark.parametrize("row", SPARING, ids=[row.rule for row in SPARING])
def test_it_leaves_alone_what_it_does_not_speak_of(row: Row) -> None:
    fact = fact_for(row.rule, row.ages[0], row.raised_by, row.withdrawn)
    assert fact is not None
    assert row.spares is not None
    assert not is_touched(row.spares, fact)


YES_ROWS = [row for row in TABLE if YES in row.raised_by.values()]


@pytest.mark.parametrize("row", YES_ROWS, ids=[row.rule for row in YES_ROWS])
def test_not_sure_counts_as_yes_one_step_milder(row: Row) -> None:
    unsure = {code: UNSURE if answer == YES else answer for code, answer in row.raised_by.items()}
    fact = fact_for(row.rule, 38, unsure)
    assert fact is not None
    assert fact.effect == milder(row.effect, row.cap)[0]
    assert fact.words == f"Not sure about this: {RULES[row.rule].title}."


def test_the_ladder_ends_at_a_warning_and_knows_every_effect() -> None:
    assert [milder(effect, None)[0] for effect in reversed(LADDER)] == [*list(reversed(LADDER))[1:], WARN]
    assert {*LADDER, Effect.NO_PRODUCT, Effect.CONSENT, Effect.LETTER} == set(Effect)


def test_a_calm_client_raises_nothing() -> None:
    assert evaluate(RULES.values(), profile(), TODAY) == []


def test_an_unknown_date_of_birth_counts_as_under_age() -> None:
    assert fact_for("guardian", None, {}) is not None


def test_who_is_under_age_is_so_until_the_day_before_the_birthday() -> None:
    born = date(2008, 11, 25)
    young = replace(profile(17), born_on=born)
    fact = raise_fact(RULES["guardian"], young, TODAY)
    assert fact is not None
    assert may(FEET, [fact], date(2026, 11, 24)).blocked
    assert may(FEET, [fact], date(2026, 11, 25)).allowed
    leap = raise_fact(RULES["guardian"], replace(young, born_on=date(2008, 2, 29), age=17), date(2026, 2, 1))
    assert leap is not None
    assert leap.ends_on == date(2026, 2, 28)


def test_medicine_days_are_amber_below_the_level_and_beside_none() -> None:
    def raised(**answers: Answer) -> set[str]:
        facts = evaluate(RULES.values(), profile(**answers), TODAY)
        return {fact.rule for fact in facts if fact.rule.startswith("medicine")}

    assert raised(days_triptan=7, days_any=7) == set()
    assert raised(days_triptan=8, days_any=8) == {"medicine_triptan_amber"}
    assert raised(days_triptan=10, days_any=10) == {"medicine_triptan"}
    assert raised(days_triptan=10, days_any=10, acute_months="up_to_3") == {"medicine_triptan_amber"}
    assert raised(days_triptan=5, days_simple=6, days_any=10) == {"medicine_any"}
    assert raised(days_triptan=5, days_simple=6, days_any=8) == {"medicine_any_amber"}
    assert raised(days_triptan=0, days_simple=14, days_any=14) == {"medicine_simple_amber"}


def test_a_guardians_consent_lifts_what_it_is_about() -> None:
    fact = fact_for("guardian", 16, {})
    assert fact is not None
    assert may(FEET, [fact], TODAY).blocked
    assert may(FEET, [fact], TODAY, consents=frozenset({"guardian"})).allowed


def test_an_unanswered_safety_question_holds_back_deep_and_neck_work() -> None:
    answers = {code: answer for code, answer in CALM.items() if code != "rf_immune"}
    facts = evaluate(RULES.values(), SafetyProfile(answers, TODAY, 38), TODAY)
    assert [fact.rule for fact in facts] == ["not_asked"]
    assert may(NECK, facts, TODAY).blocked
    assert may(at(DEEP, "leg"), facts, TODAY).blocked
    assert may(at(SWEDISH, "leg", pressure=4), facts, TODAY).blocked
    assert may(at(SWEDISH, "leg", pressure=3), facts, TODAY).allowed
    assert may(at(SWEDISH, "leg"), facts, TODAY).cap == 3


def test_every_safety_question_of_the_form_is_read_by_a_rule() -> None:
    read = {code for rule in RULES.values() if rule.when for code in rule.when.questions()}
    asked = {code for code, question in FORM.questions.items() if question.kind is Kind.YES_NO_UNSURE}
    assert asked <= read


def test_every_answer_that_a_rule_reads_is_asked_in_the_form_or_at_the_visit() -> None:
    for rule in RULES.values():
        named = set(rule.when.questions()) if rule.when else set()
        named |= {scope.regions_from for scope in rule.applies_to if scope.regions_from}
        named |= {rule.window.since} - {"answer"} if rule.window else set()
        assert rule.is_asked_at_visit or named <= set(FORM.questions), rule.code


def test_a_follow_up_is_read_only_together_with_what_it_follows() -> None:
    for rule in RULES.values():
        codes = set(rule.when.questions()) if rule.when else set()
        parents = {FORM.questions[code].shown_if for code in codes if code in FORM.questions}
        assert parents - {""} <= codes, rule.code


# --- The pulse line and what else holds for everyone

ALWAYS = everyone(RULES.values())


@pytest.mark.parametrize("region", sorted(GROUPS[Group.PULSE_LINE]))
def test_nobody_presses_or_holds_on_the_pulse_line(region: str) -> None:
    assert may(at(SWEDISH, region, pressure=3), ALWAYS, TODAY).blocked
    assert may(at(by(SWEDISH, "static_compression"), region, pressure=1), ALWAYS, TODAY).blocked
    assert may(at(SWEDISH, region, pressure=1), ALWAYS, TODAY).allowed


def test_only_the_sternocleidomastoid_may_be_held_and_only_by_pincer_grip() -> None:
    pincer = replace(NEUROMUSCULAR, techniques=frozenset({"static_compression", "pincer"}))
    assert may(at(pincer, "scm"), ALWAYS, TODAY).allowed
    assert may(at(pincer, "scalene"), ALWAYS, TODAY).blocked
    assert may(at(pincer, "scm", "scalene"), ALWAYS, TODAY).blocked


def test_the_front_of_the_neck_takes_no_pressure_at_all() -> None:
    assert may(at(SWEDISH, "neck_anterior"), ALWAYS, TODAY).hard_cap == 1


@pytest.mark.parametrize("region", sorted(GROUPS[Group.NECK]))
def test_no_elbow_and_no_percussion_device_at_the_neck(region: str) -> None:
    assert may(at(by(SWEDISH, "elbow"), region, pressure=1), ALWAYS, TODAY).blocked
    device = at(SWEDISH, region, pressure=1, products=frozenset({"percussion_device"}))
    assert may(device, ALWAYS, TODAY).blocked
    assert may(at(SWEDISH, region, pressure=1), ALWAYS, TODAY).refused_products == {"percussion_device"}


def test_work_inside_the_mouth_needs_its_consent() -> None:
    assert may(at(SWEDISH, "mouth_inside"), ALWAYS, TODAY).blocked
    assert may(at(SWEDISH, "mouth_inside"), ALWAYS, TODAY, consents=frozenset({"inside_mouth"})).allowed


# --- Days


def test_botulinum_toxin_loosens_day_by_day() -> None:
    facts = evaluate(RULES.values(), profile(botulinum=YES, botulinum_on=ago(0)), TODAY)
    firm = replace(HEAD, pressure=3)
    seen = [may(firm, facts, TODAY + timedelta(days)) for days in range(16)]
    assert [verdict.blocked for verdict in seen] == [True] * 2 + [False] * 14
    assert [verdict.cap < 3 for verdict in seen] == [True] * 8 + [False] * 8
    assert [bool(verdict.warnings) for verdict in seen] == [False] * 8 + [True] * 7 + [False]


def test_without_its_day_a_dated_rule_holds_one_step_milder_for_good() -> None:
    fact = fact_for("botulinum_block", 38, {"botulinum": YES})
    assert fact is not None
    assert (fact.effect, fact.ends_on) == (CLEAR, None)


def test_where_she_names_no_region_it_holds_everywhere() -> None:
    fact = fact_for("skin", 38, {"skin": YES})
    assert fact is not None
    assert may(FEET, [fact], TODAY).blocked


# --- Growing


def test_a_finding_grows_with_a_more_severe_answer_and_never_shrinks() -> None:
    mild = fact_for("red_flag_04", 38, {"rf_sudden": UNSURE})
    severe = fact_for("red_flag_04", 38, {"rf_sudden": YES})
    assert mild is not None
    assert severe is not None
    assert merged(mild, severe, TODAY).effect is E
    assert merged(severe, mild, TODAY) == severe


def test_regions_and_days_of_two_answers_are_joined() -> None:
    one = FindingFact(
        "skin", BLOCK, "x", applies_to=(Scope(regions=frozenset({"leg"})),), starts_on=TODAY, ends_on=TODAY
    )
    other = replace(one, applies_to=(Scope(regions=frozenset({"arm"})),), ends_on=TODAY + timedelta(3))
    joined = merged(one, other, TODAY)
    assert may(at(SWEDISH, "arm"), [joined], TODAY).blocked
    assert may(at(SWEDISH, "leg"), [joined], TODAY + timedelta(3)).blocked
    assert merged(one, replace(other, applies_to=()), TODAY).applies_to == ()


# --- Properties

SAFETY = sorted(code for code, question in FORM.questions.items() if question.kind is Kind.YES_NO_UNSURE)
PLANS = st.builds(
    Planned,
    modality=st.sampled_from(["swedish", "deep_tissue", "neuromuscular", "craniosacral", "reflexology"]),
    traits=st.frozensets(st.sampled_from(["deep", "static_compression", "head_or_neck"])),
    techniques=st.frozensets(st.sampled_from(sorted(TECHNIQUES)), max_size=2),
    regions=st.frozensets(st.sampled_from([str(region) for region in REGIONS]), max_size=3),
    pressure=st.none() | st.integers(1, 5),
    position=st.sampled_from(["", *sorted(POSITIONS)]),
    products=st.frozensets(st.sampled_from(sorted(PRODUCTS)), max_size=2),
)
# Also what only a check-in or a therapist asks.
AT_VISIT = {code for rule in RULES.values() if rule.is_asked_at_visit and rule.when for code in rule.when.questions()}
ASKED = sorted({*SAFETY, *AT_VISIT})
ALONE = [code for code in SAFETY if not FORM.questions[code].shown_if]
ANSWERS = st.fixed_dictionaries({code: st.sampled_from([YES, NO, UNSURE]) for code in ASKED})


def verdict_of(answers: dict[str, Answer], planned: Planned) -> Verdict:
    facts = evaluate(RULES.values(), profile(**answers), TODAY)
    return may(planned, [*facts, *ALWAYS], TODAY)


@settings(max_examples=150, deadline=None)
@given(answers=ANSWERS, planned=PLANS, changed=st.sampled_from(ASKED))
def test_one_more_yes_never_permits_more(answers: dict[str, Answer], planned: Planned, changed: str) -> None:
    before, after = verdict_of(answers, planned), verdict_of(answers | {changed: YES}, planned)
    assert after.allowed <= before.allowed
    assert after.cap <= before.cap
    assert after.hard_cap <= before.hard_cap
    assert after.refused_products >= before.refused_products


@settings(max_examples=150, deadline=None)
@given(answers=ANSWERS, planned=PLANS, changed=st.sampled_from(ASKED))
def test_not_sure_permits_no_more_than_no_and_no_less_than_yes(
    answers: dict[str, Answer], planned: Planned, changed: str
) -> None:
    no, unsure, yes = (verdict_of(answers | {changed: answer}, planned) for answer in (NO, UNSURE, YES))
    assert yes.allowed <= unsure.allowed <= no.allowed
    assert yes.cap <= unsure.cap <= no.cap


@settings(max_examples=150, deadline=None)
@given(answers=ANSWERS, planned=PLANS, left_out=st.sampled_from(ALONE))
def test_what_was_not_asked_permits_no_more_than_no_and_holds_back_deep_and_neck(
    answers: dict[str, Answer], planned: Planned, left_out: str
) -> None:
    no = verdict_of(answers | {left_out: NO}, planned)
    facts = evaluate(RULES.values(), SafetyProfile(without(answers, left_out), TODAY, 38), TODAY)
    unasked = may(planned, [*facts, *ALWAYS], TODAY)
    assert unasked.allowed <= no.allowed
    assert unasked.cap <= no.cap
    for held_back in (NECK, at(DEEP, "leg"), at(SWEDISH, "leg", pressure=4)):
        assert may(held_back, facts, TODAY).blocked


def without(answers: dict[str, Answer], left_out: str) -> dict[str, Answer]:
    """Return the answers of somebody who was never asked one of the questions, nor what follows it up."""
    said = {**CALM, **answers}
    asked = FORM.questions
    return {
        code: answer
        for code, answer in said.items()
        if code != left_out and not (code in asked and asked[code].shown_if == left_out)
    }


@settings(max_examples=100, deadline=None)
@given(answers=ANSWERS, planned=PLANS, code=st.sampled_from(sorted(RULES)))
def test_a_stricter_rule_never_permits_more(answers: dict[str, Answer], planned: Planned, code: str) -> None:
    """What an owner may do to the floor: one step up, or one pressure less."""
    rule = RULES[code]
    if rule.effect is CAP:
        stricter = replace(rule, cap=max(1, (rule.cap or 1) - 1))
    elif rule.effect in LADDER and rule.effect is not LADDER[-1]:
        up = LADDER[LADDER.index(rule.effect) + 1]
        stricter = replace(rule, effect=up, cap=2 if up is CAP else None)
    else:
        stricter = rule
    before = may(planned, evaluate(RULES.values(), profile(**answers), TODAY), TODAY)
    after = may(planned, evaluate((RULES | {code: stricter}).values(), profile(**answers), TODAY), TODAY)
    assert is_as_strict(rule, stricter)
    assert after.allowed <= before.allowed
    assert after.cap <= before.cap


@settings(max_examples=100, deadline=None)
@given(answers=ANSWERS, planned=PLANS)
def test_closing_a_finding_never_forbids_more(answers: dict[str, Answer], planned: Planned) -> None:
    facts = evaluate(RULES.values(), profile(**answers), TODAY)
    everything = may(planned, facts, TODAY)
    for index in range(len(facts)):
        fewer = may(planned, facts[:index] + facts[index + 1 :], TODAY)
        assert fewer.allowed >= everything.allowed
        assert fewer.cap >= everything.cap


@settings(max_examples=100, deadline=None)
@given(old=ANSWERS, new=ANSWERS, planned=PLANS)
def test_new_answers_never_loosen_what_is_in_force(
    old: dict[str, Answer], new: dict[str, Answer], planned: Planned
) -> None:
    first = {fact.rule: fact for fact in evaluate(RULES.values(), profile(**old), TODAY)}
    grown = dict(first)
    for fact in evaluate(RULES.values(), profile(**new), TODAY):
        grown[fact.rule] = merged(grown[fact.rule], fact, TODAY) if fact.rule in grown else fact
    before, after = may(planned, first.values(), TODAY), may(planned, grown.values(), TODAY)
    assert after.allowed <= before.allowed
    assert after.cap <= before.cap


# --- Rows that cannot be read

GOOD = {
    "code": "x",
    "title": "X",
    "effect": "block",
    "reason": "Because.",
    "source": "D",
    "when": {"question": "clot", "is": "yes"},
}
BAD = [
    {"effect": "forbid"},
    {"effect": "cap"},
    {"effect": "cap", "cap": 6},
    {"effect": "block", "cap": 2},
    {"effect": "consent"},
    {"effect": "no_product"},
    {"effect": "no_product", "applies_to": [{"regions": ["neck"]}]},
    {"reason": ""},
    {"source": ""},
    {"colour": "red"},
    {"when": {"question": "clot", "is": "maybe"}},
    {"when": {"question": "clot", "equals": "yes"}},
    {"when": {"question": "clot", "is": "yes", "at_least": 3}},
    {"when": {"is": "yes"}},
    {"when": {"fact": "height", "below": 18}},
    {"when": {"all": []}},
    {"when": {"none": [{"question": "clot", "is": "yes"}]}},
    {"when": "clot == yes"},
    {"applies_to": [{"regions": ["elbow"]}]},
    {"applies_to": [{"regions": "neck"}]},
    {"applies_to": [{"techniques": ["levitation"]}]},
    {"applies_to": [{"positions": ["upside_down"]}]},
    {"applies_to": [{"pressure_from": 7}]},
    {"applies_to": [{"muscles": ["scm"]}]},
    {"window": {"from": "clot"}},
]


def test_a_good_row_is_read() -> None:
    assert parse_rule(GOOD).effect is BLOCK


@pytest.mark.parametrize("change", BAD, ids=[json.dumps(change) for change in BAD])
def test_a_row_that_cannot_be_read_fails(change: dict[str, Any]) -> None:
    with pytest.raises(RuleProblem):
        parse_rule(GOOD | change)


@pytest.mark.parametrize("rows", [[], {}, "rules", [GOOD, GOOD], ["x"]])
def test_a_version_that_cannot_be_read_fails(rows: Any) -> None:
    with pytest.raises(RuleProblem):
        parse_rules(rows)
