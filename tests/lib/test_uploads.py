"""What a file is, its content tells: not its name, and not what the browser says."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from PIL import Image

from clinic.lib.uploads import MOST_BYTES, media_type_of

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"


def picture(kind: str) -> bytes:
    written = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(written, kind)
    return written.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def heic(width: int = 4000, height: int = 3000, brand: bytes = b"heic") -> bytes:
    size = box(b"ispe", struct.pack(">III", 0, width, height))
    return box(b"ftyp", brand + b"\0\0\0\0mif1") + box(b"meta", b"\0\0\0\0" + size) + box(b"mdat", b"pixels")


def claiming(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose head claims so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PDF, "application/pdf"),
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (heic(), "image/heic"),
        (heic(brand=b"mif1"), "image/heic"),
    ],
)
def test_the_four_kinds_are_taken(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"MZ" + b"\0" * 200,
        b"PK\x03\x04" + b"\0" * 200,
        picture("GIF"),
        picture("WEBP"),
        b"<script>alert(1)</script>" + PDF,
        box(b"ftyp", b"isom\0\0\0\0mp41") + box(b"meta", b"") + box(b"mdat", b""),
    ],
)
def test_anything_else_is_refused_with_the_kinds_that_are_taken(content: bytes) -> None:
    with pytest.raises(ValidationError, match="Only a PDF, a JPEG, a PNG or a HEIC is taken"):
        media_type_of(content)


@pytest.mark.parametrize("content", [PDF[:-8], picture("JPEG")[:-40], picture("PNG")[:-20], heic()[:-3]])
def test_what_is_cut_off_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError, match="damaged"):
        media_type_of(content)


@pytest.mark.parametrize(
    "content", [claiming(9000, 9000), claiming(40_000, 40_000), heic(20_000, 20_000)], ids=["just", "far", "heic"]
)
def test_what_would_fill_a_memory_is_refused_by_its_head(content: bytes) -> None:
    with pytest.raises(ValidationError, match="more than 80 million pixels"):
        media_type_of(content)


def test_what_is_too_large_or_empty_is_refused() -> None:
    with pytest.raises(ValidationError, match="larger than 15 MB"):
        media_type_of(PDF + b"\0" * MOST_BYTES)
    with pytest.raises(ValidationError, match="empty"):
        media_type_of(b"")
