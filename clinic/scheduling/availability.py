"""Who and what is free, in a constant number of queries: for one therapist or fifty, a day or a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import chain
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, DateField, Exists, OuterRef, QuerySet

from clinic.lib.prepared import Given, Prepared
from clinic.people.models import Client, Location, Qualification, Room, Service, Therapist, clinic_zone
from clinic.scheduling.lookup import Asked, Days, Person, people, whoever_gives
from clinic.scheduling.models import Appointment, TimeOff, WeeklyHours
from clinic.scheduling.slots import (
    Away,
    Blocked,
    Diary,
    Kind,
    Length,
    Obstacle,
    Span,
    Taken,
    blocked_by,
    blocked_in_all,
    free_room,
    gaps,
    instant,
    joined,
    obstacle,
    unblocked,
)

# What a client may wish of the room, and the feature that a room needs for it.
WISHES = {
    ("light", Client.Light.DARK): Room.Feature.DIMMABLE,
    ("light", Client.Light.DIM): Room.Feature.DIMMABLE,
    ("sound", Client.Sound.SILENCE): Room.Feature.QUIET,
    ("scent", Client.Scent.NONE): Room.Feature.SCENT_FREE,
    ("table_angle", Client.TableAngle.RAISED): Room.Feature.ADJUSTABLE_TABLE,
}


class RoomBook:
    """The rooms of some locations and what takes them, looked up once somebody needs more than a usual room."""

    def __init__(self, asked: Asked, usual: Mapping[int, Sequence[Taken]]) -> None:
        self.asked = asked
        # What takes the usual rooms is known from the start.
        self.usual = usual
        self._blocked: dict[tuple[int, Length], list[Blocked]] = {}

    @cached_property
    def wishes(self) -> frozenset[str]:
        """The features that a room needs for what the client wishes."""
        client = self.asked.client
        return frozenset(feature for (name, wish), feature in WISHES.items() if getattr(client, name, "") == wish)

    @cached_property
    def _rooms(self) -> Mapping[int, tuple[int, int]]:
        """Each room's location, and how much it lacks of what the client wishes; what lacks least comes first.

        Of these come first the rooms that are nobody's usual one.
        """
        somebodys = Therapist.objects.filter(usual_room=OuterRef("pk"), archived_at__isnull=True)
        rows = Room.objects.filter(
            location__in=list(self.asked.days.zones), location__archived_at__isnull=True, archived_at__isnull=True
        ).annotate(is_somebodys=Exists(somebodys))
        found = [
            (len(self.wishes.difference(features)), is_somebodys, pk, location)
            for pk, location, features, is_somebodys in rows.values_list("pk", "location", "features", "is_somebodys")
        ]
        return {pk: (location, lacking) for lacking, _is_somebodys, pk, location in sorted(found)}

    @cached_property
    def _taken(self) -> Mapping[int | None, Sequence[Taken]]:
        return self.asked.taken(rooms=self._rooms).room

    def lacking(self, room: int) -> int:
        """Return how many of the client's wishes a room does not meet."""
        return self._rooms[room][1]

    def at(self, location: int) -> dict[int, Sequence[Taken]]:
        """Return what takes each room of a location, in the order in which rooms are given out."""
        return {pk: joined(self._taken.get(pk, ())) for pk, (place, _lacks) in self._rooms.items() if place == location}

    def blocked_in(self, room: int, length: Length) -> list[Blocked]:
        """Return when no visit can begin in a usual room."""
        return blocked_by(self.usual[room], length)

    def blocked_at(self, location: int, length: Length) -> list[Blocked]:
        """Return when no visit can begin in any room of a location."""
        if (location, length) not in self._blocked:
            self._blocked[location, length] = blocked_in_all(list(self.at(location).values()), length)
        return self._blocked[location, length]


