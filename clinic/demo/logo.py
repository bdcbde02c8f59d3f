"""The sign of the example clinic: a harbour at dusk, drawn here."""

from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

SIDE, FINE = 240, 4  # drawn four times as large, so that the edges come out smooth
GREEN, SAND = "#1d5c4d", "#c9a86a"


def harbour_logo() -> SimpleUploadedFile:
    """Return the logo as a file, as an owner would choose it."""
    unit = SIDE * FINE // 24
    sign = Image.new("RGBA", (24 * unit, 24 * unit))
    draw = ImageDraw.Draw(sign)
    draw.pieslice((5 * unit, 5 * unit, 19 * unit, 19 * unit), 180, 360, fill=SAND)
    for row, inset in ((13, 1), (16, 4), (19, 7)):
        draw.rounded_rectangle((inset * unit, row * unit, (24 - inset) * unit, (row + 1) * unit), unit // 2, fill=GREEN)
    file = BytesIO()
    sign.resize((SIDE, SIDE), Image.Resampling.LANCZOS).crop((0, SIDE // 6, SIDE, SIDE * 5 // 6)).save(file, "PNG")
    return SimpleUploadedFile("logo.png", file.getvalue(), "image/png")
