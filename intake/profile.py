"""What a client said, as typed values for the rooms above; from the newest answers she sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clinic.lib.body import Group, regions_in
from clinic.people.models import Client
from clinic.people.records import records_of
from intake.models import Submission
from intake.questions import YES, Answer, IntakeForm, form_of

PRESSURES = {"hold": 1, "light": 2, "moderate": 3, "firm": 4, "deep": 5}


@dataclass(frozen=True)
class IntakeProfile:
    """Numbers are None, lists empty and texts blank where she left a question open."""

    submission_pk: int
    sent_at: datetime
    is_reviewed: bool
    headache_days: int | None
    migraine_days: int | None
    attacks: int | None
    pain_usual: int | None
    pain_worst: int | None
    regions: tuple[str, ...]
    symptoms: tuple[str, ...]
    aura: tuple[str, ...]
    triggers: tuple[str, ...]
    trigger_words: tuple[str, ...]
    has_touch_sensitivity: bool
    has_neck_tension: bool
    clenches_jaw: bool
    stress: int | None
    worry: int | None
    sleep_hours: int | None
    sleeps_badly: bool
    declines_head_neck: bool
    pressure_wanted: int | None
    goals: str
    doctor: str


def profile_of(client: Client) -> IntakeProfile | None:
    """Return the newest answers that a client sent, or None."""
    sent = Submission.objects.filter(client__among=records_of(client.pk)).sent().first()
    if sent is None or sent.submitted_at is None:
        return None
    form, answers = form_of(sent.form_version_id), sent.answers
    return IntakeProfile(
        submission_pk=sent.pk,
        sent_at=sent.submitted_at,
        is_reviewed=sent.state == Submission.State.REVIEWED,
        headache_days=_number(answers.get("headache_days")),
        migraine_days=_number(answers.get("migraine_days")),
        attacks=_number(answers.get("attacks")),
        pain_usual=_number(answers.get("pain_usual")),
        pain_worst=_number(answers.get("pain_worst")),
        regions=_many(answers.get("headache_regions")),
        symptoms=_many(answers.get("symptoms")),
        aura=_many(answers.get("aura")),
        triggers=_many(answers.get("triggers")),
        trigger_words=_labels(form, "triggers", _many(answers.get("triggers"))),
        has_touch_sensitivity=bool(answers.get("touch_hurts")) or answers.get("tender_today") == YES,
        has_neck_tension=_hurts_at_the_neck(answers),
        clenches_jaw=answers.get("jaw_clenching") in ("sometimes", "often")
        or "jaw_clench" in _many(answers.get("triggers")),
        stress=_number(answers.get("stress")),
        worry=_number(answers.get("worry")),
        sleep_hours=_number(answers.get("sleep_hours")),
        sleeps_badly=answers.get("sleep_quality") == "badly",
        declines_head_neck=answers.get("declines_head_neck") == YES,
        pressure_wanted=PRESSURES.get(str(answers.get("pressure_wanted"))),
        goals=str(answers.get("goals", "")),
        doctor=str(answers.get("doctor", "")),
    )


def _hurts_at_the_neck(answers: dict[str, Answer]) -> bool:
    at_neck = set(_many(answers.get("headache_regions"))) & regions_in(Group.NECK)
    return bool(at_neck) or "neck_pain" in _many(answers.get("symptoms"))


def _labels(form: IntakeForm, code: str, values: tuple[str, ...]) -> tuple[str, ...]:
    labels = {option.value: option.label for option in form.questions[code].options} if code in form.questions else {}
    return tuple(labels.get(value, value) for value in values)


def _number(answer: Answer | None) -> int | None:
    return answer if isinstance(answer, int) else None


def _many(answer: Answer | None) -> tuple[str, ...]:
    return tuple(str(value) for value in answer) if isinstance(answer, list) else ()
