"""What becomes of session notes when two records are made one: each stays where it was written, read with the rest."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import ngettext

from clinic.people.merging import Fate, MergeStep, Pair, Part
from clinic.people.models import Client, User
from clinic.people.records import records_of
from sessions.models import Note


def sum_up(client: Client, reader: User, _now: datetime) -> list[str]:
    """Say to a therapist how many notes were signed."""
    if not reader.is_therapist:
        return []
    signed = Note.objects.signed().filter(client__among=records_of(client.pk)).count()
    return [ngettext("%(n)d signed note", "%(n)d signed notes", signed) % {"n": signed}] if signed else []


def tell(pair: Pair) -> list[Part]:
    """Count the notes."""
    signed = Note.objects.signed().filter(client=pair.gone).count()
    begun = Note.objects.filter(client=pair.gone, state=Note.State.DRAFT).count()
    said = [
        (signed, ngettext("%(n)d signed note", "%(n)d signed notes", signed)),
        (begun, ngettext("%(n)d note that is being written", "%(n)d notes that are being written", begun)),
    ]
    return [Part(Fate.STAYS, words % {"n": n}, is_health=True) for n, words in said if n]


STEP = MergeStep(sum_up=sum_up, tell=tell)
