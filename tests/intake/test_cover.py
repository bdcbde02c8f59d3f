"""A clearance opens exactly what it names, and nothing else ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.lib.body import Group, Region
from intake.cover import ClearanceFact
from intake.models import Effect
from intake.rules import Scope
from intake.safety import FindingFact, Planned, Verdict, may

DAY = date(2026, 11, 19)
HEAD_AND_NECK = (Scope(regions=frozenset({"head", "neck"})),)
FEET = frozenset({"foot"})
SWEDISH_FEET = Planned(modality="swedish", regions=FEET, pressure=2)
SWEDISH_NECK = Planned(modality="swedish", regions=frozenset({"neck_posterior_upper"}), pressure=2)
OF_THE_VISIT = Planned(modality="swedish")


def held_back(effect: Effect = Effect.CLEAR, scopes: tuple[Scope, ...] = (), finding: int | None = 7) -> FindingFact:
    return FindingFact(rule="implant", effect=effect, reason="A device.", applies_to=scopes, finding=finding)


def cleared(**scope: object) -> ClearanceFact:
    return replace(
        ClearanceFact(finding=7, pressure_up_to=5, starts_on=DAY, ends_on=DAY + timedelta(days=30)),
        **scope,  # type: ignore[arg-type]
    )


def asked(planned: Planned, fact: FindingFact, *clearances: ClearanceFact, day: date = DAY) -> Verdict:
    return may(planned, [fact], day, clearances=clearances)


def test_without_a_clearance_it_is_held_back_and_with_one_for_all_it_is_not() -> None:
    for planned in (SWEDISH_FEET, SWEDISH_NECK, OF_THE_VISIT):
        assert asked(planned, held_back()).blocked
        assert asked(planned, held_back(), cleared()) == Verdict()


def test_a_clearance_for_the_feet_does_not_open_the_neck() -> None:
    feet = cleared(regions=FEET)
    assert asked(SWEDISH_FEET, held_back(), feet).allowed
    assert asked(SWEDISH_NECK, held_back(), feet).blocked
    both = replace(SWEDISH_NECK, regions=SWEDISH_NECK.regions | FEET)
    assert asked(both, held_back(), feet).blocked


def test_a_visit_of_which_nothing_is_decided_may_begin_and_hands_at_no_named_place_may_not() -> None:
    feet = cleared(regions=FEET)
    assert asked(OF_THE_VISIT, held_back(), feet).allowed
    assert asked(replace(OF_THE_VISIT, pressure=1), held_back(), feet).blocked


def test_two_clearances_open_together_what_neither_opens_alone() -> None:
    both = replace(SWEDISH_NECK, regions=SWEDISH_NECK.regions | FEET)
    neck = cleared(regions=SWEDISH_NECK.regions, pressure_up_to=3)
    verdict = asked(both, held_back(), neck, cleared(regions=FEET))
    assert verdict.allowed
    assert verdict.hard_cap == 3


def test_it_counts_on_its_days_and_no_other() -> None:
    one = cleared(starts_on=DAY, ends_on=DAY + timedelta(days=2))
    open_on = [n for n in range(-2, 6) if asked(SWEDISH_NECK, held_back(), one, day=DAY + timedelta(days=n)).allowed]
    assert open_on == [0, 1, 2]


def test_firmer_than_it_says_is_held_back_and_no_reason_passes_over_it() -> None:
    gentle = cleared(pressure_up_to=2)
    assert asked(SWEDISH_NECK, held_back(), gentle).allowed
    assert asked(SWEDISH_NECK, held_back(), gentle).hard_cap == 2
    assert asked(replace(SWEDISH_NECK, pressure=3), held_back(), gentle).blocked


def test_it_opens_its_modalities_only() -> None:
    assert asked(SWEDISH_NECK, held_back(), cleared(modalities=frozenset({"swedish"}))).allowed
    assert asked(SWEDISH_NECK, held_back(), cleared(modalities=frozenset({"craniosacral"}))).blocked


@pytest.mark.parametrize("effect", sorted(set(Effect) - {Effect.CLEAR}))
def test_nothing_but_what_waits_for_a_clearance_is_covered(effect: Effect) -> None:
    fact = replace(held_back(effect), cap=2, consent="guardian", applies_to=(Scope(products=frozenset({"oil"})),))
    planned = replace(SWEDISH_FEET, products=frozenset({"oil"}))
    assert asked(planned, fact, cleared()) == asked(planned, fact)


def test_what_is_asked_anew_at_a_visit_is_not_covered() -> None:
    assert asked(SWEDISH_NECK, held_back(finding=None), cleared()).blocked
    assert asked(SWEDISH_NECK, held_back(finding=8), cleared()).blocked


def test_a_block_beside_it_holds_on() -> None:
    block = FindingFact(
        rule="stroke_recent", effect=Effect.BLOCK, reason="Lately.", applies_to=HEAD_AND_NECK, finding=7
    )
    verdict = may(SWEDISH_NECK, [held_back(scopes=HEAD_AND_NECK), block], DAY, clearances=[cleared()])
    assert [fact.rule for fact in verdict.stops] == ["stroke_recent"]


# --- Whatever is planned, found and cleared

MODALITIES = st.sampled_from(["", "swedish", "craniosacral", "deep_tissue"])
PLACES = st.frozensets(st.sampled_from(sorted(Region)), max_size=3)
DAYS = st.integers(-5, 5).map(lambda n: DAY + timedelta(days=n))
SCOPES = st.builds(
    Scope,
    modalities=st.frozensets(st.sampled_from(["swedish", "craniosacral", "deep"]), max_size=2),
    regions=st.frozensets(st.sampled_from([*sorted(Region), *sorted(Group)]), max_size=2),
    pressure_from=st.integers(0, 5),
)
FACTS = st.builds(
    FindingFact,
    rule=st.just("rule"),
    effect=st.sampled_from([Effect.CLEAR, Effect.BLOCK, Effect.POSTPONE, Effect.SAME_DAY, Effect.EMERGENCY]),
    reason=st.just("Why."),
    applies_to=st.lists(SCOPES, max_size=2).map(tuple),
    finding=st.sampled_from([None, 1, 2]),
)
CLEARANCES = st.builds(
    ClearanceFact,
    finding=st.sampled_from([1, 2]),
    pressure_up_to=st.integers(1, 5),
    starts_on=DAYS,
    ends_on=DAYS,
    modalities=st.frozensets(st.sampled_from(["swedish", "craniosacral"]), max_size=2),
    regions=PLACES,
)
PLANS = st.builds(
    Planned,
    modality=MODALITIES,
    traits=st.frozensets(st.just("deep")),
    regions=PLACES,
    pressure=st.none() | st.integers(1, 5),
)


@given(PLANS, st.lists(FACTS, max_size=3), st.lists(CLEARANCES, max_size=3), CLEARANCES, DAYS)
def test_a_clearance_never_forbids_more(
    planned: Planned, facts: list[FindingFact], held: list[ClearanceFact], one: ClearanceFact, day: date
) -> None:
    before = may(planned, facts, day, clearances=held)
    after = may(planned, facts, day, clearances=[*held, one])
    assert set(after.stops) <= set(before.stops)
    assert after.cap >= before.cap
    assert after.hard_cap >= before.hard_cap


@given(PLANS, st.lists(FACTS, max_size=3), CLEARANCES, DAYS)
def test_outside_its_scope_it_is_as_if_it_were_not_there(
    planned: Planned, facts: list[FindingFact], one: ClearanceFact, day: date
) -> None:
    is_outside = (
        not one.starts_on <= day <= one.ends_on
        or one.finding not in {fact.finding for fact in facts if fact.effect is Effect.CLEAR}
        or bool(one.modalities and planned.modality and planned.modality not in one.modalities)
        or bool(one.regions and planned.regions and not one.regions & planned.regions)
    )
    if is_outside:
        assert may(planned, facts, day, clearances=[one]) == may(planned, facts, day)


@given(PLANS, FACTS.filter(lambda fact: fact.effect is Effect.CLEAR), CLEARANCES, DAYS)
def test_what_it_opens_lies_within_it(planned: Planned, fact: FindingFact, one: ClearanceFact, day: date) -> None:
    before, after = asked(planned, fact, day=day), asked(planned, fact, one, day=day)
    if before.blocked and after.allowed:
        assert fact.finding == one.finding
        assert one.starts_on <= day <= one.ends_on
        assert not one.modalities or planned.modality in {"", *one.modalities}
        untouched = min((scope.pressure_from - 1 for scope in fact.applies_to), default=0)
        assert (planned.pressure or 0) <= max(one.pressure_up_to, untouched)
        uncovered = planned.regions - one.regions if one.regions else frozenset[str]()
        # Of a region that it does not name, nothing was held back.
        assert not uncovered or asked(replace(planned, regions=uncovered), fact, day=day).allowed
