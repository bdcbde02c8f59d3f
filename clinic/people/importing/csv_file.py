"""A text with separators, whatever program and country it comes from."""

from __future__ import annotations

import csv
import re
from collections import Counter
from contextlib import suppress
from io import StringIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic.people.importing.table import Table, Unreadable, as_table, refuse_too_many

SEPARATORS = ",;\t|"
# So many records decide about the separator.
SAMPLE = 200
# Some programs write it before a text that is not in UTF-8 at all.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Beyond this share of control characters it is no text.
NO_TEXT = 0.02

MISREAD = gettext_noop(
    "This file is not in UTF-8, so its letters may have been misread: look at the names. Where they are wrong, give up "
    "this file, and save the list anew as “CSV UTF-8” or as Excel (.xlsx)."
)
# What a Western text does not have: three letters beyond ASCII on end (Cyrillic, Greek, Hebrew, Arabic, Chinese taken
# for it), such a sign right after a letter, or a capital beyond ASCII after a small letter (central European, Japanese,
# old Macintosh and DOS).
NOT_WESTERN = re.compile(r"[^\W\d_\x00-\x7f]{3}|[^\W\d_][‚ƒ„†‡ˆ‰‹˜¡¢£¤¥¦§¨©¬¯±³µ¶¸¹¼½¾¿×÷“]|[a-zß-ÿ][À-ÖØ-ÞŠŒŽŸ]")


def read_csv(content: bytes, known_headers: frozenset[str]) -> Table:
    """Read a text file as a table. Raises Unreadable."""
    text, doubt = _decoded(content)
    records, cut_at = _records(text)
    return as_table(records, {}, known_headers, cut_at=cut_at, remarks=(doubt,) if doubt else ())


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text, by its byte order mark or by what fits; and what to say where that is a guess."""
    content = content.removeprefix(BYTE_ORDER_MARK)
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
        return content.decode()
    except UnicodeDecodeError as broken:
        # Cut in the middle of its last letter.
        if broken.start >= len(content) - 3 and not content[: broken.start].isascii():
            return content[: broken.start].decode()
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
            refuse_too_many(len(strictly))
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
            refuse_too_many(len(records))
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
