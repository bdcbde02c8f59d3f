"""Whether a stretch of work may be done: the safety rules' verdict for today, and what the modality itself objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from clinic.people.models import Modality
from intake.safety import Planned
from intake.services import verdict_for
from sessions.modalities import details_form
from sessions.models import Block, Note, Pressure
from sessions.today import answers_of_today


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

    def passed_over_by(self, pressure: int) -> list[str]:
        """Return what a therapist passes over who works with this pressure: it needs her reason."""
        return [*(self.cap_reasons if pressure > self.cap else ()), *self.warnings]


@dataclass(frozen=True)
class Work:
    """What hands do, or are about to do; pressure None is not decided yet."""

    modality: Modality
    region: str
    technique: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    pressure: int | None = None

    @classmethod
    def of(cls, block: Block) -> Work:
        return cls(block.modality, block.region, block.technique, block.details, block.pressure)

    def planned(self) -> Planned:
        """Put it into the rules' words."""
        traits = {
            "deep": self.modality.is_deep,
            "static_compression": self.modality.uses_static_compression,
            "head_or_neck": self.modality.works_head_or_neck,
        }
        return Planned(
            modality=self.modality.slug,
            traits=frozenset(trait for trait, has in traits.items() if has),
            techniques=details_form(self.modality.slug).techniques(self.technique, self.details),
            regions=frozenset({self.region}) if self.region else frozenset(),
            pressure=self.pressure,
        )


def limits_for(note: Note, work: Work, *, day: date) -> Limits:
    """Return what holds for this work on `day` within this note's session."""
    answers = answers_of_today(phase=note.phase, is_usual=note.is_usual, is_sedated=note.is_sedated)
    verdict = verdict_for(note.client, work.planned(), day, today=answers)
    objection = details_form(work.modality.slug).objection(phase=note.phase)
    return Limits(
        forbidden=tuple(dict.fromkeys([*(fact.words for fact in verdict.stops), *([objection] if objection else [])])),
        cap=verdict.cap,
        hard_cap=verdict.hard_cap,
        cap_reasons=tuple(dict.fromkeys(fact.words for fact in verdict.caps)),
        warnings=tuple(dict.fromkeys(verdict.warnings)),
    )
