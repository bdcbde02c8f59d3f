"""Which way of working suits her: reasons for and against, after safety has had its word. The therapist decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from intake.safety import Verdict


class Fact(TextChoices):
    """What of her intake speaks for or against a modality."""

    TOUCH = "touch", _("sensitive to touch")
    TENSION = "tension", _("chronic tension")
    JAW = "jaw", _("jaw clenching")
    PATTERN = "pattern", _("pain in one or two places only")
    STRESS = "stress", _("much stress or poor sleep")
    DECLINES = "declines", _("would rather not be touched at head or neck")


@dataclass(frozen=True)
class Weight:
    fact: Fact
    slug: str
    points: int


# Domain: plans. The points against are ours: as strong as the strongest reason for.
AGAINST = -3
WEIGHTS = (
    Weight(Fact.TOUCH, "craniosacral", 3),
    Weight(Fact.TOUCH, "swedish", 2),
    Weight(Fact.TOUCH, "deep_tissue", AGAINST),
    Weight(Fact.TOUCH, "neuromuscular", AGAINST),
    Weight(Fact.TENSION, "myofascial", 3),
    Weight(Fact.TENSION, "deep_tissue", 1),
    Weight(Fact.JAW, "myofascial", 3),
    Weight(Fact.PATTERN, "neuromuscular", 3),
    Weight(Fact.STRESS, "swedish", 3),
    Weight(Fact.DECLINES, "reflexology", 2),
)


@dataclass(frozen=True)
class Candidate:
    """A modality as the ranking sees it."""

    slug: str
    works_head_or_neck: bool


@dataclass(frozen=True)
class Suggestion:
    """A modality with what speaks for it, what against it, and what safety says."""

    slug: str
    points: int
    pros: tuple[Fact, ...]
    cons: tuple[Fact, ...]
    verdict: Verdict


def rank(candidates: Sequence[Candidate], facts: Iterable[Fact], verdicts: Mapping[str, Verdict]) -> list[Suggestion]:
    """Return every modality, the best reasons first; what safety refuses comes last, whatever speaks for it."""
    known = frozenset(facts)
    suggestions = [_weighed(candidate, known, verdicts[candidate.slug]) for candidate in candidates]
    return sorted(suggestions, key=lambda s: (not s.verdict.allowed, -s.points))


def _weighed(candidate: Candidate, facts: frozenset[Fact], verdict: Verdict) -> Suggestion:
    weights = [w for w in WEIGHTS if w.slug == candidate.slug and w.fact in facts]
    if candidate.works_head_or_neck and Fact.DECLINES in facts:
        weights.append(Weight(Fact.DECLINES, candidate.slug, AGAINST))
    return Suggestion(
        slug=candidate.slug,
        points=sum(w.points for w in weights),
        pros=tuple(w.fact for w in weights if w.points > 0),
        cons=tuple(w.fact for w in weights if w.points < 0),
        verdict=verdict,
    )
