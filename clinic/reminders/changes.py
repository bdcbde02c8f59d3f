"""What became of a visit, as she must be told it: read from its steps, and from nothing else.

Steps that follow one another within the grace are one change, told once and with what stands at its end. So what is
moved and moved back, or booked and cancelled at once, is told to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.models import QuerySet

from clinic.scheduling.models import Status, StatusChange

# So long a change waits for second thoughts.
GRACE = timedelta(minutes=3)
# In these she has no visit to come to.
NOT_PROMISED = frozenset({"", Status.REQUESTED, Status.HELD, Status.CANCELLED, Status.LATE_CANCELLED})

_READ = (
    *("pk", "at", "before", "after", "because", "was", "appointment_id"),
    *("appointment__client_id", "appointment__series_id", "appointment__service_id", "appointment__booked_at"),
    *("appointment__starts_at", "appointment__therapist_id", "appointment__location_id"),
)
Row = dict[str, Any]


class Place(NamedTuple):
    """What she is told of where a visit is; in which room, she is told when she comes."""

    starts_at: datetime
    therapist_pk: int
    location_pk: int


class Outcome(Enum):
    """What a change comes to, for her."""

    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Step:
    """A step that changed what she would be told."""

    pk: int
    at: datetime
    before: str
    after: str
    because: str
    place_before: Place


@dataclass(frozen=True)
class Change:
    """The last change of a visit: its steps since it last stood still for as long as the grace."""

    appointment_pk: int
    client_pk: int
    series_pk: int | None
    service_pk: int
    place: Place
    steps: Sequence[Step]
    # The first of the steps that were taken at the moment of its last one, where visits of hers were changed together.
    together_pk: int | None = None

    @property
    def at(self) -> datetime:
        return self.steps[-1].at

    @property
    def settled_at(self) -> datetime:
        """When it has stood for the grace, and may be told."""
        return self.at + GRACE

    @property
    def began_the_visit(self) -> bool:
        return not self.steps[0].before

    @property
    def place_before(self) -> Place:
        """Where the visit was as she last knew it."""
        return self.steps[0].place_before

    @property
    def outcome(self) -> Outcome:
        """What she is to be told, once it has settled."""
        was, is_now = self.steps[0].before not in NOT_PROMISED, self.steps[-1].after not in NOT_PROMISED
        if was and is_now:
            return Outcome.MOVED if self.place_before != self.place else Outcome.NOTHING
        if was:
            return Outcome.CANCELLED
        return Outcome.BOOKED if is_now else Outcome.NOTHING

    @property
    def is_hers(self) -> bool:
        """Tell whether it is she who cancelled."""
        return self.steps[-1].because == StatusChange.Because.CLIENT


def changes_since(since: datetime) -> dict[int, Change]:
    """Return the last change of each visit with a step since this moment, by the visit's key. One query."""
    return _changes(StatusChange.objects.filter(at__gt=since))


def changes_of(appointment_pks: Collection[int], since: datetime) -> dict[int, Change]:
    """Return the same for those of these visits; not which others were changed together with one. One query."""
    return _changes(StatusChange.objects.filter(appointment__in=appointment_pks, at__gt=since))


def changed_with(step_pk: int) -> tuple[datetime | None, list[int]]:
    """Return when a step was taken, and the keys of all visits of hers that took one then. Two queries."""
    step = StatusChange.objects.filter(pk=step_pk).values_list("at", "appointment__client").first()
    if step is None:
        return None, []
    at, client_pk = step
    together = StatusChange.objects.filter(at=at, appointment__client=client_pk).exclude(before="")
    return at, sorted(set(together.values_list("appointment", flat=True)))


def _changes(found: QuerySet[StatusChange]) -> dict[int, Change]:
    rows = found.order_by("appointment", "pk").values(*_READ)
    told = {pk: _steps(list(of_one)) for pk, of_one in groupby(rows, itemgetter("appointment_id"))}
    together: dict[tuple[int, datetime], list[int]] = defaultdict(list)
    for visit, steps in told.values():
        for step in steps:
            # Those that begin a visit are told one by one, or by the summary of their series.
            if step.before:
                together[visit["appointment__client_id"], step.at].append(step.pk)
    return {pk: _change(visit, steps, together) for pk, (visit, steps) in told.items() if steps}


def _steps(rows: Sequence[Row]) -> tuple[Row, list[Step]]:
    """Return one of a visit's rows, and of its steps, oldest first, those that changed what she would be told."""
    steps, after = [], _place_of(rows[-1])
    for row in reversed(rows):
        before = _place_was(row["was"]) if row["was"] else after
        if before != after or (row["before"] in NOT_PROMISED) != (row["after"] in NOT_PROMISED):
            # What was agreed elsewhere was agreed then, however late it was entered.
            at = row["at"] if row["before"] else min(row["at"], row["appointment__booked_at"])
            steps.append(Step(row["pk"], at, row["before"], row["after"], row["because"], before))
        after = before
    return rows[-1], steps[::-1]


def _change(visit: Row, steps: Sequence[Step], together: dict[tuple[int, datetime], list[int]]) -> Change:
    client_pk, last = visit["appointment__client_id"], steps[-1]
    mates = together.get((client_pk, last.at), []) if last.before else []
    return Change(
        visit["appointment_id"],
        client_pk,
        visit["appointment__series_id"],
        visit["appointment__service_id"],
        _place_of(visit),
        _since_it_stood(steps),
        together_pk=min(mates) if len(mates) > 1 else None,
    )


def _since_it_stood(steps: Sequence[Step]) -> Sequence[Step]:
    """Return the last steps, of which each came within the grace after the one before it."""
    first = len(steps) - 1
    while first and steps[first].at - steps[first - 1].at < GRACE:
        first -= 1
    return steps[first:]


def _place_of(row: Row) -> Place:
    return Place(row["appointment__starts_at"], row["appointment__therapist_id"], row["appointment__location_id"])


def _place_was(was: Row) -> Place:
    return Place(datetime.fromisoformat(was["starts_at"]), was["therapist_id"], was["location_id"])
