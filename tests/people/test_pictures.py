"""A picture from outside becomes a harmless one of ours, or is refused in one sentence."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse
from PIL import Image

from clinic.lib.images import MOST_BYTES, clean_image
from clinic.people.models import Picture
from clinic.people.services.pictures import add_picture

PROGRAM = b"<script>alert(document.cookie)</script>"


def picture_file(kind: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **options) -> bytes:
    written = BytesIO()
    Image.new(mode, size, "teal" if mode in {"RGB", "RGBA"} else 0).save(written, kind, **options)
    return written.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """Return a few bytes whose head promises a huge picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 50)) + chunk(b"IEND", b"")


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_it_takes_the_usual_kinds_and_writes_them_anew(kind):
    clean = clean_image(picture_file(kind), longest_side=600)
    assert (clean.media_type, clean.width, clean.height) == ("image/webp", 40, 20)
    assert opened(clean.content).format == "WEBP"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_it_takes_a_png_of_every_colour_mode(mode):
    assert opened(clean_image(picture_file("PNG", mode=mode), longest_side=600).content).size == (40, 20)


def test_sixteen_bits_of_grey_keep_their_brightness():
    written = BytesIO()
    Image.new("I;16", (4, 4), 128 * 257).save(written, "PNG")
    pixel = opened(clean_image(written.getvalue(), longest_side=600).content).convert("RGB").getpixel((1, 1))
    assert all(abs(part - 128) <= 2 for part in pixel)


def test_it_makes_a_large_picture_smaller_and_a_small_one_not_larger():
    large = clean_image(picture_file("JPEG", (3000, 1500)), longest_side=600)
    assert (large.width, large.height) == (600, 300)
    assert clean_image(picture_file("PNG", (10, 10)), longest_side=600).width == 10


def test_it_keeps_what_is_transparent():
    written = BytesIO()
    Image.new("RGBA", (4, 4), (0, 128, 128, 0)).save(written, "PNG")
    clean = opened(clean_image(written.getvalue(), longest_side=600).content)
    assert clean.getchannel("A").getextrema() == (0, 0)


def test_it_turns_a_photograph_upright_and_forgets_where_it_was_taken():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "at home, 38.7 N 9.1 W"
    clean = clean_image(picture_file("JPEG", (40, 20), exif=exif, comment=b"mine"), longest_side=600)
    assert (clean.width, clean.height) == (20, 40)
    assert not opened(clean.content).getexif()
    assert b"at home" not in clean.content
    assert b"mine" not in clean.content


def test_it_leaves_no_colour_profile_behind():
    clean = clean_image(picture_file("PNG", icc_profile=b"a profile with a name"), longest_side=600)
    assert b"a profile with a name" not in clean.content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_a_picture_that_is_also_a_page_becomes_only_a_picture(kind):
    both = picture_file(kind) + b"<html>" + PROGRAM + b"</html>"
    clean = clean_image(both, longest_side=600)
    assert b"<" + b"script" not in clean.content
    assert opened(clean.content).size == (40, 20)


def test_a_jpeg_with_a_program_in_its_comment_becomes_only_a_picture():
    assert PROGRAM not in clean_image(picture_file("JPEG", comment=PROGRAM), longest_side=600).content


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no picture that we can read"),
        (b"Dear clinic, here is our logo.", "no picture that we can read"),
        (b"%PDF-1.7 ...", "no picture that we can read"),
        (b"<html>" + PROGRAM + b"</html>", "no picture that we can read"),
        (picture_file("BMP"), "no picture that we can read"),
        (picture_file("TIFF"), "no picture that we can read"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>', "SVG can carry programs"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- ours -->\n<SVG/>', "SVG can carry programs"),
        (picture_file("PNG", (400, 400))[:300], "damaged"),
        (picture_file("JPEG", (400, 400))[:700], "damaged"),
        (picture_file("GIF", (400, 400))[:40], "damaged"),
        (b"\0" * (MOST_BYTES + 1), "larger than 5 MB"),
        (png_that_claims(8000, 5001), "more than 40 million pixels"),
        (png_that_claims(10_000, 10_000), "more than 40 million pixels"),
        (png_that_claims(60_000, 60_000), "more than 40 million pixels"),
    ],
)
def test_it_refuses_in_one_sentence(data, words):
    with pytest.raises(ValidationError, match=words):
        clean_image(data, longest_side=600)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_it_refuses_what_moves(kind):
    written = BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("teal", "white", "black")]
    frames[0].save(written, kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(ValidationError, match="moves"):
        clean_image(written.getvalue(), longest_side=600)


def test_a_head_that_promises_too_much_is_refused_before_anything_is_unpacked(monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was unpacked"))
    with pytest.raises(ValidationError, match="40 million"):
        clean_image(png_that_claims(20_000, 3_000), longest_side=600)


def test_a_photograph_with_a_preview_behind_it_does_not_count_as_moving():
    written = BytesIO()
    Image.new("RGB", (40, 20), "teal").save(
        written, "MPO", save_all=True, append_images=[Image.new("RGB", (20, 10), "teal")]
    )
    assert clean_image(written.getvalue(), longest_side=600).width == 40


def keep(now, data: bytes) -> Picture:
    return add_picture(now=now, upload=SimpleUploadedFile("logo.png", data), longest_side=600)


def test_the_same_picture_twice_is_kept_once(db, now):
    assert keep(now, picture_file()) == keep(now, picture_file())
    assert Picture.objects.count() == 1


def test_what_is_refused_is_not_kept(db, now):
    with pytest.raises(ValidationError):
        keep(now, b"\0" * (MOST_BYTES + 5))
    assert not Picture.objects.exists()


def test_a_picture_is_shown_to_everybody_and_may_be_kept_for_ever(db, now):
    kept = keep(now, picture_file())
    answer = Browser().get(reverse("people:picture", args=[kept.digest]))
    assert answer.status_code == 200
    assert answer.content == bytes(kept.content)
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert set(answer["Cache-Control"].split(", ")) == {"public", "max-age=31536000", "immutable"}
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize("digest", ["0" * 64, "guess"])
def test_an_unknown_picture_is_not_found(db, digest):
    assert Browser().get(f"/pictures/{digest}/").status_code == 404
