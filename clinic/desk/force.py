"""What is in force for a client today, in one box: the most severe first, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from intake.findings import clearances_over, fact_of, findings_in_force
from intake.models import Finding
from intake.reading import FindingRow, finding_rows, version_words
from intake.safety import STOPPING


@dataclass(frozen=True)
class Force:
    """All findings that hold today, and the keys of those of which a clearance in force opens something."""

    rows: tuple[FindingRow, ...]
    opened: frozenset[int] = frozenset()

    @property
    def kind(self) -> str:
        """How the box looks: whether everything is stopped."""
        return "stop" if any(self.stops_everything(row.finding) for row in self.rows) else "todo"

    def stops_everything(self, finding: Finding) -> bool:
        """Say whether a finding forbids a visit, whatever would be done in it."""
        return finding.effect in STOPPING and not finding.applies_to and finding.pk not in self.opened

    @property
    def rules(self) -> str:
        """Which version of the rules speaks."""
        return version_words(row.finding.rule_version.number for row in self.rows)

    @property
    def alerts(self) -> Force:
        """Keep what stops everything, and what no therapist has acknowledged."""
        rows = self.rows
        told = (row for row in rows if self.stops_everything(row.finding) or not row.finding.acknowledged_at)
        return Force(tuple(told), self.opened)


def force_of(client_pk: int, day: date) -> Force:
    """Return what is in force for a client on `day`."""
    held = findings_in_force(client_pk, day)
    cleared = clearances_over(fact_of(finding) for finding in held)
    opened = frozenset(one.finding for one in cleared if one.starts_on <= day <= one.ends_on)
    return Force(tuple(finding_rows(held)), opened)
