"""Book, move, cancel. Each service is one transaction: lock therapists, rooms, client, visits; then check, then write.

The exclusion constraints are the last witness: whatever this code forgets, no two visits share a therapist or a room.
Every service returns the visit as it is afterwards, freshly read; the one passed in may be stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg.errors import DeadlockDetected, LockNotAvailable

from clinic.audit.services import record_change
from clinic.lib.once import once
from clinic.lib.rows import with_known
from clinic.lib.times import at_wall, local_date
from clinic.people.models import Client, Clinic, Location, Room, Service, Therapist, User, clinic_zone
from clinic.people.records import records_of
from clinic.people.services import lock_client
from clinic.scheduling.availability import Availability, availability, is_qualified, length_of, zone_of
from clinic.scheduling.gates import PlannedVisit, review_needed
from clinic.scheduling.models import MOVABLE, TAKING, Appointment, Series, Status, StatusChange, TimeOff, WeeklyHours
from clinic.scheduling.slots import Kind, Span
from clinic.scheduling.statuses import may_become, refused
from clinic.scheduling.words import moment_words, obstacle_words, span_words

LOCK_TIMEOUT = timedelta(seconds=3)
MOST_VISITS = 104
# Rules that staff may pass over with a reason; that two visits meet is never among them.
PASSABLE = frozenset({Kind.UNLICENSED, Kind.PAST, Kind.AWAY, Kind.OFF})
# Of them, those that need an owner's reason; nobody else's helps.
FOR_OWNERS_ONLY = frozenset({Kind.UNLICENSED})


class SlotTaken(ValidationError):  # noqa: N818 -- a sentence for the front desk, not a fault
    """Somebody else has the therapist or the room then. The page answers 409 and offers what is free."""


@dataclass(frozen=True)
class ChosenVisit:
    """A start and who gives the visit, as a page offered it and somebody accepted it."""

    starts_at: datetime
    therapist: Therapist


@dataclass(frozen=True)
class _Plan:
    """What is asked for, and by whom."""

    by: User | None
    client: Client
    service: Service
    therapist: Therapist
    location: Location
    starts_at: datetime
    room: Room | None
    override_reason: str

    @property
    def day(self) -> date:
        return local_date(self.location.zone, self.starts_at)


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
    plan = _Plan(by, client, service, therapist, location, starts_at, room, override_reason.strip())
    with one_booking():
        lock_places([therapist.pk], location)
        plan = replace(plan, client=lock_client(client.pk))
        if earlier := _booked_before(idempotency_key, plan, by):
            return earlier
        expire_holds([therapist.pk], location, now=now)
        appointment = Appointment(
            client=client, series=series, booked_by=by, booked_at=booked_at or now, idempotency_key=idempotency_key
        )
        _find_place(appointment, plan, now=now)
        appointment.review_needed = review_needed([PlannedVisit(client.pk, service.modality_id, plan.day)])[0]
        appointment.save(force_insert=True)
        _record(appointment, before="", by=by, at=now, why=why)
    return appointment


def book_series(
    *,
    by: User | None,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    first_on: date,
    at_time: time,
    every_weeks: int,
    count: int,
    chosen: Sequence[ChosenVisit],
    idempotency_key: UUID,
) -> Series:
    """Book all the chosen visits of a series, or none. The same key with the same wishes returns the first booking.

    Raises SlotTaken with one sentence for each visit that has been taken meanwhile.
    """
    series = Series(
        client=client,
        service=service,
        therapist=therapist,
        location=location,
        first_on=first_on,
        at_time=at_time,
        every_weeks=every_weeks,
        count=count,
        idempotency_key=idempotency_key,
        booked_by=by,
        booked_at=now,
    )
    series.wishes_digest = _digest_of(series, chosen)
    series.clean_fields(exclude=["booked_by"])
    if not 1 <= len(chosen) <= count <= MOST_VISITS:
        raise ValidationError(_("A series has 1 to %(most)d visits."), params={"most": MOST_VISITS})
    plans = [_Plan(by, client, service, one.therapist, location, one.starts_at, None, "") for one in chosen]
    with one_booking():
        therapists = {plan.therapist.pk: plan.therapist for plan in plans}
        lock_places(therapists, location)
        fresh = lock_client(client.pk)
        plans = [replace(plan, client=fresh) for plan in plans]
        if earlier := _series_before(series):
            return earlier
        expire_holds(therapists, location, now=now)
        visits = _plan_all(plans, therapists.values(), now=now)
        series.save(force_insert=True)
        for visit in visits:
            visit.series, visit.booked_by, visit.booked_at = series, by, now
        Appointment.objects.bulk_create(visits)
        StatusChange.objects.bulk_create(
            StatusChange(appointment=visit, before="", after=visit.status, by=by, at=now) for visit in visits
        )
        told = ngettext("%(n)d visit booked", "%(n)d visits booked", len(visits)) % {"n": len(visits)}
        record_change(by=by.pk if by else None, client=client.pk, what=series, words=told, now=now)
    return series


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
        appointment = _locked(appointment)
        if appointment.status not in MOVABLE:
            raise ValidationError(
                _("This visit is %(status)s and stays where it is."),
                params={"status": appointment.get_status_display()},
            )
        stands = (appointment.starts_at, appointment.therapist_id)
        if stands != (seen.starts_at, seen.therapist.pk):
            if stands == (starts_at, (therapist or appointment.therapist).pk):
                return appointment
            raise _moved_meanwhile(appointment)
        expire_holds(therapists, appointment.location, now=now, leaving_out=appointment)
        plan = _Plan(
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
        _find_place(appointment, plan, now=now)
        if before == Status.CONFIRMED and starts_at != was_at:
            appointment.status = Status.BOOKED
        appointment.review_needed = review_needed([_planned(appointment)])[0]
        appointment.save(
            update_fields=[
                "therapist", "room", "starts_at", "ends_at", "occupied_from", "occupied_until",
                "status", "override_reason", "review_needed",
            ]
        )  # fmt: skip
        moved_from = _("moved from %(moment)s") % {"moment": moment_words(was_at, appointment.location.zone)}
        _record(appointment, before=before, by=by, at=now, why=moved_from, words=_("moved"))
    return appointment


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
        appointment = _locked(appointment)
        before = Status(appointment.status)
        if before == to:
            return appointment
        if to in TAKING and before not in TAKING and not takes_time_again:
            raise SlotTaken(_("Somebody has just changed this visit. Please look again."))
        _check_step(appointment, to, now)
        if takes_time_again:
            _check_place_again(appointment, by=by, now=now)
            appointment.review_needed = review_needed([_planned(appointment)])[0]
        appointment.status = to
        appointment.held_until = None
        appointment.save(update_fields=["status", "held_until", "review_needed"])
        _record(appointment, before=before, by=by, at=now, why=why)
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


def refresh_review_needed(*, client: Client, now: datetime) -> None:
    """Ask the gates again about her visits to come; for the room that knows more than it did.

    A visit that is being booked meanwhile is waited for: its gates may have been asked before.
    """
    with transaction.atomic():
        lock_client(client.pk)
        visits = list(
            Appointment.objects.not_begun(now).filter(client__among=records_of(client.pk))
            .select_for_update(no_key=True, of=("self",)).select_related("service", "location").order_by("pk")
        )  # fmt: skip
        answers = review_needed([_planned(visit) for visit in visits]) if visits else []
        changed = [visit for visit, answer in zip(visits, answers, strict=True) if answer != visit.review_needed]
        for visit in changed:
            visit.review_needed = not visit.review_needed
        Appointment.objects.bulk_update(changed, ["review_needed"])


def add_weekly_hours(
    *,
    by: User | None,
    now: datetime,
    therapist: Therapist,
    location: Location,
    weekday: int,
    opens: time,
    closes: time,
    valid_from: date,
    valid_until: date | None = None,
    anchor_week: date | None = None,
) -> WeeklyHours:
    """Add working hours on one weekday, with an `anchor_week` only of every other week.

    Raises ValidationError where the therapist already works then.
    """
    hours = WeeklyHours(
        therapist=therapist,
        location=location,
        weekday=weekday,
        opens=opens,
        closes=closes,
        anchor_week=anchor_week,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    with transaction.atomic():
        lock_therapists([therapist.pk])
        hours.full_clean()
        hours.save(force_insert=True)
        since = _("working hours added from %(day)s on") % {"day": date_format(valid_from, "D j M Y")}
        record_change(by=by.pk if by else None, client=None, what=therapist, words=since, now=now)
    return hours


def add_time_off(
    *,
    by: User | None,
    now: datetime,
    starts_at: datetime,
    ends_at: datetime,
    therapist: Therapist | None = None,
    location: Location | None = None,
    room: Room | None = None,
    reason: str = "",
) -> TimeOff:
    """Enter an absence, or without a therapist the closing of a location or a room.

    Visits already booked stay as they are, and wait to be booked anew. A booking under way is waited for.
    """
    absence = TimeOff(
        therapist=therapist,
        location=location,
        room=room,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        entered_at=now,
    )
    with transaction.atomic():
        lock_absence(absence)
        absence.full_clean()
        absence.save(force_insert=True)
        _record_absence(absence, _("absence entered: %(when)s"), by=by, now=now)
    return absence


def remove_time_off(*, by: User, now: datetime, absence: TimeOff) -> None:
    """Take back an absence that is to come; one that has begun ends now. Raises ValidationError once it is over."""
    with transaction.atomic():
        lock_absence(absence)
        kept = TimeOff.objects.with_names().filter(pk=absence.pk).first()
        if kept is None:
            return
        if kept.ends_at <= now:
            raise ValidationError(_("This is over, and stays as it was."))
        if kept.starts_at < now:
            _record_absence(kept, _("absence ended early: %(when)s"), by=by, now=now)
            kept.ends_at = now
            kept.save(update_fields=["ends_at"])
        else:
            _record_absence(kept, _("absence taken back: %(when)s"), by=by, now=now)
            kept.delete()


def lock_absence(absence: TimeOff) -> None:
    """Lock what an absence takes, as a booking does: of the two at one moment, the later sees the earlier."""
    if absence.therapist_id is not None:
        lock_therapists([absence.therapist_id])
    elif place := absence.location or (absence.room and absence.room.location):
        lock_rooms(place)


def _record_absence(absence: TimeOff, words: str, *, by: User | None, now: datetime) -> None:
    """Tell the history of whom or what is away, and when."""
    whose = absence.therapist or absence.location or absence.room
    if whose is None:
        return
    zone = absence.place_zone or (zone_of(absence.therapist) if absence.therapist else clinic_zone())
    when = span_words(Span(absence.starts_at, absence.ends_at), zone)
    record_change(by=by.pk if by else None, client=None, what=whose, words=words % {"when": when}, now=now)


@contextmanager
def one_booking() -> Iterator[None]:
    """Open one transaction that waits a little for locks, and put the database's refusals into words."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT.total_seconds():.0f}s"])
            yield
    except IntegrityError as error:
        raise _in_words(error) from error
    except OperationalError as error:
        if isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
            raise SlotTaken(_("Somebody is booking this time right now. Please try again.")) from error
        raise


