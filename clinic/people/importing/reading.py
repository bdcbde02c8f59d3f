"""Read a file that somebody brought as one table, whatever wrote it; or say in one sentence why it is none.

Row numbers are those that a spreadsheet shows for the file.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from io import StringIO

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic.people.importing import unfolding

MOST_BYTES = 20 * 1024 * 1024
# What is surely checked and written within the time that a worker has (see clinic/people/tasks.py).
MOST_ROWS = 50_000
MOST_COLUMNS = 200
# So long a workbook is waited for on a busy machine; what it may take of the processor is less.
PATIENCE_SECONDS = 60
SEPARATORS = ",;\t|"
# So many records decide about the separator, and so many rows may stand above the header.
SAMPLE = 200
ABOVE_HEADER = 15
# Where so many rows, and so large a share of them, end early, the program that wrote the file drops empty cells at the
# end of a row. Fewer have been cut.
A_HABIT_ROWS, A_HABIT = 20, 0.2
# Beyond this share of control characters it is no text.
NO_TEXT = 0.02

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


def read_table(content: bytes, known_headers: frozenset[str] = frozenset()) -> Table:
    """Read a CSV or XLSX file. `known_headers` (folded) help to find the header below a title. Raises Unreadable."""
    if not content.strip(b"\0 \t\r\n"):
        raise Unreadable(_("This file is empty."))
    if len(content) > MOST_BYTES:
        raise Unreadable(_("This file is larger than %(most)d MB. Please split it.") % {"most": MOST_BYTES >> 20})
    _refuse_other_kinds(content)
    if content.startswith(b"PK\x03\x04"):
        return _read_workbook(content, known_headers)
    text, doubt = _decoded(content)
    records, cut_at = _records(text)
    return _as_table(records, {}, known_headers, cut_at=cut_at, remarks=(doubt,) if doubt else ())


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


def _refuse_other_kinds(content: bytes) -> None:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"%pdf"):
        raise Unreadable(_("This is a PDF. Export the list as CSV or Excel (.xlsx) instead."))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            _("This is an old Excel file (.xls), or it has a password. Save it as plain .xlsx, or as CSV.")
        )
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"{\\rtf")):
        raise Unreadable(_("This is a web page or a document, no table. Save it as CSV or Excel (.xlsx)."))


# ---- CSV ----


MISREAD = gettext_noop(
    "This file is not in UTF-8, so its letters may have been misread: look at the names. Where they are wrong, give up "
    "this file, and save the list anew as “CSV UTF-8” or as Excel (.xlsx)."
)


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text, by its byte order mark or by what fits; and what to say where that is a guess."""
    text, doubt = _decoded_for_sure(content), ""
    if text is None:
        text, is_plainly_western = _decoded_as_western(content)
        doubt = "" if is_plainly_western else _(MISREAD)
    controls = sum(ord(c) < ord(" ") and c not in "\0\t\n\r\f\v" for c in text[:20_000])
    if controls > NO_TEXT * min(len(text), 20_000):
        raise Unreadable(_("This file is no table. Export the list as CSV or Excel (.xlsx)."))
    return text.replace("\0", ""), doubt


def _decoded_for_sure(content: bytes) -> str | None:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content and (wide := _decoded_as_utf_16(content)):
        return wide
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        # Cut in the middle of its last letter.
        if broken.start >= len(content) - 3 and not content[: broken.start].isascii():
            return content[: broken.start].decode("utf-8-sig")
    return None


def _decoded_as_utf_16(content: bytes) -> str:
    """Return the text where its line ends take two bytes each, as they do in every script; else nothing."""
    line_ends = content.count(b"\n") + content.count(b"\r")
    for encoding in ("utf-16-le", "utf-16-be"):
        with suppress(UnicodeDecodeError):
            text = content[: len(content) & ~1].decode(encoding)
            if 2 * (text.count("\n") + text.count("\r")) > line_ends:
                return text
    return ""


