"""What can be imported and exported. Upper rooms register what they own, as scheduling does its appointments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.formats import number_format

from clinic.lib.registry import Registry
from clinic.people.importing.columns import Field
from clinic.people.importing.table import MOST_ROWS
from clinic.people.models import Import, ImportRow, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass
class Row:
    """One row, read: what its cells mean by our fields' names, and what was found about it.

    `cells` are what the file has under the columns that were chosen. `problems` are (field, sentence): such a row
    cannot be taken over. `doubt` is what a person must decide, `alike_pk` the client who may be the same person;
    `left_out` is why the row is passed over by itself. `made` is what the kind keeps between checking and writing.
    """

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    doubt: str = ""
    alike_pk: int | None = None
    left_out: str = ""
    made: Any = None

    @property
    def fate(self) -> ImportRow.Fate:
        """What is to become of the row."""
        if self.left_out:
            return ImportRow.Fate.HERE
        if self.problems:
            return ImportRow.Fate.WRONG
        return ImportRow.Fate.DOUBTFUL if self.doubt else ImportRow.Fate.NEW

    @property
    def is_flawed(self) -> bool:
        """Whether the row itself cannot be trusted, so that there is no more to say of its cells."""
        return any(not name for name, _sentence in self.problems)

    def text(self, name: str) -> str:
        """Return what stands in a text field; nothing where it is empty or not in the file."""
        return str(self.values.get(name, ""))


@dataclass(frozen=True)
class Work:
    """Who imports what, when, and how far it is told: `progress` takes a share, 0 to 1."""

    by: User
    now: datetime
    file_name: str
    progress: Callable[[float], None]

    def steps(self, rows: Sequence[Row], every: int = 200) -> Iterator[Row]:
        """Yield the rows, and tell how far it is."""
        for number, row in enumerate(rows):
            if number % every == 0:
                self.progress(number / len(rows))
            yield row


@dataclass(frozen=True)
class Made:
    """What was written: its keys, and by the other program's number of a client her key here."""

    pks: list[int]
    keys: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Doubt:
    """What is asked about the doubtful rows of a kind, and the two answers, for one row and for all."""

    question: StrOrPromise
    leave_out: StrOrPromise
    take_over: StrOrPromise


@dataclass(frozen=True)
class Kind:
    """One kind of import.

    `taken_over` and `taken_back` are said with what `counted` makes of a number. `lacks` says which field is missing
    among the chosen ones, or nothing. `check` looks at all rows and writes what it finds into them; `stands` says by
    field how a sound row will stand; `write` writes those that remain, inside one transaction; `listed` names what was
    written by its keys, each with its page; `undo` takes back what was made and nobody has used since, and names the
    rest. `export` yields the cells of each row by field. `doubt` is None where no row of this kind can be doubtful.
    """

    slug: str
    words: StrOrPromise
    title: StrOrPromise
    explained: StrOrPromise
    exported: StrOrPromise
    taken_over: StrOrPromise
    taken_back: StrOrPromise
    undo_words: StrOrPromise
    fields: tuple[Field, ...]
    lacks: Callable[[Collection[str]], str]
    check: Callable[[Sequence[Row], Work], None]
    stands: Callable[[Row], Mapping[str, str]]
    write: Callable[[Sequence[Row], Work], Made]
    listed: Callable[[Collection[int]], Iterable[tuple[str, str]]]
    undo: Callable[[Import, Work], list[str]]
    export: Callable[[datetime], Iterable[Mapping[str, str]]]
    doubt: Doubt | None = None
    # A second column of the same name is this field: a second “Phone” is the other phone.
    seconds: Mapping[str, str] = field(default_factory=dict)
    # Headers of other programs that are known, and none of ours.
    ignored: frozenset[str] = frozenset()
    most_rows: int = MOST_ROWS


def counted(n: int) -> dict[str, int | str]:
    """Return a number as it chooses the plural, and as it is shown."""
    return {"n": n, "shown": number_format(n, force_grouping=True)}


T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield the items in tuples of this size, the last one perhaps smaller; itertools has it from Python 3.12 on."""
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch


kinds: Registry[Kind] = Registry("kind of import")


def register_kind(kind: Kind) -> None:
    """Add a kind; called by the AppConfig.ready of the room that owns what is imported."""
    kinds.register(kind.slug, kind)
