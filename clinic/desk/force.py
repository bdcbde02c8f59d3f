"""What is in force for a client today, in one box: the most severe first, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from intake.findings import findings_in_force
from intake.models import Finding
from intake.reading import FindingRow, finding_rows, version_words
from intake.safety import STOPPING


@dataclass(frozen=True)
class Force:
    """All findings that hold today."""

    rows: tuple[FindingRow, ...]

    @property
    def kind(self) -> str:
        """How the box looks: whether everything is stopped."""
        return "stop" if any(stops_everything(row.finding) for row in self.rows) else "todo"

    @property
    def rules(self) -> str:
        """Which version of the rules speaks."""
        return version_words(row.finding.rule_version.number for row in self.rows)

    @property
    def alerts(self) -> Force:
        """Keep what stops everything, and what no therapist has acknowledged."""
        return Force(
            tuple(row for row in self.rows if stops_everything(row.finding) or not row.finding.acknowledged_at)
        )


def stops_everything(finding: Finding) -> bool:
    """Say whether a finding forbids a visit, whatever would be done in it."""
    return finding.effect in STOPPING and not finding.applies_to


def force_of(client_pk: int, day: date) -> Force:
    """Return what is in force for a client on `day`."""
    return Force(tuple(finding_rows(findings_in_force(client_pk, day))))
