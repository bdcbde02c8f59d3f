"""Read a file that somebody brought as one table, whatever wrote it; or say in one sentence why it is none."""

from __future__ import annotations

from django.utils.translation import gettext as _

from clinic.people.importing.csv_file import read_csv
from clinic.people.importing.table import Table, Unreadable
from clinic.people.importing.workbook import read_workbook

MOST_BYTES = 20 * 1024 * 1024


def read_table(content: bytes, known_headers: frozenset[str] = frozenset()) -> Table:
    """Read a CSV or XLSX file. `known_headers` (folded) help to find the header below a title. Raises Unreadable."""
    if not content.strip(b"\0 \t\r\n"):
        raise Unreadable(_("This file is empty."))
    if len(content) > MOST_BYTES:
        raise Unreadable(_("This file is larger than %(most)d MB. Please split it.") % {"most": MOST_BYTES >> 20})
    _refuse_other_kinds(content)
    if content.startswith(b"PK\x03\x04"):
        return read_workbook(content, known_headers)
    return read_csv(content, known_headers)


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
