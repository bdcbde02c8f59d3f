"""Two records of one person: what each room does when they are joined or parted.

Records that were merged stay rows of their own, so that nothing signed moves; whoever reads by client reads by
`records.records_of`. Whoever keeps rows that must go on with the kept record registers a step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from clinic.lib.registry import Registry
from clinic.people.models.clients import Client
from clinic.people.models.logins import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


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


@dataclass(frozen=True)
class MergeStep:
    """A room's part of a merge; it leaves out what it has no use for. All but the first two run in its transaction.

    - `sum_up` says in a few words how much one record has, as far as the reader may know;
    - `tell` says what the record that goes has, and what becomes of it;
    - `refuse` gives the sentences that speak against the merge, the same on the page and under the locks;
    - `lock` takes, for these clients, what the house locks before clients (therapists, rooms);
    - `move` moves what is open or to come, after the records became one, and returns the keys by which to undo it;
    - `undo` moves back what is still as it was moved, after the records were parted, and tells what stays.
    """

    sum_up: Callable[[Client, User, datetime], Sequence[str]] | None = None
    tell: Callable[[Pair], Sequence[Part]] | None = None
    move: Callable[[Pair], Moved] | None = None
    undo: Callable[[Pair, Moved], Sequence[Part]] | None = None
    refuse: Callable[[Pair], Sequence[str]] | None = None
    lock: Callable[[Collection[int], datetime], None] | None = None


merge_steps: Registry[MergeStep] = Registry("merge step")

# --- The record itself


@dataclass(frozen=True)
class Matter:
    """What one of the two records is right about: fields that belong together are never mixed."""

    name: str
    label: StrOrPromise
    fields: tuple[str, ...]

    def is_blank(self, client: Client) -> bool:
        """Say whether a record knows nothing of it."""
        return not any(self.values(client))

    def values(self, client: Client) -> tuple[object, ...]:
        """Return what a record knows of it."""
        return tuple(getattr(client, name) for name in self.fields)


MATTERS = (
    Matter("name", _("Name"), ("legal_name",)),
    Matter("called", _("Called"), ("preferred_name",)),
    Matter("pronouns", _("Pronouns"), ("pronouns",)),
    Matter("born", _("Date of birth"), ("born_on",)),
    Matter("email", _("E-mail"), ("email",)),
    Matter("phone", _("Phone"), ("phone",)),
    Matter("other_phone", _("Other phone"), ("other_phone",)),
    Matter("address", _("Address"), ("address",)),
    Matter("language", _("Language"), ("language",)),
    Matter("guardian", _("Guardian"), ("guardian_name", "guardian_relation", "guardian_phone", "guardian_email")),
    Matter("emergency", _("Emergency contact"), ("emergency_name", "emergency_relation", "emergency_phone")),
    Matter("physician", _("Referring physician"), ("physician_name", "physician_contact")),
    Matter("therapist", _("Therapist"), ("primary_therapist",)),
    Matter("alert", _("Alert"), ("alert",)),
    Matter("light", _("Light in the room"), ("light",)),
    Matter("sound", _("Sound"), ("sound",)),
    Matter("scent", _("Scent"), ("scent",)),
    Matter("temperature", _("Temperature"), ("temperature",)),
    Matter("talk", _("Talk"), ("talk",)),
    Matter("table", _("On the table"), ("table_angle",)),
)
