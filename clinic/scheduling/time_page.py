"""The page on which a time is chosen: the wish in words that the address keeps, and what is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime
from django.utils.timezone import make_naive

from clinic.lib.times import at_wall, local_date
from clinic.people.models import Client, Location, Room, Service, Therapist, clinic_zone
from clinic.scheduling.availability import availability, length_of
from clinic.scheduling.forms import FIRST_DAY, LAST_DAY, LAST_WISH, WhenForm, choice_value, last_wish
from clinic.scheduling.models import Appointment
from clinic.scheduling.offers import FreeTime, free_times, nearest, next_free_times, why_nothing

OTHER_DAYS = (-1, 1, 7)
MOST_NEAREST = 3
# So near there nearly always is another time for the one that was taken.
DAYS_SOON = 4


@dataclass(frozen=True)
class Wanted:
    """What is wanted; `moving` is the visit that has it already at another time."""

    client: Client
    service: Service
    location: Location
    therapist: Therapist | None
    on: date
    moving: Appointment | None = None
    # Any that is free, where none is named.
    room: Room | None = None


@dataclass(frozen=True)
class Choice:
    """One free time on the page; `therapist` is said where anybody will do."""

    value: str
    starts_at: datetime
    therapist: str
    is_chosen: bool


@dataclass(frozen=True)
class Elsewhere:
    """A link to another day, or to a free time there; `therapist` is said where anybody will do."""

    url: str
    on: datetime
    therapist: str = ""


@dataclass(frozen=True)
class TimePage:
    choices: Sequence[Choice]
    hidden: Mapping[str, Any]
    days: Sequence[Elsewhere]
    nearest: Sequence[Elsewhere]
    # The time that the address asked for, where it is not free.
    missed: str
    # Why nothing is free at all; empty where something is, or where nobody could say.
    why_nothing: str

    @property
    def chosen(self) -> Choice | None:
        return next((choice for choice in self.choices if choice.is_chosen), None)

    @property
    def first(self) -> Choice | None:
        """The one that the keyboard begins with."""
        return self.chosen or next(iter(self.choices), None)


def parse_day(words: str) -> date | None:
    """Read the day of an ISO date or moment; None for anything else, or for a day beyond the calendar."""
    try:
        found = parse_datetime(words[:10] + "T00:00")
    except ValueError:
        return None
    return found.date() if found and FIRST_DAY <= found.date() <= LAST_DAY else None


def wish_data(asked: Mapping[str, Any], client: Client, now: datetime) -> dict[str, Any]:
    """Return the wish as asked for; what was not said is as last time, and today. `at` says the day as well."""
    said = {name: asked[name] for name in ("service", "therapist", "location", "room", "on") if name in asked}
    if day := parse_day(asked.get("at", "")):
        said["on"] = day.isoformat()
    if "on" not in said:
        said["on"] = local_date(clinic_zone(), now).isoformat()
    return said if said.keys() >= LAST_WISH else {**last_wish(client), **said}


def moving_data(asked: Mapping[str, Any], visit: Appointment) -> dict[str, Any]:
    """Return where a visit may go as asked for; what was not said is as it is, but for a therapist who has left."""
    said = {name: asked[name] for name in ("therapist", "room", "on") if name in asked}
    if day := parse_day(asked.get("at", "")):
        said["on"] = day.isoformat()
    therapist = visit.therapist_id if visit.therapist.archived_at is None else ""
    return {"therapist": therapist, "on": visit.local_start.date().isoformat(), **said}


def wanted_of(wish: WhenForm, client: Client, *, moving: Appointment | None = None) -> Wanted | None:
    """Return what the form asks for, or None while it has errors."""
    if not wish.is_valid():
        return None
    facts = wish.cleaned_data
    service = moving.service if moving else facts["service"]
    location = moving.location if moving else facts["location"]
    return Wanted(client, service, location, facts["therapist"], facts["on"], moving, facts["room"])


def time_page(
    wanted: Wanted, wish: WhenForm, *, now: datetime, wished: str = "", taken: datetime | None = None
) -> TimePage:
    """Return the free times of the day, the one that begins with `wished` marked, and the ways to other days.

    Where the time that was chosen has just been `taken`, return the next ones after it too.
    """
    free = free_times(
        now=now,
        service=wanted.service,
        locations=[wanted.location],
        first=wanted.on,
        days=DAYS_SOON if taken else 1,
        therapist=wanted.therapist,
        client=wanted.client,
        leaving_out=wanted.moving,
        preferred=wanted.client.primary_therapist,
        with_reason=True,
    )
    said: dict[str, Any] = {name: wish[name].value() or "" for name in wish.fields}
    if wanted.moving is None:
        said["client"] = wanted.client.pk
    free = [one for one in in_room(wanted, free, now) if not _is_where_it_stands(one, wanted)]
    zone = wanted.location.zone
    near = nearest(free, taken, MOST_NEAREST) if taken else []
    if taken and not any(one.starts_at > taken for one in near):
        near = list(in_room(wanted, nearest_free(wanted, taken, now), now))
    choices = _choices([one for one in free if local_date(zone, one.starts_at) == wanted.on], wanted, wished)
    # A time that has just been refused has been spoken of already.
    is_missed = bool(wished) and not near and not any(choice.is_chosen for choice in choices)
    if not choices and not near:
        near = list(in_room(wanted, nearest_free(wanted, at_wall(zone, wanted.on, time.min), now), now))
    days = [wanted.on + timedelta(days=number) for number in OTHER_DAYS]
    today = local_date(zone, now)
    return TimePage(
        choices=choices,
        hidden=said | _seen(wanted.moving),
        days=[_other_day(said, day) for day in days if day >= today],
        nearest=[_other_time(said, one, wanted) for one in near],
        missed=wished[11:16] if is_missed else "",
        # Where it was taken just now, that is why.
        why_nothing="" if choices or taken else _why_nothing(wanted, now),
    )


def _why_nothing(wanted: Wanted, now: datetime) -> str:
    return why_nothing(
        now=now, service=wanted.service, location=wanted.location, on=wanted.on, therapist=wanted.therapist
    )


def nearest_free(wanted: Wanted, wish: datetime, now: datetime) -> list[FreeTime]:
    """Return the free times nearest to a moment."""
    return next_free_times(
        now=now,
        service=wanted.service,
        location=wanted.location,
        after=wish,
        therapist=wanted.therapist,
        client=wanted.client,
        leaving_out=wanted.moving,
        with_reason=True,
    )


def _seen(moving: Appointment | None) -> dict[str, str]:
    """Return where the page shows the visit, so that a move by somebody else meanwhile is not undone unseen."""
    return {"seen": choice_value(moving.starts_at, moving.therapist, moving.location)} if moving else {}


def _is_where_it_stands(one: FreeTime, wanted: Wanted) -> bool:
    moving = wanted.moving
    if moving is None or wanted.room not in {None, moving.room}:
        return False
    return (one.starts_at, one.therapist.pk) == (moving.starts_at, moving.therapist_id)


def in_room(wanted: Wanted, free: Sequence[FreeTime], now: datetime) -> Sequence[FreeTime]:
    """Keep the times at which the room is free that is wanted; all, where none is."""
    if wanted.room is None or not free:
        return free
    zone = wanted.location.zone
    there = availability(
        location=wanted.location,
        therapists=[],
        first=local_date(zone, free[0].starts_at),
        last=local_date(zone, free[-1].starts_at),
        now=now,
        leaving_out=wanted.moving,
    )
    length = length_of(wanted.service)
    return [one for one in free if there.room_at(one.therapist.pk, length, one.starts_at, wanted.room.pk) is not None]


def _choices(free: Sequence[FreeTime], wanted: Wanted, wished: str) -> list[Choice]:
    values = [choice_value(one.starts_at, one.therapist, wanted.location) for one in free]
    chosen = next((value for value in values if wished and value.startswith(wished)), None)
    return [
        Choice(
            value=value,
            starts_at=make_naive(one.starts_at, wanted.location.zone),
            therapist="" if wanted.therapist else one.therapist.user.first_name,
            is_chosen=value == chosen,
        )
        for one, value in zip(free, values, strict=True)
    ]


def _other_day(said: Mapping[str, Any], on: date) -> Elsewhere:
    return Elsewhere(f"?{urlencode({**said, 'on': on.isoformat()})}", datetime(on.year, on.month, on.day))  # noqa: DTZ001 -- a wall


def _other_time(said: Mapping[str, Any], one: FreeTime, wanted: Wanted) -> Elsewhere:
    wall = make_naive(one.starts_at, wanted.location.zone)
    query = {**said, "therapist": one.therapist.pk, "at": wall.isoformat(timespec="minutes")}
    return Elsewhere(f"?{urlencode(query)}", wall, "" if wanted.therapist else one.therapist.user.first_name)
