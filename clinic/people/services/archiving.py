"""Putting a client's record away, and taking it out again. Nothing is deleted."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.people.models import Client, User
from clinic.people.refusals import refuse_archiving
from clinic.people.services.clients import lock_client


@recorded
def archive_client(*, by: User, now: datetime, client: Client) -> Client:
    """Put a client away: found only where nobody else fits, booked by nobody. May raise ValidationError."""
    kept = lock_client(client.pk)
    if kept.archived_at is not None:
        return kept
    refuse_archiving(kept, now=now)
    kept.archived_at = now
    kept.save(update_fields=["archived_at"])
    return kept


@recorded
def bring_back_client(*, by: User, now: datetime, client: Client) -> Client:
    """Take a client out of the archive. One that was merged into another comes back only by undoing the merge."""
    kept = lock_client(client.pk)
    if kept.merged_into_id is not None:
        raise ValidationError(_("This record was merged into another; undo the merge instead."))
    if kept.archived_at is not None:
        kept.archived_at = None
        kept.save(update_fields=["archived_at"])
    return kept
