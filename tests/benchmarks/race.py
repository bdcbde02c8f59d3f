"""Sixteen windows reach for one place at the same moment, each kind of race in turn. Exactly one may get it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import islice, pairwise
from random import Random
from statistics import median, quantiles
from threading import Barrier
from uuid import uuid4

import psycopg
from django.urls import reverse

from tests.benchmarks.booking import (
    Place,
    booking_form,
    bookings,
    free_places,
    series_address,
    series_form,
    undo,
    weekly,
)
from tests.benchmarks.database import ZONE
from tests.benchmarks.measuring import Bench, Figures, Visitor, measured, put_back
from tests.benchmarks.operations import Operation, Statement

CONTENDERS = 16
LATER = timedelta(minutes=15)


@dataclass(frozen=True)
class Reach:
    """One window's form, and what frees again what it got."""

    path: str
    form: dict[str, object]
    undo: Sequence[Statement]


def _book(place: Place, **more: object) -> Reach:
    key = uuid4()
    return Reach(reverse("scheduling:appointment-new"), booking_form(place, key, **more), undo(place, key))


def _series(place: Place) -> Reach:
    key = uuid4()
    return Reach(series_address(place, 2), series_form(weekly(place, 2), key), undo(place, key))


def _move(connection: psycopg.Connection, place: Place, number: int) -> Reach:
    """Move one of the therapist's visits of some later week to the place."""
    row = connection.execute(
        """
        SELECT id, starts_at, ends_at, occupied_from, occupied_until, room_id FROM scheduling_appointment
        WHERE therapist_id = %s AND status = 'booked' AND starts_at > %s ORDER BY starts_at OFFSET %s LIMIT 1
        """,
        [place.therapist, place.starts_at + timedelta(days=9), number],
    ).fetchone()
    assert row, "the house is filled for weeks to come"
    pk, starts_at, *_rest = row
    back = """
        UPDATE scheduling_appointment SET starts_at = %s, ends_at = %s, occupied_from = %s, occupied_until = %s,
            room_id = %s, status = 'booked' WHERE id = %s
    """
    form = booking_form(place, uuid4(), seen=f"{starts_at.astimezone(ZONE):%Y-%m-%dT%H:%M%z}_{place.therapist}")
    return Reach(reverse("scheduling:appointment-move", args=[pk]), form, [(back, (*row[1:], pk))])


def same_slot(_connection: psycopg.Connection, places: Sequence[Place]) -> list[Reach]:
    """All want the same place."""
    return [_book(place) for place in places]


def partial_overlap(_connection: psycopg.Connection, places: Sequence[Place]) -> list[Reach]:
    """Every other one begins a quarter of an hour later."""
    return [
        _book(replace(place, starts_at=place.starts_at + LATER) if number % 2 else place)
        for number, place in enumerate(places)
    ]


def one_room(_connection: psycopg.Connection, places: Sequence[Place]) -> list[Reach]:
    """Two therapists, and all of the visits in the room of the first."""
    return [_book(place, room=places[0].room) for place in places]


def reschedule(connection: psycopg.Connection, places: Sequence[Place]) -> list[Reach]:
    """Half of them move a visit there, the others book."""
    return [_move(connection, place, number) if number % 2 else _book(place) for number, place in enumerate(places)]


def series(_connection: psycopg.Connection, places: Sequence[Place]) -> list[Reach]:
    """Half of them book a series that begins there, the others one visit."""
    return [_series(place) if number % 2 else _book(place) for number, place in enumerate(places)]


KINDS: Sequence[Callable[[psycopg.Connection, Sequence[Place]], list[Reach]]] = (
    same_slot, partial_overlap, one_room, reschedule, series,
)  # fmt: skip


def race(bench: Bench, operation: Operation) -> Figures:
    """Hold each kind of race as often, and count the winners; what is neither won nor a clean refusal is an error."""
    windows = [bench.visitor.companion() for _number in range(CONTENDERS)]
    rounds = max(1, bench.requests // (CONTENDERS * len(KINDS))) * len(KINDS)
    stages = _stages(bench.floor, rounds)
    times: list[float] = []
    winners, errors = [], 0
    for number, stage in enumerate(stages):
        kind = KINDS[number % len(KINDS)]
        contenders = _contenders(bench.floor, stage, two_therapists=kind is one_room)
        reaches = kind(bench.floor, contenders)
        answers = _at_once(windows, reaches)
        for reach in reaches:
            put_back(bench, reach.undo)
        times += [took for took, _status in answers]
        won = sum(status == HTTPStatus.FOUND for _took, status in answers)
        winners.append(won)
        errors += sum(status not in {HTTPStatus.FOUND, HTTPStatus.CONFLICT} for _took, status in answers) + (won != 1)
    alone = measured(replace(bench, requests=20), operation)
    return Figures(
        p50_ms=round(median(times), 2),
        p95_ms=round(quantiles(times, n=20)[-1], 2),
        queries=alone.queries,
        errors=errors,
        floor_p50_ms=alone.floor_p50_ms,
        own={"winners_per_slot": round(sum(winners) / len(winners), 3), "slots": len(winners)},
    )


def _stages(connection: psycopg.Connection, count: int) -> list[tuple[Place, Place]]:
    """Return pairs of free places at the same moment, of two therapists."""
    found = list(islice(free_places(connection, Random(2)), 400))  # noqa: S311
    pairs = [
        (one, other)
        for one, other in pairwise(found)
        if one.starts_at == other.starts_at and one.therapist != other.therapist
    ]
    return [pairs[number % len(pairs)] for number in range(count)]


def _contenders(connection: psycopg.Connection, stage: tuple[Place, Place], *, two_therapists: bool) -> list[Place]:
    """Return the place for as many clients, all of them different."""
    places = []
    for place in stage if two_therapists else stage[:1]:
        count = CONTENDERS // (2 if two_therapists else 1)
        rows = connection.execute(
            "SELECT id FROM people_client WHERE primary_therapist_id = %s AND archived_at IS NULL ORDER BY id LIMIT %s",
            [place.therapist, count],
        )
        places += [replace(place, client=client) for (client,) in rows]
    return places


def _at_once(windows: Sequence[Visitor], reaches: Sequence[Reach]) -> list[tuple[float, int]]:
    """Send all forms at the same moment; return how long each took and its status."""
    ready = Barrier(len(reaches))

    def reach(window: Visitor, wanted: Reach) -> tuple[float, int]:
        ready.wait()
        began = time.perf_counter()
        status, _content = window.ask(wanted.path, wanted.form)
        return (time.perf_counter() - began) * 1000, status

    with ThreadPoolExecutor(len(reaches)) as pool:
        return list(pool.map(reach, windows, reaches))


OPERATIONS = (Operation("race", target_ms=50, cases=bookings, figure="p95_ms", measure=race),)