# What a Western text does not have: three letters beyond ASCII on end (Cyrillic, Greek, Hebrew, Arabic, Chinese taken
# for it), such a sign right after a letter, or a capital beyond ASCII after a small letter (central European, Japanese,
# old Macintosh and DOS).
NOT_WESTERN = re.compile(r"[^\W\d_\x00-\x7f]{3}|[^\W\d_][‚ƒ„†‡ˆ‰‹˜¡¢£¤¥¦§¨©¬¯±³µ¶¸¹¼½¾¿×÷“]|[a-zß-ÿ][À-ÖØ-ÞŠŒŽŸ]")


def _decoded_as_western(content: bytes) -> tuple[str, bool]:
    """Return the text, and whether it is plainly in a language of western Europe."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1"), False
    return text, not NOT_WESTERN.search(text)


def _records(text: str) -> tuple[list[list[str]], int | None]:
    """Return the records, empty ones included, and the number of one whose quotation mark is never closed."""
    said = re.match(r"sep=(.)(\r\n|\r|\n)", text, re.IGNORECASE)
    separator = said[1] if said else _separator(text)
    first = [["sep="]] if said else []
    body = text[said.end() :] if said else text
    strictly: list[list[str]] = []
    cut_at = None
    try:
        for record in csv.reader(StringIO(body, newline=""), delimiter=separator, strict=True):
            strictly.append(record)
            _refuse_too_many(len(strictly))
    except csv.Error as error:
        if "unexpected end" in str(error):
            cut_at = len(first) + len(strictly) + 1
        return first + _leniently(body, separator), cut_at
    return first + strictly, None


def _leniently(text: str, separator: str) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        for record in csv.reader(StringIO(text, newline=""), delimiter=separator):
            records.append(record)
            _refuse_too_many(len(records))
    except csv.Error:
        raise Unreadable(
            _("Row %(row)d cannot be read: perhaps a quotation mark in it is never closed.") % {"row": len(records) + 1}
        ) from None
    return records


def _separator(text: str) -> str:
    """Return the separator by which most of the first records have the same number of cells, more than one."""
    sample = text[:200_000]
    if len(sample) < len(text):
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample

    def fits(separator: str) -> tuple[float, int]:
        widths: Counter[int] = Counter()
        with suppress(csv.Error):
            for number, record in enumerate(csv.reader(StringIO(sample, newline=""), delimiter=separator)):
                if number == SAMPLE:
                    break
                widths[len(record)] += bool(record)
        wide = Counter({width: count for width, count in widths.items() if width > 1})
        if not wide:
            return (0, 0)
        width, count = wide.most_common(1)[0]
        return (round(count / widths.total(), 1), width)

    return max(SEPARATORS, key=fits)


def _refuse_too_many(rows: int) -> None:
    if rows > _most_records():
        most = number_format(MOST_ROWS, force_grouping=True)
        raise Unreadable(_("This file has more than %(most)s rows. Please split the file.") % {"most": most})


def _most_records() -> int:
    """Return how many rows a file may have, its header, a title and empty rows included."""
    return MOST_ROWS + ABOVE_HEADER + 1


# ---- XLSX ----


def _read_workbook(content: bytes, known_headers: frozenset[str]) -> Table:
    told, *rows = [json.loads(line, object_hook=_from_iso) for line in _unfolded(content).splitlines()]
    _refuse_too_many(len(rows))
    sheet, sheets, merged = told
    cells_merged = {tuple(begin): tuple(end) for begin, end in merged}
    return _as_table(rows, cells_merged, known_headers, sheet=sheet if sheets > 1 else "", sheets=sheets)


def _unfolded(content: bytes) -> bytes:
    """Have a workbook unfolded by a program of its own. Raises Unreadable by how that ended."""
    # Alone, and without this program's secrets in its environment.
    command = [sys.executable, "-I", unfolding.__file__, str(_most_records() + 1)]
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


# ---- rows → table ----


def _as_table(
    rows: Sequence[Sequence[Cell]],
    merged: dict[tuple[int, int], tuple[int, int]],
    known_headers: frozenset[str],
    *,
    cut_at: int | None = None,
    sheet: str = "",
    sheets: int = 1,
    remarks: tuple[str, ...] = (),
) -> Table:
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
    _refuse_too_many(len(lines) + ABOVE_HEADER + 1)
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


def _spread(rows: Sequence[Sequence[Cell]], merged: dict[tuple[int, int], tuple[int, int]]) -> None:
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
