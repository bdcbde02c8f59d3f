"""Who could give a visit at its own time in place of its therapist; for visits that somebody leaves behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.exceptions import ValidationError

from clinic.lib.times import local_date
from clinic.people.models import Location, Qualification, Therapist, User
from clinic.scheduling.availability import availability, length_of
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import move_appointment
from clinic.scheduling.slots import Length, obstacle


@dataclass(frozen=True)
class Refusal:
    """A visit that stays where it is, and why."""

    visit: Appointment
    why: str


def who_could(visits: Sequence[Appointment], *, now: datetime) -> Mapping[int, list[Therapist]]:
    """Return for each visit who else is free then and may give it, by name. Six queries for each location."""
    found: dict[int, list[Therapist]] = {}
    at: dict[Location, list[Appointment]] = defaultdict(list)
    for visit in visits:
        at[visit.location].append(visit)
    for location, there in at.items():
        found |= _who_could_at(location, there, now=now)
    return found


def stand_in(*, by: User, now: datetime, wishes: Iterable[tuple[Appointment, Therapist]]) -> list[Refusal]:
    """Move each visit to the therapist wished for, at its own time, each by itself; return those that stay, and why."""
    refused = []
    for visit, therapist in wishes:
        try:
            move_appointment(by=by, now=now, appointment=visit, starts_at=visit.starts_at, therapist=therapist)
        except ValidationError as refusal:
            refused.append(Refusal(visit, " ".join(refusal.messages)))
    return refused


def _who_could_at(location: Location, visits: Sequence[Appointment], *, now: datetime) -> Mapping[int, list[Therapist]]:
    days = [local_date(location.zone, visit.starts_at) for visit in visits]
    others = list(Therapist.objects.here_on(min(days)).select_related("user").order_by("user__name", "pk"))
    free = availability(location=location, therapists=others, first=min(days), last=max(days), now=now)
    held = {(one.therapist_id, one.modality_id): one for one in Qualification.objects.filter(therapist__in=others)}
    return {
        visit.pk: [
            one
            for one in others
            if one.pk != visit.therapist_id
            and (has := held.get((one.pk, visit.service.modality_id)))
            and (has.expires_on is None or has.expires_on >= day)
            # It keeps its room, which is free to itself.
            and obstacle(free.diaries[one.pk], [[]], _length_of(visit), visit.starts_at, earliest=now) is None
        ]
        for visit, day in zip(visits, days, strict=True)
    }


def _length_of(visit: Appointment) -> Length:
    """Return its length as it is booked, with the buffers of its service."""
    return replace(length_of(visit.service), minutes=visit.minutes)
