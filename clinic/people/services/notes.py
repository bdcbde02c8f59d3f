"""What therapists write to each other about a client."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.lib.text import lines
from clinic.people.models import Client, TherapistsNote, User
from clinic.people.services.clients import lock_kept


class NoteChanged(ValidationError):  # noqa: N818  # a sentence for the therapist, not a fault
    """A colleague has written meanwhile."""


@recorded
def write_therapists_note(*, by: User, now: datetime, client: Client, text: str, instead_of: str) -> None:
    """Put a note in place of the one that was read (`instead_of`); an empty one removes it.

    Raises NoteChanged where another stands there by now, and ValidationError for a text that cannot be kept.
    """
    if not by.is_therapist:
        raise ValidationError(_("Only a therapist writes this note."))
    try:
        text = lines(text)
    except ValidationError as problem:
        raise ValidationError({"text": problem}) from None
    client = lock_kept(client.pk)
    note = TherapistsNote.objects.filter(client=client).first() or TherapistsNote(client=client)
    if text == note.text:
        return
    if note.text != lines(instead_of):
        raise NoteChanged({"text": _("A colleague has changed this note meanwhile. Put the two together, then save.")})
    if not text:
        note.delete()
        return
    note.text = text
    note.full_clean()
    note.save()
