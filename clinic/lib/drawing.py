"""The body map's drawings, made safe to stand inside a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe

DRAWINGS = Path(__file__).parent / "bodymap"
VIEWS = ("head-neck-front", "head-neck-back", "head-neck-left", "head-neck-right", "body-front", "body-back")

_ID = re.compile(r'\b(id|href|aria-labelledby|aria-describedby)="(#?)([^"]+)"')
_URL = re.compile(r"url\(#([^)]+)\)")
_REGION = re.compile(r'(class="region[^"]*)(" data-region="([^"]+)" data-side="([^"]+)")')
_PREFIX = re.compile(r"[a-z][a-z0-9-]*")
_STATE = re.compile(r"[a-z0-9 -]*")


def inline_body_map(
    view: str, *, prefix: str = "", with_muscles: bool = False, states: Mapping[str, str] | None = None
) -> SafeString:
    """Return the drawing's markup, its ids (and what refers to them) preceded by `prefix` and a hyphen.

    `states` gives further classes by region and side as drawn: {"temple--left": "is-level-2"}; the middle is `mid`.
    Raises ValueError for a view that is not drawn, and for a prefix or state that could leave its attribute.
    """
    if view not in VIEWS:
        raise ValueError(f"No drawing is called {view!r}; there are {', '.join(VIEWS)}.")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ValueError(f"{prefix!r} cannot stand in front of an id.")
    svg = _drawing(view, prefix, with_muscles=with_muscles)
    return mark_safe(_with_states(svg, states) if states else svg)  # noqa: S308  # our own file, checked words


@cache
def _drawing(view: str, prefix: str, *, with_muscles: bool) -> str:
    svg = (DRAWINGS / f"{view}.svg").read_text("utf-8")
    if with_muscles:
        svg = svg.replace('<g class="lines"', _muscle_layer(view) + '<g class="lines"', 1)
    if prefix:
        svg = _ID.sub(rf'\1="\2{prefix}-\3"', svg)
        svg = _URL.sub(rf"url(#{prefix}-\1)", svg)
    return svg


def _muscle_layer(view: str) -> str:
    sheet = (DRAWINGS / "muscles.svg").read_text("utf-8")
    layer = re.search(rf'<g class="muscle-layer" data-view="{view}">.*?\n</g>\n', sheet, re.DOTALL)
    return layer[0] if layer else ""


def _with_states(svg: str, states: Mapping[str, str]) -> str:
    for state in states.values():
        if not _STATE.fullmatch(state):
            raise ValueError(f"{state!r} is not a class.")

    def add(match: re.Match[str]) -> str:
        state = states.get(f"{match[3]}--{match[4]}")
        return f"{match[1]} {state}{match[2]}" if state else match[0]

    return _REGION.sub(add, svg)
