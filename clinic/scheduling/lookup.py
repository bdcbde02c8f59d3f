"""Look up what a search for a time reckons with: one statement for who works where and when, one for what is taken.

They are written in SQL because the desk waits for them: building them from words took longer than running them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from psycopg.types.multirange import Multirange

from clinic.lib.times import day_bounds
from clinic.people.models import Client
from clinic.people.records import Records
from clinic.scheduling.models import TAKING
from clinic.scheduling.slots import Away, Diary, Length, Rule, Span, Taken, joined, weekly_spans

# Hours end with the therapist's last day. A usual room counts where it is at one of the locations, and in use.
WHO = """
    SELECT json_build_array(
        therapist.id, place.id, usual.id, therapist.licence_expires_on, qualification.id IS NOT NULL,
        qualification.expires_on,
        (
            SELECT json_agg(json_build_array(
                location_id, weekday, opens, closes, valid_from, LEAST(valid_until, therapist.leaves_on), anchor_week
            ))
            FROM scheduling_weeklyhours hours
            WHERE hours.therapist_id = therapist.id AND hours.location_id = ANY(%(locations)s)
                AND valid_from <= %(last)s AND (valid_until IS NULL OR valid_until >= %(first)s)
        ), (
            SELECT json_agg(json_build_array(location_id, starts_at, ends_at, reason) ORDER BY starts_at, id)
            FROM scheduling_timeoff absence
            WHERE (absence.therapist_id = therapist.id AND (location_id IS NULL OR location_id = ANY(%(locations)s))
                    OR absence.therapist_id IS NULL AND location_id = ANY(%(locations)s))
                AND starts_at < %(until)s AND ends_at > %(since)s
        )
    ) AS person
    FROM people_therapist therapist
    LEFT JOIN (people_room usual JOIN people_location place ON place.id = usual.location_id)
        ON usual.id = therapist.usual_room_id AND place.id = ANY(%(locations)s)
        AND usual.archived_at IS NULL AND place.archived_at IS NULL
    LEFT JOIN people_qualification qualification
        ON qualification.therapist_id = therapist.id AND qualification.modality_id = {modality}
"""
THESE = WHO.format(modality="%(modality)s") + "WHERE therapist.id = ANY(%(therapists)s)"
# All that a page says is keys and days: what they mean comes along in the same statement.
WHOEVER = f"""
    SELECT service.minutes, service.buffer_before, service.buffer_after,
        (SELECT json_object_agg(id, time_zone) FROM people_location
            WHERE id = ANY(%(locations)s) AND archived_at IS NULL),
        (SELECT json_agg(person) FROM (
            {WHO.format(modality="service.modality_id")}
            WHERE (qualification.expires_on >= %(first)s
                    OR qualification.id IS NOT NULL AND qualification.expires_on IS NULL)
                AND (therapist.leaves_on IS NULL OR therapist.leaves_on >= %(first)s)
                AND therapist.archived_at IS NULL
                AND (%(therapists)s::bigint[] IS NULL OR therapist.id = ANY(%(therapists)s))
            ORDER BY therapist.id
        ) people)
    FROM people_service service WHERE service.id = %(service)s AND service.archived_at IS NULL
"""  # noqa: S608 -- our own words
# Neither a hold that has run out, nor one of the visits about to be moved, is in anybody's way.
TAKES = f"""
    occupied && %(during)s AND status IN ({", ".join(f"'{status}'" for status in TAKING)})
    AND (status <> 'held' OR held_until > %(now)s)
    AND id <> ALL(%(leaving_out)s::bigint[])
"""
# Visits of these therapists and in these rooms with their buffers, those that touch as one, and when which of the rooms
# is closed.
TAKEN = f"""
    SELECT therapist_id, room_id, extract(epoch FROM lower(stretch))::bigint, extract(epoch FROM upper(stretch))::bigint
    FROM (
        SELECT therapist_id, room_id, unnest(range_agg(occupied)) AS stretch FROM scheduling_appointment
        WHERE (therapist_id = ANY(%(therapists)s) OR room_id = ANY(%(rooms)s)) AND {TAKES}
        GROUP BY therapist_id, room_id
    ) visits
    UNION ALL
    SELECT NULL, room_id, floor(extract(epoch FROM starts_at))::bigint, ceil(extract(epoch FROM ends_at))::bigint
    FROM scheduling_timeoff WHERE room_id = ANY(%(rooms)s) AND tstzrange(starts_at, ends_at) && %(during)s
"""  # noqa: S608
# The client's visits without their buffers: those are the therapist's and the room's.
HERS = f"""
    UNION ALL
    SELECT NULL, NULL, extract(epoch FROM starts_at)::bigint, extract(epoch FROM ends_at)::bigint
    FROM scheduling_appointment WHERE client_id = ANY({Records.template % {"expressions": "%(client)s"}}) AND {TAKES}
