"""The one table of status transitions. A way back is a step like any other, so undoing is recorded too.

What the table allows an upper room may still refuse for what it knows of this one visit.
"""

from collections.abc import Callable, Mapping

from clinic.lib.registry import Registry
from clinic.scheduling.models import Appointment, Status

STEPS: Mapping[Status, frozenset[Status]] = {
    Status.REQUESTED: frozenset({Status.BOOKED, Status.CANCELLED}),
    Status.HELD: frozenset({Status.REQUESTED, Status.BOOKED, Status.CANCELLED}),
    Status.BOOKED: frozenset(
        {Status.CONFIRMED, Status.ARRIVED, Status.NO_SHOW, Status.CANCELLED, Status.LATE_CANCELLED}
    ),
    Status.CONFIRMED: frozenset(
        {Status.BOOKED, Status.ARRIVED, Status.NO_SHOW, Status.CANCELLED, Status.LATE_CANCELLED}
    ),
    # She came and may still leave before the session; the way back is for the wrong name clicked.
    Status.ARRIVED: frozenset(
        {Status.BOOKED, Status.CONFIRMED, Status.IN_SESSION, Status.CANCELLED, Status.LATE_CANCELLED}
    ),
    Status.IN_SESSION: frozenset({Status.COMPLETED}),
    Status.COMPLETED: frozenset({Status.IN_SESSION}),
    Status.CANCELLED: frozenset({Status.BOOKED, Status.CONFIRMED}),
    Status.LATE_CANCELLED: frozenset({Status.BOOKED, Status.CONFIRMED}),
    Status.NO_SHOW: frozenset({Status.BOOKED, Status.CONFIRMED, Status.ARRIVED}),
}


# Says why this visit may not take this step; empty where there is nothing against it.
Refusal = Callable[[Appointment, Status], str]

step_refusals: Registry[Refusal] = Registry("refusal of a step")


def refused(appointment: Appointment, to: Status) -> str:
    """Return why an upper room refuses this step, or nothing."""
    return next((words for refusal in step_refusals if (words := refusal(appointment, to))), "")


def may_become(before: str, after: str) -> bool:
    """Tell whether an appointment in status `before` may be set to `after`."""
    return Status(after) in STEPS[Status(before)]
