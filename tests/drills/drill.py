"""The drill: a house of its own is killed, restarted, flooded and deceived, and every message is counted.

`manage.py reminders drill` starts it in a process of its own, whose environment names its own servers.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from clinic.embedded.postgres import APP, OWNER
from clinic.embedded.servers import Servers, end_by_exception_on_sigterm, remove
from clinic.embedded.state import CHECKOUT, CannotStart, Place, is_root
from tests.drills.house import CONCURRENCY, FEW, WORKERS, House

if TYPE_CHECKING:
    from tests.drills.experiments import Experiment, Figures

NAMES = tuple(f"R{number}" for number in range(1, 9))
BEGINS, ENDS = "<!-- drill -->\n", "<!-- /drill -->"
HEADINGS = ("", "experiment", "messages", "lost", "doubled", "uncertain", "kills", "figures", "fails without", "passes")
FILE_WIDTH = 170


def main(words: list[str]) -> int:
    """Run what was asked for; 0 when nothing is off."""
    asked = read(words)
    end_by_exception_on_sigterm()
    try:
        with own_house() as house:
            record = run(house, asked)
    except CannotStart as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    Console(width=None if sys.stdout.isatty() else FILE_WIDTH).print(table_of(record))
    if asked.json:
        asked.json.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    if asked.markdown:
        replace_table(asked.markdown, in_markdown(record))
    wrong = [f"{name}: {sentence}." for name, one in record["experiments"].items() for sentence in one["wrong"]]
    sys.stderr.writelines(f"{sentence}\n" for sentence in wrong)
    return 1 if wrong else 0


def read(words: list[str]) -> Namespace:
    """Read the command's own words, which were checked there, and that files can be written."""
    parser = ArgumentParser(prog="reminders drill")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--only", default="")
    asked = parser.parse_args(words)
    asked.only = [name for name in asked.only.split(",") if name]
    if strange := set(asked.only) - set(NAMES):
        parser.error(f"there is no experiment {', '.join(sorted(strange))}; there are {', '.join(NAMES)}")
    if asked.json and not asked.json.absolute().parent.is_dir():
        parser.error(f"there is no folder {asked.json.absolute().parent} for the figures")
    if asked.markdown and not (asked.markdown.is_file() and BEGINS in asked.markdown.read_text()):
        parser.error(f"{asked.markdown} has no place for the table: no line “{BEGINS.strip()}”")
    return asked


@contextmanager
def own_house() -> Iterator[House]:
    """Have a database and a broker of our own, as durable as the clinic's, and name them in our environment."""
    folder = Path(tempfile.mkdtemp(prefix="stillpoint-drill-"))
    folder.chmod(0o711 if is_root() else 0o700)
    place = Place(folder / "state")
    try:
        with Servers(place) as servers:
            os.environ |= environment(servers)
            house = House(servers, folder)
            os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{house.sink.mail_port}"
            try:
                migrate()
                yield house
            finally:
                house.close()
    finally:
        remove(place)
        shutil.rmtree(folder, ignore_errors=True)


def environment(servers: Servers) -> dict[str, str]:
    """Return settings for loopback, with addresses that nothing outside this process knows."""
    return {
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
        "SECRET_KEY": secrets.token_hex(32),
        "DATABASE_URL": servers.postgres.url(APP),
        "MIGRATION_DATABASE_URL": servers.postgres.url(OWNER),
        "REDIS_URL": servers.valkey.url(),
        "EMBEDDED": "true",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1",
        "INSECURE_COOKIES": "true",
        "SITE_URL": "http://127.0.0.1:8000",
        "TEXT_URL": "",
        "DATABASE_POOL": "false",
    }


def migrate() -> None:
    """Make the tables, and let Django speak to them."""
    command = [sys.executable, str(CHECKOUT / "manage.py"), "migrate", "--noinput", "--verbosity=0"]
    if subprocess.run(command, check=False).returncode:
        raise CannotStart("The drill's database could not be migrated; the reason stands above.")
    import django

    django.setup()


