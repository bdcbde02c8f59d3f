"""What is asked for, whether it may be had, and the room that it gets. Asked under the locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.scheduling.availability import Availability, availability, is_qualified, length_of
from clinic.scheduling.gates import PlannedVisit, review_needed
from clinic.scheduling.models import Appointment
from clinic.scheduling.services.refusals import SlotTaken, needs_reason
from clinic.scheduling.slots import Kind, Length
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
    room: Room | None = None
    override_reason: str = ""
    # Where it differs from the service's, for a visit that was made longer or shorter.
    minutes: int | None = None
    # The room that it gets if that is free; `room` is the one that it must have.
    rather: int | None = None
    # Given before for a length that stays as it is; it counts for nothing else.
    length_reason: str = ""
    # When new hours left it out where it is to be once more: it goes back there, and waits again.
    left_out_at: datetime | None = None

    @classmethod
    def as_it_stands(cls, visit: Appointment, *, by: User | None) -> Plan:
        """Return what a visit is, to be planned anew; of its room another will do."""
        return cls(
            by,
            visit.client,
            visit.service,
            visit.therapist,
            visit.location,
            visit.starts_at,
            override_reason=visit.override_reason,
            minutes=visit.minutes,
            rather=visit.room_id,
        )

    @property
    def length(self) -> Length:
        """How long it takes, with the buffers of its service."""
        length = length_of(self.service)
        return length if self.minutes is None else replace(length, minutes=self.minutes)

    @property
    def has_usual_length(self) -> bool:
        """Tell whether it takes as long as its modality does."""
        shortest, longest = self.service.modality.shortest_minutes, self.service.modality.longest_minutes
        return not shortest or not longest or shortest <= self.length.minutes <= longest

    @property
    def day(self) -> date:
        return local_date(self.location.zone, self.starts_at)


def find_place(visit: Appointment, plan: Plan, *, now: datetime, keeps_service: bool = False) -> None:
    """Give a new or a changed visit its place as planned, or raise."""
    overrides_length = _check_wish(plan, keeps_service=keeps_service)
    free = _free_for(plan, now=now, leaving_out=visit if visit.pk else None)
    room_pk, overrides_time = check_time(plan, free)
    _place(visit, plan, room_pk)
    visit.override_reason = plan.override_reason if overrides_length or overrides_time else ""


def find_places(
    visits: Sequence[Appointment], plans: Sequence[Plan], *, now: datetime, keeps_service: bool = False
) -> None:
    """Give each visit its place, all at one location, in a constant number of queries, or raise SlotTaken.

    It says every refusal. None of them may take time yet; that two of them meet each other is left to the last witness.
    """
    # For each therapist her last visit decides: a qualification may run out before the series does.
    for plan in {plan.therapist.pk: plan for plan in sorted(plans, key=lambda plan: plan.starts_at)}.values():
        try:
            _check_wish(plan, keeps_service=keeps_service)
        except ValidationError as refusal:
            raise ValidationError(_why(refusal)) from None
    days = [plan.day for plan in plans]
    free = availability(
        location=plans[0].location,
        therapists={plan.therapist.pk: plan.therapist for plan in plans}.values(),
        first=min(days),
        last=max(days),
        now=now,
        client=plans[0].client,
        only=[plan.length.occupied(plan.starts_at) for plan in plans],
    )
    refusals = []
    for visit, plan in zip(visits, plans, strict=True):
        try:
            room_pk, is_outside = check_time(plan, free)
            _place(visit, plan, room_pk)
            visit.left_out_at = plan.left_out_at if is_outside else None
        except ValidationError as refusal:
            facts = {"when": moment_words(plan.starts_at, plan.location.zone), "why": _why(refusal)}
            refusals.append(ValidationError(_("%(when)s: %(why)s"), params=facts))
    if refusals:
        raise SlotTaken(refusals)
    for visit, answer in zip(visits, review_needed([planned(visit) for visit in visits]), strict=True):
        visit.review_needed = answer


def find_place_again(visit: Appointment, *, by: User | None, now: datetime) -> None:
    """Give a visit back the time it has, or refuse where something is in the way by now; of its room another will do.

    That its time has begun is nothing, for a wrong step is taken back later than it was taken; and a reason that was
    given for passing over a rule still counts.
    """
    plan = Plan.as_it_stands(visit, by=by)
    try:
        _check_wish(plan)
        free = _free_for(plan, now=min(now, plan.starts_at), leaving_out=visit)
        visit.room_id = check_time(plan, free)[0]
    except ValidationError as problem:
        if problem.code == "needs_reason":
            raise ValidationError(_("%(obstacle)s Book it anew, with a reason."), params=problem.params) from None
        raise
    visit.review_needed = review_needed([planned(visit)])[0]


def _why(refusal: ValidationError) -> str:
    """Return what is in the way; a series takes no reason, so that none is asked for."""
    if refusal.code == "needs_reason" and refusal.params:
        return str(refusal.params["obstacle"])
    return " ".join(refusal.messages)


def _check_wish(plan: Plan, *, keeps_service: bool = False) -> bool:
    """Refuse what no time can make right: archived things, a therapist who may not give this.

    What is booked already keeps its service, also one that is offered no more. Return whether the length, out of the
    modality's range, is passed over.
    """
    for thing in (plan.client, None if keeps_service else plan.service, plan.therapist, plan.location, plan.room):
        if thing is not None and thing.archived_at is not None:
            raise ValidationError(_("%(thing)s is archived."), params={"thing": thing})
    if plan.room and plan.room.location_id != plan.location.pk:
        raise ValidationError(
            _("%(room)s is not at %(location)s."), params={"room": plan.room, "location": plan.location}
        )
    last_day = plan.therapist.leaves_on
    if last_day and last_day < plan.day:
        facts = {"therapist": plan.therapist, "day": date_format(last_day, "D j M Y")}
        raise ValidationError(_("%(therapist)s leaves; the last day is %(day)s."), params=facts)
    if not is_qualified(plan.therapist, plan.service, plan.day):
        raise ValidationError(
            _("%(therapist)s may not give %(modality)s on that day."),
            params={"therapist": plan.therapist, "modality": plan.service.modality},
        )
    modality = plan.service.modality
    shortest, longest = modality.shortest_minutes, modality.longest_minutes
    if plan.has_usual_length:
        return False
    if not (plan.override_reason or plan.length_reason):
        facts = {"modality": modality, "shortest": shortest, "longest": longest}
        words = _("%(modality)s takes %(shortest)d to %(longest)d minutes.")
        raise needs_reason((_("%(modality)s takes %(longest)d minutes.") if shortest == longest else words) % facts)
    return True


def check_time(plan: Plan, free: Availability) -> tuple[int, bool]:
    """Return the room that the visit gets, and whether a rule is passed over; or raise."""
    length, therapist, asked_for = plan.length, plan.therapist, plan.room.pk if plan.room else None
    found = free.obstacle(therapist.pk, length, plan.starts_at, asked_for)
    if found is not None:
        words = obstacle_words(found, therapist.user.first_name, plan.location.zone, length.visit(plan.starts_at))
        if found.kind not in PASSABLE:
            raise SlotTaken(words)
        if found.kind in FOR_OWNERS_ONLY and not (plan.by and plan.by.is_owner):
            raise SlotTaken(_("%(obstacle)s Only an owner may book beyond it."), params={"obstacle": words})
        if not (plan.override_reason or (plan.left_out_at and found.kind == Kind.OFF)):
            raise needs_reason(words)
    rather = plan.rather if plan.rather is not None and plan.rather in free.rooms else None
    room = free.room_at(therapist.pk, length, plan.starts_at, asked_for or rather)
    if room is None and rather:
        room = free.room_at(therapist.pk, length, plan.starts_at, asked_for)
    if room is None:
        raise SlotTaken(_("No room is free then."))
    return room, found is not None


def _free_for(plan: Plan, *, now: datetime, leaving_out: Appointment | None) -> Availability:
    return availability(
        location=plan.location,
        therapists=[plan.therapist],
        first=plan.day,
        last=plan.day,
        now=now,
        client=plan.client,
        leaving_out=leaving_out,
        only=[plan.length.occupied(plan.starts_at)],
    )


def _place(appointment: Appointment, plan: Plan, room_pk: int) -> None:
    length = plan.length
    appointment.service, appointment.location, appointment.therapist = plan.service, plan.location, plan.therapist
    appointment.room_id = room_pk
    usual = plan.therapist.usual_room if Therapist.usual_room.is_cached(plan.therapist) else None
    if usual and usual.pk == room_pk:
        # What is said of the visit names its room.
        appointment.room = usual
    appointment.starts_at, appointment.ends_at = length.visit(plan.starts_at)
    appointment.occupied_from, appointment.occupied_until = length.occupied(plan.starts_at)
    appointment.left_out_at = None


def planned(appointment: Appointment) -> PlannedVisit:
    day = local_date(appointment.location.zone, appointment.starts_at)
    return PlannedVisit(appointment.client_id, appointment.service.modality_id, day)
