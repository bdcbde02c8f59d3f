"""The goal in the note's head. Plans lie above this room: they register how to say a client's goal."""

from collections.abc import Callable, Sequence
from datetime import datetime

from clinic.lib.registry import Registry

# Answers for a client's key with a line or two in words, or nothing where there is no plan.
GoalWords = Callable[[int, datetime], Sequence[str]]

goal_words: Registry[GoalWords] = Registry("goal")


def goals_of(client_pk: int, now: datetime) -> list[str]:
    """Return what her plan is for, in words."""
    return [line for words in goal_words for line in words(client_pk, now)]
