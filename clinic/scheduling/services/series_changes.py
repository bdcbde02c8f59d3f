"""Change or cancel the visits of a series: this one, this and all that follow, or all that are to come.

A change writes a new rule, which its visits belong to from then on; the old one keeps those before. So what was stays
true, and taking the change back is to let the visits go back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from hashlib import sha256
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import TextChoices, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.audit.services import record_change
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.services import lock_client
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Series, Status, StatusChange
from clinic.scheduling.series import Rule, Visit, in_same_week, visits
from clinic.scheduling.services.locks import expire_holds, lock_places, one_booking
from clinic.scheduling.services.plans import ChosenVisit, Plan, find_places
from clinic.scheduling.services.recording import PLACE_FIELDS, place_of, step_of
from clinic.scheduling.services.refusals import SlotTaken, moved_meanwhile, used_form
from clinic.scheduling.services.steps import Because, cancelled_as
from clinic.scheduling.statuses import may_become, refused
from clinic.scheduling.words import moment_words


class Which(TextChoices):
    """How much of a series is meant."""

    THIS = "this", gettext_lazy("This one")
    FOLLOWING = "following", gettext_lazy("This and all that follow")
    ALL = "all", gettext_lazy("All that are to come")


@dataclass(frozen=True)
class Wished:
    """How the visits of a series are wished from now on: on this weekday of their weeks, Monday is 0."""

    weekday: int
    at_time: time
    service: Service
    therapist: Therapist
    location: Location
    room: Room | None = None


@dataclass(frozen=True)
class ChosenMove:
    """Where the page showed a visit, and where it goes."""

    seen: ChosenVisit
    to: ChosenVisit


def visits_meant(appointment: Appointment, which: Which, *, now: datetime) -> AppointmentQuerySet:
    """Return the visits of the series that are meant and may still be moved, soonest first."""
    to_come = Appointment.objects.movable(now)
    if which == Which.THIS or appointment.series_id is None:
        return to_come.filter(pk=appointment.pk)
    meant = to_come.filter(series=appointment.series_id)
    return meant if which == Which.ALL else meant.filter(starts_at__gte=appointment.starts_at)


def follows_its_rule(visit: Appointment, series: Series) -> bool:
    """Tell whether a visit is as its series has it; one that was put elsewhere by hand stays where it was put."""
    rule = Rule(series.first_on, series.at_time, series.every_weeks)
    as_agreed = (visit.therapist_id, visit.service_id, visit.location_id)
    return as_agreed == (series.therapist_id, series.service_id, series.location_id) and rule.holds(
        visit.starts_at, visit.location.zone
    )


def moves_along(visits_of_it: Sequence[Appointment], appointment: Appointment) -> list[Appointment]:
    """Return those that a change moves: the one it was asked of, and all that follow the rule of their series."""
    series = appointment.series
    return [
        visit
        for visit in visits_of_it
        if visit.pk == appointment.pk or (series is not None and follows_its_rule(visit, series))
    ]


def wished_starts(moving: Sequence[Appointment], wished: Wished) -> list[Visit]:
    """Return when each of these visits would be: in its own week, at the wished time by the wall clock."""
    days = [in_same_week(visit.local_start.date(), wished.weekday) for visit in moving]
    return visits(days, wished.at_time, wished.location.zone)


def change_series(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    which: Which,
    wished: Wished,
    chosen: Mapping[int, ChosenMove],
    key: UUID,
) -> list[Appointment]:
    """Put the chosen visits, by their keys, where they were accepted, all of them or none, and return them.

    The others that are meant stay where they are, and belong to the new rule too. The same key sent again changes
    nothing more. Raises SlotTaken with a sentence for each time that has been taken meanwhile.
    """
    if not chosen:
        raise ValidationError(_("Choose at least one visit to change."))
    with one_booking():
        client = _lock(appointment, [move.to.therapist.pk for move in chosen.values()], wished.location, now=now)
        if done := _done_before(key, by=by):
            return _went_before(done, chosen, key)
        meant = _locked(appointment, which, now=now)
        moving = [visit for visit in meant if visit.pk in chosen]
        _check_unmoved(moving, chosen)
        was = {visit.pk: (place_of(visit), visit.status) for visit in meant}
        came = {visit.pk: _moved_from(visit, chosen) for visit in meant}
        rule = _new_rule(appointment, moving, wished)
        _lift(moving)
        _put(moving, chosen, wished, by=by, client=client, now=now)
        taken_along = moving
        if which != Which.THIS and appointment.series is not None:
            taken_along = meant
            rule.client, rule.count, rule.idempotency_key = client, len(meant), key
            rule.wishes_digest, rule.booked_by, rule.booked_at = _digest_of(chosen), by, now
            rule.save(force_insert=True)
            for visit in meant:
                visit.series = rule
        Appointment.objects.bulk_update(taken_along, [*PLACE_FIELDS, "status", "review_needed"])
        StatusChange.objects.bulk_create(
            step_of(visit, before=was[visit.pk][1], by=by, at=now, why=came[visit.pk], was=was[visit.pk][0], batch=key)
            for visit in taken_along
        )
        _tell(moving, _("changed"), by=by, now=now)
    return moving


def cancel_series(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    which: Which,
    seen: Sequence[int],
    key: UUID,
    because: StatusChange.Because = Because.CLIENT,
    why: str = "",
) -> list[Appointment]:
    """Cancel all the visits that are meant, those put elsewhere by hand among them, or none; and return them.

    `seen` are the keys of those that the page showed: where others are meant by now, SlotTaken asks to look again. What
    the client cancels after the clinic's deadline counts as cancelled late, each by itself.
    """
    with one_booking():
        _lock(appointment, [], appointment.location, now=now)
        if done := _done_before(key, by=by):
            if {visit.pk for visit in done} != set(seen):
                raise used_form()
            return done
        meant = _locked(appointment, which, now=now)
        if {visit.pk for visit in meant} != set(seen):
            raise SlotTaken(_("Somebody has just changed this series. Please look again."))
        steps = []
        for visit in meant:
            before, to = Status(visit.status), cancelled_as(visit, now=now, because=because)
            if not may_become(before, to) or (why_not := refused(visit, to)):
                raise ValidationError(why_not or _("A visit of this series can no longer be cancelled."))
            visit.status, visit.held_until = to, None
            steps.append(step_of(visit, before=before, by=by, at=now, why=why, because=because, batch=key))
        Appointment.objects.bulk_update(meant, ["status", "held_until"])
        StatusChange.objects.bulk_create(steps)
        _tell(meant, _("cancelled"), by=by, now=now)
    return meant


def _lock(appointment: Appointment, therapists: Sequence[int], location: Location, *, now: datetime) -> Client:
    """Lock whose time the visits of the series take, and would take, and return the client."""
    hers = Appointment.objects.filter(series=appointment.series_id) if appointment.series_id else None
    siblings = hers.values_list("therapist", "location") if hers else []
    people = {appointment.therapist_id, *therapists, *(therapist for therapist, _place in siblings)}
    places = {appointment.location_id, location.pk, *(place for _therapist, place in siblings)}
    lock_places(people, *Location.objects.filter(pk__in=places))
    client = lock_client(appointment.client_id)
    expire_holds(people, location, now=now, client=client, leaving_out=appointment)
    return client


def _done_before(key: UUID, *, by: User | None) -> list[Appointment]:
    """Return the visits that this form has changed before. Raises ValidationError where it was somebody else's form."""
    steps = StatusChange.objects.filter(batch=key)
    if any(sender != (by and by.pk) for sender in steps.values_list("by", flat=True)):
        raise used_form()
    return list(Appointment.objects.with_people().filter(status_changes__in=steps).order_by("starts_at"))