"""  # noqa: S608
NEVER = datetime.min.replace(tzinfo=UTC)
# A buffer, or a visit at midnight, may reach over the days that are asked for.
MARGIN = timedelta(days=1)


@dataclass(frozen=True)
class TakenBy:
    """What takes each therapist and each room; what is in no room is the client's."""

    therapist: dict[int | None, list[Taken]] = field(default_factory=lambda: defaultdict(list))
    room: dict[int | None, list[Taken]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Days:
    """Some days at some locations, with the zone of each."""

    zones: Mapping[int, ZoneInfo]
    first: date
    last: date

    def at(self, location: int) -> Span:
        """Return when these days begin and end there."""
        zone = self.zones[location]
        return Span(day_bounds(zone, self.first)[0], day_bounds(zone, self.last)[1])


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know: on which days, and in whose way no visit may be."""

    now: datetime
    days: Days
    client: Client | None = None
    leaving_out: Collection[int] = ()
    # What is taken is looked up only then; without any, throughout the days.
    only: Sequence[Span] = ()

    def taken(self, *, therapists: Collection[int] = (), rooms: Iterable[int] = ()) -> TakenBy:
        """Look up what takes these therapists and rooms, and the client where therapists are asked for. One query."""
        whole = [Span(start - MARGIN, end + MARGIN) for start, end in map(self.days.at, self.days.zones)]
        facts: dict[str, Any] = {
            "during": Multirange(DateTimeTZRange(*one) for one in joined(self.only or whole)),
            "therapists": list(therapists),
            "rooms": list(rooms),
            "client": self.client and self.client.pk,
            "now": self.now,
            "leaving_out": list(self.leaving_out),
        }
        found = TakenBy()
        with connection.cursor() as cursor:
            cursor.execute(TAKEN + HERS if self.client and therapists else TAKEN, facts)
            for therapist, room, start, end in cursor.fetchall():
                found.therapist[therapist].append((start, end))
                found.room[room].append((start, end))
        return found


@dataclass(frozen=True)
class Person:
    """What is known of one therapist at some locations."""

    pk: int
    # Her usual room, where it is at one of these.
    usual_location: int | None
    usual_room: int | None
    licence_expires_on: date | None
    is_qualified: bool
    qualified_to: date | None
    # By location.
    rules: Mapping[int, Sequence[Rule]]
    # With the location, where it is only one.
    absences: Sequence[tuple[int | None, Away]]

    def hours(self, location: int, days: Days) -> list[Span]:
        """Return when she works there, absent or not."""
        return weekly_spans(self.rules.get(location, ()), days.zones[location], days.first, days.last)

    def away(self, location: int, days: Days) -> list[Away]:
        """Return when she is away on these days, or the location closed."""
        start, end = days.at(location)
        return [
            away
            for place, away in self.absences
            if place in (None, location) and away.span.start < end and start < away.span.end
        ]

    def diary(self, location: int, days: Days, busy: Sequence[Taken], client: Sequence[Taken]) -> Diary:
        """Return her diary at a location; what she is not qualified for, she may never give."""
        zone = days.zones[location]
        return Diary(
            self.hours(location, days),
            self.away(location, days),
            busy,
            client,
            licence_ends_at=_end_of(self.licence_expires_on, zone),
            qualified_until=_end_of(self.qualified_to, zone) if self.is_qualified else NEVER,
        )


def people(therapists: Iterable[int], days: Days, *, modality: int | None = None) -> list[Person]:
    """Look up when these therapists work and are away; one query. Without a modality, all of them may give it."""
    facts = _facts(days.zones, days.first, days.last) | {"modality": modality, "therapists": list(therapists)}
    with connection.cursor() as cursor:
        cursor.execute(THESE, facts)
        return [_person(row, is_qualified=modality is None) for (row,) in cursor.fetchall()]


def whoever_gives(
    service: int, *, locations: Sequence[int], therapist: int | None, first: date, last: date
) -> tuple[Length, Days, list[Person]] | None:
    """Look up who may give a service on one of the days, and how long it takes; None where there is none. One query."""
    facts = _facts(locations, first, last) | {"service": service, "therapists": therapist and [therapist]}
    with connection.cursor() as cursor:
        cursor.execute(WHOEVER, facts)
        row = cursor.fetchone()
    if row is None:
        return None
    minutes, before, after, zones, found = row
    days = Days({int(pk): ZoneInfo(name) for pk, name in (zones or {}).items()}, first, last)
    return Length(minutes, before, after), days, [_person(one) for one in found or ()]


def _facts(locations: Iterable[int], first: date, last: date) -> dict[str, Any]:
    # A zone may be most of a day ahead or behind.
    since, until = (datetime.combine(day, time.min, UTC) for day in (first - MARGIN, last + 2 * MARGIN))
    return {"locations": list(locations), "first": first, "last": last, "since": since, "until": until}


def _person(row: Sequence[Any], *, is_qualified: bool = False) -> Person:
    """Read a therapist from a row of JSON, which knows no days and times."""
    pk, usual_location, usual_room, licence, has_qualification, qualified_to, hours, absences = row
    rules: dict[int, list[Rule]] = defaultdict(list)
    for place, *rule in hours or ():
        rules[place].append(_rule(*rule))
    return Person(
        pk=pk,
        usual_location=usual_location,
        usual_room=usual_room,
        licence_expires_on=_day(licence),
        is_qualified=is_qualified or has_qualification,
        qualified_to=_day(qualified_to),
        rules=rules,
        absences=[
            (place, Away(Span(_instant(start), _instant(end)), reason)) for place, start, end, reason in absences or ()
        ],
    )


def _rule(weekday: int, opens: str, closes: str, *days: str | None) -> Rule:
    valid_from, valid_until, anchor_week = map(_day, days)
    assert valid_from  # noqa: S101 -- the column is never empty
    return Rule(weekday, time.fromisoformat(opens), time.fromisoformat(closes), valid_from, valid_until, anchor_week)


def _day(words: str | None) -> date | None:
    return date.fromisoformat(words) if words else None


def _instant(words: str) -> datetime:
    return datetime.fromisoformat(words).astimezone(UTC)


def _end_of(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return when the last day of a licence or a certificate ends at the place; None where no day is known."""
    return day_bounds(zone, day)[1] if day else None
