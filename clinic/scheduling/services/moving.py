"""Move a visit."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.people.models import Room, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.gates import review_needed
from clinic.scheduling.models import MOVABLE, Appointment, Status
from clinic.scheduling.services.locks import expire_holds, lock_places, locked, one_booking
from clinic.scheduling.services.plans import ChosenVisit, Plan, find_place, planned
from clinic.scheduling.services.recording import record
from clinic.scheduling.services.refusals import moved_meanwhile
from clinic.scheduling.words import moment_words


def move_appointment(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    starts_at: datetime,
    therapist: Therapist | None = None,
    room: Room | None = None,
    override_reason: str = "",
    seen: ChosenVisit | None = None,
) -> Appointment:
    """Move a visit to another time, therapist or room of the same location.

    A confirmed visit becomes a booked one: she confirmed another time. `seen` is where the page showed the visit, if
    that was before `appointment` was read. Raises as `book_appointment` does, and SlotTaken if somebody else has moved
    the visit meanwhile; the same move sent again changes nothing.
    """
    seen = seen or ChosenVisit(appointment.starts_at, appointment.therapist)
    with one_booking():
        therapists = {appointment.therapist_id, (therapist or appointment.therapist).pk}
        lock_places(therapists, appointment.location)
        lock_client(appointment.client_id)
        appointment = locked(appointment)
        if appointment.status not in MOVABLE:
            raise ValidationError(
                _("This visit is %(status)s and stays where it is."),
                params={"status": appointment.get_status_display()},
            )
        stands = (appointment.starts_at, appointment.therapist_id)
        if stands != (seen.starts_at, seen.therapist.pk):
            if stands == (starts_at, (therapist or appointment.therapist).pk):
                return appointment
            raise moved_meanwhile(appointment)
        expire_holds(therapists, appointment.location, now=now, leaving_out=appointment)
        plan = Plan(
            by,
            appointment.client,
            appointment.service,
            therapist or appointment.therapist,
            appointment.location,
            starts_at,
            room,
            override_reason.strip(),
        )
        before, was_at = Status(appointment.status), appointment.starts_at
        find_place(appointment, plan, now=now)
        if before == Status.CONFIRMED and starts_at != was_at:
            appointment.status = Status.BOOKED
        appointment.review_needed = review_needed([planned(appointment)])[0]
        appointment.save(
            update_fields=[
                "therapist", "room", "starts_at", "ends_at", "occupied_from", "occupied_until",
                "status", "override_reason", "review_needed",
            ]
        )  # fmt: skip
        moved_from = _("moved from %(moment)s") % {"moment": moment_words(was_at, appointment.location.zone)}
        record(appointment, before=before, by=by, at=now, why=moved_from, words=_("moved"))
    return appointment
