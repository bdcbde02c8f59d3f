"""Unfold a workbook: run as a program of its own, which may take only so much memory and time.

A workbook of a few kilobytes may unfold into anything, in more ways than could be told beforehand, and what reads it
dies where there is no memory left. So it dies here, and whoever asked tells by how this program ended.

The workbook comes in as standard input. Out go lines of JSON: the name of the sheet, how many there are, and the merged
cells; then the rows.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, time, timedelta
from io import BytesIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

# How it ends, beside 0. Any other end is a signal, where the limits were reached, or a fault of what reads the file.
NO_WORKBOOK, TOO_FAR, EMPTY, DAMAGED = 3, 4, 5, 6

MOST_MEMORY = 768 * 1024 * 1024
MOST_SECONDS = 20
# Where the system keeps no limit of memory (macOS), at least what the parts say of their sizes is held to this.
MOST_UNFOLDED = 400 * 1024 * 1024
MOST_PARTS = 2_000
# So much is handed on: three times the largest file that is taken.
MOST_OUT = 64 * 1024 * 1024

Merged = list[tuple[tuple[int, int], tuple[int, int]]]


def main(most_rows: int) -> int:
    """Write the first sheet with something in it, at most so many rows of it. Return how it ended."""
    _hold_to_limits()
    try:
        lines = _read(BytesIO(sys.stdin.buffer.read()), most_rows)
        sys.stdout.buffer.writelines(lines)
    except _EndError as end:
        return end.code
    except MemoryError:
        return TOO_FAR
    return 0


def _read(content: BytesIO, most_rows: int) -> list[bytes]:
    """Return the lines to write."""
    _refuse_other_zips(content)
    try:
        with CalamineWorkbook.from_filelike(content) as book:
            return list(_lines(book, most_rows))
    except (CalamineError, OverflowError):  # the latter by a length of time that no clock can show
        raise _EndError(DAMAGED) from None


class _EndError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _hold_to_limits() -> None:
    limits = {
        resource.RLIMIT_AS: MOST_MEMORY,
        resource.RLIMIT_CPU: MOST_SECONDS,
        # What is in the memory is about people: it is not left on the disk.
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def _refuse_other_zips(content: BytesIO) -> None:
    parts = _parts(content)
    names = [part.filename for part in parts]
    if "[Content_Types].xml" not in names or not any(name.lower().startswith("xl/") for name in names):
        raise _EndError(NO_WORKBOOK)
    if len(names) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNFOLDED:
        raise _EndError(TOO_FAR)
    content.seek(0)


def _parts(content: BytesIO) -> list[ZipInfo]:
    try:
        with ZipFile(content) as parts:
            return parts.infolist()
    except (BadZipFile, NotImplementedError, UnicodeDecodeError):  # damaged in its list, version or names
        raise _EndError(DAMAGED) from None


def _lines(book: CalamineWorkbook, most_rows: int) -> Iterator[bytes]:
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    for name in shown:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is not None and any(any(map(_plain, row)) for row in sheet.iter_rows()):
            yield from _within(MOST_OUT, _sheet_lines(sheet, len(shown), most_rows))
            return
    raise _EndError(EMPTY)


def _sheet_lines(sheet: CalamineSheet, sheets: int, most_rows: int) -> Iterator[bytes]:
    yield _line([sheet.name, sheets, _merged_downwards(sheet)])
    # The rows begin with the first row of the sheet, but with the first column that is filled.
    left = [""] * (sheet.start[1] if sheet.start else 0)
    for number, row in enumerate(sheet.iter_rows(), 1):
        yield _line(left + [_plain(cell) for cell in row])
        if number == most_rows:
            return


def _merged_downwards(sheet: CalamineSheet) -> Merged:
    """Return the cells that are merged over several rows. Together they cannot cover more than there is."""
    (last, _column) = sheet.end or (0, 0)
    merged = [((top, left), (min(bottom, last), right)) for (top, left), (bottom, right) in _ranges(sheet)]
    merged = [(begin, end) for begin, end in merged if end[0] > begin[0]]
    if sum(end[0] - begin[0] for begin, end in merged) > sheet.total_height * sheet.total_width:
        raise _EndError(TOO_FAR)
    return merged


def _ranges(sheet: CalamineSheet) -> Merged:
    return sheet.merged_cell_ranges or []


def _within(most: int, lines: Iterable[bytes]) -> Iterator[bytes]:
    written = 0
    for line in lines:
        written += len(line)
        if written > most:
            raise _EndError(TOO_FAR)
        yield line


def _line(told: list[object]) -> bytes:
    return json.dumps(told, default=_as_iso, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _as_iso(cell: date | time) -> dict[str, str]:
    return {type(cell).__name__: cell.isoformat()}


def _plain(cell: object) -> str | date | time:
    """Return a cell as text or as a date; whole numbers without the decimals that Excel keeps."""
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float | int):
        return str(int(cell)) if float(cell).is_integer() else repr(cell)
    if isinstance(cell, date | time):
        return cell
    return str(cell) if isinstance(cell, timedelta) else ""


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