def _went_before(done: Sequence[Appointment], chosen: Mapping[int, ChosenMove], key: UUID) -> list[Appointment]:
    """Return what this form has moved. Raises ValidationError where it says more, less or something else by now."""
    went = [visit for visit in done if _stands(visit, chosen.get(visit.pk))]
    rule = Series.objects.filter(idempotency_key=key).first()
    if len(went) < len(chosen) or (rule and rule.wishes_digest != _digest_of(chosen)):
        raise used_form()
    return went


def _digest_of(chosen: Mapping[int, ChosenMove]) -> str:
    """Return the digest of where each visit goes: the same key with other wishes is another form."""
    wishes = sorted(
        (pk, f"{move.to.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M}", move.to.therapist.pk) for pk, move in chosen.items()
    )
    return sha256(json.dumps(wishes).encode()).hexdigest()


def _locked(appointment: Appointment, which: Which, *, now: datetime) -> list[Appointment]:
    """Return the visits that are meant, locked in the order of their keys. Raises SlotTaken where this one is gone."""
    meant = list(visits_meant(appointment, which, now=now).order_by("pk").select_for_update(no_key=True))
    if appointment.pk not in {visit.pk for visit in meant}:
        raise SlotTaken(_("Somebody has just changed this visit. Please look again."))
    prefetch_related_objects(meant, "client", "service__modality", "therapist__user", "location", "series")
    return meant


