"""Read a file that somebody brought as one table, whatever wrote it; or say in one sentence why it is none.

Row numbers are those that a spreadsheet shows for the file.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO, StringIO
from zipfile import BadZipFile, ZipFile

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200
# A spreadsheet is a zip: 20 MB of it may unfold into anything.
MOST_UNFOLDED = 400 * 1024 * 1024
MOST_PARTS = 2_000
MOST_CELLS = 8_000_000
SEPARATORS = ",;\t|"
# So many records decide about the separator, and so many rows may stand above the header.
SAMPLE = 200
ABOVE_HEADER = 15
# Where so large a share of rows ends early, the program that wrote the file drops empty cells at the end of a row.
A_HABIT = 0.05
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
    records, cut_at = _records(_decoded(content))
    return _as_table(records, {}, known_headers, cut_at=cut_at)


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


def _decoded(content: bytes) -> str:
    """Return the text, by its byte order mark or by what fits."""
    text = _decoded_as_it_says(content)
    controls = sum(ord(c) < ord(" ") and c not in "\0\t\n\r\f\v" for c in text[:20_000])
    if controls > NO_TEXT * min(len(text), 20_000):
        raise Unreadable(_("This file is no table. Export the list as CSV or Excel (.xlsx)."))
    return text.replace("\0", "")


def _decoded_as_it_says(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    for encoding, zero in (("utf-16-le", 1), ("utf-16-be", 0)):
        sample = content[zero:400:2]
        if len(sample) > 1 and not any(sample) and any(content[1 - zero : 400 : 2]):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        # Cut in the middle of its last letter.
        if broken.start >= len(content) - 3 and not content[: broken.start].isascii():
            return content[: broken.start].decode("utf-8-sig")
    with suppress(UnicodeDecodeError):
        return content.decode("cp1252")
    return content.decode("latin-1")


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
    # The header, a title and empty rows come on top.
    if rows > MOST_ROWS + ABOVE_HEADER + 1:
        most = number_format(MOST_ROWS, force_grouping=True)
        raise Unreadable(_("This file has more than %(most)s rows. Please split it.") % {"most": most})


# ---- XLSX ----


def _read_workbook(content: bytes, known_headers: frozenset[str]) -> Table:
    _refuse_zip_bombs(content)
    try:
        with CalamineWorkbook.from_filelike(BytesIO(content)) as book:
            shown = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
            ]
            for name in shown:
                sheet = book.get_sheet_by_name(name)
                if sheet.start is None:
                    continue
                rows = [[_plain(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
                if not any(any(row) for row in rows):
                    continue
                _refuse_too_many(len(rows))
                merged = dict(sheet.merged_cell_ranges or [])
                several = len(shown) > 1
                return _as_table(rows, merged, known_headers, sheet=name if several else "", sheets=len(shown))
    except (CalamineError, OSError, ValueError):
        raise Unreadable(_("This Excel file is damaged, or no Excel file. Save it anew, or as CSV.")) from None
    raise Unreadable(_("This file is empty."))


def _plain(cell: object) -> Cell:
    """Return a cell of a workbook as text or as a date; whole numbers without the decimals that Excel keeps."""
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float | int):
        return str(int(cell)) if float(cell).is_integer() else repr(cell)
    if isinstance(cell, date | time):
        return cell
    return str(cell) if isinstance(cell, timedelta) else ""


CELL_PLACE = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)


def _refuse_zip_bombs(content: bytes) -> None:
    """Unfold every part once, counting, before anything keeps it; what a part says of its size may be a lie."""
    try:
        with ZipFile(BytesIO(content)) as parts:
            names = parts.namelist()
            if "[Content_Types].xml" not in names or not any(SHEET.fullmatch(name) for name in names):
                raise Unreadable(_("This is a zip file, but no Excel file (.xlsx)."))
            if len(names) > MOST_PARTS or sum(part.file_size for part in parts.infolist()) > MOST_UNFOLDED:
                raise _unfolds_too_far()
            for name in names:
                _refuse_wide(parts, name)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, zlib.error) as broken:
        raise Unreadable(_("This Excel file is damaged, or no Excel file. Save it anew, or as CSV.")) from broken


def _refuse_wide(parts: ZipFile, name: str) -> None:
    """Read a part to its end, which checks its size and sum; a sheet must not reach too far."""
    rows = columns = 0
    tail = b""
    with parts.open(name) as part:
        while chunk := part.read(1 << 20):
            if SHEET.fullmatch(name):
                rows, columns = _reach(tail + chunk, rows, columns)
                tail = chunk[-200:]
    if rows * columns > MOST_CELLS:
        raise _unfolds_too_far()


def _unfolds_too_far() -> Unreadable:
    return Unreadable(_("This Excel file unfolds into more than can be read here. Save it as CSV."))


def _reach(xml: bytes, rows: int, columns: int) -> tuple[int, int]:
    """Return how far down and right the cells of a sheet reach: one stray cell in the last corner spans billions."""
    for letters, digits in set(CELL_PLACE.findall(xml)):
        column = 0
        for letter in letters:
            column = column * 26 + letter - ord("A") + 1
        rows, columns = max(rows, int(digits)), max(columns, column)
    return rows, columns


# ---- rows → table ----


def _as_table(
    rows: Sequence[Sequence[Cell]],
    merged: dict[tuple[int, int], tuple[int, int]],
    known_headers: frozenset[str],
    *,
    cut_at: int | None = None,
    sheet: str = "",
    sheets: int = 1,
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
    return Table(header, lines, has_header=at is not None, sheet=sheet, sheets=sheets)


def _width(row: Sequence[Cell]) -> int:
    """Return how many cells a row has up to its last one that is not empty."""
    return next((index + 1 for index in range(len(row) - 1, -1, -1) if not _is_empty(row[index])), 0)


def _is_empty(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _header_at(rows: Sequence[Sequence[Cell]], known_headers: frozenset[str]) -> int | None:
    """Return which row names the columns: the one with most names that are known, else the first if it only has words.

    A title above, also over merged cells, has no known name or the same one all over.
    """
    filled = [index for index, row in enumerate(rows) if _width(row)][:ABOVE_HEADER]

    def names_known(index: int) -> int:
        return len({folded(cell) for cell in rows[index] if isinstance(cell, str)} & known_headers)

    best = max(filled, key=names_known)
    if names_known(best):
        return best
    first = next((index for index in filled if _width(rows[index]) > 1), filled[0])
    return first if _looks_like_names(rows[first]) and len(filled) > 1 else None


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
    is_a_habit = short > max(1, A_HABIT * len(below))
    for number, row in below:
        flaw = ""
        if number == cut_at:
            flaw = _("A quotation mark in this row is never closed: it and what follows cannot be told apart.")
        elif _width(row) > width:
            flaw = _("This row has %(found)d cells under %(due)d columns.") % {"found": _width(row), "due": width}
        elif len(row) < width and not is_a_habit:
            flaw = _("This row is cut off: it has %(found)d of %(due)d cells.") % {"found": len(row), "due": width}
        yield Line(number, (*row[:width], *[""] * (width - len(row))), flaw)
