"""Charts as SVG, drawn on the server: the same on the screen and on paper. Every look comes from a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

PAIN_WIDTH, PAIN_HEIGHT = 640, 238
LINE_WIDTH = 330
LEFT, RIGHT, TOP, FLOOR = 34, 68, 16, 206
HIGHEST_PAIN = 10
LABELS_AT_MOST = 8


@dataclass(frozen=True)
class PainVisit:
    """A signed visit with the pain she named before and after it."""

    on: date
    before: int
    after: int | None


@dataclass(frozen=True)
class PhaseMark:
    """A phase as a point on the line."""

    words: str
    starts_on: date
    is_done: bool
    is_here: bool


def pain_chart(visits: Sequence[PainVisit]) -> SafeString:
    """Draw each visit as two points, an open one before and a filled one after, joined by a thin line."""
    places = [(_across(i, len(visits)), visit) for i, visit in enumerate(visits)]
    parts = [_pain_grid()]
    parts += [_pain_visit(x, visit) for x, visit in places]
    every = -(-len(visits) // LABELS_AT_MOST)
    parts += [
        format_html('<text x="{}" y="230" text-anchor="middle">{}</text>', _n(x), date_format(visit.on, "j M"))
        for x, visit in places[::every]
    ]
    parts.append(_pain_names(places[-1]))
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        PAIN_WIDTH,
        PAIN_HEIGHT,
        _("Pain before and after each of %(count)s visits; the table below has the numbers.") % {"count": len(visits)},
        _joined(parts),
    )


def goal_line(*, baseline: Decimal, now: Decimal | None, target: Decimal, highest: int, words: str) -> SafeString:
    """Draw where she started, where she is and where she wants to be on one line, the lowest at the right."""
    was, goal = _along(baseline, highest), _along(target, highest)
    parts = [
        SafeString('<path class="sl-rest" d="M6 14H314"/>'),
        format_html('<circle class="sl-tick" cx="{}" cy="14" r="4"/>', _n(was)),
        format_html('<path class="c-start" d="M{0} 4V24"/>', _n(goal)),
    ]
    if now is not None:
        here = _along(now, highest)
        parts.insert(1, format_html('<path class="sl-done" d="M{} 14H{}"/>', _n(was), _n(here)))
        parts.append(format_html('<circle class="sl-dot" cx="{}" cy="14" r="6.5"/>', _n(here)))
    return format_html(
        '<svg class="chart" viewBox="0 0 320 28" role="img" aria-label="{}">{}</svg>', words, _joined(parts)
    )


def phase_line(phases: Sequence[PhaseMark], *, words: str) -> SafeString:
    """Draw the phases as points on a line; what is past is inked, the present is the point."""
    last, end = len(phases) - 1, LINE_WIDTH - 6
    xs = [6 + (end - 6) * i / last if last else 6 for i in range(len(phases))]
    here = next((x for x, phase in zip(xs, phases, strict=True) if phase.is_here), None)
    inked = here if here is not None else max((x for x, p in zip(xs, phases, strict=True) if p.is_done), default=6)
    parts = [
        format_html('<path class="sl-rest" d="M{} 10H{}"/>', _n(inked), end),
        format_html('<path class="sl-done" d="M6 10H{}"/>', _n(inked)),
    ]
    parts += [_phase_mark(x, phase, _anchor(i, last)) for i, (x, phase) in enumerate(zip(xs, phases, strict=True))]
    return format_html(
        '<svg viewBox="0 0 {} 56" role="img" aria-label="{}">{}</svg>', LINE_WIDTH, words, _joined(parts)
    )


def _phase_mark(x: float, phase: PhaseMark, anchor: str) -> SafeString:
    kind, radius = ("sl-dot", 6) if phase.is_here else ("sl-tick-done" if phase.is_done else "sl-tick", 3.5)
    words_at = {"start": 0, "end": LINE_WIDTH}.get(anchor, x)
    return format_html(
        '<circle class="{0}" cx="{1}" cy="10" r="{2}"/>'
        '<text x="{3}" y="34" text-anchor="{4}" class="{5}">{6}</text>'
        '<text x="{3}" y="51" text-anchor="{4}">{7}</text>',
        kind,
        _n(x),
        radius,
        _n(words_at),
        anchor,
        "on" if phase.is_here else "",
        phase.words,
        date_format(phase.starts_on, "j M"),
    )


def _anchor(position: int, last: int) -> str:
    if position == 0:
        return "start"
    return "end" if position == last else "middle"


def _pain_grid() -> SafeString:
    return format_html_join(
        "",
        '<path class="{}" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (
                "c-grid" if level else "c-zero",
                LEFT,
                _n(_up(level)),
                PAIN_WIDTH - RIGHT,
                LEFT - 8,
                _n(_up(level) + 5),
                level,
            )
            for level in range(0, HIGHEST_PAIN + 1, 2)
        ),
    )


def _pain_visit(x: float, visit: PainVisit) -> SafeString:
    before = format_html('<circle class="c-dot" cx="{}" cy="{}" r="5"/>', _n(x), _n(_up(visit.before)))
    if visit.after is None:
        return before
    return format_html(
        '<path class="c-lead" d="M{0} {1}V{2}"/>{3}<circle class="c-sess" cx="{0}" cy="{2}" r="5"/>',
        _n(x),
        _n(_up(visit.before)),
        _n(_up(visit.after)),
        before,
    )


def _pain_names(last: tuple[float, PainVisit]) -> SafeString:
    """Name the two series at their end, far enough apart to be read."""
    x, visit = last
    before = _up(visit.before) + 5
    after = before if visit.after is None else _up(visit.after) + 5
    if abs(after - before) < 18:  # noqa: PLR2004  # the height of a line of text
        after = before + 18
    return format_html(
        '<text class="lbl" x="{0}" y="{1}">{2}</text><text class="lbl" x="{0}" y="{3}">{4}</text>',
        _n(x + 12),
        _n(before),
        _("before"),
        _n(after),
        _("after"),
    )


def _across(position: int, count: int) -> float:
    width = PAIN_WIDTH - LEFT - RIGHT - 32
    return LEFT + 16 + (width * position / (count - 1) if count > 1 else width / 2)


def _up(level: int) -> float:
    return FLOOR - (FLOOR - TOP) * level / HIGHEST_PAIN


def _along(value: Decimal, highest: int) -> float:
    return 306 - float(value) / highest * 292


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _joined(parts: Sequence[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
