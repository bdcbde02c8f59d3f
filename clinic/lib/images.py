"""Pictures from outside, made harmless: decoded, and written anew by us without anything but their pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
MEDIA_TYPE = "image/webp"
UNDERSTOOD = ("PNG", "JPEG", "WEBP", "GIF")
DRAWN = {"PNG", "GIF"}  # a logo keeps its edges; a photograph keeps to a tenth of the bytes
# What Pillow's readers raise on a file that is cut off or made up.
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, KeyError, TypeError, OverflowError)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class CleanImage:
    content: bytes
    media_type: str
    width: int
    height: int


def clean_image(data: bytes, *, longest_side: int) -> CleanImage:
    """Write a picture anew as WebP of at most `longest_side` pixels, without metadata.

    Raises ValidationError for what is no picture, moves, or is too large; the number of pixels is read from its head,
    before any of them is unpacked.
    """
    _refuse_by_its_bytes(data)
    try:
        with Image.open(BytesIO(data), formats=UNDERSTOOD) as picture:
            _refuse_by_its_head(picture)
            return _written_anew(picture, longest_side)
    except BOMBS:
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise ValidationError(_("This is no picture that we can read; take a PNG or a JPEG.")) from None
    except UNREADABLE:
        raise ValidationError(_("This picture is damaged; open it in another program and save it anew.")) from None


def _refuse_by_its_bytes(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise ValidationError(_("This picture is larger than 5 MB; take a smaller one."))
    if b"<svg" in data[:2000].lower() and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise ValidationError(_("An SVG can carry programs, so none is taken; save it as a PNG."))


def _refuse_by_its_head(picture: Image.Image) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_many_pixels()
    # Telephones put a preview behind the photograph (MPO): two pictures, but nothing moves.
    if picture.format != "MPO" and getattr(picture, "is_animated", False):
        raise ValidationError(_("This picture moves; take one that stands still."))


def _too_many_pixels() -> ValidationError:
    return ValidationError(_("This picture has more than 40 million pixels; take a smaller one."))


def _written_anew(picture: Image.Image, longest_side: int) -> CleanImage:
    is_drawn = picture.format in DRAWN
    picture.draft("RGB", (2 * longest_side, 2 * longest_side))  # a JPEG need not be unpacked in full
    clean = _with_plain_colours(ImageOps.exif_transpose(picture))
    clean.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    clean.info = {}  # else a colour profile would be written along
    written = BytesIO()
    clean.save(written, "WEBP", lossless=is_drawn, quality=85, method=4)
    return CleanImage(written.getvalue(), MEDIA_TYPE, clean.width, clean.height)


def _with_plain_colours(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # sixteen bits of grey
        picture = picture.convert("I").point(lambda grey: grey / 257).convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
