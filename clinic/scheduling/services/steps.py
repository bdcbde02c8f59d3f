"""The steps of a visit: confirmed, arrived, cancelled, and back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.lib.once import once
from clinic.lib.times import at_wall
from clinic.people.models import Clinic, User
from clinic.people.services import lock_client
from clinic.scheduling.gates import review_needed
from clinic.scheduling.models import TAKING, Appointment, Status
from clinic.scheduling.services.locks import expire_holds, lock_places, locked, one_booking
from clinic.scheduling.services.plans import check_place_again, planned
from clinic.scheduling.services.recording import record
from clinic.scheduling.services.refusals import SlotTaken
from clinic.scheduling.statuses import may_become, refused
from clinic.scheduling.words import moment_words


def change_status(
    *, by: User | None, now: datetime, appointment: Appointment, to: Status, why: str = ""
) -> Appointment:
    """Take one step of the table in `statuses`, and record it. Being there already is no error and no record."""
    takes_time_again = to in TAKING and appointment.status not in TAKING
    with one_booking():
        if takes_time_again:
            lock_places([appointment.therapist_id], appointment.location)
            lock_client(appointment.client_id)
            expire_holds([appointment.therapist_id], appointment.location, now=now, leaving_out=appointment)
        appointment = locked(appointment)
        before = Status(appointment.status)
        if before == to:
            return appointment
        if to in TAKING and before not in TAKING and not takes_time_again:
            raise SlotTaken(_("Somebody has just changed this visit. Please look again."))
        _check_step(appointment, to, now)
        if takes_time_again:
            check_place_again(appointment, by=by, now=now)
            appointment.review_needed = review_needed([planned(appointment)])[0]
        appointment.status = to
        appointment.held_until = None
        appointment.save(update_fields=["status", "held_until", "review_needed"])
        record(appointment, before=before, by=by, at=now, why=why)
    return appointment


def cancel_appointment(*, by: User | None, now: datetime, appointment: Appointment, why: str = "") -> Appointment:
    """Cancel a visit; after the clinic's deadline it counts as cancelled late."""
    return change_status(by=by, now=now, appointment=appointment, to=cancelled_as(appointment, now=now), why=why)


def cancelled_as(appointment: Appointment, *, now: datetime) -> Status:
    """Return what a cancellation at `now` would be. A request or a hold is never late."""
    promised = appointment.status not in (Status.REQUESTED, Status.HELD)
    return Status.LATE_CANCELLED if promised and now > free_until(appointment) else Status.CANCELLED


def free_until(appointment: Appointment) -> datetime:
    """Return until when cancelling is free: so many hours before by the wall clock of the place."""
    wall = appointment.local_start - timedelta(hours=_free_hours())
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
