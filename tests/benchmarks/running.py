"""Serve the benchmark's database as in production, sign in, and measure each operation beside its floor."""

from __future__ import annotations

import http.client
import os
import platform
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from random import Random
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from clinic.people.models import User
from tests.benchmarks.database import CHECKOUT, DESK, Progress, bare, prepared, rows_of
from tests.benchmarks.operations import Case, Operation, operations

HOST = "127.0.0.1"
WORKERS = 4
# As in the Dockerfile but for the number of workers, which is the one that the targets speak of.
GUNICORN = (
    "-m", "gunicorn", "clinic.wsgi:application", "--worker-class", "gthread", "--workers", str(WORKERS),
    "--threads", "4", "--no-control-socket", "--log-level", "warning",
)  # fmt: skip
START_SECONDS = 60
WARM_UP = 40
AT_ONCE = 4


@dataclass(frozen=True)
class Figures:
    """What one operation costs over HTTP, and what its bare read costs in the same run."""

    p50_ms: float
    p95_ms: float
    queries: int
    errors: int
    floor_p50_ms: float


@dataclass(frozen=True)
class Outcome:
    """One operation's figures, and what the table says beside them."""

    operation: Operation
    figures: Figures
    at_once_p50_ms: float


class Visitor:
    """A browser that keeps its connection and its cookies."""

    def __init__(self, port: int) -> None:
        self.line = http.client.HTTPConnection(HOST, port, timeout=30)
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Send one request and return status and content; a connection that was closed meanwhile is opened again."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = urlencode(form) if form else None
        if body:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://{HOST}{path}"}
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

    def sign_in(self, email: str, password: str) -> None:
        """Go through the sign-in form, as everybody does."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.ask("/login/")[1])
        form = {"csrfmiddlewaretoken": found[1] if found else "", "login": email, "password": password}
        status, _ = self.ask("/login/", form)
        if status != HTTPStatus.FOUND:
            raise CommandError(f"The sign-in of the benchmark was refused ({status}).")


def run(size: str, *, only: str, requests: int, progress: Progress) -> tuple[list[Outcome], dict[str, Any]]:
    """Measure, and return the outcomes and the same as the record that is kept."""
    wanted = [operation for name, operation in operations().items() if only in {"", name}]
    if not wanted:
        raise CommandError(f"There is no operation “{only}”; there are {', '.join(operations())}.")
    addresses = prepared(size, progress)
    password = _fresh_password()
    with served(addresses) as port, bare(addresses["DATABASE_URL"]) as floor:
        visitor = Visitor(port)
        visitor.sign_in(DESK, password)
        outcomes = []
        for done, operation in enumerate(wanted):
            progress(f"Measuring {operation.name}", done / len(wanted))
            outcomes.append(measured(operation, visitor, port, floor, requests))
    return outcomes, {
        "operations": {outcome.operation.name: asdict(outcome.figures) for outcome in outcomes},
        "rows": rows_of(),
        "machine": machine(),
        "commit": commit(),
    }


def measured(operation: Operation, visitor: Visitor, port: int, floor: psycopg.Connection, requests: int) -> Outcome:
    """Measure one operation: warmed up, one request after the other, then some at once; then its floor."""
    cases = operation.cases(floor, Random(1), requests)  # noqa: S311  # the same requests at every run
    for case in (cases * WARM_UP)[:WARM_UP]:
        visitor.ask(case.path)
    times, errors = timed(visitor, cases)
    floors = [_bare_time(floor, case) for case in cases]
    return Outcome(
        operation,
        Figures(
            p50_ms=round(median(times), 2), p95_ms=round(quantiles(times, n=20)[-1], 2), errors=errors,
            queries=queries_of(cases[0]), floor_p50_ms=round(median(floors), 2),
        ),
        at_once_p50_ms=round(median(_at_once(visitor, port, cases)), 2),
    )  # fmt: skip


def timed(visitor: Visitor, cases: Sequence[Case]) -> tuple[list[float], int]:
    """Return the time of each request in milliseconds, and how many answers were not what they should be."""
    times, errors = [], 0
    for case in cases:
        began = time.perf_counter()
        status, content = visitor.ask(case.path)
        times.append((time.perf_counter() - began) * 1000)
        errors += status != HTTPStatus.OK or case.holds not in content
    return times, errors


def _at_once(visitor: Visitor, port: int, cases: Sequence[Case]) -> list[float]:
    def one_of_them(number: int) -> list[float]:
        companion = Visitor(port)
        companion.cookies = visitor.cookies
        return timed(companion, cases[number::AT_ONCE])[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [took for times in pool.map(one_of_them, range(AT_ONCE)) for took in times]


def _bare_time(floor: psycopg.Connection, case: Case) -> float:
    began = time.perf_counter()
    for sql, values in case.floor:
        floor.execute(sql.encode(), values).fetchall()
    return (time.perf_counter() - began) * 1000


def queries_of(case: Case) -> int:
    """Count the queries of one request, in this process."""
    browser = Browser(headers={"host": HOST})
    browser.force_login(User.objects.get(email=DESK))
    browser.get(case.path, secure=True)
    with CaptureQueriesContext(connection) as captured:
        browser.get(case.path, secure=True)
    return len(captured)


def _fresh_password() -> str:
    """Give the front desk of the benchmark a password that nobody else knows."""
    password = secrets.token_urlsafe()
    desk = User.objects.get(email=DESK)
    desk.set_password(password)
    desk.save(update_fields=["password"])
    return password


@contextmanager
def served(addresses: Mapping[str, str]) -> Iterator[int]:
    """Run the production server over this database, on a port of its own."""
    port = _free_port()
    env = os.environ | addresses | {
        "EMBEDDED": "true", "INSECURE_COOKIES": "true", "DATABASE_POOL": "true", "DEBUG": "false",
        "ALLOWED_HOSTS": HOST, "DJANGO_SETTINGS_MODULE": "clinic.settings",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *GUNICORN, "--bind", f"{HOST}:{port}", "--worker-tmp-dir", folder]
        server = subprocess.Popen(command, cwd=CHECKOUT, env=env, start_new_session=True)  # noqa: S603  # our own
        try:
            _wait_for(server, port)
            yield port
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    limit = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < limit:
        with suppress(OSError):
            if Visitor(port).ask("/livez")[0] == HTTPStatus.OK:
                return
        time.sleep(0.1)
    raise CommandError("The web server did not answer; the reason stands above.")


def machine() -> dict[str, str | int]:
    """Return what the figures were taken on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = str(cursor.fetchone()[0])
    return {
        "cpus": os.cpu_count() or 0, "system": platform.platform(terse=True), "python": platform.python_version(),
        "postgres": postgres, "workers": WORKERS,
    }  # fmt: skip


def commit() -> str:
    """Return the commit that was measured, with a word where files had changed since; empty outside a checkout."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty"]
    with suppress(OSError):
        found = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603  # a fixed command
        return found.stdout.strip()
    return ""
