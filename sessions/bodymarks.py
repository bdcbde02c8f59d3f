"""The body map with a note's marks on it, drawn by the server: the same picture in a draft and in a signed note."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from clinic.lib.drawing import DRAWINGS, VIEWS, inline_body_map
from sessions.models import BodyMark

EMPTY_MARKS = '<g class="marks"/>'
VIEW_NAMES = {
    "head-neck-front": gettext_lazy("Front"),
    "head-neck-back": gettext_lazy("Back"),
    "head-neck-left": gettext_lazy("Left"),
    "head-neck-right": gettext_lazy("Right"),
    "body-front": gettext_lazy("Body, front"),
    "body-back": gettext_lazy("Body, back"),
}
# Where several marks share a region, each steps aside by this much, in the drawing's units.
STEP = 13.0
SHAPES = {
    BodyMark.Kind.TENDER: '<g class="mark mark--tender"><circle cx="{x}" cy="{y}" r="4"/>'
    '<circle class="halo" cx="{x}" cy="{y}" r="7.5"/></g>',
    BodyMark.Kind.TRIGGER_ACTIVE: '<g class="mark mark--active"><circle class="plate" cx="{x}" cy="{y}" r="7.5"/>'
    '<path d="M{left} {top}L{right} {bottom}M{right} {top}L{left} {bottom}"/></g>',
    BodyMark.Kind.TRIGGER_LATENT: '<g class="mark mark--latent"><circle cx="{x}" cy="{y}" r="5"/></g>',
    BodyMark.Kind.TENSION: '<g class="mark mark--tension"><path d="M{left} {top}V{bottom}M{x} {top}V{bottom}'
    'M{right} {top}V{bottom}"/></g>',
    BodyMark.Kind.AVOID: '<g class="mark mark--avoid"><circle class="plate" cx="{x}" cy="{y}" r="7.5"/>'
    '<path d="M{left} {bottom}L{right} {top}"/></g>',
}


@dataclass(frozen=True)
class Drawing:
    """One view with its marks."""

    view: str
    name: str
    svg: SafeString
    mark_count: int


def drawings(marks: Iterable[BodyMark]) -> list[Drawing]:
    """Draw every view with the marks that can be seen in it."""
    marks = list(marks)
    return [_drawing(view, [mark for mark in marks if _centre(mark, view)]) for view in VIEWS]


def _drawing(view: str, marks: list[BodyMark]) -> Drawing:
    seen: dict[tuple[str, str], int] = {}
    shapes = []
    for mark in marks:
        place = (mark.region, mark.side)
        x, y = _centre(mark, view) or (0.0, 0.0)
        shapes.append(_shape(mark.kind, x + STEP * seen.get(place, 0), y))
        seen[place] = seen.get(place, 0) + 1
    layer = "".join(('<g class="marks">', *shapes, "</g>"))
    svg = str(inline_body_map(view, prefix="map")).replace(EMPTY_MARKS, layer)
    return Drawing(view, str(VIEW_NAMES[view]), mark_safe(svg), len(marks))  # noqa: S308 -- our file, our numbers


def _shape(kind: str, x: float, y: float) -> str:
    edges = {"left": x - 4.2, "right": x + 4.2, "top": y - 4.2, "bottom": y + 4.2}
    numbers = {name: f"{value:.1f}" for name, value in {"x": x, "y": y, **edges}.items()}
    return format_html(SHAPES[BodyMark.Kind(kind)], **numbers)


def _centre(mark: BodyMark, view: str) -> tuple[float, float] | None:
    side = "mid" if mark.side == "middle" else mark.side
    spot = _regions().get(mark.region, {}).get("views", {}).get(view, {}).get(side)
    return (spot["centroid"][0], spot["centroid"][1]) if spot else None


@cache
def _regions() -> dict[str, Any]:
    known: dict[str, Any] = json.loads((DRAWINGS / "regions.json").read_text("utf-8"))
    return known
