"""What a drill's workers and beat run: the clinic's own, with the provider of texts on loopback.

DRILL_HURRY lets hours pass in seconds (pauses, leases, sweeps); DRILL_WITHOUT takes a protection away, to see that
the drill would notice; DRILL_TIMES has each task delivered so many times.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import django
import httpx
from django.db.models import F

from clinic.celery import app

django.setup()

from clinic.reminders import ahead, delivery, outbox, tasks  # noqa: E402  # the apps must be there first
from clinic.reminders.channels import Refused  # noqa: E402
from clinic.reminders.models import Message  # noqa: E402
from clinic.reminders.texting.providers import Named, Text, text_providers  # noqa: E402

__all__ = ["app"]

PATIENCE = httpx.Timeout(0.5)
HURRIED_LEASE, HURRIED_PATIENCE_SECONDS = timedelta(seconds=6), 2
WITHOUT = os.environ.get("DRILL_WITHOUT", "")


class Loopback:
    """The sink as a provider of texts. Whether it is told to know a text by its key stands in TEXT_URL."""

    def __init__(self, named: Named) -> None:
        self.address = f"http://{named.sender}/"
        self.deduplicates = named.options["keys"] == "yes"

    @contextmanager
    def open(self) -> Iterator[Loopback]:
        """Keep one connection for a batch."""
        with httpx.Client(timeout=PATIENCE) as self.client:
            yield self

    def send(self, text: Text) -> str:
        """Hand it over, as the clinic's own providers do."""
        try:
            answer = self.client.post(self.address, json={"key": str(text.key), "to": text.to, "words": text.words})
        except httpx.ConnectError as problem:
            raise Refused("The provider cannot be reached.") from problem
        if answer.status_code != HTTPStatus.OK:
            raise Refused("The provider refused it.", for_good=answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR)
        return ""


def everywhere(name: str, value: object) -> None:
    """Put a value in the place of one that several modules have imported."""
    for module in [one for path, one in sys.modules.items() if path.startswith("clinic.reminders.")]:
        if hasattr(module, name):
            setattr(module, name, value)


def hurry(seconds: float) -> None:
    """Let beat sweep every so many seconds, and all that waits wait as little."""
    everywhere("LEASE", HURRIED_LEASE)
    everywhere("BATCH", 10)
    delivery.PAUSES = (timedelta(seconds=seconds),)
    delivery.PATIENCE_SECONDS = HURRIED_PATIENCE_SECONDS
    tasks.PLANNED_ANEW_SECONDS = 2 * seconds
    sweep = {"task": "clinic.reminders.tasks.sweep", "schedule": seconds, "options": {"expires": 2 * seconds}}
    app.conf.beat_schedule = {"sweep": sweep}


def claim_blindly(_now: datetime, *, only: Collection[int]) -> outbox.Claim:
    """Take what others may hold, or have sent."""
    token, wanted = uuid4(), Message.objects.filter(pk__in=only)
    until = _now + outbox.LEASE
    wanted.update(state="claimed", claimed_by=token, lease_until=until, attempts=F("attempts") + 1)
    return outbox.Claim(token, list(wanted.values_list("pk", flat=True)))


def take_away(protection: str) -> None:
    """Run as a house would that had never heard of it."""
    if protection == "claim":
        delivery.claim = claim_blindly
    elif protection == "lease":
        everywhere("LEASE", timedelta(hours=10))
        delivery.DATABASE_IS_AWAY = ()
    elif protection == "look_again":
        ahead.BEGIN = ahead.BEGIN.replace("AND EXISTS (SELECT FROM unchanged)", "")


def deliver_times(count: int) -> None:
    """Put each task into the queue so many times."""
    plan = tasks.plan

    def plan_all(*facts: Any) -> None:
        for _ in range(count):
            plan(*facts)

    tasks.plan = plan_all


text_providers.register("loopback", Loopback)
if os.environ.get("DRILL_HURRY"):
    hurry(float(os.environ["DRILL_HURRY"]))
take_away(WITHOUT)
deliver_times(int(os.environ.get("DRILL_TIMES", "1")))
