"""What today itself forbids, before any finding: the phase she is in, and whether it is her usual. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.body import GROUPS, Group
from sessions.modalities.base import STATIC_COMPRESSION, TAPOTEMENT
from sessions.models import Phase, Pressure

ATTACK_CAP = Pressure.LIGHT
HEAD_AND_NECK = GROUPS[Group.HEAD] | GROUPS[Group.NECK]


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


# Pain and risk alone send her to a doctor today; everything else is neurological and an emergency.
PAIN_OR_RISK = frozenset({NeckArtery.ONE_SIDED_PAIN, NeckArtery.INJURY_OR_INFECTION, NeckArtery.CONNECTIVE_TISSUE})


def is_emergency(signs: frozenset[str]) -> bool:
    """Tell whether any of the signs is neurological."""
    return bool(signs - PAIN_OR_RISK)


@dataclass(frozen=True)
class Limits:
    """What holds for one stretch of work.

    `cap` is the highest pressure without a reason, `hard_cap` the highest even with one.
    """

    forbidden: tuple[str, ...] = ()
    cap: int = Pressure.DEEP
    hard_cap: int = Pressure.DEEP
    cap_reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def joined(self, other: Limits) -> Limits:
        """Return the stricter of both, with the words of both, each once."""
        return Limits(
            forbidden=_each_once(self.forbidden + other.forbidden),
            cap=min(self.cap, other.cap),
            hard_cap=min(self.hard_cap, other.hard_cap),
            cap_reasons=_each_once(self.cap_reasons + other.cap_reasons),
            warnings=_each_once(self.warnings + other.warnings),
        )

    def passed_over_by(self, pressure: int) -> list[str]:
        """Return what a therapist passes over who works with this pressure: it needs her reason."""
        above = self.cap_reasons if pressure > self.cap else ()
        return [*above, *self.warnings]


def _each_once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def limits_of_today(*, phase: str, is_usual: bool, is_deep: bool, techniques: frozenset[str], region: str) -> Limits:
    """Return what phase and the every-visit question leave open for this work."""
    limits = Limits()
    if phase == Phase.AURA:
        limits = limits.joined(Limits(forbidden=(_("Aura now: nothing is given today."),)))
    if phase == Phase.ATTACK:
        limits = limits.joined(_during_attack(is_deep=is_deep, techniques=techniques))
    if not is_usual and region in HEAD_AND_NECK:
        words = _("Different from the usual: head and neck wait until a doctor has cleared them.")
        limits = limits.joined(Limits(forbidden=(words,)))
    return limits


def _during_attack(*, is_deep: bool, techniques: frozenset[str]) -> Limits:
    if is_deep or techniques & {STATIC_COMPRESSION, TAPOTEMENT}:
        return Limits(forbidden=(_("Attack now: no deep work, no static compression, no tapotement."),))
    return Limits(cap=ATTACK_CAP, cap_reasons=(_("Attack now: at most 2, light."),))
