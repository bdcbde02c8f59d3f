"""The rows of the history in words: who changed what, before and after, when and why; who looked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import ForeignKey, OuterRef, Subquery, prefetch_related_objects
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.audit.beginning import STOOD
from clinic.audit.kinds import Manner, Part, Reader, RecordKind, closed_acts, label_of, names, record_kinds
from clinic.audit.models import Change, Look
from clinic.audit.reading import ACT, Row
from clinic.audit.words import Called, Fact, fields_of, in_words, label_of_field, target_of

if TYPE_CHECKING:
    from pghistory.models import Event

# As many facts stand in one line.
A_FEW = 3

# Label of a model → the keys of those whose names are needed.
Wanted = dict[str, set[int]]


@dataclass(frozen=True)
class Record:
    """What the history is of: a client, a room, the clinic."""

    name: str
    url: str


@dataclass(frozen=True)
class Entry:
    """One thing that was added, changed or removed, or one act told in words."""

    thing: str
    words: str
    facts: tuple[Fact, ...] = ()
    # What tells it apart from others of its sort; stands in the thing's name.
    subject: str = ""
    # Only therapists read what it says; that it was changed is no secret.
    is_closed: bool = False

    @property
    def title(self) -> str:
        """What it is called, with what tells it apart."""
        return self.thing % {"subject": self.subject} if self.subject else self.thing

    @property
    def is_brief(self) -> bool:
        """Little enough for one line: what was added or removed in a few words."""
        return len(self.facts) <= A_FEW and not any(fact.is_long or (fact.before and fact.after) for fact in self.facts)


class Gone(str):
    """What something was called that is no longer there."""

    __slots__ = ()


class Head(NamedTuple):
    """By whom, when and why, and to which record."""

    at: datetime
    who: str
    why: str
    record: Record | None


@dataclass(frozen=True)
class Act:
    """What one person did to one record at one moment."""

    head: Head
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class LookInWords:
    """One look: when, who, at what, why."""

    at: datetime
    who: str
    thing: str
    why: str


def looks(rows: Iterable[Look]) -> list[LookInWords]:
    """Return the looks in words."""
    return [LookInWords(look.at, str(look.by), thing_called(look.what), look.why) for look in rows]


def acts(rows: Iterable[tuple[datetime, str, int]], *, reader: Reader, manner: Manner) -> list[Act]:
    """Return the rows in words; what one person did to one record at one moment stands together, in its order.

    A constant number of queries: a few for each table that the rows stand in, and one for each kind of thing they name.
    """
    places = [Row(*row) for row in rows]
    said: dict[Row, _Event | _Act] = {**_events(places, reader), **_acts(places, reader)}
    wanted: Wanted = defaultdict(set)
    for one in said.values():
        one.want(wanted)
    called = _names(wanted)
    lines = [(said[place].head(called), place) for place in places if place in said]
    return [
        Act(head, _shortened(said[place].entry(called, manner) for _head, place in reversed(list(together))))
        for head, together in groupby(lines, key=lambda line: line[0])
    ]


def _shortened(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Tell in one what was done alike to several of a sort, as to the opening hours of five days."""
    told: list[Entry] = []
    for entry in entries:
        if told and entry.subject and replace(told[-1], subject=entry.subject) == entry:
            told[-1] = replace(entry, subject=f"{told[-1].subject}, {entry.subject}")
        else:
            told.append(entry)
    return tuple(told)


