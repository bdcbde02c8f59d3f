"""Putting away what is needed no more, and taking it out again. Nothing is deleted."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.people.models import Client, Location, Modality, Room, Service, User
from clinic.people.refusals import refuse_archiving
from clinic.people.services.clients import lock_client
from clinic.people.services.places import wait_for_bookings

Thing = TypeVar("Thing", Location, Room, Service, Modality)


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


@recorded
def archive(*, by: User, now: datetime, thing: Thing) -> Thing:
    """Offer a location, a room, a service or a modality no more. Raises ValidationError while it is still needed."""
    # What is booked stays booked, whatever becomes of the catalogue.
    if isinstance(thing, Location | Room):
        wait_for_bookings(thing.pk if isinstance(thing, Location) else thing.location_id)
    thing.refresh_from_db()
    if thing.archived_at is None:
        if isinstance(thing, Modality):
            _refuse_modality_in_use(thing)
        refuse_archiving(thing, now=now)
        thing.archived_at = now
        thing.save(update_fields=["archived_at"])
    return thing


@recorded
def bring_back(*, by: User, now: datetime, thing: Thing) -> Thing:
    """Offer a location, a room, a service or a modality again."""
    thing.refresh_from_db()
    if thing.archived_at is not None:
        thing.archived_at = None
        thing.save(update_fields=["archived_at"])
    return thing


def _refuse_modality_in_use(modality: Modality) -> None:
    """Refuse to archive a modality that came with the program, or one that is still offered."""
    if not modality.is_own:
        raise ValidationError(_("Only a modality of your own can be archived."))
    offered = modality.services.filter(archived_at__isnull=True).values_list("name", flat=True)
    if offered:
        raise ValidationError(_("It is still offered: first archive %(services)s.") % {"services": ", ".join(offered)})
