from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from clinic.people.models import Client, Qualification, Service, Therapist
from intake.questions import Answer
from plans.draft import Draft, draft_for
from plans.models import Measure
from plans.ranking import Fact
from tests.factories import ServiceFactory, modality
from tests.intake.answers import send

TODAY = date(2026, 11, 19)


@pytest.fixture
def services(db: None) -> dict[str, Service]:
    slugs = ("craniosacral", "myofascial", "neuromuscular", "swedish", "deep_tissue", "reflexology")
    return {slug: ServiceFactory(name=slug, modality=modality(slug)) for slug in slugs}


def draft(client: Client, therapist: Therapist, now: datetime, **answers: Answer) -> Draft:
    send(client, now=now, **answers)
    return draft_for(client, by=therapist.user, today=TODAY)


def offered(found: Draft) -> list[str]:
    return [option.service.modality.slug for option in found.offered]


def test_her_answers_order_the_services_and_give_their_reasons(
    services: dict[str, Service], alice: Client, bea: Therapist, now: datetime
) -> None:
    found = draft(alice, bea, now, headache_regions=["temple", "suboccipital", "brow"], jaw_clenching="often", stress=3)
    assert found.facts == (Fact.TENSION, Fact.JAW)
    assert found.offered[0].service == services["myofascial"]
    assert found.offered[0].words.startswith("For: chronic tension, jaw clenching.")


@pytest.mark.parametrize(
    ("answers", "fact", "first"),
    [
        ({"touch_hurts": ["hair", "pillow"]}, Fact.TOUCH, "craniosacral"),
        ({"headache_regions": ["temple"]}, Fact.PATTERN, "neuromuscular"),
        ({"stress": 8}, Fact.STRESS, "swedish"),
        ({"sleep_quality": "badly"}, Fact.STRESS, "swedish"),
        ({"declines_head_neck": "yes"}, Fact.DECLINES, "reflexology"),
    ],
)
def test_each_answer_that_weighs_brings_its_modality_to_the_top(
    services: dict[str, Service],
    alice: Client,
    bea: Therapist,
    now: datetime,
    answers: dict[str, Answer],
    fact: Fact,
    first: str,
) -> None:
    quiet: dict[str, Answer] = {
        "headache_regions": ["temple", "brow", "forehead"], "jaw_clenching": "never", "stress": 2, "triggers": [],
    }  # fmt: skip
    found = draft(alice, bea, now, **quiet | answers)
    assert fact in found.facts
    assert offered(found)[0] == first


def test_goals_start_from_her_counts_and_aim_at_what_trials_count_as_a_response(
    services: dict[str, Service], alice: Client, bea: Therapist, now: datetime
) -> None:
    found = draft(alice, bea, now, headache_days=9, migraine_days=7, pain_usual=6)
    assert found.baselines == {
        Measure.PAIN: Decimal(6), Measure.MIGRAINE_DAYS: Decimal(7), Measure.HEADACHE_DAYS: Decimal(9),
    }  # fmt: skip
    assert found.targets == {Measure.MIGRAINE_DAYS: Decimal(3)}


def test_from_15_headache_days_on_thirty_percent_fewer_is_the_target(
    services: dict[str, Service], alice: Client, bea: Therapist, now: datetime
) -> None:
    assert draft(alice, bea, now, headache_days=16, migraine_days=11).targets == {Measure.MIGRAINE_DAYS: Decimal(7)}


def test_safety_comes_before_every_reason(
    services: dict[str, Service], alice: Client, bea: Therapist, now: datetime
) -> None:
    found = draft(alice, bea, now, illness="yes")
    assert found.offered == ()
    assert {refusal.modality.slug for refusal in found.refused} == set(services)
    assert all(refusal.words for refusal in found.refused)


def test_without_answers_nothing_weighs_and_deep_work_is_held_back(
    services: dict[str, Service], alice: Client, bea: Therapist, now: datetime
) -> None:
    found = draft_for(alice, by=bea.user, today=TODAY)
    assert (found.intake_on, found.facts, found.baselines) == (None, (), {})
    assert [refusal.modality.slug for refusal in found.refused] == ["deep_tissue"]


def test_only_what_the_therapist_is_qualified_in_today_is_offered(
    services: dict[str, Service], alice: Client, bea: Therapist, now: datetime
) -> None:
    Qualification.objects.filter(therapist=bea).exclude(modality__slug__in=["swedish", "myofascial"]).delete()
    Qualification.objects.filter(therapist=bea, modality__slug="myofascial").update(expires_on=date(2026, 11, 18))
    assert offered(draft_for(alice, by=bea.user, today=TODAY)) == ["swedish"]
