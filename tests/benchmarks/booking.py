"""Booking one visit, and a year of weekly ones: through the desk's own forms, checked and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain, islice
from random import Random
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psycopg
from django.db import connection
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from clinic.audit.models import Change
from clinic.lib.times import at_wall
from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment, Status, StatusChange
from clinic.scheduling.services import ChosenVisit, book_appointment, book_series
from tests.benchmarks.database import BUFFER, DESK, MINUTES, OPENS, PLACES, ZONE
from tests.benchmarks.operations import Case, Operation, Statement

WEEKS = 52
WEDNESDAY = 2
# What was booked is deleted with its steps: were it cancelled, thousands of visits would lie at the same few places.
UNDO = """
    WITH booked AS (SELECT id FROM scheduling_appointment WHERE {which}),
        steps AS (DELETE FROM scheduling_statuschange WHERE appointment_id IN (SELECT id FROM booked))
    DELETE FROM scheduling_appointment WHERE id IN (SELECT id FROM booked)
"""
LOCK = "SELECT id FROM people_therapist WHERE id = %s FOR NO KEY UPDATE"
# When the bare statements book: nobody else does at that moment.
BARE = datetime(2020, 1, 1, tzinfo=ZONE)


@dataclass(frozen=True)
class Place:
    """A time at which a therapist is free, week after week, and somebody of hers to come then."""

    client: int
    service: int
    therapist: int
    room: int
    location: int
    starts_at: datetime

    @property
    def value(self) -> str:
        """The time as the pages offer it."""
        return f"{self.starts_at.astimezone(ZONE):%Y-%m-%dT%H:%M%z}_{self.therapist}"

    @property
    def visit(self) -> Appointment:
        """The visit as it would be written."""
        ends_at = self.starts_at + timedelta(minutes=MINUTES)
        return Appointment(
            client_id=self.client, service_id=self.service, therapist_id=self.therapist, room_id=self.room,
            location_id=self.location, starts_at=self.starts_at, ends_at=ends_at, occupied_from=self.starts_at,
            occupied_until=ends_at + timedelta(minutes=BUFFER), booked_at=BARE,
        )  # fmt: skip


def last_place(day: date) -> datetime:
    """Return the last place of a day, which stays free on Wednesdays."""
    return at_wall(ZONE, day, OPENS) + timedelta(minutes=(PLACES - 1) * (MINUTES + BUFFER))


def free_places(floor: psycopg.Connection, random: Random) -> Iterator[Place]:
    """Yield Wednesdays' last places of the weeks to come, of one therapist after the other, never the same twice."""
    rows = floor.execute(
        """
        SELECT therapist.id, therapist.usual_room_id, room.location_id, min(client.id), max(client.id),
            (SELECT min(id) FROM people_service)
        FROM people_therapist therapist JOIN people_room room ON room.id = therapist.usual_room_id
        JOIN people_client client ON client.primary_therapist_id = therapist.id
        WHERE client.archived_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1
        """
    ).fetchall()
    today = timezone.localdate()
    wednesday = today + timedelta(days=(WEDNESDAY - today.weekday()) % 7 + 7)
    for week in range(6):
        for therapist, room, location, first, last, service in random.sample(rows, len(rows)):
            starts_at = last_place(wednesday + timedelta(weeks=week))
            yield Place(random.choice([first, last]), service, therapist, room, location, starts_at)


def _some(floor: psycopg.Connection, random: Random, count: int) -> list[Place]:
    """Return free places; each is put back after use, so that the same may come again."""
    found = list(islice(free_places(floor, random), count))
    return [found[number % len(found)] for number in range(count)]


def bookings(floor: psycopg.Connection, random: Random, count: int) -> list[Case]:
    """Book one visit at a free place, with its client."""
    return [_booking(place, uuid4()) for place in _some(floor, random, count)]


def booking_form(place: Place, key: UUID, **more: object) -> dict[str, object]:
    """Return what the booking page sends."""
    return {
        "client": place.client, "service": place.service, "therapist": place.therapist, "location": place.location,
        "on": f"{place.starts_at.astimezone(ZONE):%Y-%m-%d}", "slot": place.value, "key": str(key), **more,
    }  # fmt: skip


def _booking(place: Place, key: UUID) -> Case:
    return Case(
        reverse("scheduling:appointment-new"), "", _floor([place]), form=booking_form(place, key),
        undo=undo(place, key), inside=partial(_book, place, key),
    )  # fmt: skip


def undo(place: Place, key: UUID) -> list[Statement]:
    """Return what takes away again what was booked under a key, and what the bare statements booked."""
    return [
        (UNDO.format(which="idempotency_key = %s"), (key,)),
        (UNDO.format(which="series_id = (SELECT id FROM scheduling_series WHERE idempotency_key = %s)"), (key,)),
        (
            UNDO.format(which="therapist_id = %s AND starts_at >= %s AND booked_by_id IS NULL AND booked_at = %s"),
            (place.therapist, place.starts_at, BARE),
        ),
        ("DELETE FROM scheduling_series WHERE idempotency_key = %s", (key,)),
    ]


