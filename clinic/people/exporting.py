"""What the clinic hands out as CSV: everything of one kind, nothing about health, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import StringIO

from clinic.audit.services import record_change
from clinic.people.importing.columns import Field
from clinic.people.importing.kinds import Kind, batched
from clinic.people.importing.values import guarded
from clinic.people.models import Clinic, User

LINES_AT_ONCE = 500
BYTE_ORDER_MARK = "\ufeff"


def csv_lines(kind: Kind, now: datetime) -> Iterator[str]:
    """Yield the file in pieces, as UTF-8 with a byte order mark: Excel reads it as UTF-8 only so."""
    cells = iter(kind.export(now))
    first = next(cells, {})
    fields = [field for field in kind.fields if field.name in first] if first else list(kind.fields)
    yield BYTE_ORDER_MARK + _lines([[field.header for field in fields]])
    for batch in batched(_with(first, cells), LINES_AT_ONCE):
        yield _lines([_row(one, fields) for one in batch])


def record_export(*, by: User, kind: Kind, now: datetime) -> None:
    """Record that everything of this kind was handed out."""
    record_change(
        by=by.pk,
        client=None,
        what=Clinic.objects.get(),
        words=str(kind.exported),
        now=now,
    )


def _with(first: Mapping[str, str], others: Iterator[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    if first:
        yield first
        yield from others


def _row(cells: Mapping[str, str], fields: list[Field]) -> list[str]:
    return [guarded(cells[field.name]) for field in fields]


def _lines(rows: list[list[str]]) -> str:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
