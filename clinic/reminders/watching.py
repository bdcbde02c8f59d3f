"""Telling the owners when messages do not go out. It leans on none of the parts it watches but the mail server."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from smtplib import SMTPException
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import send_mail
from django.db import DatabaseError, close_old_connections
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.celery import leave_pulse
from clinic.people.models import Role, User
from clinic.reminders.doctor import Finding, working_parts

logger = logging.getLogger(__name__)

LOOKS_EVERY_SECONDS = 15
# A part that is just restarting is no reason to write; two minutes are.
PATIENT_FOR_LOOKS = 8


def watch() -> None:
    """Look again and again, until this process is ended."""
    watcher = Watcher()
    while True:
        close_old_connections()  # one that broke with the database
        watcher.look(timezone.now())
        leave_pulse("watch")
        time.sleep(LOOKS_EVERY_SECONDS)


@dataclass
class Watcher:
    """Remembers how things were at the last looks, and whom to write to when even the database cannot be asked."""

    owners: list[str] = field(default_factory=list)
    bad_looks: int = 0
    is_told: bool = False

    def look(self, now: datetime) -> None:
        """Look at every part once, and write when trouble lasts or is over."""
        self._remember_owners()
        trouble = [finding for finding in working_parts(now) if not finding.is_well]
        self.bad_looks = self.bad_looks + 1 if trouble else 0
        if self.bad_looks >= PATIENT_FOR_LOOKS and not self.is_told:
            self.is_told = self._write(_("Messages are not going out"), trouble)
        elif self.is_told and not trouble:
            self.is_told = not self._write(_("Messages go out again"), [])

    def _remember_owners(self) -> None:
        try:
            owners = User.objects.filter(is_active=True, roles__contains=[Role.OWNER])
            self.owners = list(owners.order_by("pk").values_list("email", flat=True))
        except DatabaseError:
            logger.warning("The owners' addresses cannot be read; the last known ones serve.")

    def _write(self, subject: str, trouble: Sequence[Finding]) -> bool:
        """Write to the owners what is wrong and what to do; True where the mail server took it."""
        logger.warning("%s: %s", subject, ", ".join(finding.part for finding in trouble) or "all is well")
        lines = [f"{finding.name}: {finding.words} {finding.advice}" for finding in trouble]
        lines.append(urljoin(settings.SITE_URL, reverse("reminders:how-they-go")))
        try:
            send_mail(subject, "\n\n".join(lines) + "\n", None, self.owners)
        except (OSError, SMTPException):
            logger.exception("The owners could not be told; the next look tries again.")
            return False
        return True
