"""What the clients of the example clinic tell in their intake: plausible, invented, drawn from one seeded source."""

from dataclasses import dataclass
from random import Random
from typing import Any

from clinic.demo.cast import JAW, PATTERN, STRESS, TENSION, TOUCH, ExampleClient
from intake.questions import IntakeForm, Kind


@dataclass(frozen=True)
class Trouble:
    """What a kind of trouble looks like: where, with what, and which modality the therapist chooses."""

    regions: tuple[str, ...]
    symptoms: tuple[str, ...]
    triggers: tuple[str, ...]
    modality: str
    more: dict[str, Any]


TROUBLES = {
    TOUCH: Trouble(
        regions=("temple", "parietal", "forehead"),
        symptoms=("light", "sound", "smell"),
        triggers=("light", "hormonal", "weather"),
        modality="craniosacral",
        more={"touch_hurts": ["hair", "pillow"], "pressure_wanted": "light", "room_light": "dark"},
    ),
    TENSION: Trouble(
        regions=("suboccipital", "neck_posterior_upper", "upper_trapezius"),
        symptoms=("light", "neck_pain"),
        triggers=("desk_posture", "neck_pain", "stress"),
        modality="myofascial",
        more={"screen_hours": 8, "pressure_wanted": "moderate", "room_light": "dim"},
    ),
    JAW: Trouble(
        regions=("tmj", "jaw_masseter", "temple"),
        symptoms=("sound", "nausea"),
        triggers=("jaw_clench", "stress", "sleep_disturbance"),
        modality="myofascial",
        more={"jaw_clenching": "often", "pressure_wanted": "light"},
    ),
    PATTERN: Trouble(
        regions=("temple", "upper_trapezius", "occiput"),
        symptoms=("nausea", "light", "neck_pain"),
        triggers=("neck_pain", "desk_posture", "missed_meal"),
        modality="neuromuscular",
        more={"headache_side": "left", "pressure_wanted": "firm"},
    ),
    STRESS: Trouble(
        regions=("forehead", "neck_posterior_lower"),
        symptoms=("light", "nausea"),
        triggers=("stress", "stress_letdown", "sleep_disturbance"),
        modality="swedish",
        more={"stress": 8, "sleep_quality": "badly", "pressure_wanted": "moderate", "room_talk": "little"},
    ),
}

GOALS = ("Fewer days lost.", "To work a whole week again.", "To sleep through.", "Less neck pain.")

# What now and then comes up beside the trouble itself, so that the rules have something to say.
RARELY: tuple[dict[str, Any], ...] = (
    {"botulinum": "yes"},
    {"bleeding": "yes"},
    {"osteoporosis": "yes"},
    {"allergy": "yes", "allergy_what": "lavender oil"},
    {"deep_new": "yes"},
    {"rf_position": "unsure"},
)


def answers_of(client: ExampleClient, form: IntakeForm, random: Random, *, today: str) -> dict[str, Any]:
    """Return a whole form's answers: "no" to every safety question but what her story says otherwise."""
    trouble = TROUBLES[client.troubled_by]
    headache_days = random.randint(8, 19)
    migraine_days = max(3, headache_days - random.randint(2, 6))
    answers: dict[str, Any] = {
        question.code: "no"
        for step in form.steps
        for question in step.questions
        if question.kind is Kind.YES_NO_UNSURE and not question.shown_if
    }
    answers |= {
        question.code: "yes" for step in form.steps for question in step.questions if question.kind is Kind.CONSENT
    }
    answers |= {
        "headache_days": headache_days,
        "migraine_days": migraine_days,
        "attacks": max(2, migraine_days // 2),
        "attack_hours": random.choice((12, 18, 24, 36)),
        "pain_usual": random.randint(4, 7),
        "pain_worst": random.randint(7, 9),
        "worse_with_movement": "yes",
        "onset_age": random.randint(12, 34),
        "headache_regions": list(trouble.regions),
        "headache_side": random.choice(("left", "right", "alternating", "both")),
        "symptoms": list(trouble.symptoms),
        "triggers": list(trouble.triggers),
        "acute_medicines": [
            {"class": "triptan", "name": "Sumatriptan", "days": random.randint(0, 8), "months": "over_3"},
            {"class": "simple", "name": "Ibuprofen", "days": random.randint(0, 6), "months": "over_3"},
        ],
        "stress": random.randint(3, 7),
        "sleep_hours": random.randint(5, 8),
        "sleep_quality": "fair",
        "room_light": random.choice(("dim", "dark")),
        "room_scent": "none",
        "room_temperature": random.choice(("cool", "normal")),
        "goals": random.choice(GOALS),
        "messages_email": "yes",
    } | trouble.more  # fmt: skip
    if random.random() < 0.25:  # noqa: PLR2004  # about one client in four has something more to say
        answers |= random.choice(RARELY)
    if answers.get("botulinum") == "yes":
        answers["botulinum_on"] = today
    return answers
