"""A client's history as one list, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import CharField, F, QuerySet, Value

from clinic.audit.models import Change, Look

LOOKED, CHANGED = "looked", "changed"


@dataclass(frozen=True)
class Entry:
    """One line of the history: who (empty: nobody was signed in), did what, to which thing, why or how, when."""

    at: datetime
    who: str
    is_change: bool
    thing: str
    words: str


def history_rows(client_pk: int) -> QuerySet[Any, Any]:
    """Return looks and changes as raw rows, newest first, to be paged and then read by `entries`."""
    columns = ("at", "who", "did", "what", "said", "pk")
    looks = Look.objects.filter(client_pk=client_pk).annotate(
        who=F("by__name"), did=Value(LOOKED, CharField()), said=F("why")
    )
    changes = Change.objects.filter(client_pk=client_pk).annotate(
        who=F("by__name"), did=Value(CHANGED, CharField()), said=F("words")
    )
    return looks.values_list(*columns).union(changes.values_list(*columns), all=True).order_by("-at", "-pk")


def entries(rows: Iterable[tuple[Any, ...]]) -> list[Entry]:
    """Return the rows in words."""
    return [
        Entry(at=at, who=who or "", is_change=did == CHANGED, thing=thing_called(what), words=said)
        for at, who, did, what, said, _pk in rows
    ]


def thing_called(label: str) -> str:
    """Return what people call the things of this model; the label itself where the model is gone."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)  # noqa: SLF001  # public by Django's documentation
    except LookupError:
        return label
