"""The few words with which the house itself answers a text: at once, at most once, and not to a machine for ever."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from clinic.people.emergencies import emergency_number
from clinic.people.models import Clinic, Location
from clinic.reminders.channels import Refused
from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.providers import Text, text_provider
from clinic.scheduling.models import Appointment

logger = logging.getLogger(__name__)

# Later, an automatic answer only puzzles.
OF_USE = timedelta(minutes=15)
AT_ONCE = 50


def send_answers(now: datetime) -> int:
    """Send what phones are still to be told, and return how many were taken in hand.

    That an answer has begun is committed before the provider is called; only what was certainly refused is begun again.
    """
    provider = text_provider()
    replies = begin(now) if provider is not None else []
    if provider is None or not replies:
        return 0
    with provider.open() as line:
        for reply in replies:
            try:
                line.send(Text(uuid4(), reply.number, words_for(reply)))
            except Refused as refused:
                if not refused.for_good:
                    Reply.objects.filter(pk=reply.pk).update(answer_begun_at=None)
            except Exception:  # one answer must not hold up the others
                logger.exception("Reply %s may or may not have been answered.", reply.pk)
    return len(replies)


@transaction.atomic
def begin(now: datetime) -> list[Reply]:
    """Take what is to be answered; what another worker is just taking is passed over."""
    waiting = Reply.objects.filter(answer_begun_at__isnull=True, at__gt=now - OF_USE).exclude(answer="")
    locked = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("client", "message")
    replies = list(locked.order_by("at", "pk")[:AT_ONCE])
    Reply.objects.filter(pk__in=[reply.pk for reply in replies]).update(answer_begun_at=now)
    return replies


def words_for(reply: Reply) -> str:
    """Return what a phone is told, in the language of whom the reply is about."""
    clinic, location = Clinic.objects.get(), place_of(reply)
    language = reply.client.language if reply.client else clinic.language
    facts = {
        "clinic": clinic,
        "phone": location.phone if location else "",
        "emergency_number": emergency_number(location),
    }
    with translation.override(language):
        return render_to_string(f"texts/answers/{reply.answer}.txt", facts).strip()


def place_of(reply: Reply) -> Location | None:
    """Return where she is treated: where her next or last visit is, else the clinic's first location."""
    if reply.client:
        visits = Appointment.objects.filter(client=reply.client).select_related("location")
        if visit := visits.order_by("-starts_at").first():
            return visit.location
    return Location.objects.filter(archived_at__isnull=True).order_by("pk").first()
