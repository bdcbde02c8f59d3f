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
        """How the box looks: whether anything is stopped."""
        return "stop" if any(row.finding.effect in STOPPING for row in self.rows) else "todo"


def force_of(findings: Iterable[Finding], day: date) -> Force:
    """Return the open findings that hold on `day`, in the order in which they come."""
    holding = [f for f in findings if (not f.starts_on or f.starts_on <= day) and (not f.ends_on or day <= f.ends_on)]
    return Force(tuple(finding_rows(holding)))
