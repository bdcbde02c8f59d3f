"""The benchmark itself, at a tiny size: what it writes down, and that it tells a wrong answer from a right one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from clinic.embedded.pytest_plugin import APP_ADDRESS
from tests.benchmarks.database import CHECKOUT, address_of
from tests.benchmarks.operations import Case
from tests.benchmarks.running import timed


@pytest.fixture
def environment() -> dict[str, str]:
    """Serve as the app's role and make the database as the owner's, as the command is run outside of tests."""
    addresses = {"DATABASE_URL": os.environ[APP_ADDRESS], "MIGRATION_DATABASE_URL": os.environ["DATABASE_URL"]}
    return os.environ | addresses | {"EMBEDDED": "true", "ALLOWED_HOSTS": "127.0.0.1", "INSECURE_COOKIES": "true"}


def benchmark(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "manage.py"), "benchmark", "--size", "tiny", "--requests", "8", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603


def test_it_writes_down_what_each_operation_costs(environment: dict[str, str], tmp_path: Path) -> None:
    done = benchmark(environment, "--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "figures.json").read_text())
    assert set(record) == {"operations", "rows", "machine", "commit"}
    assert {"client_search", "client_page"} <= set(record["operations"])
    for figures in record["operations"].values():
        assert set(figures) == {"p50_ms", "p95_ms", "queries", "errors", "floor_p50_ms"}
        assert 0 < figures["floor_p50_ms"] < figures["p50_ms"] <= figures["p95_ms"]
        assert figures["queries"] > 0
        assert figures["errors"] == 0
    assert record["rows"]["clients"] == 200
    assert "client_search" in done.stdout


def test_it_names_the_operations_that_there_are(environment: dict[str, str]) -> None:
    done = benchmark(environment, "--only", "flying")
    assert done.returncode == 1
    assert "client_search" in done.stderr


def test_an_answer_that_is_not_the_expected_one_is_an_error() -> None:
    class Visitor:
        def ask(self, path: str) -> tuple[int, str]:
            return (200, "Alice Moreau") if path == "/here/" else (404, "Alice Moreau")

    right = Case("/here/", "Alice Moreau", [])
    cases = [right, replace(right, holds="Carl Hansen"), replace(right, path="/nowhere/")]
    times, errors = timed(Visitor(), cases)  # type: ignore[arg-type]
    assert (len(times), errors) == (3, 2)


@pytest.mark.parametrize(
    ("address", "moved"),
    [
        ("postgres://app:secret@db:5432/clinic?sslmode=require", "postgres://app:secret@db:5432/own?sslmode=require"),
        ("postgres://app:secret@/%2Frun%2Fsockets/clinic", "postgres://app:secret@/%2Frun%2Fsockets/own"),
    ],
)
def test_its_database_is_another_one_on_the_same_server(address: str, moved: str) -> None:
    assert address_of(address, "own") == moved
