"""Sheets: tagged, with what was typed as it was typed, and never as markup."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import override_settings

from clinic.lib.pdf import pdf_of
from tests.pdfs import words_on

NOW = datetime(2026, 11, 19, 9, tzinfo=UTC)
SHEET = """
#import "/pdf/sheet.typ": sheet
#let d = json(bytes(sys.inputs.data))
#show: sheet.with(title: "A letter", clinic: (name: "Harbour Clinic", lines: ("Harbour Street 1",), logo: none))
= A letter
#d.words
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project with one template of ours and one of the test's."""
    shutil.copytree(Path(__file__).parents[2] / "templates" / "pdf", tmp_path / "templates" / "pdf")
    (tmp_path / "templates" / "letter.typ").write_text(SHEET)
    return tmp_path


def set_with(folder: Path, words: str) -> bytes:
    with override_settings(BASE_DIR=folder):
        return pdf_of("letter.typ", {"words": words}, now=NOW)


def test_a_sheet_is_tagged_and_says_so(folder: Path) -> None:
    sheet = set_with(folder, "Dear Dr Lemaire")
    assert sheet.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in sheet
    assert b"pdfuaid" in sheet


@pytest.mark.parametrize("words", ['#read("/pdf/sheet.typ")', "*bold* $x$ <label> @ref", '"); #panic()', "مرحبا Łódź"])
def test_what_was_typed_is_never_markup(folder: Path, words: str) -> None:
    assert words.split(maxsplit=1)[0] in words_on(set_with(folder, words))


def test_a_sign_without_a_letter_of_ours_does_not_stop_the_sheet(folder: Path) -> None:
    sheet = set_with(folder, "Better 😀 since May")
    assert b"/StructTreeRoot" in sheet
    assert "since May" in words_on(sheet)
