"""Bring what `slots` reckons with, in a constant number of queries: for one therapist or fifty, a day or a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, OuterRef, Q

from clinic.lib.times import day_bounds
from clinic.people.models import Location, Room, Service, Therapist
from clinic.scheduling.models import Appointment, Status, TimeOff, WeeklyHours
from clinic.scheduling.slots import (
    Away,
    Diary,
    Length,
    Obstacle,
    Rule,
    Span,
    free_room,
    merged,
    obstacle,
    open_slots,
    weekly_spans,
)


@dataclass(frozen=True)
class Availability:
    """Who and what is free at one location, from the first to the last day."""

    zone: ZoneInfo
    diaries: Mapping[int, Diary]
    # What takes each room, in the order in which rooms are given out.
    rooms: Mapping[int, Sequence[Span]]
    usual_rooms: Mapping[int, int | None]

    def rooms_for(self, therapist: int, room: int | None = None) -> list[int]:
        """Return the rooms to try: only the one asked for, or all with the therapist's usual one first."""
        if room is not None:
            return [room]
        return sorted(self.rooms, key=lambda pk: pk != self.usual_rooms.get(therapist))

    def room_at(self, therapist: int, length: Length, start: datetime, room: int | None = None) -> int | None:
        """Return the room that a visit gets, or None where none is free."""
        choice = self.rooms_for(therapist, room)
        place = free_room([self.rooms[pk] for pk in choice], length.occupied(start))
        return None if place is None else choice[place]

    def obstacle(
        self, therapist: int, length: Length, start: datetime, *, earliest: datetime, room: int | None = None
    ) -> Obstacle | None:
        """Return why the therapist cannot begin a visit at `start`, or None."""
        rooms = [self.rooms[pk] for pk in self.rooms_for(therapist, room)]
        return obstacle(self.diaries[therapist], rooms, length, start, earliest=earliest)

    def slots(self, therapist: int, length: Length, *, earliest: datetime) -> list[datetime]:
        """Return the starts that are free, soonest first."""
        return list(open_slots(self.diaries[therapist], list(self.rooms.values()), length, earliest=earliest))


def length_of(service: Service) -> Length:
    """Return how long a service takes, with its buffers."""
    return Length(service.minutes, service.buffer_before, service.buffer_after)


def availability(
    *,
    location: Location,
    therapists: Iterable[Therapist],
    first: date,
    last: date,
    now: datetime,
    leaving_out: Appointment | None = None,
) -> Availability:
    """Look up hours, absences and visits from `first` to `last`, both included. Four queries.

    `leaving_out` is a visit about to be moved: it does not stand in its own way.
    """
    people = {therapist.pk: therapist.usual_room_id for therapist in therapists}
    start, end = day_bounds(location.zone, first)[0], day_bounds(location.zone, last)[1]
    hours = _hours(people, location, first, last)
    away = _away(people, location, start, end)
    # A day on either side: a buffer, or a visit at midnight, may reach over it.
    margin = timedelta(days=1)
    of_therapist, of_room = _busy(people, location, start - margin, end + margin, now, leaving_out)
    rooms = _rooms_in_order(location)
    return Availability(
        zone=location.zone,
        diaries={pk: Diary(hours=hours[pk], away=away[pk], busy=merged(of_therapist[pk])) for pk in people},
        rooms={pk: merged(of_room[pk]) for pk in rooms},
        usual_rooms=people,
    )


def qualified_therapists(service: Service, day: date) -> list[Therapist]:
    """Return who may give this service on that day, by name."""
    valid = Q(qualifications__expires_on__isnull=True) | Q(qualifications__expires_on__gte=day)
    return list(
        Therapist.objects.filter(valid, archived_at__isnull=True, qualifications__modality=service.modality_id)
        .select_related("user")
        .order_by("user__name", "pk")
    )


def _hours(people: Mapping[int, object], location: Location, first: date, last: date) -> Mapping[int, list[Span]]:
    rules: dict[int, list[Rule]] = defaultdict(list)
    rows = WeeklyHours.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=first),
        therapist__in=people,
        location=location,
        valid_from__lte=last,
    ).values_list("therapist_id", "weekday", "opens", "closes", "valid_from", "valid_until")
    for therapist, weekday, opens, closes, valid_from, valid_until in rows:
        rules[therapist].append(Rule(weekday, opens, closes, valid_from, valid_until))
    zone = location.zone
    return {pk: weekly_spans(rules[pk], zone, first, last) for pk in people}


def _away(people: Mapping[int, object], location: Location, start: datetime, end: datetime) -> Mapping[int, list[Away]]:
    hers = Q(therapist__in=people) & (Q(location__isnull=True) | Q(location=location))
    closed = Q(therapist__isnull=True, location=location)
    rows = (
        TimeOff.objects.filter(hers | closed, starts_at__lt=end, ends_at__gt=start)
        .order_by("starts_at", "pk")
        .values_list("therapist_id", "starts_at", "ends_at", "reason")
    )
    found: dict[int, list[Away]] = {pk: [] for pk in people}
    for therapist, starts_at, ends_at, reason in rows:
        for pk in people if therapist is None else [therapist]:
            found[pk].append(Away(Span(starts_at, ends_at), reason))
    return found


def _busy(  # noqa: PLR0917 -- private, and each fact is of its own type
    people: Mapping[int, object],
    location: Location,
    start: datetime,
    end: datetime,
    now: datetime,
    leaving_out: Appointment | None,
) -> tuple[Mapping[int, list[Span]], Mapping[int, list[Span]]]:
    of_therapist: dict[int, list[Span]] = defaultdict(list)
    of_room: dict[int, list[Span]] = defaultdict(list)
    rows = (
        Appointment.objects.taking_time()
        .filter(Q(therapist__in=people) | Q(location=location), occupied__overlap=DateTimeTZRange(start, end))
        .exclude(status=Status.HELD, held_until__lte=now)
        .values_list("pk", "therapist_id", "room_id", "occupied_from", "occupied_until")
    )
    for pk, therapist, room, occupied_from, occupied_until in rows:
        if leaving_out is None or pk != leaving_out.pk:
            of_therapist[therapist].append(Span(occupied_from, occupied_until))
            of_room[room].append(Span(occupied_from, occupied_until))
    return of_therapist, of_room


def _rooms_in_order(location: Location) -> list[int]:
    """Return the rooms in the order to give them out: those that are nobody's usual one first."""
    somebodys = Therapist.objects.filter(usual_room=OuterRef("pk"), archived_at__isnull=True)
    rooms = Room.objects.filter(location=location, archived_at__isnull=True)
    return list(
        rooms.annotate(is_somebodys=Exists(somebodys)).order_by("is_somebodys", "pk").values_list("pk", flat=True)
    )
