"""A workbook, unfolded by a program of its own (`unfolding.py`): it may hold anything."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, time

from django.utils.translation import gettext as _

from clinic.people.importing import unfolding
from clinic.people.importing.table import Cell, Table, Unreadable, as_table, most_records, refuse_too_many

# So long a workbook is waited for on a busy machine; what it may take of the processor is less.
PATIENCE_SECONDS = 60


def read_workbook(content: bytes, known_headers: frozenset[str]) -> Table:
    """Read the first sheet with something in it. Raises Unreadable."""
    told, *rows = [json.loads(line, object_hook=_from_iso) for line in _unfolded(content).splitlines()]
    refuse_too_many(len(rows))
    sheet, sheets, merged = told
    cells_merged = {tuple(begin): tuple(end) for begin, end in merged}
    return as_table(rows, cells_merged, known_headers, sheet=sheet if sheets > 1 else "", sheets=sheets)


def _unfolded(content: bytes) -> bytes:
    """Have a workbook unfolded by a program of its own. Raises Unreadable by how that ended."""
    # Alone, and without this program's secrets in its environment.
    command = [sys.executable, "-I", unfolding.__file__, str(most_records() + 1)]
    try:
        done = subprocess.run(  # noqa: S603 -- our own program, nothing typed in the command
            command, input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, timeout=PATIENCE_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _unfolds_too_far() from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode == unfolding.EMPTY:
        raise Unreadable(_("This file is empty."))
    if done.returncode == unfolding.NO_WORKBOOK:
        raise Unreadable(_("This is a zip file, but no Excel file (.xlsx)."))
    # Below zero is the signal that ended it.
    if done.returncode == unfolding.TOO_FAR or done.returncode < 0:
        raise _unfolds_too_far()
    raise Unreadable(_("This Excel file is damaged, or no Excel file. Save it anew, or as CSV."))


def _unfolds_too_far() -> Unreadable:
    return Unreadable(_("This Excel file unfolds into more than can be read here. Save it as CSV."))


def _from_iso(told: dict[str, str]) -> Cell:
    """Return the date, the time or both that a cell holds."""
    [(kind, iso)] = told.items()
    if kind == "time":
        return time.fromisoformat(iso)
    return datetime.fromisoformat(iso) if kind == "datetime" else date.fromisoformat(iso)
