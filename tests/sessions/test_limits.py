"""Each block is checked against what is in force."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.people.models import Therapist
from clinic.scheduling.models import Appointment
from sessions.checking import Limits
from sessions.forms import modalities_for
from sessions.models import Note
from sessions.pages import pressure_keys
from tests.sessions.conftest import Raise, Record, Start


def refused_fields(record: Record, note: Note, *args: Any, **work: Any) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as refused:
        record(note, *args, **work)
    return refused.value.message_dict


def test_above_a_cap_it_needs_a_reason_and_keeps_who_and_when(
    draft: Note, record: Record, raise_finding: Raise, bea: Therapist, now: datetime
) -> None:
    raise_finding("cap", "Botulinum toxin, day 5.", cap=2, applies_to=[{"regions": ["upper_trapezius"]}])
    assert record(draft, region="upper_trapezius", pressure=2).passed_over == []
    assert record(draft, region="thoracic_upper", pressure=4).passed_over == []
    problems = refused_fields(record, draft, region="upper_trapezius", pressure=3)
    assert problems == {"override_reason": ["Say why.", "Botulinum toxin, day 5."]}
    block = record(draft, region="upper_trapezius", pressure=3, override_reason="Asked by her doctor.")
    assert (block.passed_over, block.override_reason) == (["Botulinum toxin, day 5."], "Asked by her doctor.")
    assert (block.override_by, block.override_at, block.is_deviation) == (bea.user, now, False)


def test_a_warning_asks_for_a_reason(draft: Note, record: Record, raise_finding: Raise) -> None:
    raise_finding("warn", "Face down is uncomfortable.", applies_to=[{"regions": ["thoracic_upper"]}])
    assert set(refused_fields(record, draft)) == {"override_reason"}
    assert record(draft, override_reason="Side-lying.").passed_over == ["Face down is uncomfortable."]


def test_what_is_forbidden_is_refused_even_with_a_reason(draft: Note, record: Record, raise_finding: Raise) -> None:
    raise_finding("block", "Wound.", applies_to=[{"regions": ["thoracic_upper"]}])
    problems = refused_fields(record, draft, override_reason="She asked for it.")
    assert problems == {"is_deviation": ["Wound."]}
    assert not draft.blocks.exists()


def test_what_was_done_all_the_same_is_recorded_as_a_deviation_with_its_reason(
    draft: Note, record: Record, raise_finding: Raise
) -> None:
    raise_finding("block", "Wound.", applies_to=[{"regions": ["thoracic_upper"]}])
    assert set(refused_fields(record, draft, is_deviation=True)) == {"override_reason"}
    block = record(draft, is_deviation=True, override_reason="Noticed it only afterwards.")
    assert block.is_deviation
    assert block.passed_over == ["Wound."]


def test_the_database_keeps_no_deviation_without_a_reason(draft: Note, record: Record) -> None:
    block = record(draft)
    block.is_deviation = True
    with pytest.raises(IntegrityError, match="block_deviation_says_why"), transaction.atomic():
        block.save()


def test_a_deviation_is_only_what_a_rule_forbids(draft: Note, record: Record) -> None:
    assert not record(draft, is_deviation=True, override_reason="Ticked by mistake.").is_deviation


def test_a_clearance_that_is_missing_holds_back_its_region(draft: Note, record: Record, raise_finding: Raise) -> None:
    raise_finding("clear", "Whiplash.", applies_to=[{"regions": ["neck"]}])
    assert set(refused_fields(record, draft, region="neck_posterior_upper")) == {"is_deviation"}
    assert record(draft, region="foot").pk


@pytest.mark.parametrize("region", ["neck_anterior", "neck_lateral", "scalene", "supraclavicular", "scm"])
def test_nobody_is_pressed_on_the_pulse_line(draft: Note, record: Record, region: str) -> None:
    work = {"region": region, "side": "left", "details": {"muscle": "scalenes", "point": "active"}}
    problems = refused_fields(record, draft, "neuromuscular", technique="static_compression", pressure=1, **work)
    assert set(problems) == {"is_deviation"}
    assert set(refused_fields(record, draft, region=region, pressure=3)) == {"is_deviation"}


def test_the_sternocleidomastoid_is_held_by_pincer_grip_only(draft: Note, record: Record) -> None:
    details = {"muscle": "scm_sternal", "point": "active"}
    block = record(draft, "neuromuscular", region="scm", side="left", technique="pincer", pressure=2, details=details)
    assert block.pk


def test_no_elbow_at_the_neck(draft: Note, record: Record) -> None:
    work = {"technique": "elbow", "details": {"layer": "deep"}, "pressure": 3, "override_reason": "Warmed up."}
    problems = refused_fields(record, draft, "deep_tissue", region="neck_posterior_lower", **work)
    assert set(problems) == {"is_deviation"}
    assert record(draft, "deep_tissue", region="lumbar", **work).pk


def test_during_an_attack_pressure_is_two_at_most_and_nothing_deep(
    visit: Appointment, calm: None, start: Start, record: Record
) -> None:
    note = start(visit, phase="attack")
    assert record(note, pressure=2).pk
    assert set(refused_fields(record, note, pressure=3)) == {"override_reason"}
    deep = {"technique": "thumb", "details": {"layer": "deep"}, "pressure": 1}
    assert "is_deviation" in refused_fields(record, note, "deep_tissue", **deep)
    assert "is_deviation" in refused_fields(record, note, "swedish", technique="tapotement", pressure=1)


def test_different_from_the_usual_leaves_head_and_neck_alone(
    visit: Appointment, calm: None, start: Start, record: Record
) -> None:
    note = start(visit, is_usual=False)
    for region in ("temple", "neck_posterior_lower"):
        assert set(refused_fields(record, note, region=region)) == {"is_deviation"}
    assert record(note, region="foot").pk


def test_after_a_sedative_pressure_is_three_at_most(
    visit: Appointment, calm: None, start: Start, record: Record
) -> None:
    note = start(visit, is_sedated=True)
    problems = refused_fields(record, note, pressure=4)
    assert any("pressure 3" in words for words in problems["override_reason"])


def test_without_her_answers_neck_work_waits(visit: Appointment, start: Start, record: Record) -> None:
    note = start(visit)
    assert set(refused_fields(record, note, region="neck_posterior_lower")) == {"is_deviation"}
    assert record(note, region="foot", pressure=2).pk


def test_a_modality_whose_qualification_ran_out_is_recorded_as_a_deviation_only(
    draft: Note, record: Record, bea: Therapist, now: datetime
) -> None:
    today = draft.appointment.local_start.date()
    swedish = bea.qualifications.filter(modality__slug="swedish")
    work = {"slug": "swedish", "region": "foot", "technique": "effleurage", "pressure": 1}
    swedish.update(expires_on=today)
    assert record(draft, **work).pk
    swedish.update(expires_on=today - timedelta(days=1))
    assert refused_fields(record, draft, **work) == {
        "is_deviation": ["Bea Lindqvist has no valid qualification in Swedish."]
    }
    assert "swedish" not in {modality.slug for modality in modalities_for(draft)}
    assert record(draft, **work, is_deviation=True, override_reason="Noticed afterwards.").is_deviation


def test_keys_above_the_cap_are_locked_and_a_reason_unlocks_up_to_the_hard_cap() -> None:
    limits = Limits(cap=2, hard_cap=4, cap_reasons=("Toxin.",))
    locked = [key.value for key in pressure_keys(limits, 1, is_above=False) if key.is_locked]
    assert locked == [3, 4, 5]
    assert [key.value for key in pressure_keys(limits, 1, is_above=False) if key.is_first_locked] == [3]
    assert [key.value for key in pressure_keys(limits, 1, is_above=True) if key.is_locked] == [5]