def _stands(visit: Appointment, move: ChosenMove | None) -> bool:
    """Tell whether a visit is where it was to go."""
    return move is not None and (visit.starts_at, visit.therapist_id) == (move.to.starts_at, move.to.therapist.pk)


def _check_unmoved(moving: Sequence[Appointment], chosen: Mapping[int, ChosenMove]) -> None:
    """Refuse where a visit is no longer where the page showed it, or no longer among those meant."""
    if len(moving) < len(chosen):
        raise SlotTaken(_("Somebody has just changed this series. Please look again."))
    for visit in moving:
        seen = chosen[visit.pk].seen
        if (visit.starts_at, visit.therapist_id) != (seen.starts_at, seen.therapist.pk):
            raise moved_meanwhile(visit)


def _lift(moving: Sequence[Appointment]) -> None:
    """Take the visits off the calendar for a moment: one may go to where another one of them is now."""
    Appointment.objects.filter(pk__in=[visit.pk for visit in moving]).update(status=Status.CANCELLED)


def _put(
    moving: Sequence[Appointment],
    chosen: Mapping[int, ChosenMove],
    wished: Wished,
    *,
    by: User | None,
    client: Client,
    now: datetime,
) -> None:
    """Give each visit its new place. A confirmed one becomes a booked one: she confirmed another time or place."""
    plans = []
    for visit in moving:
        to, same_service = chosen[visit.pk].to, visit.service_id == wished.service.pk
        stays_with_her = to.therapist.pk == visit.therapist_id and wished.location.pk == visit.location_id
        plan = Plan(
            by,
            client,
            wished.service,
            to.therapist,
            wished.location,
            to.starts_at,
            wished.room,
            minutes=visit.minutes if same_service else None,
            rather=visit.room_id if stays_with_her else None,
            length_reason=visit.override_reason if same_service else "",
        )
        plans.append(plan)
        if visit.status == Status.CONFIRMED and (to.starts_at != visit.starts_at or not stays_with_her):
            visit.status = Status.BOOKED
        # A reason for another rule was for the time that the visit had.
        visit.override_reason = "" if plan.has_usual_length else plan.length_reason
    find_places(moving, plans, now=now, keeps_service=all(visit.service_id == wished.service.pk for visit in moving))


def _new_rule(appointment: Appointment, moving: Sequence[Appointment], wished: Wished) -> Series:
    """Return the rule by which the visits go on, not yet written; every other week, in the weeks it has been in."""
    old = appointment.series
    in_their_weeks = [visit for visit in moving if old is not None and follows_its_rule(visit, old)]
    first_on = min(visit.local_start.date() for visit in in_their_weeks or moving)
    return Series(
        service=wished.service,
        therapist=wished.therapist,
        location=wished.location,
        first_on=in_same_week(first_on, wished.weekday),
        at_time=wished.at_time,
        every_weeks=old.every_weeks if old else Series.Every.WEEK,
        continues=old,
        wishes_digest="",
    )


def _moved_from(visit: Appointment, chosen: Mapping[int, ChosenMove]) -> str:
    """Say where a visit was; nothing of one that keeps its time."""
    if visit.pk not in chosen or chosen[visit.pk].to.starts_at == visit.starts_at:
        return ""
    return _("moved from %(moment)s") % {"moment": moment_words(visit.starts_at, visit.location.zone)}


def _tell(changed: Sequence[Appointment], words: str, *, by: User | None, now: datetime) -> None:
    first = min(changed, key=lambda visit: visit.starts_at)
    facts = {"n": len(changed), "done": words}
    told = ngettext("%(n)d visit of a series %(done)s", "%(n)d visits of a series %(done)s", len(changed)) % facts
    record_change(by=by.pk if by else None, client=first.client_id, what=first, words=told, now=now)
