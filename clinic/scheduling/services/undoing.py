"""Take the last change of a visit back: a step, a move, another length, a booking; with all that was done at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

from django.core.exceptions import ValidationError
from django.db.models import Max, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.audit.services import record_change
from clinic.people.models import Location, User
from clinic.people.services import lock_client
from clinic.scheduling.models import TAKING, Appointment, Series, Status, StatusChange
from clinic.scheduling.services.locks import expire_holds, lock_places, one_booking
from clinic.scheduling.services.plans import Plan, find_places
from clinic.scheduling.services.recording import PLACE_FIELDS, Place, place_of, put_back, step_of
from clinic.scheduling.services.refusals import SlotTaken
from clinic.scheduling.statuses import refused

# So long a change can be taken back by whoever made it; later it is a change like any other.
UNDO_FOR = timedelta(minutes=10)


def undo(*, by: User, now: datetime, appointment: Appointment) -> list[Appointment]:
    """Take the last change of a visit back, with all that was changed in the same batch, and return these visits.

    What was booked is cancelled, as booked by mistake. Raises ValidationError where it was somebody else's change, too
    long ago or taken back already, and SlotTaken where somebody else has the time by now.
    """
    seen = _last_steps(appointment)
    with one_booking():
        therapists, locations = _taken_by(seen)
        lock_places(therapists, *locations)
        client = lock_client(appointment.client_id)
        # Before the steps are looked at: arriving takes no other lock than the visit's own.
        visits = _locked(seen)
        steps = _last_steps(appointment)
        if [step.pk for step in steps] != [step.pk for step in seen]:
            raise SlotTaken(_("Somebody has just changed this visit. Please look again."))
        _check(steps, by=by, now=now)
        expire_holds(therapists, *locations, now=now, client=client)
        stood = {visit.pk: _time_of(visit) for visit in visits if visit.status in TAKING}
        # Lifted off the calendar first: one visit may go back to where another one of them is now.
        Appointment.objects.filter(pk__in=[visit.pk for visit in visits]).update(status=Status.CANCELLED)
        places = [place_of(visit) if step.was else None for visit, step in zip(visits, steps, strict=True)]
        for visit, step in zip(visits, steps, strict=True):
            _take_back(visit, step)
        prefetch_related_objects(visits, "client", "service__modality", "therapist__user", "location")
        _find_places([visit for visit in visits if stood.get(visit.pk) != _time_of(visit)], by=by, now=now)
        Appointment.objects.bulk_update(visits, [*PLACE_FIELDS, "status", "held_until", "review_needed"])
        _record(visits, steps, places, by=by, now=now)
        _drop_empty_series(steps)
    return visits


def may_undo(step: StatusChange, *, by: User, now: datetime) -> bool:
    """Tell whether this last step of a visit may be taken back, as far as the step itself tells."""
    return not _why_not(step, by=by, now=now)


def _last_steps(appointment: Appointment) -> list[StatusChange]:
    """Return the last step of the visit, with all that were taken at once; in the order of the visits."""
    last = appointment.status_changes.order_by("-pk").first()
    if last is None:
        raise ValidationError(_("There is nothing to take back."))
    steps = StatusChange.objects.filter(batch=last.batch) if last.batch else StatusChange.objects.filter(pk=last.pk)
    found = steps.select_related("appointment", "appointment__location", "by").order_by("appointment")
    return list(found)


def _taken_by(steps: Sequence[StatusChange]) -> tuple[set[int], set[Location]]:
    """Return whose and which places' time these visits take, and would take again."""
    before = [step.was for step in steps if step.was]
    therapists = {step.appointment.therapist_id for step in steps} | {int(was["therapist_id"] or 0) for was in before}
    keys = {int(was["location_id"] or 0) for was in before}
    return therapists, {step.appointment.location for step in steps} | set(Location.objects.filter(pk__in=keys))


def _check(steps: Sequence[StatusChange], *, by: User, now: datetime) -> None:
    newest = StatusChange.objects.filter(appointment__in=[step.appointment_id for step in steps]).values("appointment")
    if {one["last"] for one in newest.annotate(last=Max("pk"))} != {step.pk for step in steps}:
        raise ValidationError(_("Something else has been done since; it cannot be taken back at once."))
    for step in steps:
        if why := _why_not(step, by=by, now=now) or refused(step.appointment, _status_before(step)):
            raise ValidationError(why)


def _why_not(step: StatusChange, *, by: User, now: datetime) -> str:
    if step.is_undo:
        return _("This has been taken back already.")
    if step.by_id != by.pk:
        return _("Somebody else did this; only they can take it back.")
    if now - step.at > UNDO_FOR:
        minutes = int(UNDO_FOR.total_seconds()) // 60
        return _("This can be taken back for %(minutes)d minutes only.") % {"minutes": minutes}
    if step.after == Status.IN_SESSION or (step.before == Status.HELD and step.after != Status.HELD):
        return _("This cannot be taken back.")
    return ""


def _status_before(step: StatusChange) -> Status:
    return Status(step.before) if step.before else Status.CANCELLED


def _locked(steps: Sequence[StatusChange]) -> list[Appointment]:
    visits = Appointment.objects.filter(pk__in=[step.appointment_id for step in steps])
    return list(visits.order_by("pk").select_for_update(no_key=True))


def _take_back(visit: Appointment, step: StatusChange) -> None:
    """Set a visit, unsaved, to what it was before the step."""
    if step.was:
        put_back(visit, step.was)
    visit.status, visit.held_until = _status_before(step), visit.held_until if step.before == Status.HELD else None


def _time_of(visit: Appointment) -> tuple[object, ...]:
    """Return what a visit takes: where that stays as it was, nothing has to be free."""
    place = (visit.therapist_id, visit.room_id, visit.location_id, visit.service_id)
    return (*place, visit.starts_at, visit.ends_at, visit.occupied_from, visit.occupied_until)


def _find_places(visits: Sequence[Appointment], *, by: User, now: datetime) -> None:
    """Check that the times they had are free, all of one location at once; another room will do."""
    taking = sorted((visit for visit in visits if visit.status in TAKING), key=lambda visit: visit.location_id)
    for _location, group in groupby(taking, key=lambda visit: visit.location_id):
        those = list(group)
        plans = [replace(Plan.as_it_stands(visit, by=by), left_out_at=visit.left_out_at) for visit in those]
        find_places(those, plans, now=min(now, *(plan.starts_at for plan in plans)), keeps_service=True)


def _record(
    visits: Sequence[Appointment],
    steps: Sequence[StatusChange],
    places: Sequence[Place | None],
    *,
    by: User,
    now: datetime,
) -> None:
    taken_back = [
        step_of(visit, before=step.after, by=by, at=now, why=_("taken back"), was=place, is_undo=True)
        for visit, step, place in zip(visits, steps, places, strict=True)
    ]
    StatusChange.objects.bulk_create(taken_back)
    count = len(visits)
    words = ngettext("last change taken back", "last change taken back, of %(n)d visits", count) % {"n": count}
    record_change(by=by.pk, client=visits[0].client_id, what=visits[0], words=words, now=now)


def _drop_empty_series(steps: Sequence[StatusChange]) -> None:
    """Delete the rule that a change of a series wrote, where none of its visits is left."""
    batch = steps[0].batch
    if batch is not None and any(step.was for step in steps):
        Series.objects.filter(idempotency_key=batch, appointments__isnull=True).delete()
