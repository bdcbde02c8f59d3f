"""Whether a stretch of work may be done: the safety rules' verdict for today, and what the modality itself objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from clinic.people.models import Modality, Qualification, QualificationQuerySet
from intake.reading import version_words
from intake.safety import Planned, Verdict
from intake.services import verdict_for
from intake.standing import planned_visit
from sessions.modalities import details_form
from sessions.models import Block, Note, Pressure, Product
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
    # Not offered here; what is used all the same is forbidden.
    refused_products: tuple[str, ...] = ()
    # Which version of the rules speaks.
    rules: str = ""

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

    def planned(self, note: Note) -> Planned:
        """Put it into the rules' words, with how she lies and what is used in this note's session."""
        return replace(
            planned_visit(self.modality),
            techniques=details_form(self.modality.slug).techniques(self.technique, self.details),
            regions=frozenset({self.region}) if self.region else frozenset(),
            pressure=self.pressure,
            position=note.position,
            products=frozenset(note.products),
        )


@dataclass(frozen=True)
class Setting:
    """What the rules say of how she lies and what is used, whatever the hands do."""

    refused_products: tuple[str, ...]
    problems: tuple[str, ...]
    rules: str


def setting_of(note: Note, *, day: date) -> Setting:
    """Return which products are not offered today, and what speaks against the position and products chosen."""
    undecided = Planned(modality="", position=note.position)
    refused = _verdict(note, undecided, day).refused_products
    chosen = _verdict(note, replace(undecided, products=frozenset(note.products)), day)
    against = [
        fact
        for fact in (*chosen.stops, *chosen.warns)
        if any((scope.positions and note.position) or (scope.products and note.products) for scope in fact.applies_to)
    ]
    problems = tuple(dict.fromkeys(fact.words for fact in against))
    return Setting(_labels(refused), problems, version_words(fact.version for fact in against))


def _verdict(note: Note, planned: Planned, day: date) -> Verdict:
    answers = answers_of_today(phase=note.phase, is_usual=note.is_usual, is_sedated=note.is_sedated)
    return verdict_for(note.client, planned, day, today=answers)


def _labels(products: Collection[str]) -> tuple[str, ...]:
    return tuple(str(product.label) for product in Product if product in products)


def qualifications_of(note: Note) -> QualificationQuerySet:
    """Return what the note's therapist was qualified in on the day of the visit."""
    on = note.appointment.local_start.date()
    return Qualification.objects.valid_on(on).filter(therapist=note.therapist_id)


def _not_qualified(note: Note, work: Work) -> str:
    if qualifications_of(note).filter(modality=work.modality).exists():
        return ""
    facts = {"therapist": note.therapist.user.name, "modality": work.modality.name}
    return _("%(therapist)s has no valid qualification in %(modality)s.") % facts


def limits_for(note: Note, work: Work, *, day: date) -> Limits:
    """Return what holds for this work on `day` within this note's session."""
    verdict = _verdict(note, work.planned(note), day)
    objections = [_not_qualified(note, work), details_form(work.modality.slug).objection(phase=note.phase)]
    return Limits(
        forbidden=tuple(dict.fromkeys([*(fact.words for fact in verdict.stops), *filter(None, objections)])),
        cap=verdict.cap,
        hard_cap=verdict.hard_cap,
        cap_reasons=tuple(dict.fromkeys(fact.words for fact in verdict.caps)),
        warnings=tuple(dict.fromkeys(verdict.warnings)),
        refused_products=_labels(verdict.refused_products),
        rules=version_words(verdict.versions),
    )