@dataclass(frozen=True)
class Availability:
    """Who and what is free at one location, from the first to the last day."""

    location: int
    zone: ZoneInfo
    # Nothing before it is free.
    now: datetime
    diaries: Mapping[int, Diary]
    usual_rooms: Mapping[int, int]
    book: RoomBook

    @cached_property
    def rooms(self) -> Mapping[int, Sequence[Taken]]:
        """What takes each room, in the order in which rooms are given out. Two queries, once."""
        return self.book.at(self.location)

    def rooms_for(self, therapist: int, room: int | None = None) -> list[int]:
        """Return the rooms to try: only the one asked for, or all.

        Those with most of what the client wishes come first, and of these the therapist's usual one.
        """
        if room is not None:
            # None, where it has just been archived.
            return [room] if room in self.rooms else []
        usual = self.usual_rooms.get(therapist)
        return sorted(self.rooms, key=lambda pk: (self.book.lacking(pk), pk != usual))

    def room_at(self, therapist: int, length: Length, start: datetime, room: int | None = None) -> int | None:
        """Return the room that a visit gets, or None where none is free."""
        choice = self._to_try(therapist, length, start, room)
        place = free_room(list(choice.values()), length.occupied(start))
        return None if place is None else list(choice)[place]

    def obstacle(self, therapist: int, length: Length, start: datetime, room: int | None = None) -> Obstacle | None:
        """Return why the therapist cannot begin a visit at `start`, or None."""
        diary = self.diaries[therapist]
        rooms = self._usual(therapist, length, start, room)
        if rooms is None:
            # Others are looked for only where nobody's visit is in the way: that may take two queries.
            found = obstacle(diary, [[]], length, start, earliest=self.now)
            if found and found.kind in {Kind.UNQUALIFIED, Kind.BUSY, Kind.CLIENT}:
                return found
            rooms = self._all(therapist, room)
        return obstacle(diary, list(rooms.values()), length, start, earliest=self.now)

    def _to_try(
        self, therapist: int, length: Length, start: datetime, room: int | None
    ) -> Mapping[int, Sequence[Taken]]:
        """Return the rooms to try and what takes them; only her usual one, where that comes first and is free then."""
        return self._usual(therapist, length, start, room) or self._all(therapist, room)

    def _usual(
        self, therapist: int, length: Length, start: datetime, room: int | None
    ) -> Mapping[int, Sequence[Taken]] | None:
        usual = self.usual_rooms.get(therapist)
        if usual is None or not (room == usual or (room is None and not self.book.wishes)):
            return None
        taken = self.book.usual[usual]
        return {usual: taken} if free_room([taken], length.occupied(start)) is not None else None

    def _all(self, therapist: int, room: int | None) -> Mapping[int, Sequence[Taken]]:
        return {pk: self.rooms[pk] for pk in self.rooms_for(therapist, room)}

    def gaps(self, therapist: int, length: Length) -> list[range]:
        """Return the starts at which the therapist and the client are free, whatever the rooms, gap by gap."""
        return gaps(self.diaries[therapist], length, earliest=self.now)

    def with_room(self, therapist: int, length: Length, found: Sequence[range]) -> list[range]:
        """Return of these starts those at which there is a room too."""
        usual = self.usual_rooms.get(therapist)
        if usual is not None:
            kept = unblocked(found, self.book.blocked_in(usual, length))
            if kept == found:
                return kept
        return unblocked(found, self.book.blocked_at(self.location, length))

    def slots(self, therapist: int, length: Length) -> list[datetime]:
        """Return the starts that are free, soonest first."""
        found = self.with_room(therapist, length, self.gaps(therapist, length))
        return [instant(second) for second in chain.from_iterable(found)]


@dataclass(frozen=True)
class Presence:
    """When therapists work at one location and are away, and when which of its rooms is closed; no visits."""

    hours: Mapping[int, Sequence[Span]]
    away: Mapping[int, Sequence[Away]]
    closed_rooms: Mapping[int, Sequence[Span]]


def presence(*, location: Location, therapists: Iterable[int], first: date, last: date) -> Presence:
    """Look up hours and absences of these therapists from `first` to `last`, both included. Two queries."""
    days = Days({location.pk: location.zone}, first, last)
    found = people(therapists, days)
    start, end = days.at(location.pk)
    closed: dict[int, list[Span]] = defaultdict(list)
    rows = TimeOff.objects.filter(room__location=location, starts_at__lt=end, ends_at__gt=start).order_by("starts_at")
    for room, starts_at, ends_at in rows.values_list("room_id", "starts_at", "ends_at"):
        closed[room].append(Span(starts_at, ends_at))
    return Presence(
        hours={one.pk: one.hours(location.pk, days) for one in found},
        away={one.pk: one.away(location.pk, days) for one in found},
        closed_rooms=closed,
    )


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
    leaving_out: Appointment | Collection[int] | None = None,
    service: Service | None = None,
    only: Sequence[Span] = (),
) -> Availability:
    """Look up hours, absences and visits from `first` to `last`, both included, at one location.

    Two queries, and two more once a room is looked for. With a `client`, her other visits are in the way too;
    `leaving_out` are visits about to be moved, one or the keys of several: they are in nobody's. With a `service`,
    nothing is free where a therapist may not give it. With `only`, what is taken is looked up only then.
    """
    days = Days({location.pk: location.zone}, first, last)
    found = people((one.pk for one in therapists), days, modality=service.modality_id if service else None)
    return _availabilities(Asked(now, days, client, _keys(leaving_out), only), found)[location.pk]


