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
from tests.benchmarks.measuring import Bench, Figures, timed
from tests.benchmarks.operations import Case, Operation

OF_THE_CALENDAR = (
    "day_slots_one", "day_slots_any", "month_slots_one", "month_slots_all", "create_booking", "series_52",
    "throughput", "race", "flatness",
)  # fmt: skip


@pytest.fixture
def environment() -> dict[str, str]:
    """Serve as the app's role and make the database as the owner's, as the command is run outside of tests."""
    addresses = {"DATABASE_URL": os.environ[APP_ADDRESS], "MIGRATION_DATABASE_URL": os.environ["DATABASE_URL"]}
    return os.environ | addresses | {"EMBEDDED": "true", "ALLOWED_HOSTS": "127.0.0.1", "INSECURE_COOKIES": "true"}


def benchmark(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "manage.py"), "benchmark", "--size", "tiny", "--requests", "8", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603


def test_it_writes_down_what_each_operation_costs(environment: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("Before.\n<!-- tiny -->\nold\n<!-- /tiny -->\nAfter.\n")
    done = benchmark(environment, "--json", str(tmp_path / "figures.json"), "--markdown", str(page))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "figures.json").read_text())
    assert set(record) == {"operations", "rows", "machine", "commit"}
    assert {"client_search", "client_page", *OF_THE_CALENDAR} <= set(record["operations"])
    for name, figures in record["operations"].items():
        assert {"p50_ms", "p95_ms", "queries", "errors", "floor_p50_ms"} <= set(figures)
        assert figures["floor_p50_ms"] > 0, name
        assert 0 < figures["p50_ms"] <= figures["p95_ms"], name
        assert figures["queries"] > 0
        assert figures["errors"] == 0, name
    assert record["operations"]["race"]["winners_per_slot"] == 1
    assert record["operations"]["throughput"]["per_second"] > 0
    assert record["operations"]["flatness"]["ratio"] > 0
    assert record["rows"]["clients"] == 200
    assert record["rows"]["visits"] >= 1000
    before, table, after = page.read_text().partition("| day_slots_one | ≤ 3 ms |")
    assert before.startswith("Before.\n<!-- tiny -->\n")
    assert table
    assert after.endswith("<!-- /tiny -->\nAfter.\n")
    assert "old" not in page.read_text()
    assert "client_search" in done.stdout


def test_it_names_the_operations_that_there_are(environment: dict[str, str]) -> None:
    done = benchmark(environment, "--only", "flying")
    assert done.returncode == 1
    assert "client_search" in done.stderr


def test_an_answer_that_is_not_the_expected_one_is_an_error() -> None:
    class Nobody:
        def ask(self, path: str, form: object) -> tuple[int, str]:
            return (200, "Alice Moreau") if path == "/here/" else (404, "Alice Moreau")

    right = Case("/here/", "Alice Moreau", [])
    cases = [right, replace(right, holds="Carl Hansen"), replace(right, path="/nowhere/"), replace(right, form={})]
    times, errors = timed(Bench("tiny", Nobody(), None, None, 4, None), cases)  # type: ignore[arg-type]
    assert (len(times), errors) == (4, 3)


def test_a_target_is_a_time_that_is_not_passed_or_a_number_that_is_reached() -> None:
    figures = Figures(p50_ms=4, p95_ms=9, queries=1, errors=0, floor_p50_ms=1, own={"per_second": 500})
    quick = Operation("quick", target_ms=4, cases=lambda *_: [])
    assert quick.is_met_by(figures)
    assert not replace(quick, target_ms=3.9).is_met_by(figures)
    assert not replace(quick, target_ms=8, figure="p95_ms").is_met_by(figures)
    many = replace(quick, target_ms=500, figure="per_second", is_at_least=True)
    assert many.is_met_by(figures)
    assert not replace(many, target_ms=501).is_met_by(figures)


@pytest.mark.parametrize(
    ("address", "moved"),
    [
        ("postgres://app:secret@db:5432/clinic?sslmode=require", "postgres://app:secret@db:5432/own?sslmode=require"),
        ("postgres://app:secret@/%2Frun%2Fsockets/clinic", "postgres://app:secret@/%2Frun%2Fsockets/own"),
    ],
)
def test_its_database_is_another_one_on_the_same_server(address: str, moved: str) -> None:
    assert address_of(address, "own") == moved
