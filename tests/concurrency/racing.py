"""Let services race, each in a connection of its own, and tell how they ended."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import combinations
from threading import Barrier, Event
from time import sleep

import pytest
from django.db import connection, connections
from django.db.models import Model

from clinic.people.models import Location, Therapist
from clinic.scheduling.gates import review_needed
from clinic.scheduling.models import TAKING, Appointment
from clinic.scheduling.services import SlotTaken
from tests.factories import give_hours
from tests.scheduling.standing_in import stand_in

# How long one stands still where the other has to wait for it.
STANDS_STILL = 1.0
AT_ONCE = 16
NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
Road = Callable[[], object]


def outcome(road: Road) -> str:
    """Take the road in a connection of this thread's own, and tell how it ended."""
    try:
        road()
    except SlotTaken:
        return "taken"
    except Exception as fault:  # noqa: BLE001 -- any other end is what the test looks for
        return type(fault.__cause__ or fault).__name__
    else:
        return "won"
    finally:
        connections.close_all()


def race(roads: list[Road], told_by: Callable[[Road], str] = outcome) -> Counter[str]:
    """Let all roads start at the same moment, each in a connection of its own; count how they ended."""
    start = Barrier(len(roads))

    def run(road: Road) -> str:
        start.wait(timeout=20)
        return told_by(road)

    with ThreadPoolExecutor(len(roads)) as pool:
        return Counter(pool.map(run, roads))


def works_all_week(therapist: Therapist, location: Location) -> None:
    give_hours(therapist, location, (8, 20), weekdays=range(7))


def meeting(first: Road, second: Road, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Let the second road begin when the first has checked everything and written nothing; tell how both ended."""
    has_checked, is_over, this = Event(), Event(), threading.local()

    def stand_still(visits: object) -> list[bool]:
        answers = review_needed(visits)
        if getattr(this, "is_first", False):
            has_checked.set()
            is_over.wait(STANDS_STILL)
        return answers

    def go_first() -> str:
        this.is_first = True
        return outcome(first)

    def go_then() -> str:
        assert has_checked.wait(20)
        ended = outcome(second)
        is_over.set()
        return ended

    # The gates are asked last of all before a visit is written.
    stand_in(monkeypatch, "review_needed", stand_still)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(go_first), pool.submit(go_then)]
        return ends[0].result(30), ends[1].result(30)


def nobody_shares() -> bool:
    """Check in Python, apart from the constraints, that no two visits share a therapist, a room or a client."""
    taken = list(Appointment.objects.filter(status__in=TAKING))
    return not any(_share(first, second) for first, second in combinations(taken, 2))


def _share(first: Appointment, second: Appointment) -> bool:
    meet = first.starts_at < second.ends_at and second.starts_at < first.ends_at
    occupy = first.occupied_from < second.occupied_until and second.occupied_from < first.occupied_until
    is_same_place = first.therapist_id == second.therapist_id or first.room_id == second.room_id
    return (meet and first.client_id == second.client_id) or (occupy and is_same_place)


@contextmanager
def without_constraints(model: type[Model]) -> Iterator[None]:
    """Take the exclusion constraints away for a while."""
    gone = [one for one in model._meta.constraints if type(one).__name__ == "ExclusionConstraint"]
    with connection.schema_editor() as editor:
        for constraint in gone:
            editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {model._meta.db_table} CASCADE")
        with connection.schema_editor() as editor:
            for constraint in gone:
                editor.add_constraint(model, constraint)


def no_lock(*_taken: object, **_facts: object) -> None:
    """Stand in for the lock."""


def slowly(visits: object) -> list[bool]:
    """Ask the gates, the last before a visit is written, so slowly that everybody else has looked meanwhile."""
    sleep(0.5)
    return review_needed(visits)
