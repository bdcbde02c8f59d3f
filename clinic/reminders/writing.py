"""Turning a message into the letter she reads: her language, her location's wall clock."""

import re
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import timezone, translation

from clinic.people.models import Client, Clinic, Location
from clinic.reminders.channels import Letter
from clinic.reminders.models import Message


def zone_of(context: dict[str, Any]) -> ZoneInfo:
    """Return the zone whose wall clock counts: what the message is about says it, else the clinic's first location."""
    zone = context.get("zone")
    return zone if isinstance(zone, ZoneInfo) else Location.objects.earliest("pk").zone


def write_letter(message: Message, *, client: Client, to: str, template: str, context: dict[str, Any]) -> Letter:
    """Render subject, text and html of templates/emails/<template>/."""
    words = {"clinic": Clinic.objects.get(), "called": client.called} | context
    with translation.override(client.language), timezone.override(zone_of(context)):
        subject, text, html = (
            render_to_string(f"emails/{template}/{part}", words) for part in ("subject.txt", "text.txt", "html.html")
        )
    # What a template leaves out leaves its empty line behind.
    plain = re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n"
    calendar = context.get("calendar", b"")
    return Letter(
        key=message.pk,
        secret=message.key,
        to=to,
        subject=" ".join(subject.split()),
        text=plain,
        html=html,
        calendar=calendar,
    )