def lock_places(therapists: Iterable[int], location: Location) -> None:
    """Lock these therapists and the rooms of the location, always in this order, each by key."""
    lock_therapists(therapists)
    lock_rooms(location)


def expire_holds(
    therapists: Iterable[int], location: Location, *, now: datetime, leaving_out: Appointment | None = None
) -> None:
    """Cancel holds that have run out, under the lock: the constraint itself cannot know what time it is."""
    stale = Appointment.objects.filter(
        Q(therapist__in=list(therapists)) | Q(location=location), status=Status.HELD, held_until__lte=now
    )
    if leaving_out is not None:
        stale = stale.exclude(pk=leaving_out.pk)
    for appointment in stale.select_for_update(no_key=True).order_by("pk"):
        appointment.status = Status.CANCELLED
        appointment.save(update_fields=["status"])
        _record(appointment, before=Status.HELD, by=None, at=now, why=_("the hold ran out"))


def lock_therapists(therapists: Iterable[int]) -> None:
    """Lock these therapists by key: of a booking and a change of her hours, the later one sees the earlier."""
    rows = Therapist.objects.filter(pk__in=set(therapists)).order_by("pk").select_for_update(no_key=True)
    list(rows.values_list("pk", flat=True))


def lock_rooms(location: Location) -> None:
    """Lock the rooms of the location by key, as a booking there does."""
    rooms = Room.objects.filter(location=location).order_by("pk").select_for_update(no_key=True)
    list(rooms.values_list("pk", flat=True))


