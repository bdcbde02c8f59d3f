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

FILE_WIDTH = 140
HEADINGS = (
    "operation", "target", "met", "p50 ms", "p95 ms", "4 at once", "inside", "floor", "queries", "errors"
)  # fmt: skip


class Command(BaseCommand):
    help = "Measure the house over HTTP, in a database of its own that is kept between runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--size", default="medium", choices=["tiny", "small", "medium", "large"])
        parser.add_argument("--only", default="", metavar="NAME,…", help="Measure these operations only.")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Keep the figures in this file.")
        parser.add_argument("--markdown", type=Path, metavar="FILE", help="Renew the table of this size in this page.")
        parser.add_argument(
            "--peer", type=Path, metavar="VENV", help="Measure django-appointment too, which is installed there."
        )
        parser.add_argument("--requests", type=int, default=400, help="How many requests of each operation.")

    def handle(self, *args: Any, size: str, only: str, requests: int, **options: Any) -> None:
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
                peer=options["peer"],
                progress=lambda doing, share: bar.update(task, description=doing, completed=share),
            )
            bar.update(task, description="Done", completed=1)
        # A file has no width of its own.
        Console(width=None if self.stdout.isatty() else FILE_WIDTH).print(_table(outcomes, record["rows"]))
        if "peer" in record:
            self.stdout.write(_of_peer(record["peer"]))
        if options["json"]:
            options["json"].write_text(_as_text(record))
        if options["markdown"]:
            _replace_table(options["markdown"], size, _in_markdown(outcomes, record))
        if any(outcome.figures.errors for outcome in outcomes):
            raise CommandError("Some answers were not what they should be.")


def _as_text(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _table(outcomes: Any, rows: dict[str, int]) -> Table:
    """Put the figures beside their targets; a miss is marked."""
    table = Table(title=", ".join(f"{count:,} {what}" for what, count in rows.items()))
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "operation" else "right", no_wrap=heading == "operation")
    for outcome in outcomes:
        table.add_row(*_row(outcome), style="" if outcome.operation.is_met_by(outcome.figures) else "bold")
    return table


def _row(outcome: Any) -> list[str]:
    """Return the figures of one operation in words; what was not measured is a dash."""
    operation, figures = outcome.operation, outcome.figures
    own = [f"{name.removesuffix('_ms').replace('_', ' ')} {value:g}" for name, value in figures.own.items()]
    times = (
        figures.p50_ms, figures.p95_ms, figures.at_once_p50_ms, figures.inside_p50_ms, figures.floor_p50_ms
    )  # fmt: skip
    return [
        operation.name,
        ", ".join([operation.target, *own]),
        "yes" if operation.is_met_by(figures) else "no",
        *("–" if value is None else f"{value:.1f}" for value in times),
        str(figures.queries),
        str(figures.errors),
    ]


def _in_markdown(outcomes: Any, record: dict[str, Any]) -> str:
    """Return the table as a page in the documentation shows it, with what it was taken on."""
    machine = record["machine"]
    lines = [
        "| " + " | ".join(HEADINGS) + " |",
        "|---|" + "---:|" * (len(HEADINGS) - 1),
        *("| " + " | ".join(_row(outcome)) + " |" for outcome in outcomes),
        "",
        ", ".join(f"{count:,} {what}" for what, count in record["rows"].items())
        + f". Python {machine['python']}, PostgreSQL {machine['postgres']}, {machine['workers']} workers on "
        f"{machine['cpus']} processors ({machine['system']}), commit {record['commit'] or 'unknown'}.",
    ]
    if "peer" in record:
        lines += ["", _of_peer(record["peer"])]
    return "\n".join(lines) + "\n"


def _of_peer(peer: dict[str, Any]) -> str:
    """Say what the same costs a peer."""
    told = [
        f"{name} {figures['p50_ms']:g} ms ({figures['queries']} queries)"
        if "p50_ms" in figures
        else f"{name} {figures['winners_per_slot']:g} winners per slot"
        for name, figures in peer["operations"].items()
    ]
    return f"{peer['name']}, beside it and without a web server: {', '.join(told)}."


def _replace_table(page: Path, size: str, table: str) -> None:
    """Put the table between the two marks of its size."""
    begins, ends = f"<!-- {size} -->\n", f"<!-- /{size} -->"
    before, found, rest = page.read_text().partition(begins)
    _old, also_found, after = rest.partition(ends)
    if not (found and also_found):
        raise CommandError(f"{page} has no place for this table: no lines “{begins.strip()}” and “{ends}”.")
    page.write_text(f"{before}{begins}\n{table}\n{ends}{after}")
