"""Serve the benchmark's database as in production, sign in, and measure each operation beside its floor."""

from __future__ import annotations

import json
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import environ
from django.core.management.base import CommandError
from django.db import connection

from clinic.people.models import User
from tests.benchmarks.database import (
    CHECKOUT,
    DESK,
    SIZES,
    Progress,
    address_of,
    bare,
    create,
    prepared,
    put_back_by,
    rows_of,
    turn_to,
)
from tests.benchmarks.measuring import HOST, Bench, Figures, Visitor, measured
from tests.benchmarks.operations import Operation, operations

WORKERS = 4
# As in the Dockerfile but for the number of workers, which is the one that the targets speak of.
GUNICORN = (
    "-m", "gunicorn", "clinic.wsgi:application", "--worker-class", "gthread", "--workers", str(WORKERS),
    "--threads", "4", "--no-control-socket", "--log-level", "warning",
)  # fmt: skip
START_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """One operation and what it costs."""

    operation: Operation
    figures: Figures


def run(
    size: str, *, only: str, requests: int, peer: Path | None, progress: Progress
) -> tuple[list[Outcome], dict[str, Any]]:
    """Measure, and return the outcomes and the same as the record that is kept."""
    known = operations()
    names = only.split(",") if only else list(known)
    if strange := set(names) - set(known):
        raise CommandError(f"There is no operation “{', '.join(sorted(strange))}”; there are {', '.join(known)}.")
    wanted = [known[name] for name in names]
    outcomes = []
    with serving(size, requests=requests, progress=progress) as bench:
        for done, operation in enumerate(wanted):
            progress(f"Measuring {operation.name}", done / len(wanted))
            outcomes.append(Outcome(operation, (operation.measure or measured)(bench, operation)))
    beside = {"peer": peer_figures(peer, size, requests, progress)} if peer else {}
    return outcomes, beside | {
        "operations": {outcome.operation.name: outcome.figures.record() for outcome in outcomes},
        "rows": rows_of(),
        "machine": machine(),
        "commit": commit(),
    }


def peer_figures(venv: Path, size: str, requests: int, progress: Progress) -> dict[str, Any]:
    """Measure what is installed in another environment, in a database of the same size of its own."""
    progress("Filling and measuring the peer", 0)
    name = f"stillpoint_benchmark_peer_{size}"
    owner = os.environ["MIGRATION_DATABASE_URL"]
    create(name, owner)
    asked = {
        "database": environ.Env.db_url_config(address_of(owner, name)), "therapists": SIZES[size].therapists,
        "visits_each": SIZES[size].visits_each, "requests": requests,
    }  # fmt: skip
    # -P: the files beside the script are not its modules.
    command = [str(venv / "bin" / "python"), "-P", str(Path(__file__).with_name("peer.py"))]
    done = subprocess.run(command, input=json.dumps(asked), text=True, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode:
        raise CommandError(f"The peer could not be measured with {command[0]}; the reason stands above.")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def serving(size: str, *, requests: int, progress: Progress) -> Iterator[Bench]:
    """Serve the database of a size, filled where it is not yet, to somebody who has signed in."""

    @contextmanager
    def beside(other: str) -> Iterator[Bench]:
        with serving(other, requests=requests, progress=progress) as bench:
            turn_to(size)
            yield bench

    addresses = prepared(size, progress)
    password = _fresh_password()
    with (
        served(addresses) as port,
        bare(addresses["DATABASE_URL"]) as floor,
        put_back_by(addresses["MIGRATION_DATABASE_URL"]) as owner,
    ):
        visitor = Visitor(port)
        visitor.sign_in(DESK, password)
        yield Bench(size, visitor, floor, owner, requests, beside)


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
