"""What the writing services share."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Model


def write_changes(kept: Model, facts: Mapping[str, object]) -> list[str]:
    """Write what differs from a row that was read under its lock, and return its names; the rest is left alone."""
    changed = {name: fact for name, fact in facts.items() if getattr(kept, name) != fact}
    for name, fact in changed.items():
        setattr(kept, name, fact)
    if changed:
        kept.full_clean()
        kept.save(update_fields=list(changed))
    return list(changed)


def tidy(typed: str) -> str:
    """Return a text without blanks around it; a browser ends its lines in two characters, and one is kept."""
    return typed.strip().replace("\r\n", "\n")


def trimmed(facts: Mapping[str, object]) -> dict[str, object]:
    """Return the facts with their texts tidied."""
    return {name: tidy(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
