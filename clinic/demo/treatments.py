"""What hands do in the example clinic: blocks per modality, as a therapist would record them."""

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from clinic.people.models import Modality, User
from clinic.scheduling.models import Appointment
from sessions.models import Note, Phase
from sessions.services import add_block


class Treatment(NamedTuple):
    """One stretch of treatment; `details` are the modality's own fields."""

    region: str
    side: str
    technique: str
    pressure: int
    minutes: int
    details: Mapping[str, Any] = {}


def _hold(muscle: str, point: str, seconds: int, **more: Any) -> dict[str, Any]:
    return {"muscle": muscle, "point": point, "hold_seconds": seconds, "tolerance": 6} | more


TREATMENTS = {
    "craniosacral": (
        Treatment("occiput", "middle", "cranial_base", 1, 14, {"seconds": 300, "still_point": True}),
        Treatment("parietal", "both", "parietal_lift", 1, 14, {"seconds": 240}),
        Treatment("sacrum", "middle", "sacrum", 1, 14, {"seconds": 360}),
    ),
    "myofascial": (
        Treatment("clavicle_pectoral", "both", "cross_hand", 3, 20, {"hold_seconds": 120, "release": "full"}),
        Treatment("neck_posterior_lower", "left", "indirect", 2, 20, {"hold_seconds": 120, "release": "partial"}),
        Treatment("upper_trapezius", "both", "direct", 3, 20, {"hold_seconds": 150, "barrier_felt": True}),
    ),
    "neuromuscular": (
        Treatment(
            "upper_trapezius", "left", "static_compression", 3, 18,
            _hold("upper_trapezius", "active", 40, reproduces_headache=True),
        ),
        Treatment("suboccipital", "middle", "static_compression", 2, 18, _hold("suboccipitals", "latent", 30)),
        Treatment("levator_angle", "right", "static_compression", 3, 18, _hold("levator_scapulae", "latent", 45)),
    ),
    "swedish": (
        Treatment("thoracic_upper", "both", "effleurage", 2, 20),
        Treatment("upper_trapezius", "both", "petrissage", 3, 20),
        Treatment("neck_posterior_lower", "both", "effleurage", 2, 20),
    ),
}  # fmt: skip
# In an attack, and where a rule refuses what was meant: the first of these that the therapist is qualified in.
GENTLE = {
    "swedish": Treatment("thoracic_upper", "both", "effleurage", 1, 20),
    "myofascial": Treatment("thoracic_upper", "both", "indirect", 1, 20, {"hold_seconds": 120}),
}
REFUSED_BY_A_RULE = {"is_deviation", "override_reason"}


def treat(note: Note, visit: Appointment, random: Random, *, by: User, now: datetime) -> None:
    """Record what was done."""
    if note.phase == Phase.ATTACK:
        _be_gentle(note, visit, by=by, now=now)
        return
    modality = visit.service.modality
    for treatment in random.sample(TREATMENTS[modality.slug], k=random.choice((1, 2))):
        try:
            _record(note, modality, treatment, by=by, now=now)
        except ValidationError as refusal:
            if not REFUSED_BY_A_RULE & refusal.message_dict.keys():
                raise
            _be_gentle(note, visit, by=by, now=now)


def _be_gentle(note: Note, visit: Appointment, *, by: User, now: datetime) -> None:
    modality = visit.therapist.modalities.filter(slug__in=GENTLE).order_by("-slug")[0]
    _record(note, modality, GENTLE[modality.slug], by=by, now=now)


def _record(note: Note, modality: Modality, treatment: Treatment, *, by: User, now: datetime) -> None:
    add_block(by=by, now=now, note=note, modality=modality, **treatment._asdict())
