"""Fill an empty clinic with the example, and print one sign-in per role."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from clinic.demo import cast
from clinic.demo.filling import demo_password, fill, is_filled
from clinic.demo.founding import DESK, OWNER
from clinic.people.models import Clinic

SIGN_INS = (("owner", OWNER[1]), ("therapist", cast.THERAPISTS[0].email), ("front desk", DESK[1]))


class Command(BaseCommand):
    help = "Fill the clinic with an example if it is empty, and print one sign-in per role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base", default=settings.SITE_URL, help="The address at which the clinic answers.")

    def handle(self, *args: Any, base: str, **options: Any) -> None:
        if not Clinic.objects.exists():
            self._fill()
        if not is_filled():
            raise CommandError("This clinic is a real one, not the example: start it with make up.")
        self._print_sign_ins(base)

    def _fill(self) -> None:
        columns = (TextColumn("Filling the example clinic"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        # On a terminal a moving bar; in a log one line at the end.
        with Progress(*columns, console=Console()) as bar:
            task = bar.add_task("", total=1.0)
            fill(timezone.now(), lambda share: bar.update(task, completed=share))
            bar.update(task, completed=1.0)

    def _print_sign_ins(self, base: str) -> None:
        password = demo_password()
        lines = [f"The example clinic: {base}{reverse('account_login')}"]
        lines += [f"  {role:<10}  {email:<26}  password {password}" for role, email in SIGN_INS]
        lines.append(
            f"  {'client':<10}  {cast.email_of(cast.CLIENTS[0].name):<26}  a code by mail: it appears here below"
        )
        if settings.MAILBOX:
            lines.append(f"Every message as its reader sees it (signed in as staff): {base}{reverse('demo:mailbox')}")
        self.stdout.write("\n".join(lines))