def thing_called(label: str) -> str:
    """Return what people call the things of this model; the label itself where the model is gone."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)  # noqa: SLF001  # public by Django's documentation
    except LookupError:
        return label


@dataclass(frozen=True)
class _Event:
    """A row as it was after a change (before, where it was removed), and as it was before that."""

    place: Row
    kind: str
    part: Part
    now: Event
    before: Event | None
    is_closed: bool

    def want(self, wanted: Wanted) -> None:
        _want_head(wanted, self.by, self.kind, self.record_pk)
        if self.is_closed:
            return
        for field in fields_of(self.part):
            if isinstance(field, ForeignKey):
                wanted[target_of(field)] |= {value for value in self._values(field.attname) if value is not None}

    def head(self, called: Called) -> Head:
        context = self._context
        who = _who(called, self.by) if context is not None else _("not through a page")
        return Head(self.place.at, who, (context or {}).get("why", ""), _record(called, self.kind, self.record_pk))

    def entry(self, called: Called, manner: Manner) -> Entry:
        if self.is_closed:
            return Entry(thing=str(self.part.title), words=self._did, is_closed=True)
        facts = tuple(self._facts(called, manner))
        words = ", ".join([*self._verbs, *([self._did] if facts or not self._verbs else [])])
        return Entry(thing=str(self.part.title), words=words, facts=facts, subject=self._subject(called, manner))

    @property
    def _did(self) -> str:
        label = self.now.pgh_label
        if label == STOOD or (label == "update" and not self.is_closed and self.before is None):
            return _("as it stood")
        return {"insert": _("added"), "update": _("changed"), "delete": _("removed")}[label]

    @property
    def _context(self) -> Mapping[str, Any] | None:
        context: Mapping[str, Any] | None = getattr(self.now, "pgh_context", None)
        return context

    @property
    def by(self) -> int | None:
        return (self._context or {}).get("by")

    @property
    def record_pk(self) -> int:
        return int(getattr(self.now, self.part.record))

    def _values(self, attname: str) -> tuple[Any, Any]:
        now = getattr(self.now, attname)
        if self.now.pgh_label == "delete":
            return now, None
        return (getattr(self.before, attname) if self.before else None), now

    @property
    def _verbs(self) -> list[str]:
        """What a change did, where the clinic has a verb for it."""
        if self.now.pgh_label != "update" or self.before is None:
            return []
        mine = {field.name for field in fields_of(self.part)} & self.part.verbs.keys()
        changed = {name: self._values(name) for name in sorted(mine)}
        return [
            str(self.part.verbs[name][0 if after else 1])
            for name, (before, after) in changed.items()
            if bool(before) != bool(after)
        ]

    def _subject(self, called: Called, manner: Manner) -> str:
        for field in fields_of(self.part):
            if field.name == self.part.subject:
                value = getattr(self.now, field.attname)
                return in_words(self.part, field, value, called=called, manner=manner)
        return ""

    def _facts(self, called: Called, manner: Manner) -> Iterator[Fact]:
        for field in fields_of(self.part):
            values = self._values(field.attname)
            before, after = (in_words(self.part, field, value, called=called, manner=manner) for value in values)
            if before and before == after and values[0] != values[1]:
                before, after = "", _("replaced")  # by another that is called the same, as two pictures are
            is_told = field.name in self.part.verbs and self._verbs
            # To which record it belongs goes without saying, and what it is called; but not that either was another.
            is_known = field.attname == self.part.record or field.name == self.part.subject
            if before != after and not is_told and (not is_known or (before and after)):
                yield Fact(label_of_field(field), before, after)


@dataclass(frozen=True)
class _Act:
    """An act that a service told in words."""

    place: Row
    change: Change
    kind: str
    is_closed: bool

    def want(self, wanted: Wanted) -> None:
        _want_head(wanted, self.change.by_id, self.kind, self._record_pk)
        if self.change.what in names:
            wanted[self.change.what].add(self.change.what_pk)

    def head(self, called: Called) -> Head:
        record = _record(called, self.kind, self._record_pk) if self.kind else None
        return Head(self.place.at, _who(called, self.change.by_id), "", record)

    def entry(self, called: Called, manner: Manner) -> Entry:
        if self.is_closed:
            return Entry(thing=str(closed_acts[self.change.what]), words=_("changed"), is_closed=True)
        name = called.get((self.change.what, self.change.what_pk)) if self.change.what in names else ""
        return Entry(thing=name or thing_called(self.change.what), words=self.change.words)

    @property
    def _record_pk(self) -> int:
        return self.change.what_pk if self.change.client_pk is None else self.change.client_pk


def _events(places: Collection[Row], reader: Reader) -> dict[Row, _Event]:
    found: dict[Row, _Event] = {}
    for name, kind in record_kinds.items():
        for part in kind.parts:
            here = {place.pk: place for place in places if place.source == label_of(part.events)}
            if here:
                is_closed = part.is_for_therapists_only and not reader.is_therapist
                for now, before in _with_what_was_before(part, here, is_closed=is_closed):
                    place = here[now.pk]
                    found[place] = _Event(place, name, part, now, before, is_closed)
    return found


def _with_what_was_before(part: Part, pks: Collection[int], *, is_closed: bool) -> Iterator[tuple[Event, Event | None]]:
    """Yield the events, each with the one before it of the same row; of what is closed, without what it says."""
    rows: Any = part.events._default_manager  # noqa: SLF001  # pghistory adds its fields at run time
    found = rows.filter(pk__in=pks)
    if is_closed:
        yield from ((event, None) for event in found.only("pgh_label", "pgh_context", part.record))
        return
    earlier = rows.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pk__lt=OuterRef("pk")).order_by("-pk")
    events = list(found.annotate(before_pk=Subquery(earlier.values("pk")[:1])))
    before = rows.in_bulk([event.before_pk for event in events if event.before_pk])
    yield from ((event, before.get(event.before_pk)) for event in events)


def _acts(places: Collection[Row], reader: Reader) -> dict[Row, _Act]:
    """Return the acts; of what is closed to the reader, without its words."""
    here = {place.pk: place for place in places if place.source == ACT}
    if not here:
        return {}
    of_clients = next(name for name, kind in record_kinds.items() if kind.is_of_clients)
    by_label = {label_of(kind.model): name for name, kind in record_kinds.items()}
    closed = [] if reader.is_therapist else [label for label, _thing in closed_acts.items()]
    told = Change.objects.filter(pk__in=here)
    found = [*told.exclude(what__in=closed), *told.filter(what__in=closed).defer("words")]
    return {
        here[change.pk]: _Act(
            place=here[change.pk],
            change=change,
            kind=of_clients if change.client_pk is not None else by_label.get(change.what, ""),
            is_closed=change.what in closed,
        )
        for change in found
    }


def _want_head(wanted: Wanted, by: int | None, kind: str, record_pk: int) -> None:
    if by is not None:
        wanted[label_of(get_user_model())].add(by)
    if kind:
        wanted[label_of(record_kinds[kind].model)].add(record_pk)


def _who(called: Called, by: int | None) -> str:
    if by is None:
        return _("nobody signed in")
    return called.get((label_of(get_user_model()), by)) or _("one who is gone")


def _record(called: Called, name: str, pk: int) -> Record:
    kind: RecordKind = record_kinds[name]
    called_so = called.get((label_of(kind.model), pk)) or Gone(_("one that is gone"))
    if isinstance(called_so, Gone):
        return Record(called_so, "")
    if kind.page:
        return Record(called_so, reverse(kind.page, args=[pk]))
    if kind.is_of_clients:
        return Record(called_so, reverse("audit:client-history", args=[pk]))
    return Record(called_so, reverse("audit:record-history", args=[name, pk]))


def _names(wanted: Wanted) -> dict[tuple[str, int], str]:
    """Return what the wanted things are called: one query for each model, and a few where some of them are gone."""
    called: dict[tuple[str, int], str] = {}
    parts = {label_of(kind.model): part for kind in record_kinds for part in kind.parts if part.model is kind.model}
    for label, pks in wanted.items():
        found = names[label](pks) if label in names else _as_they_call_themselves(label, pks)
        gone = pks - found.keys()
        if gone and label in parts:
            found = {**_as_they_were_called(parts[label], gone), **found}
        called |= {(label, pk): name for pk, name in found.items()}
    return called


def _as_they_were_called(part: Part, pks: Collection[int]) -> Mapping[int, str]:
    """Return what things called themselves that are gone, by the last that the history knows of each."""
    rows: Any = part.events._default_manager  # noqa: SLF001  # pghistory adds its fields at run time
    last = rows.filter(pgh_obj_id__in=pks).order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
    fields = fields_of(part)
    things = [
        part.model(pk=event.pgh_obj_id, **{field.attname: getattr(event, field.attname) for field in fields})
        for event in last
    ]
    prefetch_related_objects(things, *(field.name for field in fields if isinstance(field, ForeignKey)))
    called = {}
    for thing in things:
        # Who is called by the name of another that is gone as well has none.
        with suppress(ObjectDoesNotExist):
            called[thing.pk] = Gone(thing)
    return called


def _as_they_call_themselves(label: str, pks: Collection[int]) -> Mapping[int, str]:
    things = apps.get_model(label)._base_manager.filter(pk__in=pks)  # noqa: SLF001  # public by Django's documentation
    return {thing.pk: str(thing) for thing in things.select_related()}
