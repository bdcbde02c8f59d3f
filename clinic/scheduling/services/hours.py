"""Working hours, time off and closures."""

from __future__ import annotations

from datetime import date, datetime, time

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.times import at_wall
from clinic.people.models import Location, Room, Therapist, User, clinic_zone
from clinic.scheduling.availability import zone_of
from clinic.scheduling.models import TimeOff, WeeklyHours
from clinic.scheduling.services.locks import lock_rooms, lock_therapists
from clinic.scheduling.slots import Span
from clinic.scheduling.words import span_words


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
    is_clinics: bool = False,
) -> TimeOff:
    """Enter an absence, or without a therapist the closing of a location or a room; `is_clinics` with all the others.

    Visits already booked stay as they are, and wait to be booked anew. A booking under way is waited for.
    """
    absence = TimeOff(
        therapist=therapist,
        location=location,
        room=room,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        is_clinics=is_clinics,
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


def close_with_clinic(location: Location, *, by: User | None, now: datetime) -> None:
    """Close a new location whenever the whole clinic is closed from now on, by the clock on its own wall."""
    closed = TimeOff.objects.to_come(now).filter(is_clinics=True).exclude(location=location).select_related("location")
    walls = {
        (make_naive(one.starts_at, one.location.zone), make_naive(one.ends_at, one.location.zone), one.reason)
        for one in closed
        if one.location is not None
    }
    for starts, ends, reason in sorted(walls):
        add_time_off(
            by=by,
            now=now,
            starts_at=at_wall(location.zone, starts.date(), starts.time()),
            ends_at=at_wall(location.zone, ends.date(), ends.time()),
            location=location,
            reason=reason,
            is_clinics=True,
        )


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
