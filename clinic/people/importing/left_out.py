"""The rows that are not taken over, as a file that can be put right and brought again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from clinic.people.importing.columns import ROW, WHY
from clinic.people.importing.kinds import Kind
from clinic.people.importing.values import guarded
from clinic.people.models import Import, ImportRow

BYTE_ORDER_MARK = "\ufeff"


def left_out_csv(job: Import, kind: Kind) -> Iterator[str]:
    """Yield the file in pieces: each row with its cells, under headers that the import knows, and why it stays out.

    Before the file is taken over these are the rows that would stay out, as was chosen so far. A cell that a
    spreadsheet would run is guarded.
    """
    fields = [field for field in kind.fields if field.name in job.columns]
    yield BYTE_ORDER_MARK + _line([ROW, *(field.header for field in fields), WHY])
    rows = job.lines.exclude(fate=ImportRow.Fate.NEW).exclude(is_wanted=True).order_by("number")
    for row in rows.iterator(chunk_size=1000):
        cells = (guarded(row.cells.get(field.name, "")) for field in fields)
        yield _line([str(row.number), *cells, guarded(why_of(row))])


def why_of(row: ImportRow) -> str:
    """Return why a row is not simply taken over, column by column."""
    return " ".join(f"{column}: {sentence}" if column else sentence for column, sentence in row.reasons)


def _line(cells: list[str]) -> str:
    text = StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()
