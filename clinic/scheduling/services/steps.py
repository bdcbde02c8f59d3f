"""The steps of a visit: confirmed, arrived, cancelled, and back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.lib.once import once
from clinic.lib.times import at_wall
from clinic.people.models import Clinic, User
from clinic.scheduling.models import TAKING, Appointment, Status, StatusChange
from clinic.scheduling.services.locks import locked, locked_visit, one_booking
from clinic.scheduling.services.plans import find_place_again
from clinic.scheduling.services.recording import record
from clinic.scheduling.services.refusals import SlotTaken
from clinic.scheduling.statuses import may_become, refused
from clinic.scheduling.words import moment_words

Because = StatusChange.Because

# So long after a visit was booked, cancelling it costs nothing, however soon it is: somebody clicked the wrong one.
GRACE = timedelta(minutes=15)


def change_status(
    *, by: User | None, now: datetime, appointment: Appointment, to: Status, why: str = "", because: str = ""
) -> Appointment:
    """Take one step of the table in `statuses`, and record it. Being there already is no error and no record."""
    takes_time_again = to in TAKING and appointment.status not in TAKING
    with locked_visit(appointment, now=now) if takes_time_again else one_booking() as opened:
        visit = opened or locked(appointment)
        before = Status(visit.status)
        if before == to:
            return visit
        if to in TAKING and before not in TAKING and not takes_time_again:
            raise SlotTaken(_("Somebody has just changed this visit. Please look again."))
        _check_step(visit, to, now)
        if takes_time_again:
            find_place_again(visit, by=by, now=now)
        visit.status, visit.held_until = to, None
        visit.save(update_fields=["status", "held_until", "room", "review_needed"])
        record(visit, before=before, by=by, at=now, why=why, because=because)
    return visit


def cancel_appointment(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    why: str = "",
    because: StatusChange.Because = Because.CLIENT,
) -> Appointment:
    """Cancel a visit; when the client does so after the clinic's deadline, it counts as cancelled late.

    Cancelled already is no error.
    """
    with one_booking():
        visit = locked(appointment)
        if visit.status in {Status.CANCELLED, Status.LATE_CANCELLED}:
            return visit
        # By where it is now: a visit that was moved to next month meanwhile is not cancelled late.
        to = cancelled_as(visit, now=now, because=because)
        return change_status(by=by, now=now, appointment=visit, to=to, why=why, because=because)


def cancelled_as(appointment: Appointment, *, now: datetime, because: StatusChange.Because = Because.CLIENT) -> Status:
    """Return what a cancellation at `now` would be.

    Late is only what the client cancels after the deadline. A request or a hold is never late, nor a visit that was
    booked a moment ago, or by mistake.
    """
    promised = appointment.status not in {Status.REQUESTED, Status.HELD}
    is_hers = because == Because.CLIENT and now - appointment.booked_at > GRACE
    is_late = promised and is_hers and now > free_until(appointment)
    return Status.LATE_CANCELLED if is_late else Status.CANCELLED


def free_until(appointment: Appointment) -> datetime:
    """Return until when cancelling is free."""
    return hours_before(appointment, _free_hours())


def hours_before(appointment: Appointment, hours: int) -> datetime:
    """Return the moment so many hours before a visit by the wall clock of the place."""
    wall = appointment.local_start - timedelta(hours=hours)
    return at_wall(appointment.location.zone, wall.date(), wall.time())


@once
def _free_hours() -> int:
    return Clinic.objects.values_list("cancellation_hours", flat=True).get()


def _check_step(appointment: Appointment, to: Status, now: datetime) -> None:
    words = {
        "status": appointment.get_status_display(),
        "to": to.label,
        "moment": moment_words(appointment.starts_at, appointment.location.zone),
    }
    if not may_become(appointment.status, to):
        raise ValidationError(_("This visit is %(status)s; it cannot become %(to)s."), params=words)
    if why_not := refused(appointment, to):
        raise ValidationError(why_not)
    if to == Status.ARRIVED and not appointment.is_today(now):
        raise ValidationError(_("This visit is on %(moment)s, not today."), params=words)
    if to == Status.NO_SHOW and now < appointment.starts_at:
        raise ValidationError(_("This visit begins only on %(moment)s."), params=words)