def _locked(appointment: Appointment) -> Appointment:
    """Return the visit as it is now, locked. Raises SlotTaken if it has another therapist: her lock is missing."""
    fresh = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    with_known(fresh, appointment, "client", "service", "therapist", "location", "room")
    if fresh.therapist_id != appointment.therapist_id:
        raise _moved_meanwhile(fresh)
    return fresh


def _moved_meanwhile(appointment: Appointment) -> SlotTaken:
    facts = {
        "when": moment_words(appointment.starts_at, appointment.location.zone),
        "therapist": appointment.therapist.user.first_name,
    }
    return SlotTaken(_("Somebody has moved this visit meanwhile: it is on %(when)s with %(therapist)s.") % facts)


def _booked_before(key: UUID | None, plan: _Plan, by: User | None) -> Appointment | None:
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
        raise _used_form()
    return earlier


def _series_before(wished: Series) -> Series | None:
    earlier = Series.objects.filter(idempotency_key=wished.idempotency_key).first()
    if earlier and earlier.wishes_digest != wished.wishes_digest:
        raise _used_form()
    return earlier


def _digest_of(series: Series, chosen: Sequence[ChosenVisit]) -> str:
    """Return the digest of all that a series form says: the rule, who sends it, and each visit with its therapist."""
    rule = [
        series.client_id,
        series.service_id,
        series.therapist_id,
        series.location_id,
        series.first_on.isoformat(),
        series.at_time.isoformat(),
        series.every_weeks,
        series.count,
        series.booked_by_id,
    ]
    visits = sorted((one.starts_at.astimezone(UTC).isoformat(), one.therapist.pk) for one in chosen)
    return sha256(json.dumps([rule, visits]).encode()).hexdigest()


