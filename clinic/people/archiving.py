"""Deleting is archiving, and what something is still to come for is not archived. Upper rooms say what they know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Model

from clinic.lib.registry import Registry

# What is to be archived, and now → why not yet, in one sentence; empty for what the room has no objection to.
Refusal = Callable[[Model, datetime], str]

refusals: Registry[Refusal] = Registry("refusal to archive")


def refuse_archiving(thing: Model, *, now: datetime) -> None:
    """Raise ValidationError where an upper room still needs this. To be called under the locks of those who book."""
    for refusal in refusals:
        if words := refusal(thing, now):
            raise ValidationError(words)
