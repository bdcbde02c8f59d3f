from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse
from django.utils import timezone

from clinic.people.models import Clinic
from clinic.people.services import issue_set_up_token


class Command(BaseCommand):
    help = "Print the one-time link that sets the clinic up; once it is set up, say so."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base", default=settings.SITE_URL, help="Address at which Stillpoint answers")

    def handle(self, *args: Any, base: str, **options: Any) -> None:
        base = base.rstrip("/")
        clinic = Clinic.objects.first()
        if clinic is not None:
            self.stdout.write(f"{clinic.name} is set up; sign in at {base}{reverse('account_login')}")
            return
        token = issue_set_up_token(now=timezone.now())
        self.stdout.write("Set up your clinic here (once, within 24 hours):")
        self.stdout.write(f"  {base}{reverse('people:setup', args=[token])}")