def _plan_all(plans: Sequence[_Plan], therapists: Iterable[Therapist], *, now: datetime) -> list[Appointment]:
    """Return the visits, each with its place; a constant number of queries. Raises SlotTaken with every refusal."""
    # For each therapist her last visit decides: a qualification may run out before the series does.
    for plan in {plan.therapist.pk: plan for plan in sorted(plans, key=lambda plan: plan.starts_at)}.values():
        _check_wish(plan)
    days = [plan.day for plan in plans]
    free = availability(
        location=plans[0].location,
        therapists=therapists,
        first=min(days),
        last=max(days),
        now=now,
        client=plans[0].client,
    )
    visits, refusals = [], []
    for plan in plans:
        visit = Appointment(client=plan.client, status=Status.BOOKED)
        try:
            _place(visit, plan, _check_time(plan, free)[0])
        except ValidationError as refusal:
            facts = {"when": moment_words(plan.starts_at, plan.location.zone), "why": " ".join(refusal.messages)}
            refusals.append(ValidationError(_("%(when)s: %(why)s"), params=facts))
        else:
            visits.append(visit)
    if refusals:
        raise SlotTaken(refusals)
    for visit, answer in zip(visits, review_needed([_planned(visit) for visit in visits]), strict=True):
        visit.review_needed = answer
    return visits


def _used_form() -> ValidationError:
    return ValidationError(_("This form has already booked another visit. Please open a new one."), code="form_used")


def _find_place(appointment: Appointment, plan: _Plan, *, now: datetime) -> None:
    """Give a new or a moved visit its place as planned, or raise."""
    overrides_length = _check_wish(plan, is_booked=bool(appointment.pk))
    free = _free_for(plan, now=now, leaving_out=appointment if appointment.pk else None)
    room_pk, overrides_time = _check_time(plan, free)
    _place(appointment, plan, room_pk)
    appointment.override_reason = plan.override_reason if overrides_length or overrides_time else ""


def _check_wish(plan: _Plan, *, is_booked: bool = False) -> bool:
    """Refuse what no time can make right: archived things, a therapist who may not give this.

    What is booked already keeps its service, also one that is offered no more. Return whether the length, out of the
    modality's range, is passed over.
    """
    for thing in (plan.client, None if is_booked else plan.service, plan.therapist, plan.location, plan.room):
        if thing is not None and thing.archived_at is not None:
            raise ValidationError(_("%(thing)s is archived."), params={"thing": thing})
    if plan.room and plan.room.location_id != plan.location.pk:
        raise ValidationError(
            _("%(room)s is not at %(location)s."), params={"room": plan.room, "location": plan.location}
        )
    if not is_qualified(plan.therapist, plan.service, plan.day):
        raise ValidationError(
            _("%(therapist)s may not give %(modality)s on that day."),
            params={"therapist": plan.therapist, "modality": plan.service.modality},
        )
    modality = plan.service.modality
    shortest, longest = modality.shortest_minutes, modality.longest_minutes
    if not shortest or not longest or shortest <= plan.service.minutes <= longest:
        return False
    if not plan.override_reason:
        facts = {"modality": modality, "shortest": shortest, "longest": longest}
        raise _needs_reason(_("%(modality)s takes %(shortest)d to %(longest)d minutes.") % facts)
    return True


