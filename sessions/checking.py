"""Whether a stretch of work may be done today: the strictest of her findings, the day itself and the modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from clinic.people.models import Client, Modality
from intake.models import Finding
from intake.safety import STOPPING, Planned, Verdict
from intake.services import open_findings, verdict_for
from sessions.modalities import details_form
from sessions.models import Block, Note
from sessions.today import Limits, limits_of_today


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

    @property
    def techniques(self) -> frozenset[str]:
        """What the rules call it."""
        return details_form(self.modality.slug).techniques(self.technique, self.details)

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
            techniques=self.techniques,
            regions=frozenset({self.region}) if self.region else frozenset(),
            pressure=self.pressure,
        )


def limits_for(note: Note, work: Work, *, day: date) -> Limits:
    """Return what holds for this work on `day` within this note's session."""
    today = limits_of_today(
        phase=note.phase,
        is_usual=note.is_usual,
        is_deep=work.modality.is_deep,
        techniques=work.techniques,
        region=work.region,
    )
    return today.joined(_limits_of_verdict(note.client, work, day)).joined(_limits_of_modality(note, work))


def _limits_of_verdict(client: Client, work: Work, day: date) -> Limits:
    verdict: Verdict = verdict_for(client, work.planned(), day)
    return Limits(
        forbidden=tuple(fact.reason for fact in verdict.stops),
        cap=verdict.cap,
        hard_cap=verdict.hard_cap,
        cap_reasons=tuple(fact.reason for fact in verdict.caps),
        warnings=verdict.warnings,
    )


def _limits_of_modality(note: Note, work: Work) -> Limits:
    objection = details_form(work.modality.slug).objection(
        phase=note.phase, region=work.region, technique=work.technique, details=work.details
    )
    return Limits(forbidden=(objection,)) if objection else Limits()


def absolute_finding(client_pk: int, day: date) -> Finding | None:
    """Return an open finding that stops everything on `day`, if there is one."""
    return next(
        (
            finding
            for finding in open_findings(client_pk)
            if finding.effect in STOPPING and not finding.applies_to and in_force(finding, day)
        ),
        None,
    )


def in_force(finding: Finding, day: date) -> bool:
    """Say whether `day` lies within a finding's days."""
    return (finding.starts_on is None or finding.starts_on <= day) and (
        finding.ends_on is None or day <= finding.ends_on
    )
