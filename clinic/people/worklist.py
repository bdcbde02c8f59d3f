"""The worklist: open work per member of staff. Upper rooms register what they count and list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from clinic.lib.registry import Registry
from clinic.people.models import Role, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class WorkRow:
    """One piece of open work: who it is about, what is so, and the one verb that does it."""

    title: str
    detail: str
    verb: str
    url: str
    is_urgent: bool = False


@dataclass(frozen=True)
class Worklist:
    """One kind of open work.

    `rows` is shown on the therapist's day; `count` costs a query or two on every page, and is given only where the
    navigation shows it. Both answer nothing for somebody who has no business with it.
    """

    heading: StrOrPromise
    empty: StrOrPromise
    rows: Callable[[User, datetime], Sequence[WorkRow]]
    count: Callable[[User, datetime], int] | None = None
    # Whose work it is; the others are not even told that nothing waits.
    roles: frozenset[Role] = frozenset(Role)


worklists: Registry[Worklist] = Registry("worklist")


def counts_for(user: User, now: datetime) -> dict[str, int]:
    """Return the number of open pieces of work by worklist name, as the navigation shows it."""
    return {name: worklist.count(user, now) for name, worklist in worklists.items() if worklist.count}
