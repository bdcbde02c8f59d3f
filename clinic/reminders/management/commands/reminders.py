"""`reminders doctor`, `watch`, `drill`: how messages go, telling the owners when they do not, and trying it all."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from clinic.reminders.doctor import examine
from clinic.reminders.watching import watch

CHECKOUT = Path(__file__).resolve().parents[4]


def at_least_a_hundred(text: str) -> int:
    """Read a number of messages."""
    if not text.isascii() or not text.isdigit() or int(text) < 100:  # noqa: PLR2004  # fewer show nothing
        raise ArgumentTypeError(f"the number of messages must be 100 or more, not “{text}”")
    return int(text)


class Command(BaseCommand):
    help = "Say how messages go (doctor), tell the owners when they do not (watch), or try everything (drill)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="what", required=True, metavar="doctor|watch|drill")
        kinds.add_parser("doctor", help="Say what is due, stuck and failing, and whether everything runs.")
        kinds.add_parser("watch", help="Look all the time, and write to the owners when something is wrong.")
        drill = kinds.add_parser("drill", help="Kill, restart and flood everything, in a house of its own.")
        drill.add_argument("--messages", type=at_least_a_hundred, default=100_000)
        drill.add_argument("--json", type=Path, metavar="FILE", help="Keep the figures in this file.")
        drill.add_argument("--markdown", type=Path, metavar="FILE", help="Renew the table in this page.")
        drill.add_argument("--only", default="", metavar="R1,…", help="Run these experiments only.")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        if what == "doctor":
            self.doctor()
        elif what == "watch":
            watch()
        else:
            drill(**{name: options[name] for name in ("messages", "json", "markdown", "only")})

    def doctor(self) -> None:
        """Print one line per part and end with an error when one is not well."""
        findings = examine(timezone.now())
        table = Table(box=None, show_header=False)
        for finding in findings:
            table.add_row(str(finding.name), finding.word, finding.words, finding.advice)
        Console(width=None if self.stdout.isatty() else 160).print(table)
        if not all(finding.is_well for finding in findings):
            raise CommandError("Something is not well; what to do stands beside it.")


def drill(**options: Any) -> None:
    """Run the drill in a process of its own, which has its own database and broker from its first line on."""
    if not (CHECKOUT / "tests" / "drills" / "drill.py").exists():
        raise CommandError("The drill lives in tests/, which is not here.")
    words = [word for name, value in options.items() if value for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.drills.drill", *words]
    code = subprocess.run(command, cwd=CHECKOUT, check=False).returncode  # noqa: S603  # our own program
    if code:
        sys.exit(code)
