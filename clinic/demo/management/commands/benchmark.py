"""Measure how fast the house is; what is measured, and how, stands in tests/benchmarks."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table


class Command(BaseCommand):
    help = "Measure the house over HTTP, in a database of its own that is kept between runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", default="medium", choices=["tiny", "small", "medium", "large"])
        parser.add_argument("--only", default="", metavar="NAME", help="Measure this operation only.")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Keep the figures in this file.")
        parser.add_argument("--requests", type=int, default=400, help="How many requests of each operation.")

    def handle(self, *args: Any, size: str, only: str, json: Path | None, requests: int, **options: Any) -> None:
        try:
            running = import_module("tests.benchmarks.running")
        except ModuleNotFoundError as missing:
            if not (missing.name or "").startswith("tests"):
                raise
            raise CommandError("The benchmark lives in tests/, which is not here.") from None
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=1.0)
            outcomes, record = running.run(
                size,
                only=only,
                requests=requests,
                progress=lambda doing, share: bar.update(task, description=doing, completed=share),
            )
            bar.update(task, description="Done", completed=1)
        Console().print(_table(outcomes, record["rows"]))
        if json:
            json.write_text(_as_text(record))
        if any(outcome.figures.errors for outcome in outcomes):
            raise CommandError("Some answers were not what they should be.")


def _as_text(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _table(outcomes: Any, rows: dict[str, int]) -> Table:
    """Put the figures beside their targets; a miss is marked."""
    table = Table(title=", ".join(f"{count:,} {what}" for what, count in rows.items()))
    for heading in ("operation", "p50 ms", "target", "p95 ms", "4 at once", "floor", "queries", "errors"):
        table.add_column(heading, justify="left" if heading == "operation" else "right", no_wrap=heading == "operation")
    for outcome in outcomes:
        figures, target = outcome.figures, outcome.operation.target_ms
        is_missed = figures.p50_ms > target
        table.add_row(
            outcome.operation.name, f"{figures.p50_ms:.1f}", f"≤ {target:g}{' missed' if is_missed else ''}",
            f"{figures.p95_ms:.1f}", f"{outcome.at_once_p50_ms:.1f}", f"{figures.floor_p50_ms:.1f}",
            str(figures.queries), str(figures.errors), style="bold" if is_missed else "",
        )  # fmt: skip
    return table
