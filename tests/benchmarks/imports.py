"""Bringing twenty thousand clients from another program: the check and the taking over, as the worker does them."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection, transaction

from clinic.people.importing.asking import choose_columns, start_import, take_over
from clinic.people.importing.kinds import kinds
from clinic.people.importing.working import go_on
from clinic.people.models import Client, Import, Role, User
from tests.benchmarks.database import FAMILY_BEGINS, FAMILY_ENDS, GIVEN
from tests.benchmarks.operations import Case, Operation

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Bench, Figures

MOST_ROWS = 20_000
ROUNDS = 3
HEADER = ("Legal name", "Date of birth", "E-mail", "Phone", "Address", "Reminder type")
COPY = "COPY people_client (legal_name, born_on, email, phone, address, {others}) FROM STDIN"
# What the other columns hold, for a row that nobody has checked.
OTHERS: dict[str, object] = {
    "preferred_name": "", "pronouns": "", "other_phone": "", "language": "en", "emergency_name": "",
    "emergency_relation": "", "emergency_phone": "", "physician_name": "", "physician_contact": "",
    "guardian_name": "", "guardian_relation": "", "guardian_phone": "", "guardian_email": "", "light": "", "sound": "",
    "scent": "", "temperature": "", "talk": "", "table_angle": "", "alert": "",
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip

People = Sequence[tuple[str, date, str, str, str]]


def brought(bench: Bench, operation: Operation) -> Figures:
    """Bring as many clients as there are here, at most 20,000, and take everything back; one round after another."""
    from tests.benchmarks.measuring import Figures

    people = _people(min(MOST_ROWS, Client.objects.count()))
    content = _as_csv(people)
    rounds = [_round(lambda: _bring(content, len(people))) for _number in range(ROUNDS)]
    times = sorted(took for took, _queries, _is_right in rounds)
    return Figures(
        p50_ms=round(median(times), 2),
        p95_ms=round(times[-1], 2),
        queries=rounds[0][1],
        errors=sum(not is_right for _took, _queries, is_right in rounds),
        floor_p50_ms=round(median(_copied(bench.floor, people) for _number in range(ROUNDS)), 2),
    )


def _round(bring: Callable[[], bool]) -> tuple[float, int, bool]:
    """Return how long it takes in milliseconds, how many queries, and whether all of it was taken over."""
    asked = []

    def counted(execute: Callable[..., Any], *given: Any) -> Any:
        asked.append(1)
        return execute(*given)

    with connection.execute_wrapper(counted), transaction.atomic():
        began = time.perf_counter()
        is_right = bring()
        took = (time.perf_counter() - began) * 1000
        transaction.set_rollback(True)
    return took, len(asked), is_right


def _bring(content: bytes, count: int) -> bool:
    now, owner = datetime.now(UTC), User.objects.filter(roles__contains=[Role.OWNER]).earliest("pk")
    job, _is_clear = start_import(by=owner, now=now, kind=kinds["clients"], file_name="people.csv", content=content)
    choose_columns(by=owner, now=now, job=job, columns=job.columns, day_first=True, region="PT")
    go_on(job.pk, now)
    take_over(by=owner, now=now, job=job, leaves_wrong=False)
    go_on(job.pk, now)
    job.refresh_from_db()
    return (job.state, job.made_count) == (Import.State.DONE, count)


def _copied(floor: psycopg.Connection, people: People) -> float:
    """Write the same rows by COPY with nothing between, and take them back."""
    names, others = ", ".join(OTHERS), tuple(OTHERS.values())
    with floor.transaction(force_rollback=True):
        began = time.perf_counter()
        with floor.cursor().copy(COPY.format(others=names).encode()) as copy:
            for person in people:
                copy.write_row((*person, *others))
        return (time.perf_counter() - began) * 1000


def _people(count: int) -> People:
    """Invent people who are not here yet: born before all who are, with numbers of the other kind of phone."""
    random = Random(20261121)  # noqa: S311  # invented lives
    families = [begins + ends for begins in FAMILY_BEGINS.split() for ends in FAMILY_ENDS.split()]
    return [
        (
            f"{random.choice(GIVEN.split())} {random.choice(families)} {number}",
            date(1920, 1, 1) + timedelta(days=random.randrange(7_000)),
            f"brought{number}@example.org",
            f"+35121{2_000_000 + number}",
            f"Rua Nova {number}\nLisboa",
        )
        for number in range(count)
    ]


def _as_csv(people: People) -> bytes:
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows((*person, ("SMS & Email", "None")[number % 2]) for number, person in enumerate(people))
    return text.getvalue().encode()


def _no_requests(_connection: psycopg.Connection, _random: Random, _count: int) -> list[Case]:
    return []


OPERATIONS = (Operation("import_20000", target_ms=60_000, cases=_no_requests, measure=brought),)
