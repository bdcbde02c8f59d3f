"""Measure one operation over HTTP as a signed-in browser does, beside its floor in the same run."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from random import Random
from statistics import median, quantiles
from urllib.parse import urlencode, urlsplit

import psycopg
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from clinic.people.models import User
from tests.benchmarks.database import DESK
from tests.benchmarks.operations import Case, Operation, Statement

HOST = "127.0.0.1"
WARM_UP = 40
AT_ONCE = 4
INSIDE = 60


@dataclass(frozen=True)
class Figures:
    """What one operation costs over HTTP, what its bare statements cost in the same run, and without HTTP where known.

    Some have a figure of their own, as the number of requests per second.
    """

    p50_ms: float
    p95_ms: float
    queries: int
    errors: int
    floor_p50_ms: float
    inside_p50_ms: float | None = None
    at_once_p50_ms: float | None = None
    own: Mapping[str, float] = field(default_factory=dict)

    def value_of(self, figure: str) -> float:
        """Return one of the figures by its name."""
        found: float = self.own[figure] if figure in self.own else getattr(self, figure)
        return found

    def record(self) -> dict[str, float]:
        """Return the figures as they are kept; what was not measured is left out."""
        plain = {name: value for name, value in vars(self).items() if name != "own" and value is not None}
        return plain | dict(self.own)


class Visitor:
    """A browser that keeps its connection and its cookies."""

    def __init__(self, port: int, cookies: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.line = http.client.HTTPConnection(HOST, port, timeout=30)
        self.cookies = dict(cookies or {})

    def ask(self, path: str, form: Mapping[str, object] | None = None) -> tuple[int, str]:
        """Send one request and return status and content; a connection that was closed meanwhile is opened again."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body = urlencode({"csrfmiddlewaretoken": self.cookies.get("csrftoken", ""), **form}, doseq=True)
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": f"http://{HOST}:{self.port}{urlsplit(path).path}",
            }
        try:
            answer = self._send(path, body, headers)
        except (http.client.HTTPException, ConnectionError):
            self.line.close()
            answer = self._send(path, body, headers)
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read().decode()

    def _send(self, path: str, body: str | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        self.line.request("POST" if body else "GET", path, body, dict(headers))
        return self.line.getresponse()

    def companion(self) -> Visitor:
        """Return another window of the same browser."""
        return Visitor(self.port, self.cookies)

    def sign_in(self, email: str, password: str) -> None:
        """Go through the sign-in form, as everybody does."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.ask("/login/")[1])
        form = {"csrfmiddlewaretoken": found[1] if found else "", "login": email, "password": password}
        status, _ = self.ask("/login/", form)
        if status != HTTPStatus.FOUND:
            raise CommandError(f"The sign-in of the benchmark was refused ({status}).")


@dataclass(frozen=True)
class Bench:
    """A served database of some size: a visitor who has signed in, bare connections, and how many requests to make."""

    size: str
    visitor: Visitor
    floor: psycopg.Connection
    # Of the owner, who may also delete what the house only adds to.
    owner: psycopg.Connection
    requests: int
    # Serves the database of another size beside this one.
    beside: Callable[[str], AbstractContextManager[Bench]]


def measured(bench: Bench, operation: Operation) -> Figures:
    """Measure one operation: warmed up, one request after the other, then some at once, then inside, then its floor."""

    def cases() -> list[Case]:
        # The same requests at every run; but each form is a new one, for it counts only once.
        return operation.cases(bench.floor, Random(1), bench.requests)  # noqa: S311

    for case in cases()[:WARM_UP]:
        asked(bench, case)
    times, errors = timed(bench, cases())
    at_once = _at_once(bench, cases()) if all(case.form is None for case in cases()) else None
    inside = [_inside_time(bench, case) for case in cases()[:INSIDE] if case.inside]
    floors = [_bare_time(bench, case) for case in cases()]
    return Figures(
        p50_ms=round(median(times), 2),
        p95_ms=round(quantiles(times, n=20)[-1], 2),
        queries=queries_of(bench, *cases()[:2]),
        errors=errors,
        floor_p50_ms=round(median(floors), 2),
        inside_p50_ms=round(median(inside), 2) if inside else None,
        at_once_p50_ms=round(median(at_once), 2) if at_once else None,
    )


def asked(bench: Bench, case: Case) -> tuple[float, bool]:
    """Make one request; return its time in milliseconds, and whether the answer was what it should be."""
    began = time.perf_counter()
    status, content = bench.visitor.ask(case.path, case.form)
    took = (time.perf_counter() - began) * 1000
    put_back(bench, case.undo)
    return took, case.is_answered_by(status, content)


def timed(bench: Bench, cases: Sequence[Case]) -> tuple[list[float], int]:
    """Return the time of each request in milliseconds, and how many answers were not what they should be."""
    found = [asked(bench, case) for case in cases]
    return [took for took, _is_right in found], sum(not is_right for _took, is_right in found)


def put_back(bench: Bench, undo: Sequence[Statement]) -> None:
    """Make the database as it was before a request."""
    for sql, values in undo:
        bench.owner.execute(sql.encode(), values)


def _at_once(bench: Bench, cases: Sequence[Case]) -> list[float]:
    def one_of_them(number: int) -> list[float]:
        companion = replace(bench, visitor=bench.visitor.companion())
        return timed(companion, cases[number::AT_ONCE])[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [took for times in pool.map(one_of_them, range(AT_ONCE)) for took in times]


def _inside_time(bench: Bench, case: Case) -> float:
    began = time.perf_counter()
    if case.inside:
        case.inside()
    took = (time.perf_counter() - began) * 1000
    put_back(bench, case.undo)
    return took


def _bare_time(bench: Bench, case: Case) -> float:
    began = time.perf_counter()
    with bench.floor.transaction() if case.form is not None else nullcontext():
        for sql, values in case.floor:
            found = bench.floor.execute(sql.encode(), values)
            if found.description:
                found.fetchall()
    took = (time.perf_counter() - began) * 1000
    put_back(bench, case.undo)
    return took


def queries_of(bench: Bench, first: Case, second: Case) -> int:
    """Count the queries of the second of two requests, in this process."""
    browser = Browser(headers={"host": HOST})
    browser.force_login(User.objects.get(email=DESK))
    for case in (first, second):
        with CaptureQueriesContext(connection) as captured:
            if case.form is None:
                browser.get(case.path, secure=True)
            else:
                browser.post(case.path, case.form, secure=True)
        put_back(bench, case.undo)
    return len(captured)
