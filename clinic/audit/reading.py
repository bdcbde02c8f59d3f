"""Which lines the history has: of one record or of the whole clinic, newest first, to be paged and then put in words.

Two sources read as one list: the events that triggers keep of each tracked row, and the acts that services tell in
words (`Change`). The looks stand apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from django.db.models import CharField, F, Model, Q, QuerySet, Value

from clinic.audit.beginning import STOOD
from clinic.audit.kinds import Part, label_of, record_kinds
from clinic.audit.models import Change, Look

ACT = "audit.change"
# So far back it is looked who changed a field last.
LATEST = 50


class Author(NamedTuple):
    """By whom, by key, and when a field got its value; None where nobody was signed in."""

    by: int | None
    at: datetime


class Row(NamedTuple):
    """Where one line of the history stands: in the table of this model, under this key."""

    at: datetime
    source: str
    pk: int


def record_rows(kind: str, pks: Collection[int]) -> QuerySet[Any, Any]:
    """Return the rows about one record (several keys: records that were merged), newest first."""
    events = [_event_rows(part, Q(**{f"{part.record}__in": pks})) for part in record_kinds[kind].parts]
    return _newest_first([*events, _act_rows(_acts_about(kind, pks))])


def clinic_rows(
    first: int, *, kind: str = "", by: int | None = None, between: tuple[datetime, datetime] | None = None
) -> QuerySet[Any, Any]:
    """Return the `first` newest rows about everything: of one kind of record, by one person, between two moments.

    What was written within an act that is told whole is not told once more. Its rows are known by their moment. How a
    thing stood when its history began is no change of the clinic; it stands last in the thing's own history.
    """
    told = [record_kinds[kind]] if kind else list(record_kinds)
    its_event = Q(pgh_created_at__gte=between[0], pgh_created_at__lt=between[1]) if between else Q()
    its_act = Q(at__gte=between[0], at__lt=between[1]) if between else Q()
    if by is not None:
        its_event &= Q(pgh_context__by=by)
        its_act &= Q(by=by)
    if kind:
        its_act &= _acts_about(kind)
    whole = [label_of(one.model) for one in record_kinds if one.is_whole]
    told_whole = Change.objects.filter(what__in=whole)
    its_event &= ~Q(pgh_created_at__in=told_whole.values("at")) & ~Q(pgh_label=STOOD)
    its_act &= ~Q(at__in=told_whole.values("at")) | Q(what__in=whole)
    rows = [*(_event_rows(part, its_event) for one in told for part in one.parts), _act_rows(its_act)]
    # Of each table no more than could be shown: else PostgreSQL may read and sort years of all of them.
    return _newest_first([of_one.order_by("-at", "-row")[:first] for of_one in rows])


def look_rows(client_pks: Collection[int]) -> QuerySet[Look]:
    """Return who looked at something about a client, newest first."""
    return Look.objects.filter(client_pk__in=client_pks).select_related("by").order_by("-at", "-pk")


def who_changed(thing: Model, field: str) -> Author | None:
    """Return who gave a field the value that it has; None where no history tells."""
    events = getattr(thing, "pgh_event_model", None)
    if events is None or field not in {one.name for one in events._meta.fields}:  # noqa: SLF001  # public by Django's documentation
        return None
    rows = events.objects.filter(pgh_obj_id=thing.pk).order_by("-pgh_id")
    told = list(rows.values_list(field, "pgh_context__by", "pgh_created_at")[:LATEST])
    since = [Author(by, at) for _value, by, at in takewhile(lambda row: row[0] == told[0][0], told)]
    return since[-1] if since else None


def _acts_about(kind: str, pks: Collection[int] | None = None) -> Q:
    about = record_kinds[kind]
    if about.is_of_clients:
        return Q(client_pk__isnull=False) if pks is None else Q(client_pk__in=pks)
    of_kind = Q(what=label_of(about.model))
    if pks is None:
        return of_kind | Q(what__in=about.beside)
    condition = of_kind & Q(what_pk__in=pks)
    for label, keys in about.beside.items():
        condition |= Q(what=label, what_pk__in=keys(pks))
    return condition


def _event_rows(part: Part, condition: Q) -> QuerySet[Any, Any]:
    rows = part.events._default_manager.filter(condition)  # noqa: SLF001  # public by Django's documentation
    source = Value(label_of(part.events), CharField())
    return rows.annotate(at=F("pgh_created_at"), source=source, row=F("pgh_id")).values_list("at", "source", "row")


def _act_rows(condition: Q) -> QuerySet[Any, Any]:
    acts = Change.objects.filter(condition).annotate(source=Value(ACT, CharField()), row=F("pk"))
    return acts.values_list("at", "source", "row")


def _newest_first(rows: Sequence[QuerySet[Any, Any]]) -> QuerySet[Any, Any]:
    if len(rows) == 1:  # a kind that has acts only; in order already
        return rows[0]
    return rows[0].union(*rows[1:], all=True).order_by("-at", "source", "-row")
