"""What stands on a PDF, as pdftotext reads it. Skipped, with the line that installs it, where that is missing."""

from __future__ import annotations

import shutil
import subprocess

import pytest

INSTALL = "No pdftotext found. Install it with: apt-get install poppler-utils (Debian) or brew install poppler (macOS)."


def words_on(sheet: bytes) -> str:
    """Return the words of all pages, with one space between them."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip(INSTALL)
    read = subprocess.run([program, "-layout", "-", "-"], input=sheet, capture_output=True, check=True)  # noqa: S603
    return " ".join(read.stdout.decode().split())
