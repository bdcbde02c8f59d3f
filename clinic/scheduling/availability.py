"""Bring what `slots` reckons with, in a constant number of queries: for one therapist or fifty, a day or a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Least

from clinic.lib.times import day_bounds
from clinic.people.models import Client, Location, Qualification, Room, Service, Therapist, clinic_zone
from clinic.people.records import records_of
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

# Also with the therapist's last day.
HOURS_END = Least("valid_until", "therapist__leaves_on")


@dataclass(frozen=True)
class Availability:
    """Who and what is free at one location, from the first to the last day."""

    zone: ZoneInfo
    # Nothing before it is free.
    now: datetime
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

    def obstacle(self, therapist: int, length: Length, start: datetime, room: int | None = None) -> Obstacle | None:
        """Return why the therapist cannot begin a visit at `start`, or None."""
        rooms = [self.rooms[pk] for pk in self.rooms_for(therapist, room)]
        return obstacle(self.diaries[therapist], rooms, length, start, earliest=self.now)

    def slots(self, therapist: int, length: Length) -> list[datetime]:
        """Return the starts that are free, soonest first."""
        return list(open_slots(self.diaries[therapist], list(self.rooms.values()), length, earliest=self.now))


@dataclass(frozen=True)
class Presence:
    """When therapists work at one location and are away, and when which of its rooms is closed; no visits."""

    hours: Mapping[int, Sequence[Span]]
    away: Mapping[int, Sequence[Away]]
    closed_rooms: Mapping[int, Sequence[Span]]


def presence(*, location: Location, therapists: Iterable[int], first: date, last: date) -> Presence:
    """Look up hours and absences of these therapists from `first` to `last`, both included. Two queries."""
    people = dict.fromkeys(therapists)
    start, end = day_bounds(location.zone, first)[0], day_bounds(location.zone, last)[1]
    return Presence(_hours(people, location, first, last), *_away(people, location, start, end))


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
    client: Client | None = None,
    leaving_out: Appointment | None = None,
) -> Availability:
    """Look up hours, absences and visits from `first` to `last`, both included. Four queries.

    With a `client`, her other visits are in the way too. `leaving_out` is a visit about to be moved: it is in nobody's.
    """
    asked = list(therapists)
    people = {therapist.pk: therapist.usual_room_id for therapist in asked}
    licences = {therapist.pk: _licence_end(therapist, location.zone) for therapist in asked}
    start, end = day_bounds(location.zone, first)[0], day_bounds(location.zone, last)[1]
    hours = _hours(people, location, first, last)
    away, closed_rooms = _away(people, location, start, end)
    # A day on either side: a buffer, or a visit at midnight, may reach over it.
    margin = timedelta(days=1)
    during = Span(start - margin, end + margin)
    taken = _taken(people, location, client, during=during, now=now, leaving_out=leaving_out)
    rooms = _rooms_in_order(location)
    return Availability(
        zone=location.zone,
        now=now,
        diaries={
            pk: Diary(
                hours[pk],
                away[pk],
                busy=merged(taken.by_therapist[pk]),
                client=merged(taken.by_client),
                licence_ends_at=licences[pk],
            )
            for pk in people
        },
        rooms={pk: merged([*taken.by_room[pk], *closed_rooms[pk]]) for pk in rooms},
        usual_rooms=people,
    )


def qualified_therapists(service: Service, day: date) -> list[Therapist]:
    """Return who may give this service on that day, by name."""
    qualified = _qualifications(service, day).filter(therapist=OuterRef("pk"))
    therapists = Therapist.objects.here_on(day).filter(Exists(qualified))
    return list(therapists.select_related("user").order_by("user__name", "pk"))


def is_qualified(therapist: Therapist, service: Service, day: date) -> bool:
    """Say whether she may give this service on that day; whoever has left, perhaps just now, may not."""
    here = Therapist.objects.here_on(day).filter(pk=therapist.pk)
    return _qualifications(service, day).filter(therapist__in=here).exists()


def zones_of(therapists: Collection[int]) -> Mapping[int | None, ZoneInfo]:
    """Return by which wall each therapist's days begin: of the place of her latest working hours. One query."""
    rows = WeeklyHours.objects.filter(therapist__in=therapists).order_by("valid_from", "pk")
    known = {pk: ZoneInfo(zone) for pk, zone in rows.values_list("therapist_id", "location__time_zone")}
    return {pk: known.get(pk) or clinic_zone() for pk in therapists}


