"""Two records of one person: how every room reads them as one, and what each does when they are joined or parted.

Records that were merged stay rows of their own, so that nothing signed moves. Whoever reads by client reads by
`records_of`; whoever keeps rows that must go on with the kept record registers a step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, F, Func, Value
from django.db.models.expressions import Combinable

from clinic.lib.registry import Registry
from clinic.people.models.clients import Client

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# --- Reading

KEYS: ArrayField[list[int], list[int]] = ArrayField(BigIntegerField())
BITS_OF_A_KEY = 64


class Records(Func):
    """All records of the person to whom one record belongs: up to the kept one, and down to all merged into it."""

    template = (
        "(WITH RECURSIVE up (id, into_id) AS ("
        "SELECT one.id, one.merged_into_id FROM people_client one WHERE one.id = %(expressions)s"
        " UNION SELECT one.id, one.merged_into_id FROM people_client one JOIN up ON one.id = up.into_id"
        "), hers (id) AS ("
        "SELECT up.id FROM up"
        " UNION SELECT one.id FROM people_client one JOIN hers ON one.merged_into_id = hers.id"
        ") SELECT hers.id FROM hers)"
    )
    output_field = BigIntegerField()


def records_of(*client_pks: int) -> Records:
    """Return, for `client__in`, all records of these people, whichever of them was named. It costs no query."""
    # A key from an address may be longer than any that the database has.
    keys = [pk for pk in client_pks if pk.bit_length() < BITS_OF_A_KEY]
    return Records(Func(Value(keys, KEYS), function="ANY"))


def records_beside(client: Combinable | str = "client_id") -> Func:
    """Return, for `annotate`, the keys of all records of the person to whom a row belongs.

    So one query for many people says of each row for which of the keys asked about it speaks.
    """
    column = F(client) if isinstance(client, str) else client
    return Func(Records(column), function="ARRAY", template="%(function)s%(expressions)s", output_field=KEYS)


# --- Steps


class Fate(Enum):
    """What becomes of what the record that goes has."""

    COMES = "comes"
    STAYS = "stays"
    # Both have one, and somebody should know it.
    MIND = "mind"


@dataclass(frozen=True)
class Part:
    """A line of what a merge does. What is about health is told to therapists only."""

    fate: Fate
    words: StrOrPromise
    is_health: bool = False


@dataclass(frozen=True)
class Pair:
    """The record that is kept, the one that goes into it, and when."""

    kept: Client
    gone: Client
    now: datetime


# What a step needs to undo itself: keys.
Moved = dict[str, Any]


def _nothing(_keys: Collection[int]) -> None:
    """Lock nothing."""


def _no_objection(_pair: Pair) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class MergeStep:
    """A room's part of a merge. All but `tell` run in the merge's transaction.

    - `tell` says what the record that goes has, and what becomes of it;
    - `refuse` gives the sentences that speak against the merge, the same on the page and under the locks;
    - `lock` takes, for these clients, what the house locks before clients (therapists, rooms);
    - `move` moves what is open or to come, after the records became one, and returns the keys by which to undo it;
    - `undo` moves back what is still as it was moved, after the records were parted, and says what stays.
    """

    tell: Callable[[Pair], Sequence[Part]]
    move: Callable[[Pair], Moved]
    undo: Callable[[Pair, Moved], Sequence[str]]
    refuse: Callable[[Pair], Sequence[str]] = _no_objection
    lock: Callable[[Collection[int]], None] = _nothing


merge_steps: Registry[MergeStep] = Registry("merge step")
