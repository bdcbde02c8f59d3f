"""The kinds that visits give rise to: booked, a series booked, moved, cancelled, and the reminder.

What was done to a visit is told once it has stood for the grace (`changes.py`). A visit has one reminder per offset of
its policy. An offset that falls within FRESH after she was told of the visit, or of its new time, is left out: she has
just heard it; one that had already passed, too. So whoever books 30 hours before gets the confirmation and the
two-hour reminder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Case, When
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Location
from clinic.reminders.changes import (
    GRACE,
    NOT_PROMISED,
    Change,
    Outcome,
    changed_with,
    changes_of,
    changes_since,
)
from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.policy import Offset, policies
from clinic.reminders.timing import Moment, reminder_moments
from clinic.scheduling.feeds import file_of
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Status

FRESH = timedelta(hours=6)
TOLD_WITHIN = timedelta(days=1)
# What a message waits for may have happened, at the latest, so long before it is sent.
REMEMBERED = 2 * TOLD_WITHIN
# So far back the sweep looks for visits whose reminders nobody wrote down, to mark them as missed.
LOOKS_BACK = timedelta(days=1)
# After an outage that was longer than this nobody is reminded by what was due before it ended.
WRITTEN_WITHIN = timedelta(days=3)
# The clocks may change between the reminder and the visit.
CLOCK_CHANGE = timedelta(hours=3)

PROMISED = (Status.BOOKED, Status.CONFIRMED)
NEVER_TOOK_PLACE = (Status.REQUESTED, Status.HELD, Status.CANCELLED, Status.LATE_CANCELLED)
BY_BOTH = ("email", "text")
# What the clinic's own words may say of a visit, and must.
OF_A_PLACE = ("called", "day", "time", "therapist", "location", "phone", "clinic", "policy")
OF_A_VISIT = (*OF_A_PLACE, "link")
OF_SEVERAL = ("called", "visits", "therapist", "location", "phone", "clinic", "policy")

# What a reminder reads of a visit itself.
SAID = ("client", "therapist", "location", "starts_at")

Words = dict[str, Any]


# --- What is due


def bookings_due(now: datetime) -> Iterator[Due]:
    """Yield what was booked, or booked again, one by one."""
    for change in settled(Outcome.BOOKED, now):
        if change.together_pk is None and not _is_summed_up(change):
            yield _due(change, change.appointment_pk)


def series_due(now: datetime) -> Iterator[Due]:
    """Yield one summary per series that was booked, once none of its visits is being changed any more."""
    by_series: dict[int, list[Change]] = defaultdict(list)
    for change in changes_since(now - TOLD_WITHIN).values():
        if change.outcome == Outcome.BOOKED and change.series_pk is not None and _is_summed_up(change):
            by_series[change.series_pk].append(change)
    for series_pk, changes in by_series.items():
        due_at, booked_at = max(one.settled_at for one in changes), min(one.steps[0].at for one in changes)
        if due_at <= now:
            until = booked_at + TOLD_WITHIN
            yield Due(series_pk, changes[0].client_pk, booked_at, due_at, until, service_pk=changes[0].service_pk)


def alone_due(outcome: Outcome, now: datetime) -> Iterator[Due]:
    """Yield the visits that were moved, or cancelled, one by one."""
    for change in settled(outcome, now):
        if change.together_pk is None:
            yield _due(change, change.appointment_pk)


def together_due(outcome: Outcome, now: datetime) -> Iterator[Due]:
    """Yield one message for the visits of hers that were changed together, as those of a series."""
    told = {
        change.together_pk: change
        for change in settled(outcome, now)
        if change.together_pk is not None and not _is_summed_up(change)
    }
    for step_pk, change in told.items():
        yield _due(change, step_pk)


def settled(outcome: Outcome, now: datetime) -> Iterator[Change]:
    """Yield the changes of the last day that come to this, have stood for the grace, and concern a visit to come."""
    since = now - TOLD_WITHIN
    for change in changes_since(since).values():
        # What an import brought was agreed before it was entered.
        if change.outcome == outcome and since < change.at and change.settled_at <= now < _known_start(change):
            yield change


def reminders_due(now: datetime) -> Iterator[Due]:
    """Yield the reminders that are due, and those of the last day that are past, so that they are seen to be missed."""
    known = policies()
    latest = now + timedelta(minutes=known.longest_offset) + CLOCK_CHANGE
    visits = Appointment.objects.between(now - LOOKS_BACK, latest).exclude(status__in=NEVER_TOOK_PLACE)
    since = now - WRITTEN_WITHIN - FRESH
    lately = changes_since(since)
    moments = cache(_moments)
    # To read a moment takes longer than all else about a visit: when it was booked is asked only where it matters.
    booked_lately = Case(When(booked_at__gt=since, then="booked_at"))
    facts = visits.values_list("pk", "client_id", "service_id", "starts_at", booked_lately, "location__time_zone")
    for pk, client_pk, service_pk, starts_at, booked_at, time_zone in facts:
        offsets = known.offsets(client_pk, service_pk)
        earliest = _heard_at(lately.get(pk), booked_at or since) + FRESH
        for offset, moment in moments(starts_at, offsets, time_zone):
            if earliest <= moment.due_at <= now and (offset.since is None or offset.since <= moment.due_at):
                yield Due(
                    pk, client_pk, starts_at, moment.due_at, moment.useless_after, offset.slot, service_pk=service_pk
                )


def _moments(starts_at: datetime, offsets: Sequence[Offset], time_zone: str) -> Sequence[tuple[Offset, Moment]]:
    """Return the reminders of a visit; within a sweep once for all visits that begin at the same time."""
    moments = reminder_moments(starts_at, [one.minutes for one in offsets], ZoneInfo(time_zone))
    return [(offsets[moment.slot], moment) for moment in moments]


def _due(change: Change, subject_pk: int) -> Due:
    useless_after = min(_known_start(change), change.at + TOLD_WITHIN)
    return Due(
        subject_pk,
        change.client_pk,
        about_at=change.at,
        due_at=change.settled_at,
        useless_after=useless_after,
        service_pk=change.service_pk,
    )


def _known_start(change: Change) -> datetime:
    """Return the start of the visit; of one that is cancelled, the start that she knew."""
    place = change.place_before if change.outcome == Outcome.CANCELLED else change.place
    return place.starts_at


def _is_summed_up(change: Change) -> bool:
    """Tell whether the summary of a series tells it."""
    return change.began_the_visit and change.series_pk is not None


def _heard_at(change: Change | None, booked_at: datetime) -> datetime:
    """Return when she last heard, or is about to hear, when the visit is."""
    tells = change is not None and change.outcome in {Outcome.BOOKED, Outcome.MOVED}
    return max(change.at, booked_at) if change and tells else booked_at


# --- What is said, looked at again at the moment of sending


def booking_words(appointment_pk: int, now: datetime) -> Words | None:
    """Return what the confirmation says, or None when the visit was cancelled meanwhile."""
    return _alone(appointment_pk, now, Outcome.BOOKED)


def moved_words(appointment_pk: int, now: datetime) -> Words | None:
    """Return what is said of a visit that has another time, place or therapist; None when it is off meanwhile."""
    return _alone(appointment_pk, now, Outcome.MOVED)


def cancelled_words(appointment_pk: int, now: datetime) -> Words | None:
    """Return what is said of a visit that is cancelled; None when it stands again."""
    return _alone(appointment_pk, now, Outcome.CANCELLED)


def reminder_words(appointment_pk: int, now: datetime) -> Words | None:
    """Return what the reminder says, or None when the visit is not to come any more."""
    visits = locked_with_people(Appointment.objects.filter(pk=appointment_pk))
    if waits := _still_changing(changes_of([one.pk for one in visits], now - GRACE), now):
        return waits
    visit = next((one for one in visits if _is_to_come(one, now)), None)
    return visit_words(visit) | {"about_at": visit.starts_at} if visit else None


def reminder_contexts(appointment_pks: Collection[int], now: datetime) -> dict[int, Words]:
    """Return what the reminders of these visits say, where nobody is just changing one. Five queries, no locks."""
    standing = Appointment.objects.filter(pk__in=appointment_pks, status__in=PROMISED, starts_at__gt=now)
    changing = changes_of(appointment_pks, now - GRACE)
    # Many visits share a therapist and a place, and each row that is read takes its time.
    visits = standing.select_related("client").prefetch_related("therapist__user", "location").only(*SAID)
    return {one.pk: visit_words(one) | {"about_at": one.starts_at} for one in visits if one.pk not in changing}


def series_words(series_pk: int, now: datetime) -> Words | None:
    """Return what the summary says: the visits of the series that are still to come, or None when there are none."""
    visits = list(locked_with_people(Appointment.objects.filter(series=series_pk)))
    changes = changes_of([one.pk for one in visits], now - REMEMBERED)
    if waits := _still_changing(changes, now):
        return waits
    # What was moved since is told by a message of its own.
    moved = {pk for pk, change in changes.items() if change.outcome == Outcome.MOVED}
    return _several_words([one for one in visits if _is_to_come(one, now) and one.pk not in moved])


def together_words(outcome: Outcome, step_pk: int, now: datetime) -> Words | None:
    """Return what is said of the visits that were changed with this step and have stood since; None for none."""
    at, pks = changed_with(step_pk)
    visits = list(locked_with_people(Appointment.objects.filter(pk__in=pks)))
    changes = changes_of(pks, now - REMEMBERED)
    told = [one for one in visits if (change := changes.get(one.pk)) and (change.at, change.outcome) == (at, outcome)]
    if outcome != Outcome.CANCELLED:
        return _several_words([one for one in told if _is_to_come(one, now)])
    if not told:
        return None
    starts = sorted(changes[one.pk].place_before.starts_at for one in told)
    return visit_words(told[0]) | {
        "starts_at": starts[0],
        "starts": [start for start in starts if start > now],
        "is_hers": changes[told[0].pk].is_hers,
    }


def _alone(appointment_pk: int, now: datetime, outcome: Outcome) -> Words | None:
    """Return what is said of one visit. What was done to it since leads to a message of its own, and drops this one."""
    visit = locked_with_people(Appointment.objects.filter(pk=appointment_pk)).first()
    change = changes_of([appointment_pk], now - REMEMBERED).get(appointment_pk)
    if visit is None or change is None:
        return None
    if waits := _still_changing({appointment_pk: change}, now):
        return waits
    is_off = visit.status in NOT_PROMISED
    if is_off != (outcome == Outcome.CANCELLED) or not (is_off or _is_to_come(visit, now)):
        return None
    if change.outcome not in {outcome, Outcome.NOTHING}:
        return None
    # What came to nothing left it as it was to be told.
    same = {"about_at": change.at} if change.outcome == outcome else {}
    if is_off:
        return visit_words(visit) | _as_she_knew_it(visit, change) | {"is_hers": change.is_hers} | same
    was_at = change.place_before.starts_at if outcome == Outcome.MOVED else visit.starts_at
    was = {"was_at": was_at} if was_at != visit.starts_at else {}
    return visit_words(visit) | {"calendar": file_of([visit.pk], visit.client.language)} | was | same


def _still_changing(changes: Mapping[int, Change], now: datetime) -> Words | None:
    """Return until when to wait, where somebody has just changed one of these visits and may think again."""
    until = max((change.settled_at for change in changes.values()), default=now)
    return {"not_before": until} if until > now else None


def _is_to_come(visit: Appointment, now: datetime) -> bool:
    return visit.status in PROMISED and visit.starts_at > now


def _several_words(visits: Collection[Appointment]) -> Words | None:
    in_order = sorted(visits, key=lambda visit: visit.starts_at)
    if not in_order:
        return None
    calendar = file_of([visit.pk for visit in in_order], in_order[0].client.language)
    return visit_words(in_order[0]) | {"starts": [visit.starts_at for visit in in_order], "calendar": calendar}


def _as_she_knew_it(visit: Appointment, change: Change) -> Words:
    """Return where a visit was when she last heard of it."""
    known = change.place_before
    if known.location_pk == visit.location_id:
        return {"starts_at": known.starts_at}
    location = Location.objects.get(pk=known.location_pk)
    return {"starts_at": known.starts_at, "location": location, "zone": location.zone}


def locked_with_people(visits: AppointmentQuerySet) -> AppointmentQuerySet:
    """Lock visits against a change until the sending is committed, and bring along what a mail says of them.

    In the order of their keys, as scheduling locks them.
    """
    locked = visits.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return locked.select_related("client", "therapist__user", "location")


def visit_words(visit: Appointment) -> Words:
    """Return to whom a mail about a visit goes, and what it may say: when, where and with whom; never what for."""
    return {
        "client": visit.client,
        "starts_at": visit.starts_at,
        "therapist": visit.therapist.user.first_name,
        "location": visit.location,
        "zone": visit.location.zone,
    }


# What was just agreed, perhaps on the phone at nine in the evening, is answered at once: none of these keeps quiet
# hours but the reminder. Who is told only in the morning that it is off may be on her way by then.
_answer = partial(MessageKind, keeps_quiet_hours=False, channels=BY_BOTH)

_of_a_visit = partial(_answer, may_say=OF_A_VISIT, must_say=("day", "time", "link", "policy"))
_of_several = partial(_answer, may_say=OF_SEVERAL, must_say=("visits", "policy"))

BOOKING = _of_a_visit(template="booking", find_due=bookings_due, context=booking_words, words=_("confirmation"))
SERIES = _of_several(template="series", find_due=series_due, context=series_words, words=_("series confirmation"))
MOVED = _of_a_visit(
    template="moved", find_due=partial(alone_due, Outcome.MOVED), context=moved_words, words=_("change of a visit")
)
CANCELLED = _answer(
    template="cancelled",
    find_due=partial(alone_due, Outcome.CANCELLED),
    context=cancelled_words,
    may_say=OF_A_PLACE,
    must_say=("day", "time", "policy"),
    words=_("cancellation"),
)
SERIES_AGAIN = _of_several(
    template="series",
    find_due=partial(together_due, Outcome.BOOKED),
    context=partial(together_words, Outcome.BOOKED),
    words=_("confirmation of several visits"),
)
SERIES_MOVED = _of_several(
    template="series_moved",
    find_due=partial(together_due, Outcome.MOVED),
    context=partial(together_words, Outcome.MOVED),
    words=_("change of several visits"),
)
SERIES_CANCELLED = _of_several(
    template="series_cancelled",
    find_due=partial(together_due, Outcome.CANCELLED),
    context=partial(together_words, Outcome.CANCELLED),
    words=_("cancellation of several visits"),
)
REMINDER = MessageKind(
    template="reminder",
    find_due=reminders_due,
    context=reminder_words,
    contexts=reminder_contexts,
    subject=Appointment,
    channels=BY_BOTH,
    may_say=OF_A_VISIT,
    must_say=("day", "time", "link", "policy"),
    words=_("reminder"),
)