def zone_of(therapist: Therapist) -> ZoneInfo:
    """Return by which wall a therapist's days begin."""
    return zones_of([therapist.pk])[therapist.pk]


def _licence_end(therapist: Therapist, zone: ZoneInfo) -> datetime | None:
    """Return when the licence's last day ends at the place; None where no licence is known."""
    return day_bounds(zone, therapist.licence_expires_on)[1] if therapist.licence_expires_on else None


def _qualifications(service: Service, day: date) -> QuerySet[Qualification]:
    return Qualification.objects.valid_on(day).filter(modality=service.modality_id)


def _hours(people: Mapping[int, object], location: Location, first: date, last: date) -> Mapping[int, list[Span]]:
    rules: dict[int, list[Rule]] = defaultdict(list)
    rows = WeeklyHours.objects.filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=first),
        therapist__in=people,
        location=location,
        valid_from__lte=last,
    ).values_list("therapist_id", "weekday", "opens", "closes", "valid_from", HOURS_END, "anchor_week")
    for therapist, weekday, opens, closes, valid_from, valid_until, anchor_week in rows:
        rules[therapist].append(Rule(weekday, opens, closes, valid_from, valid_until, anchor_week))
    zone = location.zone
    return {pk: weekly_spans(rules[pk], zone, first, last) for pk in people}


def _away(
    people: Mapping[int, object], location: Location, start: datetime, end: datetime
) -> tuple[Mapping[int, list[Away]], Mapping[int, list[Span]]]:
    """Return when each therapist is away or the location closed, and when which of its rooms is."""
    hers = Q(therapist__in=people) & (Q(location__isnull=True) | Q(location=location))
    closed = Q(therapist__isnull=True, location=location)
    rows = (
        TimeOff.objects.filter(hers | closed | Q(room__location=location), starts_at__lt=end, ends_at__gt=start)
        .order_by("starts_at", "pk")
        .values_list("therapist_id", "room_id", "starts_at", "ends_at", "reason")
    )
    found: dict[int, list[Away]] = {pk: [] for pk in people}
    rooms: dict[int, list[Span]] = defaultdict(list)
    for therapist, room, starts_at, ends_at, reason in rows:
        span = Span(starts_at, ends_at)
        if room:
            rooms[room].append(span)
        else:
            for pk in people if therapist is None else [therapist]:
                found[pk].append(Away(span, reason))
    return found, rooms


@dataclass(frozen=True)
class _Taken:
    by_therapist: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    by_room: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    # Her visits without their buffers: those are the therapist's and the room's.
    by_client: list[Span] = field(default_factory=list)


def _taken(
    people: Mapping[int, object],
    location: Location,
    client: Client | None,
    *,
    during: Span,
    now: datetime,
    leaving_out: Appointment | None,
) -> _Taken:
    taken = _Taken()
    concerned = Q(therapist__in=people) | Q(location=location)
    if client is not None:
        concerned |= Q(client__among=records_of(client.pk))
    rows = (
        Appointment.objects.taking_time()
        .filter(concerned, occupied__overlap=DateTimeTZRange(*during))
        .exclude(status=Status.HELD, held_until__lte=now)
        .annotate(is_hers=Q(client__among=records_of(*([client.pk] if client else []))))
    )
    if leaving_out is not None:
        rows = rows.exclude(pk=leaving_out.pk)
    fields = ("therapist_id", "room_id", "is_hers", "occupied_from", "occupied_until", "starts_at", "ends_at")
    for therapist, room, is_hers, occupied_from, occupied_until, starts_at, ends_at in rows.values_list(*fields):
        taken.by_therapist[therapist].append(Span(occupied_from, occupied_until))
        taken.by_room[room].append(Span(occupied_from, occupied_until))
        if is_hers:
            taken.by_client.append(Span(starts_at, ends_at))
    return taken


def _rooms_in_order(location: Location) -> list[int]:
    """Return the rooms in the order to give them out: those that are nobody's usual one first."""
    somebodys = Therapist.objects.filter(usual_room=OuterRef("pk"), archived_at__isnull=True)
    rooms = Room.objects.filter(location=location, location__archived_at__isnull=True, archived_at__isnull=True)
    return list(
        rooms.annotate(is_somebodys=Exists(somebodys)).order_by("is_somebodys", "pk").values_list("pk", flat=True)
    )
