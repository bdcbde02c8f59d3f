"""Book one visit, hold a time for a while, ask for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import UUIDField
from django.utils.translation import gettext as _

from clinic.lib.prepared import Given, Prepared, add
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.gates import review_needed
from clinic.scheduling.models import Appointment, Series, Status
from clinic.scheduling.services.locks import expire_holds, lock_places, locked_visit, one_booking
from clinic.scheduling.services.plans import Plan, find_place, find_place_again, planned
from clinic.scheduling.services.recording import record
from clinic.scheduling.services.refusals import SlotTaken, used_form

BOOKED_BEFORE = Prepared(lambda: Appointment.objects.filter(idempotency_key=Given("key", UUIDField())))


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
    visit = Appointment(series=series, booked_at=booked_at or now, idempotency_key=idempotency_key)
    return _enter(visit, plan, now=now, why=why)


def hold_appointment(
    *,
    by: User | None,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    starts_at: datetime,
    until: datetime,
    room: Room | None = None,
    idempotency_key: UUID | None = None,
) -> Appointment:
    """Hold a time for a client until she confirms it; then it is free again. Raises as `book_appointment` does."""
    if until <= now:
        raise ValidationError(_("A time can be held only until a moment to come."))
    plan = Plan(by, client, service, therapist, location, starts_at, room)
    visit = Appointment(status=Status.HELD, held_until=until, booked_at=now, idempotency_key=idempotency_key)
    return _enter(visit, plan, now=now)


def request_appointment(
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
) -> Appointment:
    """Ask for a time that is free now. It takes no time: several may ask, and the first that is accepted has it."""
    plan = Plan(by, client, service, therapist, location, starts_at, room)
    visit = Appointment(status=Status.REQUESTED, booked_at=now, idempotency_key=idempotency_key)
    return _enter(visit, plan, now=now)


def confirm_hold(
    *, by: User | None, now: datetime, appointment: Appointment, to: Status = Status.BOOKED
) -> Appointment:
    """Make a hold a visit, or with `to` a request; one that has run out, too, while nobody else has its time.

    Confirmed already is no error. Raises SlotTaken once the time is somebody else's, or the hold was given up.
    """
    with locked_visit(appointment, now=now) as visit:
        if visit.held_until is None and visit.status in {Status.REQUESTED, Status.BOOKED, Status.CONFIRMED}:
            return visit
        if visit.held_until is None or visit.status not in {Status.HELD, Status.CANCELLED}:
            raise SlotTaken(_("This time is no longer held."))
        visit.booked_at = now
        return _take_up(visit, to, by=by, now=now)


def accept_request(*, by: User | None, now: datetime, appointment: Appointment) -> Appointment:
    """Book what was asked for. Accepted already is no error. Raises SlotTaken where the time is no longer free."""
    with locked_visit(appointment, now=now) as visit:
        if visit.status in {Status.BOOKED, Status.CONFIRMED}:
            return visit
        if visit.status != Status.REQUESTED:
            facts = {"status": visit.get_status_display()}
            raise SlotTaken(_("This visit is %(status)s; it can no longer be accepted.") % facts)
        # It is agreed only now, and confirmed to her as any other.
        visit.booked_at = now
        return _take_up(visit, Status.BOOKED, by=by, now=now)


def _enter(visit: Appointment, plan: Plan, *, now: datetime, why: str = "") -> Appointment:
    """Give a new visit its place and write it, or return the one that the same form has entered before."""
    with one_booking():
        lock_places([plan.therapist.pk], plan.location)
        plan = replace(plan, client=lock_client(plan.client.pk))
        if earlier := _booked_before(visit.idempotency_key, plan, plan.by):
            return earlier
        expire_holds([plan.therapist.pk], plan.location, now=now, client=plan.client)
        visit.client, visit.booked_by = plan.client, plan.by
        find_place(visit, plan, now=now)
        visit.review_needed = review_needed([planned(visit)])[0]
        add(visit)
        record(visit, before="", by=plan.by, at=now, why=why)
    return visit


def _take_up(visit: Appointment, to: Status, *, by: User | None, now: datetime) -> Appointment:
    """Make a held or a requested visit one that is booked, in the time that it has, if that is still to come."""
    if visit.starts_at < now:
        raise SlotTaken(_("This time has passed."))
    find_place_again(visit, by=by, now=now)
    before = visit.status
    visit.status, visit.held_until = to, None
    visit.save(update_fields=["status", "held_until", "booked_at", "room", "review_needed"])
    record(visit, before=before, by=by, at=now)
    return visit


def _booked_before(key: UUID | None, plan: Plan, by: User | None) -> Appointment | None:
    earlier = BOOKED_BEFORE.first(key=key) if key else None
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
