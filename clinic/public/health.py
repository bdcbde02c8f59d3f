"""How the house is, for whoever watches it from outside: one word per part, no more."""

from __future__ import annotations

from datetime import datetime

from clinic.reminders.doctor import working_parts


def how_it_is(now: datetime) -> dict[str, str]:
    """Return one word per part; what each means stands with `Word` of the doctor."""
    return {finding.part: finding.word for finding in working_parts(now)}
