"""The dry run: every row read, every problem named by row and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.importing.columns import Field, Reads, known_headers
from clinic.people.importing.kinds import Kind, Row, Work, batched
from clinic.people.importing.reading import read_table
from clinic.people.importing.table import Cell, Line, Table, Unreadable, as_text
from clinic.people.importing.values import (
    Habits,
    a_date,
    a_moment,
    a_phone,
    a_time,
    a_wall,
    an_email,
    channels,
    text_of,
    yes_or_no,
)
from clinic.people.models import Import, ImportRow, clinic_zone

BATCH = 2000


def table_of(job: Import, kind: Kind) -> Table:
    """Read the file of an import. Raises Unreadable."""
    if job.content is None:
        raise Unreadable(_("The file is no longer kept here. Please upload it again."))
    return read_for(kind, bytes(job.content))


def read_for(kind: Kind, content: bytes) -> Table:
    """Read a file of this kind. Raises Unreadable, also where it has more rows than the kind takes at once."""
    table = read_table(content, known_headers(kind.fields))
    if len(table.lines) > kind.most_rows:
        facts = {
            name: number_format(count, force_grouping=True)
            for name, count in (("found", len(table.lines)), ("most", kind.most_rows))
        }
        raise Unreadable(_("This file has %(found)s rows; at most %(most)s at once. Please split it.") % facts)
    return table


def check_rows(job: Import, kind: Kind, table: Table, work: Work) -> list[Row]:
    """Read every row and let the kind look at all of them."""
    zone = clinic_zone()
    habits = Habits(local_date(zone, work.now), job.day_first, job.region)
    by_name = {field.name: field for field in kind.fields}
    chosen = [(index, by_name[name]) for index, name in enumerate(job.columns) if name in by_name]
    rows = [_read(line, chosen, habits, zone) for line in table.lines]
    kind.check(rows, work)
    return rows


def is_as_kept(rows: Sequence[Row], job: Import) -> bool:
    """Tell whether this check found of each row what the one before found: its fate, and the doubt that was decided."""
    doubtful = ImportRow.Fate.DOUBTFUL
    kept = job.lines.order_by("number").values_list("number", "fate", "reasons")
    before = [(number, fate, reasons[0][1] if fate == doubtful else "") for number, fate, reasons in kept.iterator()]
    return before == [(row.number, str(row.fate), row.doubt if row.fate == doubtful else "") for row in rows]


def keep_rows(job: Import, kind: Kind, rows: Sequence[Row], table: Table) -> None:
    """Keep what this check found, in place of an earlier one; what was chosen for a doubt that still stands remains."""
    wanted = {line.number: line.reasons for line in job.lines.filter(is_wanted=True)}
    job.lines.all().delete()
    for batch in batched(rows, BATCH):
        lines = [_kept(row, job, kind, table) for row in batch]
        for line in lines:
            line.is_wanted = line.fate == ImportRow.Fate.DOUBTFUL and wanted.get(line.number) == line.reasons
        ImportRow.objects.bulk_create(lines)


def _kept(row: Row, job: Import, kind: Kind, table: Table) -> ImportRow:
    fate, is_sound = row.fate, row.fate in {ImportRow.Fate.NEW, ImportRow.Fate.DOUBTFUL}
    sentences = row.problems if fate == ImportRow.Fate.WRONG else [("", row.left_out or row.doubt)]
    return ImportRow(
        file=job,
        number=row.number,
        fate=fate,
        stands=kind.stands(row) if is_sound else {},
        cells={} if fate == ImportRow.Fate.NEW else row.cells,
        reasons=[[_column(name, job.columns, table.header), sentence] for name, sentence in sentences if sentence],
        alike_pk=row.alike_pk,
    )


def _column(name: str, columns: Sequence[str], header: Sequence[str]) -> str:
    """Return the header of the column that a problem is about; nothing where it is about the row, or is not there."""
    stand_ins = {name, *NAMES} if name.endswith("legal_name") else {name}
    return next((said for said, chosen in zip(header, columns, strict=True) if chosen and chosen in stand_ins), "")


# A name may stand in one column or in several.
NAMES = ("full_name", "first_name", "last_name", "client_full_name", "client_first_name", "client_last_name")


def _read(line: Line, chosen: Sequence[tuple[int, Field]], habits: Habits, zone: ZoneInfo) -> Row:
    cells = [(field, line.cells[index]) for index, field in chosen if line.cells[index] != ""]
    row = Row(line.number, cells={field.name: as_text(cell) for field, cell in cells})
    if line.flaw:
        row.problems.append(("", line.flaw))
        return row
    for field, cell in cells:
        try:
            value = _value(cell, field.reads, habits, zone)
        except ValidationError as problem:
            row.problems.append((field.name, problem.messages[0]))
        else:
            if value not in {None, "", frozenset()}:
                row.values[field.name] = value
    return row


def _value(cell: Cell, reads: Reads, habits: Habits, zone: ZoneInfo) -> Any:
    readings: Mapping[Reads, Callable[[], Any]] = {
        Reads.DATE: lambda: a_date(cell, habits),
        Reads.MOMENT: lambda: a_moment(cell, habits, zone),
        Reads.WALL: lambda: a_wall(cell, habits),
        Reads.TIME: lambda: a_time(cell),
        Reads.PHONE: lambda: a_phone(cell, habits),
        Reads.EMAIL: lambda: an_email(cell),
        Reads.YES_NO: lambda: yes_or_no(cell),
        Reads.CHANNELS: lambda: channels(cell),
    }
    return readings[reads]() if reads in readings else text_of(cell)