def run(house: House, asked: Namespace) -> dict[str, Any]:
    """Run the experiments, each followed by itself without its protection."""
    from tests.benchmarks.running import commit, machine
    from tests.drills.experiments import EXPERIMENTS, MANY, size_of
    from tests.drills.filling import found

    wanted = {name: one for name, one in EXPERIMENTS.items() if name in (asked.only or EXPERIMENTS)}
    found()
    done: dict[str, dict[str, Any]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=2 * len(wanted))
        for name, experiment in wanted.items():
            count = size_of(experiment, asked.messages)
            bar.update(task, description=f"{name} {experiment.title}, {count:,} messages")
            began, house.hands = time.monotonic(), WORKERS if asked.messages >= MANY else FEW
            figures = outcome_of(experiment, house, count)
            seconds = round(time.monotonic() - began, 1)
            bar.update(task, advance=1, description=f"{name} without {experiment.without}: it must fail")
            house.hands = FEW
            without = experiment.run(house, experiment.messages_without, experiment.without)
            figures.expect(without.wrong, f"passes without {experiment.without} as well, so it shows nothing")
            bar.advance(task)
            bar.console.print(f"{name} {experiment.title}: {'; '.join(figures.wrong) or 'passes'} ({seconds} s)")
            done[name] = vars(figures) | {
                "title": experiment.title, "messages": count, "took_seconds": seconds,
                "without": {"protection": experiment.without, "wrong": without.wrong},
            }  # fmt: skip
    return summary(done) | {"machine": machine(), "commit": commit()}


def outcome_of(experiment: Experiment, house: House, count: int) -> Figures:
    """Run one experiment; one that breaks down is off, and the others still run."""
    from tests.drills.experiments import Figures

    try:
        return experiment.run(house, count, "")
    except Exception as problem:  # noqa: BLE001  # whatever it was, it stands in the table
        return Figures(wrong=[f"broke down: {type(problem).__name__}: {problem}"])


def summary(done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Add up what the experiments found."""
    volume = done.get("R1", {}).get("facts", {})
    rates = ("messages_per_second", "floor_per_second", "claims_per_second", "worker_rss_mb")
    sums = {name: sum(one[name] for one in done.values()) for name in ("lost", "doubled", "uncertain", "kills")}
    return sums | {"concurrency": CONCURRENCY} | {name: volume.get(name) for name in rates} | {"experiments": done}


def rows_of(record: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the table, row by row."""
    for name, one in record["experiments"].items():
        figures = ", ".join(f"{fact.replace('_', ' ')} {value:,}" for fact, value in one["facts"].items())
        counts = [f"{one[fact]:,}" for fact in ("messages", "lost", "doubled", "uncertain", "kills")]
        without = f"{one['without']['protection']}: {'; '.join(one['without']['wrong']) or 'no'}"
        passes = "no: " + "; ".join(one["wrong"]) if one["wrong"] else "yes"
        yield [name, one["title"], *counts, figures, without.replace("_", " "), passes]


def table_of(record: Mapping[str, Any]) -> Table:
    """Put the figures into a table for the terminal."""
    table = Table()
    for heading in HEADINGS:
        table.add_column(heading)
    for row in rows_of(record):
        table.add_row(*row)
    return table


def in_markdown(record: Mapping[str, Any]) -> str:
    """Put them into one for the documentation, with what they were taken on."""
    machine = record["machine"]
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---|---|" + "---:|" * 5 + "---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows_of(record)]
    lines += [
        "",
        f"Python {machine['python']}, PostgreSQL {machine['postgres']}, {machine['cpus']} processors "
        f"({machine['system']}), commit {record['commit'] or 'unknown'}.",
    ]
    return "\n".join(lines) + "\n"


def replace_table(page: Path, table: str) -> None:
    """Put the table between its two marks."""
    before, _begins, rest = page.read_text().partition(BEGINS)
    _old, _ends, after = rest.partition(ENDS)
    page.write_text(f"{before}{BEGINS}\n{table}\n{ENDS}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
