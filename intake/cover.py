"""What a clearance covers, pure: how firmly a plan may be done within it, for one scope of one finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from intake.rules import Scope, regions_meant

if TYPE_CHECKING:
    from intake.safety import FindingFact, Planned


@dataclass(frozen=True)
class ClearanceFact:
    """What a clearance says of one finding: its scope. An empty part means any."""

    finding: int
    pressure_up_to: int
    starts_on: date
    ends_on: date
    modalities: frozenset[str] = frozenset()
    # Codes of regions, no groups.
    regions: frozenset[str] = frozenset()

    def speaks_of(self, fact: FindingFact, planned: Planned, day: date) -> bool:
        """Say whether it is about this finding, on this day, and this way of working where one is decided."""
        return (
            fact.finding == self.finding
            and self.starts_on <= day <= self.ends_on
            and (not self.modalities or not planned.modality or planned.modality in self.modalities)
        )


def cleared_up_to(
    fact: FindingFact, scope: Scope, planned: Planned, day: date, clearances: Iterable[ClearanceFact]
) -> int:
    """Return the highest pressure that clearances open of what this scope of a finding holds back; 0 where none does.

    Each region that is planned must be covered. A visit of which nothing is decided yet is covered by a clearance for
    any region: each piece of work is asked about again when it is.
    """
    told = [clearance for clearance in clearances if clearance.speaks_of(fact, planned, day)]
    if not planned.regions:
        is_undecided = planned.pressure is None
        return max((one.pressure_up_to for one in told if is_undecided or not one.regions), default=0)
    held_back = planned.regions & regions_meant(scope.regions) if scope.regions else planned.regions
    return min(
        (
            max((one.pressure_up_to for one in told if not one.regions or region in one.regions), default=0)
            for region in held_back
        ),
        default=0,
    )
