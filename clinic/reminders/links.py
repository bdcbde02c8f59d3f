"""The private link of a message. Its token is derived from the row and the installation's secret; it is kept nowhere.

It is short, because texts carry it: the row's number, which is no secret, and 128 bits that nobody can guess.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import base36_to_int, int_to_base36

from clinic.reminders.models import Message
from clinic.reminders.reading import OF_A_VISIT
from clinic.scheduling.models import Appointment

_SECRET_BYTES = 16
# Longer than any key that the database has.
_MOST_DIGITS = 13


def token_for(message: Message) -> str:
    """Return the token that opens what this message is about."""
    told = f"{message.pk}:{message.key.hex}"
    digest = salted_hmac("clinic.reminders.links", told, algorithm="sha256").digest()
    return f"{int_to_base36(message.pk)}.{urlsafe_b64encode(digest[:_SECRET_BYTES]).rstrip(b'=').decode()}"


def message_by(token: str) -> Message | None:
    """Return the message whose token this is, or None when this installation did not make it."""
    number = token.partition(".")[0]
    if not number.isascii() or not number.isalnum() or len(number) >= _MOST_DIGITS:
        return None
    message = Message.objects.filter(pk=base36_to_int(number)).first()
    return message if message and constant_time_compare(token, token_for(message)) else None


def address_of(message: Message) -> str:
    """Return the whole address for a letter."""
    return str(settings.SITE_URL) + reverse("booking:visit-link", args=[token_for(message)])


def visit_behind(message_pk: int, now: datetime) -> Appointment | None:
    """Return the visit that a message spoke of, with its people, until it is over; None for all else."""
    message = Message.objects.filter(pk=message_pk, kind__in=OF_A_VISIT).first()
    if message is None:
        return None
    return Appointment.objects.filter(pk=message.subject_pk, ends_at__gt=now).with_people().first()
