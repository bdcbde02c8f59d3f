"""Badges: one glance at a calendar block shows unfinished work. Upper rooms register theirs; scheduling knows none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from clinic.lib.registry import Registry
from clinic.people.models import User


@dataclass(frozen=True)
class Badge:
    """A small sign on a block: an icon's name, the words for it, and whether somebody must act."""

    icon: str
    words: str
    is_open_work: bool = False


class Visit(Protocol):
    """What a provider may ask of a visit: an Appointment answers it, and a row of the calendar, read faster."""

    @property
    def pk(self) -> int: ...
    @property
    def client_id(self) -> int: ...
    @property
    def series_id(self) -> int | None: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def status(self) -> str: ...


# Answers for a page of visits at once, by their keys; what this user may not know is left out.
BadgeProvider = Callable[[User, Sequence[Visit]], Mapping[int, Sequence[Badge]]]

badge_providers: Registry[BadgeProvider] = Registry("badge provider")


def badges_for(user: User, visits: Sequence[Visit]) -> dict[int, list[Badge]]:
    """Return the badges of each visit, in the order of the rooms."""
    answers = [provider(user, visits) for provider in badge_providers]
    return {visit.pk: [badge for found in answers for badge in found.get(visit.pk, ())] for visit in visits}
