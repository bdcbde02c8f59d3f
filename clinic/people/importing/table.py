"""What every file becomes: rows under a header, numbered as a spreadsheet shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _

# What is surely checked and written within the time that a worker has (see clinic/people/tasks.py).
MOST_ROWS = 50_000
MOST_COLUMNS = 200
# So many rows may stand above the header.
ABOVE_HEADER = 15
# Where so many rows, and so large a share of them, end early, the program that wrote the file drops empty cells at the
# end of a row. Fewer have been cut.
A_HABIT_ROWS, A_HABIT = 20, 0.2

Cell = str | date | datetime | time


class Unreadable(ValidationError):  # noqa: N818 -- a sentence for the page, not a fault
    """This file is no table that can be read."""


@dataclass(frozen=True)
class Line:
    """One row as it stands in the file. `flaw` says why it cannot be trusted: cut off, or with too many cells."""

    number: int
    cells: tuple[Cell, ...]
    flaw: str = ""


@dataclass(frozen=True)
class Table:
    """The rows under a header. Without a header, `has_header` is False and the columns are called A, B, C."""

    header: tuple[str, ...]
    lines: Sequence[Line]
    has_header: bool = True
    # The sheet that was read, where the file has several.
    sheet: str = ""
    sheets: int = 1
    # What has to be said of how the file was read, in whole sentences.
    remarks: tuple[str, ...] = ()

    def samples(self, column: int, count: int = 3) -> list[str]:
        """Return the first values of a column, each once."""
        found: dict[str, None] = {}
        for line in self.lines:
            text = as_text(line.cells[column])
            if text:
                found.setdefault(text)
            if len(found) == count:
                break
        return list(found)


def folded(header: str) -> str:
    """Return a header as it is compared: small letters and digits, one space between words."""
    return " ".join(re.findall(r"[^\W_]+", header.casefold()))


def as_text(cell: Cell) -> str:
    """Return a cell as text; a date as in ISO 8601."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "minutes")
    return cell.isoformat("minutes") if isinstance(cell, time) else cell.isoformat()


