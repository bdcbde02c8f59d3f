"""Put a visit elsewhere: another time, therapist, room or location, another length, another service."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.people.models import Location, Room, Service, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.gates import review_needed
from clinic.scheduling.models import MOVABLE, NOT_BEGUN, Appointment, Status
from clinic.scheduling.models.rebooking import LONGEST_VISIT
from clinic.scheduling.services.locks import expire_holds, lock_places, locked, one_booking
from clinic.scheduling.services.plans import ChosenVisit, Plan, find_place, planned
from clinic.scheduling.services.recording import PLACE_FIELDS, Place, place_of, record
from clinic.scheduling.services.refusals import moved_meanwhile
from clinic.scheduling.words import moment_words

SHORTEST_MINUTES, LONGEST_MINUTES = 5, int(LONGEST_VISIT.total_seconds()) // 60


def move_appointment(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    starts_at: datetime,
    therapist: Therapist | None = None,
    room: Room | None = None,
    location: Location | None = None,
    override_reason: str = "",
    seen: ChosenVisit | None = None,
) -> Appointment:
    """Move a visit to another time, therapist, room or location. It keeps its length, and its room while that is free.

    A confirmed visit becomes a booked one: she confirmed another time or place. `seen` is where the page showed the
    visit, if that was before `appointment` was read. Raises as `book_appointment` does, and SlotTaken if somebody else
    has moved the visit meanwhile; the same move sent again changes nothing.
    """
    seen = seen or ChosenVisit(appointment.starts_at, appointment.therapist)
    therapist, location = therapist or appointment.therapist, location or appointment.location
    with _changing(appointment, therapist, location, now=now, only=MOVABLE) as visit:
        stands = (visit.starts_at, visit.therapist_id)
        if stands != (seen.starts_at, seen.therapist.pk):
            if stands == (starts_at, therapist.pk):
                return visit
            raise moved_meanwhile(visit)
        if (*stands, visit.location_id) == (starts_at, therapist.pk, location.pk) and room in {None, visit.room}:
            return visit
        plan = replace(
            Plan.as_it_stands(visit, by=by),
            therapist=therapist,
            location=location,
            starts_at=starts_at,
            room=room,
            override_reason=override_reason.strip(),
            rather=visit.room_id if therapist == visit.therapist else None,
        )
        was, before = place_of(visit), Status(visit.status)
        words = _("moved from %(moment)s") % {"moment": moment_words(visit.starts_at, visit.location.zone)}
        is_elsewhere = (starts_at, location.pk) != (visit.starts_at, visit.location_id)
        find_place(visit, plan, now=now, keeps_service=True)
        if before == Status.CONFIRMED and is_elsewhere:
            visit.status = Status.BOOKED
        _write(visit, was, before=before, by=by, now=now, why=words, words=_("moved"))
    return visit


def keep_appointment(*, by: User, now: datetime, appointment: Appointment, override_reason: str) -> Appointment:
    """Let a visit take place as it is booked, though it lies in an absence or outside new hours, for a reason.

    Raises as `book_appointment` does.
    """
    with _changing(appointment, appointment.therapist, appointment.location, now=now, only=MOVABLE) as visit:
        plan = replace(Plan.as_it_stands(visit, by=by), room=visit.room, override_reason=override_reason.strip())
        was = place_of(visit)
        find_place(visit, plan, now=now, keeps_service=True)
        words = _("takes place as it is booked")
        _write(visit, was, before=visit.status, by=by, now=now, why=words, words=words)
    return visit


def change_length(
    *, by: User | None, now: datetime, appointment: Appointment, minutes: int, override_reason: str = ""
) -> Appointment:
    """Make a visit longer or shorter, from its start on and in its room. Raises as `book_appointment` does."""
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        facts = {"shortest": SHORTEST_MINUTES, "longest": LONGEST_MINUTES}
        raise ValidationError(_("A visit takes %(shortest)d to %(longest)d minutes."), params=facts)
    with _changing(appointment, appointment.therapist, appointment.location, now=now, only=NOT_BEGUN) as visit:
        if visit.minutes == minutes:
            return visit
        plan = replace(
            Plan.as_it_stands(visit, by=by),
            room=visit.room,
            override_reason=_reason(visit, override_reason, minutes),
            minutes=minutes,
        )
        was, before = place_of(visit), visit.minutes
        find_place(visit, plan, now=min(now, visit.starts_at), keeps_service=True)
        why = _("%(before)d minutes before") % {"before": before}
        _write(visit, was, before=visit.status, by=by, now=now, why=why, words=_("now %(n)d minutes") % {"n": minutes})
    return visit


def change_service(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    service: Service,
    therapist: Therapist | None = None,
    override_reason: str = "",
) -> Appointment:
    """Give another service at the same time, in the length that it takes. Raises as `book_appointment` does."""
    therapist = therapist or appointment.therapist
    with _changing(appointment, therapist, appointment.location, now=now, only=NOT_BEGUN) as visit:
        if (visit.service_id, visit.therapist_id) == (service.pk, therapist.pk):
            return visit
        minutes = visit.minutes if service == visit.service else service.minutes
        plan = replace(
            Plan.as_it_stands(visit, by=by),
            service=service,
            therapist=therapist,
            override_reason=_reason(visit, override_reason, minutes),
            minutes=minutes,
            rather=visit.room_id if therapist == visit.therapist else None,
        )
        was, before = place_of(visit), visit.service
        find_place(visit, plan, now=min(now, visit.starts_at), keeps_service=service == visit.service)
        why = _("%(service)s before") % {"service": before}
        _write(visit, was, before=visit.status, by=by, now=now, why=why, words=_("another service"))
    return visit


@contextmanager
def _changing(
    appointment: Appointment, therapist: Therapist, location: Location, *, now: datetime, only: Collection[Status]
) -> Iterator[Appointment]:
    """Open one booking with the visit locked, where it is and where it goes. Refuses one that stays where it is."""
    with one_booking():
        therapists, locations = {appointment.therapist_id, therapist.pk}, {appointment.location, location}
        lock_places(therapists, *locations)
        client = lock_client(appointment.client_id)
        visit = locked(appointment)
        if visit.status not in only:
            raise ValidationError(
                _("This visit is %(status)s and stays where it is."), params={"status": visit.get_status_display()}
            )
        expire_holds(therapists, *locations, now=now, client=client, leaving_out=appointment)
        yield visit


def _reason(visit: Appointment, given: str, minutes: int) -> str:
    """Return the reason that counts. The one given before is for the time that the visit has, not for more of it."""
    return given.strip() or (visit.override_reason if minutes <= visit.minutes else "")


def _write(
    visit: Appointment, was: Place, *, before: str, by: User | None, now: datetime, why: str, words: str
) -> None:
    """Write a visit where it is now, ask the gates, and keep the step."""
    visit.review_needed = review_needed([planned(visit)])[0]
    visit.save(update_fields=[*PLACE_FIELDS, "status", "review_needed"])
    record(visit, before=before, by=by, at=now, why=why, words=words, was=was)
