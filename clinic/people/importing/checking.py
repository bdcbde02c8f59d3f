"""The dry run: every row read, every problem named by row and column."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.importing.columns import Field, Reads, known_headers
from clinic.people.importing.kinds import Kind, Row, Work
from clinic.people.importing.people import name_of
from clinic.people.importing.reading import read_table
from clinic.people.importing.table import Cell, Line, Table, Unreadable
from clinic.people.importing.values import (
    Habits,
    a_date,
    a_moment,
    a_phone,
    a_time,
    a_wall,
    an_email,
    guarded,
    shown,
    text_of,
    yes_or_no,
)
from clinic.people.models import Import, clinic_zone

# So many are shown on the page; the rest is in the list to download.
MOST_SHOWN = 100

Finding = tuple[int, str, str]


@dataclass(frozen=True)
class Findings:
    """What the dry run found: rows to write as they are, doubtful ones, those left out, and those with problems."""

    new: list[Row]
    doubtful: list[Row]
    left_out: list[Row]
    wrong: list[Row]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return len(self.new), len(self.doubtful), len(self.left_out), len(self.wrong)

    @property
    def digest(self) -> str:
        """The digest of which row is what: another check with the same one has found the same."""
        heaps = [[row.number for row in heap] for heap in (self.new, self.doubtful, self.left_out, self.wrong)]
        return sha256(repr(heaps).encode()).hexdigest()


def table_of(job: Import, kind: Kind) -> Table:
    """Read the file of an import. Raises Unreadable."""
    if job.content is None:
        raise Unreadable(_("The file is no longer kept here. Please upload it again."))
    return read_for(kind, bytes(job.content))


def read_for(kind: Kind, content: bytes) -> Table:
    """Read a file of this kind. Raises Unreadable, also where it has more rows than the kind takes at once."""
    table = read_table(content, known_headers(kind.fields))
    if len(table.lines) > kind.most_rows:
        facts = {"found": len(table.lines), "most": kind.most_rows, "what": kind.words}
        raise Unreadable(_("This file has %(found)d rows; at most %(most)d %(what)s at once. Please split it.") % facts)
    return table


def check_rows(job: Import, kind: Kind, table: Table, work: Work) -> Findings:
    """Read every row and let the kind look at all of them."""
    zone = clinic_zone()
    habits = Habits(local_date(zone, work.now), job.day_first, job.region)
    by_name = {field.name: field for field in kind.fields}
    chosen = [(index, by_name[name]) for index, name in enumerate(job.columns) if name in by_name]
    rows = [_read(line, chosen, habits, zone) for line in table.lines]
    kind.check(rows, work)
    found = Findings([], [], [], [])
    for row in rows:
        _heap(row, found).append(row)
    return found


def _heap(row: Row, found: Findings) -> list[Row]:
    if row.left_out:
        return found.left_out
    if row.problems:
        return found.wrong
    return found.doubtful if row.doubt else found.new


def problems_of(found: Findings, job: Import, table: Table) -> list[Finding]:
    """Return row, column and sentence of every problem."""
    return [
        (row.number, _column(name, job.columns, table.header), sentence)
        for row in found.wrong
        for name, sentence in row.problems
    ]


def doubts_of(found: Findings) -> list[Finding]:
    """Return row and sentence of every doubtful row."""
    return [(row.number, "", row.doubt) for row in found.doubtful]


def first_names(found: Findings) -> Iterator[str]:
    """Say which names stand first in the file: whoever knows them sees whether it was read aright."""
    rows = sorted(found.new + found.doubtful + found.left_out + found.wrong, key=lambda row: row.number)
    named = filter(None, (name_of(row) or name_of(row, "client_") for row in rows))
    if names := [shown(name) for name in islice(named, 3)]:
        yield _("The first names in the file: %(names)s.") % {"names": " · ".join(names)}


def as_csv(findings: Iterable[Finding]) -> bytes:
    """Return findings as a compressed CSV file with a byte order mark."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_("Row"), _("Column"), _("What is wrong")])
    writer.writerows((row, guarded(column), guarded(sentence)) for row, column, sentence in findings)
    return zlib.compress(text.getvalue().encode("utf-8-sig"))


def _column(name: str, columns: Sequence[str], header: Sequence[str]) -> str:
    """Return the header of the column that a problem is about; nothing where the file has no such column."""
    stand_ins = {name, *NAMES} if name.endswith("legal_name") else {name}
    return next((header[index] for index, chosen in enumerate(columns) if chosen in stand_ins), "")


# A name may stand in one column or in several.
NAMES = ("full_name", "first_name", "last_name", "client_full_name", "client_first_name", "client_last_name")


def _read(line: Line, chosen: Sequence[tuple[int, Field]], habits: Habits, zone: ZoneInfo) -> Row:
    row = Row(line.number)
    if line.flaw:
        row.problems.append(("", line.flaw))
        return row
    for index, field in chosen:
        cell = line.cells[index]
        if cell == "":
            continue
        try:
            value = _value(cell, field.reads, habits, zone)
        except ValidationError as problem:
            row.problems.append((field.name, problem.messages[0]))
        else:
            if value not in {None, ""}:
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
    }
    return readings[reads]() if reads in readings else text_of(cell)
