"""This room's own part of a merge: sign-ins, and what therapists wrote to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic.people.merging import Fate, MergeStep, Moved, Pair, Part
from clinic.people.models import ClientAccess, TherapistsNote

# Between two notes for therapists that were put together.
GAP = "\n\n"


def tell(pair: Pair) -> Sequence[Part]:
    """Say who signs in for the record that is kept, and what becomes of the note."""
    parts = [
        Part(Fate.COMES, _("The sign-in of %(email)s") % {"email": access.user.email})
        for access in _new_accesses(pair).select_related("user").order_by("pk")
    ]
    if TherapistsNote.objects.filter(client=pair.gone).exists():
        parts.append(Part(Fate.COMES, _("The note for therapists, below the one that stands there"), is_health=True))
    return parts


def move(pair: Pair) -> Moved:
    """Let her sign-ins open the kept record, and put the two notes for therapists together."""
    accesses = list(_new_accesses(pair).values_list("pk", flat=True))
    for access in ClientAccess.objects.filter(pk__in=accesses):
        access.client = pair.kept
        access.save(update_fields=["client"])
    return {"accesses": accesses, "note": _put_notes_together(pair)}


def _new_accesses(pair: Pair) -> QuerySet[ClientAccess]:
    known = ClientAccess.objects.filter(client=pair.kept).values("user")
    return ClientAccess.objects.filter(client=pair.gone).exclude(user__in=known)


def _put_notes_together(pair: Pair) -> str:
    """Add the one note to the other; the first stays where it is. Return what was done: added, made or nothing."""
    theirs = TherapistsNote.objects.filter(client=pair.gone).first()
    ours = TherapistsNote.objects.filter(client=pair.kept).first()
    if theirs is None:
        return ""
    if ours is None:
        TherapistsNote.objects.create(client=pair.kept, text=theirs.text)
        return "made"
    ours.text += GAP + theirs.text
    ours.save(update_fields=["text"])
    return "added"


def undo(pair: Pair, moved: Mapping[str, object]) -> list[Part]:
    """Give back the sign-ins that are still there, and take the notes apart where nobody has written since."""
    for access in ClientAccess.objects.filter(pk__in=cast("list[int]", moved["accesses"]), client=pair.kept):
        access.client = pair.gone
        access.save(update_fields=["client"])
    return _take_notes_apart(pair, cast("str", moved["note"]))


def _take_notes_apart(pair: Pair, how: str) -> list[Part]:
    theirs = TherapistsNote.objects.filter(client=pair.gone).first()
    ours = TherapistsNote.objects.filter(client=pair.kept).first()
    if not how or theirs is None or ours is None:
        return []
    if how == "made" and ours.text == theirs.text:
        ours.delete()
    elif how == "added" and ours.text.endswith(GAP + theirs.text):
        ours.text = ours.text.removesuffix(GAP + theirs.text)
        ours.save(update_fields=["text"])
    else:
        words = _("The note for therapists was changed meanwhile and stays with %(name)s.") % {"name": pair.kept.name}
        return [Part(Fate.STAYS, words, is_health=True)]
    return []


STEP = MergeStep(tell=tell, move=move, undo=undo)