def _check_time(plan: _Plan, free: Availability) -> tuple[int, bool]:
    """Return the room that the visit gets, and whether a rule is passed over; or raise."""
    length, therapist, asked_for = length_of(plan.service), plan.therapist, plan.room.pk if plan.room else None
    found = free.obstacle(therapist.pk, length, plan.starts_at, asked_for)
    if found is not None:
        words = obstacle_words(found, therapist.user.first_name, plan.location.zone, plan.starts_at)
        if found.kind not in PASSABLE:
            raise SlotTaken(words)
        if found.kind in FOR_OWNERS_ONLY and not (plan.by and plan.by.is_owner):
            raise SlotTaken(_("%(obstacle)s Only an owner may book beyond it."), params={"obstacle": words})
        if not plan.override_reason:
            raise _needs_reason(words)
    room = free.room_at(therapist.pk, length, plan.starts_at, asked_for)
    if room is None:
        raise SlotTaken(_("No room is free then."))
    return room, found is not None


def _needs_reason(obstacle: str) -> ValidationError:
    words = _("%(obstacle)s Give a reason to book it all the same.")
    return ValidationError(words, "needs_reason", {"obstacle": obstacle})


def _check_place_again(appointment: Appointment, *, by: User | None, now: datetime) -> None:
    """Refuse a visit the time it had, where something is in the way by now.

    That its time has begun is nothing, for a wrong step is taken back later than it was taken; and a reason that was
    given for passing over a rule still counts.
    """
    plan = _Plan(
        by,
        appointment.client,
        appointment.service,
        appointment.therapist,
        appointment.location,
        appointment.starts_at,
        appointment.room,
        appointment.override_reason,
    )
    try:
        _check_wish(plan)
        earliest = min(now, plan.starts_at)
        _check_time(plan, _free_for(plan, now=earliest, leaving_out=appointment))
    except ValidationError as problem:
        if problem.code == "needs_reason":
            raise ValidationError(_("%(obstacle)s Book it anew, with a reason."), params=problem.params) from None
        raise


def _free_for(plan: _Plan, *, now: datetime, leaving_out: Appointment | None) -> Availability:
    return availability(
        location=plan.location,
        therapists=[plan.therapist],
        first=plan.day,
        last=plan.day,
        now=now,
        client=plan.client,
        leaving_out=leaving_out,
    )


def _place(appointment: Appointment, plan: _Plan, room_pk: int) -> None:
    length = length_of(plan.service)
    appointment.service, appointment.location, appointment.therapist = plan.service, plan.location, plan.therapist
    appointment.room_id = room_pk
    appointment.starts_at, appointment.ends_at = length.visit(plan.starts_at)
    appointment.occupied_from, appointment.occupied_until = length.occupied(plan.starts_at)


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


def _planned(appointment: Appointment) -> PlannedVisit:
    day = local_date(appointment.location.zone, appointment.starts_at)
    return PlannedVisit(appointment.client_id, appointment.service.modality_id, day)


def _record(
    appointment: Appointment, *, before: str, by: User | None, at: datetime, why: str = "", words: str = ""
) -> None:
    """Keep the step with the visit, and tell the client's history of it: that it was taken, never why."""
    StatusChange.objects.create(appointment=appointment, before=before, after=appointment.status, by=by, at=at, why=why)
    record_change(
        by=by.pk if by else None,
        client=appointment.client_id,
        what=appointment,
        words=words or appointment.get_status_display(),
        now=at,
    )


def _in_words(error: IntegrityError) -> Exception:
    """Return the refusal that a violated constraint means; any other violation is a fault of ours and stays one."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = (diagnosis and diagnosis.constraint_name) or ""
    if name == "therapist_is_in_one_place_at_a_time":
        return SlotTaken(_("The therapist has another visit then."))
    if name == "client_has_one_visit_at_a_time":
        return SlotTaken(_("The client has another visit then."))
    if name == "room_takes_one_visit_at_a_time":
        return SlotTaken(_("The room is taken then."))
    return _used_form() if "idempotency_key" in name else error