def _floor(places: Sequence[Place]) -> list[Statement]:
    """Return the bare statements of a booking: a lock, the visits, the step of each, and the change."""
    place = places[0]
    columns, values = _columns(place.visit)
    rows = [_columns(one.visit)[1] for one in places]
    marks = ", ".join([f"({', '.join(['%s'] * len(values))})"] * len(rows))
    visits = f"INSERT INTO scheduling_appointment ({', '.join(columns)}) VALUES {marks}"  # noqa: S608
    columns, values = _columns(StatusChange(after=Status.BOOKED, at=BARE), without="appointment_id")
    steps = f"""
        INSERT INTO scheduling_statuschange (appointment_id, {", ".join(columns)})
        SELECT id, {", ".join(["%s"] * len(values))} FROM scheduling_appointment
        WHERE therapist_id = %s AND status = 'booked' AND booked_at = %s
    """  # noqa: S608
    what = Change(client_pk=place.client, what="visit", what_pk=0, words="booked", at=BARE)
    told, facts = _columns(what)
    change = f"INSERT INTO audit_change ({', '.join(told)}) VALUES ({', '.join(['%s'] * len(facts))})"  # noqa: S608
    return [
        (LOCK, (place.therapist,)),
        (visits, list(chain.from_iterable(rows))),
        (steps, [*values, place.therapist, BARE]),
        (change, facts),
    ]


def _columns(row: Model, without: str = "") -> tuple[list[str], list[object]]:
    """Return the columns that are written for a new row, and their values."""
    fields = [
        field
        for field in row._meta.concrete_fields
        if not (field.generated or field.primary_key or field.column == without)
    ]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    return [f'"{field.column}"' for field in fields], values


def _book(place: Place, key: UUID) -> object:
    return book_appointment(
        by=User.objects.get(email=DESK), now=timezone.now(), client=Client.objects.get(pk=place.client),
        service=Service.objects.select_related("modality").get(pk=place.service), idempotency_key=key,
        therapist=Therapist.objects.select_related("user").get(pk=place.therapist), starts_at=place.starts_at,
        location=Location.objects.get(pk=place.location),
    )  # fmt: skip


def series(floor: psycopg.Connection, random: Random, count: int) -> list[Case]:
    """Book a year of weekly visits at a free place, all of them in one transaction."""
    return [_series(place, uuid4()) for place in _some(floor, random, count)]


def series_form(places: Sequence[Place], key: UUID) -> dict[str, object]:
    """Return what the page of a series sends."""
    return {"visit": [place.value for place in places], "key": str(key)}


def series_address(place: Place, count: int) -> str:
    """Return the address of the preview from which a series is booked."""
    wall = place.starts_at.astimezone(ZONE)
    rule = {
        "client": place.client, "service": place.service, "therapist": place.therapist, "location": place.location,
        "first_on": f"{wall:%Y-%m-%d}", "at_time": f"{wall:%H:%M}", "every_weeks": 1, "count": count,
    }  # fmt: skip
    return f"{reverse('scheduling:series-new')}?{urlencode(rule)}"


def weekly(place: Place, count: int) -> list[Place]:
    """Return the same place in as many weeks, at the same time by the wall."""
    wall = place.starts_at.astimezone(ZONE)
    days = [wall.date() + timedelta(weeks=week) for week in range(count)]
    return [
        Place(place.client, place.service, place.therapist, place.room, place.location, at_wall(ZONE, day, wall.time()))
        for day in days
    ]


def _series(place: Place, key: UUID) -> Case:
    places = weekly(place, WEEKS)
    return Case(
        series_address(place, WEEKS), "", _floor(places), form=series_form(places, key), undo=undo(place, key),
        inside=partial(_book_series, places, key),
    )  # fmt: skip


def _book_series(places: Sequence[Place], key: UUID) -> object:
    place = places[0]
    therapist = Therapist.objects.select_related("user").get(pk=place.therapist)
    wall = place.starts_at.astimezone(ZONE)
    return book_series(
        by=User.objects.get(email=DESK), now=timezone.now(), client=Client.objects.get(pk=place.client),
        service=Service.objects.select_related("modality").get(pk=place.service), therapist=therapist,
        location=Location.objects.get(pk=place.location), first_on=wall.date(), at_time=wall.time(), every_weeks=1,
        count=len(places), chosen=[ChosenVisit(one.starts_at, therapist) for one in places], idempotency_key=key,
    )  # fmt: skip


OPERATIONS = (
    Operation("create_booking", target_ms=8, cases=bookings),
    Operation("series_52", target_ms=15, cases=series),
)