def availabilities(
    *,
    locations: Iterable[Location],
    therapists: Iterable[Therapist],
    first: date,
    last: date,
    now: datetime,
    service: Service,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
    lead: timedelta = timedelta(0),
) -> dict[int, Availability]:
    """Look up the same at several locations at once, with as many queries. With a `lead`, nothing nearer is free."""
    days = Days({one.pk: one.zone for one in locations}, first, last)
    found = people((one.pk for one in therapists), days, modality=service.modality_id)
    return _availabilities(Asked(now, days, client, _keys(leaving_out)), found, lead=lead)


def availabilities_by_key(
    *,
    service: int,
    locations: Sequence[int],
    therapist: int | None,
    first: date,
    last: date,
    now: datetime,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
) -> tuple[Length, Mapping[int, Availability]] | None:
    """Look up where and when whoever may give a service is free; None where there is no such service."""
    known = whoever_gives(service, locations=locations, therapist=therapist, first=first, last=last)
    if known is None:
        return None
    length, days, found = known
    return length, _availabilities(Asked(now, days, client, _keys(leaving_out)), found) if days.zones else {}


def _keys(leaving_out: Appointment | Collection[int] | None) -> Collection[int]:
    if leaving_out is None:
        return ()
    return (leaving_out.pk,) if isinstance(leaving_out, Appointment) else leaving_out


def _availabilities(
    asked: Asked, found: Sequence[Person], *, lead: timedelta = timedelta(0)
) -> dict[int, Availability]:
    usual = {one.usual_room for one in found if one.usual_room is not None}
    taken = asked.taken(therapists=[one.pk for one in found], rooms=usual)
    book = RoomBook(asked, {pk: joined(taken.room[pk]) for pk in usual})
    busy, hers = {one.pk: joined(taken.therapist[one.pk]) for one in found}, joined(taken.room[None])
    return {
        location: Availability(
            location=location,
            zone=zone,
            now=asked.now + lead,
            diaries={one.pk: one.diary(location, asked.days, busy[one.pk], hers) for one in found},
            usual_rooms={one.pk: one.usual_room for one in found if one.usual_room and one.usual_location == location},
            book=book,
        )
        for location, zone in asked.days.zones.items()
    }


def qualified_therapists(service: Service, day: date) -> list[Therapist]:
    """Return who may give this service on that day, by name."""
    qualified = _qualifications(service, day).filter(therapist=OuterRef("pk"))
    therapists = Therapist.objects.here_on(day).filter(Exists(qualified))
    return list(therapists.select_related("user").order_by("user__name", "pk"))


DAY = Given("day", DateField())
MAY_GIVE = Prepared(
    lambda: (
        Qualification.objects.valid_on(DAY)
        .filter(
            therapist__in=Therapist.objects.here_on(DAY).filter(pk=Given("therapist", BigIntegerField())),
            modality=Given("modality", BigIntegerField()),
        )
        .values_list("pk")
    )
)


def is_qualified(therapist: Therapist, service: Service, day: date) -> bool:
    """Say whether she may give this service on that day; whoever has left, perhaps just now, may not."""
    return bool(MAY_GIVE.all(therapist=therapist.pk, modality=service.modality_id, day=day))


def zones_of(therapists: Collection[int]) -> Mapping[int | None, ZoneInfo]:
    """Return by which wall each therapist's days begin: of the place of her latest working hours. One query."""
    rows = WeeklyHours.objects.filter(therapist__in=therapists).order_by("valid_from", "pk")
    known = {pk: ZoneInfo(zone) for pk, zone in rows.values_list("therapist_id", "location__time_zone")}
    return {pk: known.get(pk) or clinic_zone() for pk in therapists}


def zone_of(therapist: Therapist) -> ZoneInfo:
    """Return by which wall a therapist's days begin."""
    return zones_of([therapist.pk])[therapist.pk]


def _qualifications(service: Service, day: date) -> QuerySet[Qualification]:
    return Qualification.objects.valid_on(day).filter(modality=service.modality_id)
