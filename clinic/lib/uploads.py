"""What kind of file came from outside, told by its content alone: a PDF, a JPEG, a PNG or a HEIC; else it is refused.

Nothing is unpacked here; how large a picture would become is read from its head.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from clinic.lib.images import BOMBS, UNREADABLE

MOST_BYTES = 15 * 1024 * 1024
# More than a telephone takes; what claims many more is made to fill the memory of whoever opens it.
MOST_PIXELS = 80_000_000
PDF, HEIC = "application/pdf", "image/heic"
PICTURES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png"}
ENDINGS = {PDF: "pdf", "image/jpeg": "jpg", "image/png": "png", HEIC: "heic"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"}
# Some programs write a line or two behind a PDF's end.
TAIL = 1024
A_BOX = 8


def media_type_of(content: bytes) -> str:
    """Return what the content is. Raises ValidationError with a sentence for everything that is not taken."""
    if not content:
        raise ValidationError(_("This file is empty."))
    if len(content) > MOST_BYTES:
        raise too_large()
    if content.startswith(b"%PDF-"):
        return _checked_pdf(content)
    if content[4:8] == b"ftyp":
        return _checked_heic(content)
    return _checked_picture(content)


def too_large() -> ValidationError:
    """Return the refusal of a file that is larger than is taken."""
    return ValidationError(_("This file is larger than 15 MB; take a smaller one."))


def _checked_pdf(content: bytes) -> str:
    if b"%%EOF" not in content[-TAIL:] or b"startxref" not in content:
        raise _damaged()
    return PDF


def _checked_picture(content: bytes) -> str:
    try:
        with Image.open(BytesIO(content), formats=("JPEG", "PNG")) as picture:
            kind, pixels = str(picture.format), picture.width * picture.height
            if pixels <= MOST_PIXELS:
                picture.verify()
    except BOMBS:
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise ValidationError(_("Only a PDF, a JPEG, a PNG or a HEIC is taken; save it as one of these.")) from None
    except UNREADABLE:
        raise _damaged() from None
    if pixels > MOST_PIXELS:
        raise _too_many_pixels()
    # A picture that was cut off has a head all the same.
    if (b"\xff\xd9" if kind != "PNG" else b"IEND") not in content[-TAIL * 64 :]:
        raise _damaged()
    return PICTURES[kind]


def _checked_heic(content: bytes) -> str:
    boxes = dict(_boxes(content))
    brands = boxes.get(b"ftyp", b"")
    if not HEIC_BRANDS & {brands[:4], *(brands[at : at + 4] for at in range(8, len(brands), 4))}:
        raise ValidationError(_("Only a PDF, a JPEG, a PNG or a HEIC is taken; save it as one of these."))
    if not {b"meta", b"mdat"} <= boxes.keys():
        raise _damaged()
    if any(width * height > MOST_PIXELS for width, height in _sizes(boxes[b"meta"])):
        raise _too_many_pixels()
    return HEIC


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes of which a HEIC consists. Raises ValidationError where they do not add up to the whole."""
    at = 0
    while at < len(content):
        if len(content) - at < A_BOX:
            raise _damaged()
        size, kind = struct.unpack_from(">I4s", content, at)
        head = A_BOX
        if size == 1 and len(content) - at >= 2 * A_BOX:  # the length stands behind the name
            (size,) = struct.unpack_from(">Q", content, at + A_BOX)
            head = 2 * A_BOX
        elif size == 0:  # up to the end
            size = len(content) - at
        if size < head or at + size > len(content):
            raise _damaged()
        yield kind, content[at + head : at + size]
        at += size


def _sizes(meta: bytes) -> Iterator[tuple[int, int]]:
    """Yield each width and height that a HEIC tells of its pictures (`ispe` boxes)."""
    at = meta.find(b"ispe")
    while at != -1:
        if len(meta) >= at + 16:
            yield struct.unpack_from(">II", meta, at + 8)
        at = meta.find(b"ispe", at + 4)


def _damaged() -> ValidationError:
    return ValidationError(_("This file is damaged; open it in another program and save it anew."))


def _too_many_pixels() -> ValidationError:
    return ValidationError(_("This picture has more than 80 million pixels; take a smaller one."))
