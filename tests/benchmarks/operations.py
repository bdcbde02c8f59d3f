"""What is measured. Each topic has a file of its own; its operations are named here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import psycopg


@dataclass(frozen=True)
class Case:
    """One request: the address, words that its answer must hold, and the same read as bare SQL with its values."""

    path: str
    holds: str
    floor: Sequence[tuple[str, tuple[object, ...]]]


@dataclass(frozen=True)
class Operation:
    """Something that people do all day. `cases` invents as many requests as asked for, from what the database holds."""

    name: str
    target_ms: float
    cases: Callable[[psycopg.Connection, Random, int], list[Case]]


def operations() -> dict[str, Operation]:
    """Return all operations by name."""
    from tests.benchmarks import clients

    return {operation.name: operation for operation in clients.OPERATIONS}
