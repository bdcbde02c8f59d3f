"""What is in force for a client today, in one box: the most severe first, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from intake.models import Effect, Finding
from intake.reading import FindingRow, finding_rows

STOPPING = frozenset({Effect.CLEAR, Effect.BLOCK, Effect.POSTPONE, Effect.SAME_DAY, Effect.EMERGENCY})


@dataclass(frozen=True)
class Force:
    """All findings that hold today."""

    rows: tuple[FindingRow, ...]

    @property
    def kind(self) -> str:
        """How the box looks: whether everything is stopped."""
        return "stop" if any(stops_everything(row.finding) for row in self.rows) else "todo"

    @property
    def alerts(self) -> Force:
        """Keep what stops everything, and what no therapist has acknowledged."""
        return Force(
            tuple(row for row in self.rows if stops_everything(row.finding) or not row.finding.acknowledged_at)
        )


def stops_everything(finding: Finding) -> bool:
    """Say whether a finding forbids a visit, whatever would be done in it."""
    return finding.effect in STOPPING and not finding.applies_to


def force_of(findings: Iterable[Finding], day: date) -> Force:
    """Return the open findings that hold on `day`, in the order in which they come."""
    holding = [f for f in findings if (not f.starts_on or f.starts_on <= day) and (not f.ends_on or day <= f.ends_on)]
    return Force(tuple(finding_rows(holding)))
