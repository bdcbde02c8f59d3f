"""What is asked for, whether it may be had, and the room that it gets. Asked under the locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.availability import Availability, availability, is_qualified, length_of
from clinic.scheduling.gates import PlannedVisit, review_needed
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services.refusals import SlotTaken, needs_reason
from clinic.scheduling.slots import Kind
from clinic.scheduling.words import moment_words, obstacle_words

# Rules that staff may pass over with a reason; that two visits meet is never among them.
PASSABLE = frozenset({Kind.UNLICENSED, Kind.PAST, Kind.AWAY, Kind.OFF})
# Of them, those that need an owner's reason; nobody else's helps.
FOR_OWNERS_ONLY = frozenset({Kind.UNLICENSED})


@dataclass(frozen=True)
class ChosenVisit:
    """A start and who gives the visit, as a page offered it and somebody accepted it."""

    starts_at: datetime
    therapist: Therapist


@dataclass(frozen=True)
class Plan:
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


def plan_all(plans: Sequence[Plan], therapists: Iterable[Therapist], *, now: datetime) -> list[Appointment]:
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
            _place(visit, plan, check_time(plan, free)[0])
        except ValidationError as refusal:
            facts = {"when": moment_words(plan.starts_at, plan.location.zone), "why": " ".join(refusal.messages)}
            refusals.append(ValidationError(_("%(when)s: %(why)s"), params=facts))
        else:
            visits.append(visit)
    if refusals:
        raise SlotTaken(refusals)
    for visit, answer in zip(visits, review_needed([planned(visit) for visit in visits]), strict=True):
        visit.review_needed = answer
    return visits


def find_place(appointment: Appointment, plan: Plan, *, now: datetime) -> None:
    """Give a new or a moved visit its place as planned, or raise."""
    overrides_length = _check_wish(plan, is_booked=bool(appointment.pk))
    free = _free_for(plan, now=now, leaving_out=appointment if appointment.pk else None)
    room_pk, overrides_time = check_time(plan, free)
    _place(appointment, plan, room_pk)
    appointment.override_reason = plan.override_reason if overrides_length or overrides_time else ""


def _check_wish(plan: Plan, *, is_booked: bool = False) -> bool:
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
        raise needs_reason(_("%(modality)s takes %(shortest)d to %(longest)d minutes.") % facts)
    return True


def check_time(plan: Plan, free: Availability) -> tuple[int, bool]:
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
            raise needs_reason(words)
    room = free.room_at(therapist.pk, length, plan.starts_at, asked_for)
    if room is None:
        raise SlotTaken(_("No room is free then."))
    return room, found is not None


def check_place_again(appointment: Appointment, *, by: User | None, now: datetime) -> None:
    """Refuse a visit the time it had, where something is in the way by now.

    That its time has begun is nothing, for a wrong step is taken back later than it was taken; and a reason that was
    given for passing over a rule still counts.
    """
    plan = Plan(
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
        check_time(plan, _free_for(plan, now=earliest, leaving_out=appointment))
    except ValidationError as problem:
        if problem.code == "needs_reason":
            raise ValidationError(_("%(obstacle)s Book it anew, with a reason."), params=problem.params) from None
        raise


def _free_for(plan: Plan, *, now: datetime, leaving_out: Appointment | None) -> Availability:
    return availability(
        location=plan.location,
        therapists=[plan.therapist],
        first=plan.day,
        last=plan.day,
        now=now,
        client=plan.client,
        leaving_out=leaving_out,
    )


def _place(appointment: Appointment, plan: Plan, room_pk: int) -> None:
    length = length_of(plan.service)
    appointment.service, appointment.location, appointment.therapist = plan.service, plan.location, plan.therapist
    appointment.room_id = room_pk
    appointment.starts_at, appointment.ends_at = length.visit(plan.starts_at)
    appointment.occupied_from, appointment.occupied_until = length.occupied(plan.starts_at)


def planned(appointment: Appointment) -> PlannedVisit:
    day = local_date(appointment.location.zone, appointment.starts_at)
    return PlannedVisit(appointment.client_id, appointment.service.modality_id, day)
