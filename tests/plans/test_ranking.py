from dataclasses import replace

import pytest

from intake.models import Effect
from intake.safety import FindingFact, Verdict
from plans.ranking import Candidate, Fact, Suggestion, rank

CRANIOSACRAL = Candidate("craniosacral", works_head_or_neck=True)
MYOFASCIAL = Candidate("myofascial", works_head_or_neck=True)
NEUROMUSCULAR = Candidate("neuromuscular", works_head_or_neck=True)
SWEDISH = Candidate("swedish", works_head_or_neck=True)
DEEP_TISSUE = Candidate("deep_tissue", works_head_or_neck=True)
REFLEXOLOGY = Candidate("reflexology", works_head_or_neck=False)
EVERYTHING = [CRANIOSACRAL, MYOFASCIAL, NEUROMUSCULAR, SWEDISH, DEEP_TISSUE, REFLEXOLOGY]
STOP = Verdict(stops=(FindingFact(rule="r", effect=Effect.BLOCK, reason="Not now."),))


def ranked(*facts: Fact, **refused: Verdict) -> list[Suggestion]:
    verdicts = {candidate.slug: refused.get(candidate.slug, Verdict()) for candidate in EVERYTHING}
    return rank(EVERYTHING, facts, verdicts)


@pytest.mark.parametrize(
    ("fact", "first"),
    [
        (Fact.TOUCH, "craniosacral"),
        (Fact.TENSION, "myofascial"),
        (Fact.JAW, "myofascial"),
        (Fact.PATTERN, "neuromuscular"),
        (Fact.STRESS, "swedish"),
        (Fact.DECLINES, "reflexology"),
    ],
)
def test_each_fact_brings_its_modality_to_the_top(fact: Fact, first: str) -> None:
    assert ranked(fact)[0].slug == first


def test_touch_sensitivity_speaks_against_deep_and_neuromuscular_work() -> None:
    last_two = ranked(Fact.TOUCH)[-2:]
    assert {suggestion.slug for suggestion in last_two} == {"deep_tissue", "neuromuscular"}
    assert all(suggestion.cons == (Fact.TOUCH,) for suggestion in last_two)


def test_reasons_for_one_modality_add_up() -> None:
    first = ranked(Fact.TENSION, Fact.JAW)[0]
    assert (first.slug, first.points, first.pros) == ("myofascial", 6, (Fact.TENSION, Fact.JAW))


def test_what_safety_refuses_comes_last_whatever_speaks_for_it() -> None:
    suggestions = ranked(Fact.TENSION, Fact.JAW, myofascial=STOP)
    assert suggestions[-1].slug == "myofascial"
    assert not suggestions[-1].verdict.allowed


def test_without_facts_the_order_is_the_clinics() -> None:
    assert [suggestion.slug for suggestion in ranked()] == [candidate.slug for candidate in EVERYTHING]


def test_a_modality_of_the_clinics_own_is_weighed_only_by_what_it_touches() -> None:
    own = replace(CRANIOSACRAL, slug="hot_stones")
    suggestion = rank([own], [Fact.DECLINES, Fact.TENSION], {"hot_stones": Verdict()})[0]
    assert (suggestion.points, suggestion.cons) == (-3, (Fact.DECLINES,))
