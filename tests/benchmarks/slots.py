"""Asking for free times: of one therapist or of all, for a day or for a month."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date, timedelta
from functools import partial
from itertools import chain, cycle
from random import Random
from statistics import median, quantiles
from urllib.parse import urlencode

import psycopg
from django.urls import reverse
from django.utils import timezone

from clinic.scheduling.offers import free_by_key
from tests.benchmarks.measuring import HOST, Bench, Figures, measured, timed
from tests.benchmarks.operations import Case, Operation, Statement

MONTH = 28
CLIENTS_AT_ONCE = 8
THROUGHPUT_SECONDS = 5.0
# Hours, absences and visits: without these three no free time can be told.
HOURS = "SELECT therapist_id, weekday, opens, closes, valid_from, valid_until FROM scheduling_weeklyhours WHERE {whose}"
AWAY = (
    "SELECT therapist_id, starts_at, ends_at FROM scheduling_timeoff WHERE {whose} AND ends_at > %s AND starts_at < %s"
)
VISITS = """
    SELECT therapist_id, room_id, extract(epoch FROM occupied_from)::bigint, extract(epoch FROM occupied_until)::bigint
    FROM scheduling_appointment WHERE {whose} AND occupied && tstzrange(%s, %s) AND status IN (
        'held', 'booked', 'confirmed', 'arrived', 'in_session', 'completed'
    )
"""


def asking(connection: psycopg.Connection, random: Random, count: int, *, days: int, whose: str) -> list[Case]:
    """Ask for the times of one therapist (`one`), of anyone (`any`) or of everybody (`each`), on days to come."""
    (service,), (location,) = (
        connection.execute(f"SELECT id FROM people_{table} ORDER BY id LIMIT 1").fetchone() or (0,)  # noqa: S608
        for table in ("service", "location")
    )
    therapists = [row[0] for row in connection.execute("SELECT therapist_id FROM scheduling_weeklyhours GROUP BY 1")]
    return [
        _asking(service, location, random.choice(therapists), _day(random), days, whose) for _number in range(count)
    ]


def _day(random: Random) -> date:
    """Return a working day of the weeks to come, as the desk looks for one."""
    day = timezone.localdate() + timedelta(days=random.randint(3, 56))
    return day + timedelta(days=day.weekday() == 6)  # Sundays are free


def _asking(service: int, location: int, therapist: int, on: date, days: int, whose: str) -> Case:
    asked = {"service": service, "location": location, "on": on.isoformat(), "days": days}
    asked["therapist"] = {"one": therapist, "any": "", "each": "each"}[whose]
    bounds = (on - timedelta(days=1), on + timedelta(days=days + 1))
    which, values = ("therapist_id = %s", (therapist,)) if whose == "one" else ("true", ())
    floor: list[Statement] = [
        (HOURS.format(whose=which), values),
        (AWAY.format(whose=which), (*values, *bounds)),
        (VISITS.format(whose=which), (*values, *bounds)),
    ]
    inside = partial(
        free_by_key, now=timezone.now(), service=service, locations=[location], first=on, days=days,
        therapist=therapist if whose == "one" else None, is_each=whose == "each",
    )  # fmt: skip
    return Case(f"{reverse('scheduling:free-times')}?{urlencode(asked)}", '{"free":[', floor, inside=inside)


def throughput(bench: Bench, operation: Operation) -> Figures:
    """Let eight clients ask for some seconds, each as fast as it is answered, and count."""
    cases = operation.cases(bench.floor, Random(1), bench.requests)  # noqa: S311
    alone = measured(bench, operation)
    seconds = THROUGHPUT_SECONDS * min(1, bench.requests / 100)
    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS_AT_ONCE) as pool:
        turned = [cases[number:] + cases[:number] for number in range(CLIENTS_AT_ONCE)]
        found = list(chain.from_iterable(pool.map(partial(_for_seconds, bench, seconds), turned)))
    lasted = time.perf_counter() - began
    times = [took for took, _is_right in found]
    return Figures(
        p50_ms=round(median(times), 2),
        p95_ms=round(quantiles(times, n=20)[-1], 2),
        queries=alone.queries,
        errors=sum(not is_right for _took, is_right in found),
        floor_p50_ms=alone.floor_p50_ms,
        own={"per_second": round(len(times) / lasted, 1)},
    )


def _for_seconds(bench: Bench, seconds: float, cases: Sequence[Case]) -> list[tuple[float, bool]]:
    """Ask on one connection as plainly as can be: what the asking costs is missing to whoever answers."""
    cookies = "; ".join(f"{name}={value}" for name, value in bench.visitor.cookies.items())
    found = []
    with socket.create_connection((HOST, bench.visitor.port)) as line:
        ends = time.perf_counter() + seconds
        for case in cycle(cases):
            began = time.perf_counter()
            if began > ends:
                return found
            line.sendall(f"GET {case.path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n\r\n".encode())
            head, content = _answer(line)
            is_right = head.startswith(b"HTTP/1.1 200") and case.holds.encode() in content
            found.append(((time.perf_counter() - began) * 1000, is_right))
    return found


def _answer(line: socket.socket) -> tuple[bytes, bytes]:
    """Read one answer, as long as it says that it is."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(line)
    head, _, content = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(content) < length:
        content += _more(line)
    return head, content


def _more(line: socket.socket) -> bytes:
    got = line.recv(65536)
    if not got:
        raise ConnectionError("The web server closed the connection.")
    return got


def flatness(bench: Bench, operation: Operation) -> Figures:
    """Compare with the same in the small house: what has been must not slow down what is to come."""
    here: list[float] = []
    there: list[float] = []
    errors = 0
    is_small = bench.size in {"tiny", "small"}
    with nullcontext(bench) if is_small else bench.beside("small") as small:
        cases = operation.cases(bench.floor, Random(1), bench.requests)  # noqa: S311
        small_cases = operation.cases(small.floor, Random(1), bench.requests)  # noqa: S311
        # In turns, so that whatever else the machine does falls on both.
        for part in _parts(len(cases)):
            for times, whose, which in ((here, bench, cases), (there, small, small_cases)):
                timed(whose, which[part][:2])
                took, wrong = timed(whose, which[part])
                times.extend(took)
                errors += wrong
    alone = measured(bench, operation)
    return Figures(
        p50_ms=round(median(here), 2),
        p95_ms=round(quantiles(here, n=20)[-1], 2),
        queries=alone.queries,
        errors=errors,
        floor_p50_ms=alone.floor_p50_ms,
        own={"ratio": round(median(here) / median(there), 2), "small_p50_ms": round(median(there), 2)},
    )


def _parts(count: int, size: int = 20) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


def _cases(days: int, whose: str) -> Callable[[psycopg.Connection, Random, int], list[Case]]:
    return partial(asking, days=days, whose=whose)


OPERATIONS = (
    Operation("day_slots_one", target_ms=3, cases=_cases(1, "one")),
    Operation("day_slots_any", target_ms=10, cases=_cases(1, "any")),
    Operation("month_slots_one", target_ms=8, cases=_cases(MONTH, "one")),
    Operation("month_slots_all", target_ms=60, cases=_cases(MONTH, "each")),
    Operation(
        "throughput", target_ms=600, cases=_cases(1, "one"), figure="per_second", is_at_least=True, measure=throughput
    ),
    Operation("flatness", target_ms=1.2, cases=_cases(1, "one"), figure="ratio", measure=flatness),
)
