from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sessions.models import Note
from sessions.signing import first_broken_link


class Command(BaseCommand):
    help = "Check the chain of signed notes; name the first broken one and end with an error."

    def handle(self, *args: Any, **options: Any) -> None:
        """Walk the chain."""
        broken = first_broken_link()
        if broken is not None:
            raise CommandError(f"Note {broken.note_pk}, place {broken.position} in the chain: {broken.problem}.")
        self.stdout.write(f"{Note.objects.signed().count()} signed notes, the chain is whole.")
