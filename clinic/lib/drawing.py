"""The body map's drawings, made safe to stand inside a page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe

DRAWINGS = Path(__file__).parent / "bodymap"
VIEWS = ("head-neck-front", "head-neck-back", "head-neck-left", "head-neck-right", "body-front", "body-back")

_ID = re.compile(r'\b(id|href|aria-labelledby|aria-describedby)="(#?)([^"]+)"')
_URL = re.compile(r"url\(#([^)]+)\)")


def inline_body_map(view: str, *, prefix: str = "", with_muscles: bool = False) -> SafeString:
    """Return the drawing's markup, its ids (and what refers to them) preceded by `prefix` and a hyphen.

    Raises ValueError for a view that is not drawn.
    """
    if view not in VIEWS:
        raise ValueError(f"No drawing is called {view!r}; there are {', '.join(VIEWS)}.")
    if prefix and not re.fullmatch(r"[a-z][a-z0-9-]*", prefix):
        raise ValueError(f"{prefix!r} cannot stand in front of an id.")
    return _drawing(view, prefix, with_muscles=with_muscles)


@cache
def _drawing(view: str, prefix: str, *, with_muscles: bool) -> SafeString:
    svg = (DRAWINGS / f"{view}.svg").read_text("utf-8")
    if with_muscles:
        svg = svg.replace('<g class="lines"', _muscle_layer(view) + '<g class="lines"', 1)
    if prefix:
        svg = _ID.sub(rf'\1="\2{prefix}-\3"', svg)
        svg = _URL.sub(rf"url(#{prefix}-\1)", svg)
    return mark_safe(svg)  # noqa: S308 -- a file of this repository, and a prefix of plain letters


def _muscle_layer(view: str) -> str:
    sheet = (DRAWINGS / "muscles.svg").read_text("utf-8")
    layer = re.search(rf'<g class="muscle-layer"[^>]*data-view="{view}".*?\n</g>\n', sheet, re.DOTALL)
    return layer[0] if layer else ""
