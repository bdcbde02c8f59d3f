"""What was answered at the visit, in the words of the safety rules. Pure."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from intake.questions import NO, YES, Answer
from sessions.models import Phase


class NeckArtery(TextChoices):
    """What is asked when today differs from the usual (domain: intake)."""

    ONE_SIDED_PAIN = "one_sided_pain", gettext_lazy("New, severe neck or head pain on one side")
    DOUBLE_VISION = "double_vision", gettext_lazy("Double vision")
    SLURRED_SPEECH = "slurred_speech", gettext_lazy("Slurred speech")
    SWALLOWING = "swallowing", gettext_lazy("Trouble swallowing")
    FAINTNESS = "faintness", gettext_lazy("Faintness or sudden falls")
    UNSTEADINESS = "unsteadiness", gettext_lazy("Unsteadiness")
    NUMB_FACE = "numb_face", gettext_lazy("Numb face")
    EYELID = "eyelid", gettext_lazy("Drooping lid or unequal pupils")
    EAR_PULSE = "ear_pulse", gettext_lazy("Pulsing noise in the ear")
    INJURY_OR_INFECTION = "injury_or_infection", gettext_lazy("Recent neck injury or infection")
    CONNECTIVE_TISSUE = "connective_tissue", gettext_lazy("A connective-tissue disorder")


# Pain and risk send her to a doctor today; everything else is neurological, and an emergency.
PAIN_OR_RISK = frozenset({NeckArtery.ONE_SIDED_PAIN, NeckArtery.INJURY_OR_INFECTION, NeckArtery.CONNECTIVE_TISSUE})


def answers_of_today(
    *,
    phase: str,
    is_usual: bool,
    is_sedated: bool,
    is_intoxicated: bool = False,
    neck_artery: Collection[str] = (),
) -> dict[str, Answer]:
    """Return the visit's answers by the rules' question codes."""
    signs = frozenset(neck_artery)
    facts = {
        "attack_today": phase == Phase.ATTACK,
        "aura_now": phase == Phase.AURA,
        # A new kind of headache waits for a clearance at head and neck.
        "rf_change": not is_usual,
        "sedative": is_sedated,
        "intoxicated": is_intoxicated,
        "neck_artery_signs": bool(signs - PAIN_OR_RISK),
        "neck_artery_risk": bool(signs & PAIN_OR_RISK),
    }
    return {question: YES if is_so else NO for question, is_so in facts.items()}
