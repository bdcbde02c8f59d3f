"""A drawn signature: lines of x, y, x, y… in whole units on a field of 600 by 200."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

WIDTH, HEIGHT = 600, 200
MOST_NUMBERS = 8000
# A slip of the finger is no signature.
LEAST_EXTENT = 40

Drawing = list[list[int]]


def drawing_in(text: str) -> Drawing:
    """Read a drawing as the page sends it; nothing drawn is an empty one. Raises ValidationError."""
    if not text.strip():
        return []
    try:
        lines = json.loads(text)
    except (ValueError, RecursionError):
        lines = None
    if not _is_drawing(lines):
        raise ValidationError(_("Your drawing could not be read. Please draw it again, or type your name."))
    drawing: Drawing = [line for line in lines if line]
    if drawing and _extent(drawing) < LEAST_EXTENT:
        raise ValidationError(_("That is very little for a signature. Please draw it again, or type your name."))
    return drawing


def _is_drawing(lines: Any) -> bool:
    return (
        isinstance(lines, list)
        and all(isinstance(line, list) and len(line) % 2 == 0 for line in lines)
        and sum(len(line) for line in lines) <= MOST_NUMBERS
        and all(type(number) is int for line in lines for number in line)
        and all(0 <= number <= WIDTH for line in lines for number in line[::2])
        and all(0 <= number <= HEIGHT for line in lines for number in line[1::2])
    )


def _extent(drawing: Drawing) -> int:
    across = [x for line in drawing for x in line[::2]]
    down = [y for line in drawing for y in line[1::2]]
    return max(across) - min(across) + max(down) - min(down)


def path_of(drawing: Sequence[Sequence[int]]) -> str:
    """Return the drawing as the path of an SVG."""
    return " ".join(
        f"{'M' if at == 0 else 'L'}{x} {y}"
        for line in drawing
        for at, (x, y) in enumerate(zip(line[::2], line[1::2], strict=True))
    )
