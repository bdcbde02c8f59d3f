"""Pages of lists that are not counted: counting years of what happened takes longer than reading the newest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

PER_PAGE = 25
A_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class Stretch(Generic[T]):
    """One such page."""

    rows: list[T]
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def previous_number(self) -> int:
        return self.number - 1

    @property
    def next_number(self) -> int:
        return self.number + 1


def stretch(newest: Callable[[int], Sequence[T] | Any], typed: str, *, per_page: int = PER_PAGE) -> Stretch[T]:
    """Return the page with the typed number, the first where it is none; `newest` gives so many of the newest rows."""
    number = int(typed) if A_PAGE_NUMBER.fullmatch(typed) else 1
    start = (number - 1) * per_page
    found = list(newest(start + per_page + 1)[start:])
    return Stretch(rows=found[:per_page], number=number, has_next=len(found) > per_page)
