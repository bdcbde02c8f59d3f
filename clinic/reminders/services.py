"""What this room does for others: a round of the sweep, and what a person does about a message in trouble.

The database is the only truth: a row exists once by its unique key, and is claimed by one worker at a time. See
`outbox.py` for the rows and `delivery.py` for the sending.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.people.models import User
from clinic.reminders.delivery import deliver, deliver_batch, look_again, receipt
from clinic.reminders.models import Message
from clinic.reminders.outbox import Outcome, claim, due_batches, prepare

__all__ = ["claim", "deliver", "deliver_batch", "due_batches", "prepare", "receipt", "settle", "sweep", "try_again"]

State = Message.State


def sweep(now: datetime) -> int:
    """Do a whole round in this process: find, write down, claim, deliver. Return how many messages were in hand."""
    prepare(now)
    handled = 0
    while (claimed := claim(now)).pks:
        handled += len(claimed.pks) - len(deliver(claimed, now))
    return handled


@transaction.atomic
def try_again(*, by: User, now: datetime, message: Message) -> Message:
    """Have a failed or uncertain message sent once more: by the next sweep, or when the quiet hours are over.

    Raises ValidationError where it would not go out.
    """
    message = open_trouble(message)
    if now >= message.useless_after:
        raise ValidationError(_("It is too late to send this message."))
    expected = look_again(message, now)
    message.due_at = now
    if isinstance(expected, Outcome):
        if expected.due_at is None:
            raise ValidationError(expected.problem or _("This message is no longer needed."))
        message.due_at = expected.due_at
    message.state, message.problem, message.provider_key = State.WAITING, "", ""
    message.attempts, message.claimed_by = 0, None
    message.tried_again_by = by
    message.save(
        update_fields=["state", "problem", "provider_key", "due_at", "attempts", "claimed_by", "tried_again_by"]
    )
    return message


@transaction.atomic
def settle(*, by: User, now: datetime, message: Message) -> Message:
    """Record that somebody saw to a failed or uncertain message otherwise, as by phoning. Raises ValidationError."""
    message = open_trouble(message)
    message.settled_at, message.settled_by = now, by
    message.save(update_fields=["settled_at", "settled_by"])
    return message


def open_trouble(message: Message) -> Message:
    """Lock a message that still needs a person. Raises ValidationError when it no longer does."""
    locked = Message.objects.select_for_update().needing_a_person().filter(pk=message.pk).first()
    if locked is None:
        raise ValidationError(_("Somebody has already seen to this message."))
    return locked
