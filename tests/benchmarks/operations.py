"""What is measured. Each topic has a file of its own, which names its operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Bench, Figures

Statement = tuple[str, Sequence[object]]


@dataclass(frozen=True)
class Case:
    """One request: the address, words that its answer must hold, and the same as bare SQL with its values.

    With a `form` it is sent as one, and the answer leads elsewhere. `inside` does the same without HTTP.
    """

    path: str
    holds: str
    floor: Sequence[Statement]
    form: Mapping[str, object] | None = None
    inside: Callable[[], object] | None = None
    # What makes the database as it was before, for a form that changes it.
    undo: Sequence[Statement] = ()

    def is_answered_by(self, status: int, content: str) -> bool:
        """Tell whether an answer is the one expected."""
        return status == (HTTPStatus.OK if self.form is None else HTTPStatus.FOUND) and self.holds in content


@dataclass(frozen=True)
class Operation:
    """Something that people do all day. `cases` invents as many requests as asked for, from what the database holds."""

    name: str
    target_ms: float
    cases: Callable[[psycopg.Connection, Random, int], list[Case]]
    # What the target is about, where that is not the middle time of one request after another.
    figure: str = "p50_ms"
    is_at_least: bool = False
    # How it is measured, where that is not one request after another.
    measure: Callable[[Bench, Operation], Figures] | None = field(default=None, compare=False)

    @property
    def target(self) -> str:
        """The target as the table says it."""
        unit = " ms" if self.figure.endswith("_ms") else ""
        return f"{'≥' if self.is_at_least else '≤'} {self.target_ms:g}{unit}"

    def is_met_by(self, figures: Figures) -> bool:
        """Tell whether the target is met."""
        value = figures.value_of(self.figure)
        return value >= self.target_ms if self.is_at_least else value <= self.target_ms


def operations() -> dict[str, Operation]:
    """Return all operations by name: those that a file beside this one names in its OPERATIONS."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("test_"))
    topics = [import_module(f"tests.benchmarks.{name}") for name in names]
    return {operation.name: operation for topic in topics for operation in getattr(topic, "OPERATIONS", ())}