def column_letters(index: int) -> str:
    """Return what a spreadsheet calls the column: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def refuse_too_many(rows: int) -> None:
    """Raise Unreadable where a file has more rows than may be, its header, a title and empty rows included."""
    if rows > most_records():
        most = number_format(MOST_ROWS, force_grouping=True)
        raise Unreadable(_("This file has more than %(most)s rows. Please split the file.") % {"most": most})


def most_records() -> int:
    """Return how many rows a file may have, its header, a title and empty rows included."""
    return MOST_ROWS + ABOVE_HEADER + 1


def as_table(
    rows: Sequence[Sequence[Cell]],
    merged: Mapping[tuple[int, int], tuple[int, int]],
    known_headers: frozenset[str],
    *,
    cut_at: int | None = None,
    sheet: str = "",
    sheets: int = 1,
    remarks: tuple[str, ...] = (),
) -> Table:
    """Find the header and read the rows below it. `merged` are the cells that are merged: first and last of each.

    `cut_at` is the number of a row whose quotation mark is never closed. Raises Unreadable.
    """
    if not any(_width(row) for row in rows):
        raise Unreadable(_("This file is empty."))
    at = _header_at(rows, known_headers)
    width = max(_width(row) for row in rows) if at is None else _width(rows[at])
    if width > MOST_COLUMNS:
        raise Unreadable(_("This file has more than %(most)d columns.") % {"most": MOST_COLUMNS})
    header = _headers(rows[at][:width] if at is not None else [""] * width)
    _spread(rows, merged)
    first = 0 if at is None else at + 1
    lines = [line for line in _lines(rows, first, header, cut_at) if line.cells != header]
    if not lines:
        raise Unreadable(_("This file has a header and no rows below it."))
    refuse_too_many(len(lines) + ABOVE_HEADER + 1)
    remarks += tuple(_passed_over(rows, at or 0))
    return Table(header, lines, has_header=at is not None, sheet=sheet, sheets=sheets, remarks=remarks)


def _width(row: Sequence[Cell]) -> int:
    """Return how many cells a row has up to its last one that is not empty."""
    return next((index + 1 for index in range(len(row) - 1, -1, -1) if not _is_empty(row[index])), 0)


def _is_empty(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _header_at(rows: Sequence[Sequence[Cell]], known_headers: frozenset[str]) -> int | None:
    """Return which row names the columns; None where none does.

    It is the first one that is filled, unless that is a title: nothing but titles, of one filled cell each, is passed
    over, and only for a row of two names that are known, or of nothing but words.
    """
    filled = [index for index, row in enumerate(rows) if _width(row)][: ABOVE_HEADER + 1]
    top = filled[0]
    below = next((index for index in filled if _count(rows[index]) > 1), top)

    def names_known(index: int) -> int:
        return len({folded(cell) for cell in rows[index] if isinstance(cell, str)} & known_headers)

    if below != top and names_known(below) > 1:
        return below
    if names_known(top):
        return top
    return below if _looks_like_names(rows[below]) and len(filled) > 1 else None


def _count(row: Sequence[Cell]) -> int:
    """Return how many cells of a row are not empty."""
    return sum(not _is_empty(cell) for cell in row)


def _passed_over(rows: Sequence[Sequence[Cell]], header_at: int) -> Iterator[str]:
    """Say of each row above the header that it is left out."""
    for number, row in enumerate(rows[:header_at], 1):
        if _count(row):
            text = next(as_text(cell).strip() for cell in row if not _is_empty(cell))
            facts = {"number": number, "text": Truncator(text).chars(80)}
            yield _("Row %(number)d stands above the names of the columns and is left out: “%(text)s”.") % facts


def _looks_like_names(row: Sequence[Cell]) -> bool:
    """Tell whether these cells name columns: words, each once, no addresses, no figures."""
    texts = [cell.strip() for cell in row if not _is_empty(cell) and isinstance(cell, str)]
    if len(texts) < _width(row) or len(set(texts)) < len(texts):
        return False
    return not any("@" in text or sum(c.isdigit() for c in text) > 1 for text in texts)


def _headers(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return the names of the columns, each once: a second “Phone” becomes “Phone (2)”, a missing one its letter."""
    seen: Counter[str] = Counter()
    names = []
    for index, cell in enumerate(cells):
        name = " ".join(as_text(cell).split())[:80] or _("Column %(letters)s") % {"letters": column_letters(index)}
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def _spread(rows: Sequence[Sequence[Cell]], merged: Mapping[tuple[int, int], tuple[int, int]]) -> None:
    """Write into every row what stands in a cell that is merged downwards: it counts for all of them."""
    for (top, left), (bottom, _right) in merged.items():
        for row in rows[top + 1 : bottom + 1]:
            if isinstance(row, list) and left < len(row):
                row[left] = rows[top][left]


def _lines(rows: Sequence[Sequence[Cell]], first: int, header: tuple[str, ...], cut_at: int | None) -> Iterator[Line]:
    """Yield the rows below the header, each as wide as it; empty ones are passed over."""
    width = len(header)
    below = [(number, row) for number, row in enumerate(rows[first:], first + 1) if _width(row)]
    short = sum(len(row) < width for _number, row in below)
    is_a_habit = short >= A_HABIT_ROWS and short >= A_HABIT * len(below)
    for number, row in below:
        flaw = ""
        if number == cut_at:
            flaw = _("A quotation mark in this row is never closed: it and what follows cannot be told apart.")
        elif _width(row) > width:
            flaw = _("This row has %(found)d cells under %(due)d columns.") % {"found": _width(row), "due": width}
        elif len(row) < width and not is_a_habit:
            flaw = _("This row is cut off: it has %(found)d of %(due)d cells.") % {"found": len(row), "due": width}
        yield Line(number, (*row[:width], *[""] * (width - len(row))), flaw)
