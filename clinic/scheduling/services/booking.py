"""Book one visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.gates import PlannedVisit, review_needed
from clinic.scheduling.models import Appointment, Series
from clinic.scheduling.services.locks import expire_holds, lock_places, one_booking
from clinic.scheduling.services.plans import Plan, find_place
from clinic.scheduling.services.recording import record
from clinic.scheduling.services.refusals import used_form


def book_appointment(
    *,
    by: User | None,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    starts_at: datetime,
    room: Room | None = None,
    idempotency_key: UUID | None = None,
    series: Series | None = None,
    override_reason: str = "",
    booked_at: datetime | None = None,
    why: str = "",
) -> Appointment:
    """Book one visit. The same key with the same wishes, sent again, returns the first booking.

    `booked_at` is when it was agreed elsewhere, where it is entered only now, and `why` says so. Raises SlotTaken, and
    ValidationError with code "needs_reason" for a rule that `override_reason` may pass over.
    """
    plan = Plan(by, client, service, therapist, location, starts_at, room, override_reason.strip())
    with one_booking():
        lock_places([therapist.pk], location)
        plan = replace(plan, client=lock_client(client.pk))
        if earlier := _booked_before(idempotency_key, plan, by):
            return earlier
        expire_holds([therapist.pk], location, now=now)
        appointment = Appointment(
            client=client, series=series, booked_by=by, booked_at=booked_at or now, idempotency_key=idempotency_key
        )
        find_place(appointment, plan, now=now)
        appointment.review_needed = review_needed([PlannedVisit(client.pk, service.modality_id, plan.day)])[0]
        appointment.save(force_insert=True)
        record(appointment, before="", by=by, at=now, why=why)
    return appointment


def _booked_before(key: UUID | None, plan: Plan, by: User | None) -> Appointment | None:
    earlier = Appointment.objects.with_people().filter(idempotency_key=key).first() if key else None
    if earlier is None:
        return None
    wishes = (plan.client.pk, plan.service.pk, plan.therapist.pk, plan.location.pk, plan.starts_at, by and by.pk)
    booked = (
        earlier.client_id,
        earlier.service_id,
        earlier.therapist_id,
        earlier.location_id,
        earlier.starts_at,
        earlier.booked_by_id,
    )
    if wishes != booked or (plan.room and plan.room.pk != earlier.room_id):
        raise used_form()
    return earlier
