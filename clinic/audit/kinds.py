"""What has a history: kinds of records, the parts each consists of, and what the things they name are called.

The rooms above fill the registries in their `AppConfig.ready`; this one does not know what it records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from django.db.models import F, Index, Model, QuerySet
from django.db.models.fields.json import KeyTransform

from clinic.lib.registry import Registry

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise
    from pghistory.models import Event


class Reader(Protocol):
    """Who reads a history."""

    @property
    def is_therapist(self) -> bool: ...


@dataclass(frozen=True)
class Manner:
    """Where the reader is: the zone of its clock, the currency of its prices."""

    zone: ZoneInfo
    currency: str


@dataclass(frozen=True)
class Part:
    """One tracked model whose rows belong to a record."""

    model: type[Model]
    title: StrOrPromise
    # The column of an event that holds the key of the record it belongs to.
    record: str = "pgh_obj_id"
    # The field that tells its rows apart: its value stands in the title, as in "qualification in %(subject)s".
    subject: str = ""
    # What is done by a change of these fields alone, in the clinic's verbs: when it is set, and when it is taken back.
    verbs: Mapping[str, tuple[StrOrPromise, StrOrPromise]] = field(default_factory=dict)
    # Fields that say nothing to people, or only what the head of the entry says already.
    left_out: frozenset[str] = frozenset()
    # How the values of a field are said, where the field itself does not know.
    words: Mapping[str, Callable[[Any, Manner], StrOrPromise]] = field(default_factory=dict)
    # Health: everybody else learns that it was changed, by whom and when, and not a word of it.
    is_for_therapists_only: bool = False

    @property
    def events(self) -> type[Event]:
        """The rows that the triggers keep of the model's."""
        events: type[Event] = self.model.pgh_event_model  # type: ignore[attr-defined]  # pghistory adds it at run time
        return events


@dataclass(frozen=True)
class RecordKind:
    """A kind of record with a history of its own."""

    title: StrOrPromise
    model: type[Model]
    parts: tuple[Part, ...]
    # The acts told in words hang on her by `client_pk`, whatever they were done to.
    is_of_clients: bool = False
    # The name of the page to which its entries lead, where that is not its history.
    page: str = ""
    # What an act of this kind wrote is told by the act: the clinic's history leaves its single rows out.
    is_whole: bool = False
    # By model label: the keys of other things whose acts belong to these records, given their keys.
    beside: Mapping[str, Callable[[Collection[int]], QuerySet[Any, Any]]] = field(default_factory=dict)


record_kinds: Registry[RecordKind] = Registry("kind of record")

# By model label: what is done to such things is about health. All but therapists read only that what is named here,
# in words that say nothing, was changed.
closed_acts: Registry[StrOrPromise] = Registry("closed act")

# By model label: what its things are called, by key. For all others, what the thing calls itself.
Names = Callable[[Collection[int]], Mapping[int, str]]
names: Registry[Names] = Registry("way to name things")


def newest_first(name: str) -> dict[str, object]:
    """Return the Meta of an event table that grows with the years: indexes that serve the clinic's history page."""
    return {
        "indexes": [
            Index(fields=["-pgh_created_at", "-pgh_id"], name=f"{name}_event_newest"),
            # Asked for one person who changes little.
            Index(
                KeyTransform("by", "pgh_context"),
                F("pgh_created_at").desc(),
                F("pgh_id").desc(),
                name=f"{name}_event_by_whom",
            ),
        ]
    }


def label_of(model: type[Model]) -> str:
    """Return the model's label, e.g. people.client."""
    return str(model._meta.label_lower)  # noqa: SLF001  # public by Django's documentation
