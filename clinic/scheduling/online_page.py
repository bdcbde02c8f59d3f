"""The page on which she who books by herself chooses a time: with whom, on which day, at what time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from urllib.parse import urlencode

from django.utils.timezone import make_naive
from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.models import Client, Clinic, Location, Service, Therapist
from clinic.scheduling.forms import choice_value, read_choice
from clinic.scheduling.models import Appointment
from clinic.scheduling.offers import MOST_DAYS, FreeTime
from clinic.scheduling.online import last_day, therapists_for_move, therapists_shown, times_online
from clinic.scheduling.services import ChosenVisit
from clinic.scheduling.time_page import parse_day

# So many days lie side by side; of those around a visit that moves, so many before its own.
STRIP = 5
DAYS_BEFORE = timedelta(days=2)
NOON, EVENING = time(12), time(17)
NEXT_TOLD = 3


@dataclass(frozen=True)
class Sought:
    """What a time is sought for; `moving` is the visit that has one already."""

    clinic: Clinic
    service: Service
    location: Location
    client: Client | None = None
    therapist: Therapist | None = None
    moving: Appointment | None = None


@dataclass(frozen=True)
class Day:
    on: date
    url: str
    is_free: bool
    is_shown: bool


@dataclass(frozen=True)
class TimeChoice:
    value: str
    wall: datetime
    # Who gives it; empty where that is known already.
    therapist: str
    is_chosen: bool


@dataclass(frozen=True)
class PartOfDay:
    words: str
    times: Sequence[TimeChoice]


@dataclass(frozen=True)
class OnlinePage:
    sought: Sought
    therapists: Sequence[Therapist]
    on: date | None
    days: Sequence[Day]
    parts: Sequence[PartOfDay]
    earlier: str
    later: str
    # By whose wall clock the times are.
    city: str
    # Where the last wish could not be met: the next free times after it.
    nearest: Sequence[TimeChoice]


def online_page(
    sought: Sought, asked: Mapping[str, str], *, now: datetime, missed: datetime | None = None
) -> OnlinePage:
    """Return the free times of the day that the address asks for, else of the first that has any.

    Of a visit that moves, the days around it come first. `missed` is a time that she wanted and could not have.
    """
    zone, today = sought.location.zone, local_date(sought.location.zone, now)
    among = _among(sought, today)
    last = last_day(sought.clinic, sought.location, now)

    def free(first: date, days: int) -> list[FreeTime]:
        days = min(days, MOST_DAYS, (last - first).days + 1)
        if days < 1:
            return []
        found = times_online(
            now=now,
            clinic=sought.clinic,
            service=sought.service,
            location=sought.location,
            among=among,
            first=first,
            days=days,
            therapist=sought.therapist,
            client=sought.client,
            moving=sought.moving,
        )
        return [one for one in found if not _is_where_it_stands(one, sought.moving)]

    wished = parse_day(asked.get("day", "")) or (local_date(zone, missed) if missed else None)
    own = local_date(zone, sought.moving.starts_at) if sought.moving else None
    around = own - DAYS_BEFORE if own and own <= last else today
    strip_from = min(max(_strip_from(wished, parse_day(asked.get("from", ""))) or around, today), last)
    times = free(strip_from, STRIP)
    if not times and not wished and (ahead := free(strip_from, MOST_DAYS)):
        strip_from = local_date(zone, ahead[0].starts_at)
        times = [one for one in ahead if local_date(zone, one.starts_at) < strip_from + timedelta(days=STRIP)]
    by_day = {on: list(those) for on, those in groupby(times, lambda one: local_date(zone, one.starts_at))}
    on = next((day for day in (wished, own) if day in by_day), next(iter(by_day), None))
    days = [strip_from + timedelta(days=number) for number in range(STRIP)]
    kept = _kept(sought)
    after = [one for one in times if missed is None or one.starts_at >= missed]
    return OnlinePage(
        sought=sought,
        therapists=among,
        on=on,
        days=[
            Day(day, _url(kept, day, strip_from), is_free=day in by_day, is_shown=day == on)
            for day in days
            if day <= last
        ],
        parts=[PartOfDay(words, choices) for words, choices in _parts(by_day.get(on, []) if on else [], sought, asked)],
        earlier=_url(kept, None, max(today, strip_from - timedelta(days=STRIP))) if strip_from > today else "",
        later=_url(kept, None, strip_from + timedelta(days=STRIP)) if days[-1] < last else "",
        city=zone.key.rpartition("/")[2].replace("_", " "),
        nearest=[_choice(one, sought, "") for one in after[:NEXT_TOLD]] if missed else [],
    )


def chosen_in(asked: Mapping[str, str], location: Location) -> ChosenVisit | None:
    """Read the time that a form or an address carries; None for anything else."""
    return read_choice(asked.get("at", ""), location)


def _among(sought: Sought, today: date) -> list[Therapist]:
    if sought.moving is not None:
        return therapists_for_move(sought.moving, today)
    return therapists_shown(sought.service, today)


def _is_where_it_stands(one: FreeTime, moving: Appointment | None) -> bool:
    return moving is not None and (one.starts_at, one.therapist.pk) == (moving.starts_at, moving.therapist_id)


def _strip_from(wished: date | None, asked: date | None) -> date | None:
    """Return the first day of the strip: the one asked for, unless the day that is wished lies outside of it."""
    if wished and asked and not asked <= wished < asked + timedelta(days=STRIP):
        return wished
    return asked or wished


def _kept(sought: Sought) -> dict[str, int]:
    """Return what the address says beside the day."""
    kept = {"location": sought.location.pk} if sought.moving is None else {}
    return kept | ({"with": sought.therapist.pk} if sought.therapist else {})


def _url(kept: Mapping[str, int], day: date | None, strip_from: date) -> str:
    on = {"day": day.isoformat()} if day else {}
    return f"?{urlencode({**kept, **on, 'from': strip_from.isoformat()})}"


def _parts(
    times: Sequence[FreeTime], sought: Sought, asked: Mapping[str, str]
) -> Iterator[tuple[str, list[TimeChoice]]]:
    names = {0: _("Morning"), 1: _("Afternoon"), 2: _("Evening")}
    choices = [_choice(one, sought, asked.get("at", "")) for one in times]
    for part, those in groupby(choices, lambda one: (one.wall.time() >= NOON) + (one.wall.time() >= EVENING)):
        yield names[part], list(those)


def _choice(one: FreeTime, sought: Sought, at: str) -> TimeChoice:
    value = choice_value(one.starts_at, one.therapist, sought.location)
    return TimeChoice(
        value=value,
        wall=make_naive(one.starts_at, sought.location.zone),
        therapist="" if sought.therapist else one.therapist.user.first_name,
        is_chosen=value == at,
    )
