"""When a location is open: spans by weekday, and the few lines in which people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from itertools import groupby, pairwise
from typing import NamedTuple

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import time_format
from django.utils.translation import gettext as _


class OpenSpan(NamedTuple):
    """Open on a weekday (0 is Monday) from … to …, by the wall clock of the place."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class OpeningLine:
    """Days that have the same hours, in words; without hours they are closed."""

    days: str
    hours: str


def opening_lines(spans: Iterable[OpenSpan]) -> list[OpeningLine]:
    """Return the week from Monday in as few lines as tell it; nothing where no hours are known."""
    week: list[tuple[str, ...]] = [()] * 7
    for span in sorted(spans):
        week[span.weekday] += (
            _("%(opens)s–%(closes)s") % {"opens": _clock(span.opens), "closes": _clock(span.closes)},
        )
    if not any(week):
        return []
    runs = [list(run) for _hours, run in groupby(range(7), key=lambda day: week[day])]
    return [OpeningLine(_days(run), ", ".join(week[run[0]])) for run in runs]


def overlap_in(spans: Sequence[OpenSpan]) -> str:
    """Say which spans of one day overlap; nothing where none do."""
    for earlier, later in pairwise(sorted(spans)):
        if earlier.weekday == later.weekday and later.opens < earlier.closes:
            facts = {"day": WEEKDAYS[later.weekday], "opens": _clock(later.opens), "closes": _clock(earlier.closes)}
            return _("%(day)s: it opens again at %(opens)s, before it closes at %(closes)s.") % facts
    return ""


def _days(run: Sequence[int]) -> str:
    if len(run) == 1:
        return str(WEEKDAYS_ABBR[run[0]])
    return _("%(first)s–%(last)s") % {"first": WEEKDAYS_ABBR[run[0]], "last": WEEKDAYS_ABBR[run[-1]]}


def _clock(moment: time) -> str:
    return time_format(moment, "H:i")
