"""Which free times meet which wishes of the waitlist. Reads only; as many queries for a hundred wishes as for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeAlias

from clinic.lib.times import local_date
from clinic.people.models import Location, Service, Therapist
from clinic.scheduling.availability import availability, length_of, qualified_therapists
from clinic.scheduling.models import Appointment, Offer, Wish
from clinic.scheduling.slots import Span

# So far ahead a time is looked for.
HORIZON = timedelta(days=60)


# A therapist's key, and a stretch of her time.
Taken: TypeAlias = "tuple[int, Span]"


@dataclass(frozen=True)
class Match:
    """A free time that meets a wish."""

    service: Service
    therapist: Therapist
    location: Location
    starts_at: datetime

    @property
    def span(self) -> Span:
        """The visit it would be."""
        return length_of(self.service).visit(self.starts_at)

    @property
    def taken(self) -> Taken:
        """Whose time it would take, and which, with its buffers."""
        return self.therapist.pk, length_of(self.service).occupied(self.starts_at)

    def meets(self, others: Iterable[Taken]) -> bool:
        """Say whether it would take any of these times."""
        whose, span = self.taken
        return any(whose == other and span.start < time.end and time.start < span.end for other, time in others)


@dataclass(frozen=True)
class _Asked:
    """A wish, made ready to be asked of many times."""

    wish: Wish
    services: frozenset[int]
    therapists: frozenset[int]
    locations: frozenset[int]

    @classmethod
    def by(cls, wish: Wish) -> _Asked:
        lists = (wish.services, wish.therapists, wish.locations)
        return cls(wish, *(frozenset(thing.pk for thing in one.all()) for one in lists))

    def days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day on which a time is looked for."""
        last = today + HORIZON
        return max(today, self.wish.first_on or today), min(last, self.wish.last_on or last)

    def asks_for(self, service: int, location: int) -> bool:
        return service in self.services and (not self.locations or location in self.locations)

    def is_met(self, therapist: int, start: datetime, end: datetime) -> bool:
        """Say whether a visit at this wall-clock time meets the wish, where service and place are asked for."""
        wish = self.wish
        return (
            (not self.therapists or therapist in self.therapists)
            and (wish.first_on or date.min) <= start.date() <= (wish.last_on or date.max)
            and (not wish.weekdays or start.weekday() in wish.weekdays)
            and (wish.not_before is None or wish.not_before <= start.time())
            and (wish.not_after is None or (end.time() <= wish.not_after and end.date() == start.date()))
        )


def is_met_by(wish: Wish, visit: Appointment) -> bool:
    """Say whether this visit is what she waits for."""
    asked = _Asked.by(wish)
    return asked.asks_for(visit.service_id, visit.location_id) and asked.is_met(
        visit.therapist_id, visit.local_start, visit.local_end
    )


def times_for(wishes: Sequence[Wish], *, now: datetime, earliest: datetime) -> dict[int, list[Match]]:
    """Return by the keys of the wishes the free times that meet each, best first; none before `earliest`.

    The wishes bring along what `with_all` brings.
    """
    asked = [_Asked.by(wish) for wish in wishes]
    not_then = _not_then(wishes)
    found: dict[int, list[Match]] = {wish.pk: [] for wish in wishes}
    for service, location in _asked_for(wishes):
        asking = [one for one in asked if one.asks_for(service.pk, location.pk)]
        for match in _free(service, location, asking, local_date(location.zone, now), earliest):
            start, end = (instant.astimezone(location.zone) for instant in match.span)
            for one in asking:
                if one.is_met(match.therapist.pk, start, end) and not _overlaps(match.span, not_then[one.wish.pk]):
                    found[one.wish.pk].append(match)
    for wish in wishes:
        found[wish.pk].sort(key=partial(_best_first, wish))
    return found


def _best_first(wish: Wish, one: Match) -> tuple[datetime, int, bool, int]:
    """Order by the soonest; of these the longest; then with her own therapist."""
    is_hers = one.therapist.pk == wish.client.primary_therapist_id
    return one.starts_at, -one.service.minutes, not is_hers, one.therapist.pk


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _not_then(wishes: Collection[Wish]) -> Mapping[int, list[Span]]:
    """Return by wish when she has other visits, and what was offered before: no time is offered twice. Two queries."""
    found: dict[int, list[Span]] = defaultdict(list)
    offered = Offer.objects.filter(wish__in=wishes)
    for wish_pk, *span in offered.values_list("wish_id", "appointment__starts_at", "appointment__ends_at"):
        found[wish_pk].append(Span(*span))
    hers: dict[int, list[Span]] = defaultdict(list)
    visits = Appointment.objects.taking_time().filter(client__in={wish.client_id for wish in wishes})
    for client_pk, *span in visits.values_list("client_id", "starts_at", "ends_at"):
        hers[client_pk].append(Span(*span))
    for wish in wishes:
        found[wish.pk].extend(hers[wish.client_id])
    return found


def _asked_for(wishes: Sequence[Wish]) -> Iterator[tuple[Service, Location]]:
    """Yield each service that somebody wishes for, with each place."""
    services = {service.pk: service for wish in wishes for service in wish.services.all()}
    locations = list(Location.objects.filter(archived_at__isnull=True))
    for service in services.values():
        if service.archived_at is None:
            yield from ((service, location) for location in locations)


def _free(
    service: Service, location: Location, asking: Sequence[_Asked], today: date, earliest: datetime
) -> Iterator[Match]:
    """Yield what is free for one service at one place, on the days and with the therapists that somebody asks for."""
    days = [(first, last) for first, last in (one.days(today) for one in asking) if first <= last]
    if not days:
        return
    first, last = min(first for first, _last in days), max(last for _first, last in days)
    wanted = frozenset[int]().union(*(one.therapists for one in asking))
    anyone = not all(one.therapists for one in asking)
    people = [one for one in qualified_therapists(service, first) if anyone or one.pk in wanted]
    free = availability(location=location, therapists=people, first=first, last=last, now=earliest)
    for therapist in people:
        for start in free.slots(therapist.pk, length_of(service)):
            yield Match(service, therapist, location, start)
