"""What becomes of messages when two records are made one: nothing moves, for each goes to whom it is about by then.

Only what holds for one client alone, channels and reminders of her own, comes along where the kept record has none.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.people.merging import Fate, MergeStep, Moved, Pair, Part
from clinic.reminders.models import Message, PolicyOverride

State = Message.State


def tell(pair: Pair) -> list[Part]:
    """Count what will go out, and what has; say what becomes of channels and reminders of her own."""
    hers = Message.objects.filter(client=pair.gone)
    waiting = hers.filter(state__in=[State.WAITING, State.RETRY, State.CLAIMED]).count()
    sent = hers.filter(state=State.SENT).count()
    said = [
        (waiting, Fate.COMES, ngettext("%(n)d message that waits", "%(n)d messages that wait", waiting)),
        (sent, Fate.STAYS, ngettext("%(n)d message sent", "%(n)d messages sent", sent)),
    ]
    parts = [Part(fate, words % {"n": n}) for n, fate, words in said if n]
    if PolicyOverride.objects.filter(client=pair.gone).exists():
        fate = Fate.MIND if PolicyOverride.objects.filter(client=pair.kept).exists() else Fate.COMES
        parts.append(Part(fate, _("channels and reminders of her own")))
    return parts


def move(pair: Pair) -> Moved:
    """Let her own channels and reminders hold for the kept record, where that has none."""
    if PolicyOverride.objects.filter(client=pair.kept).exists():
        return {"overrides": []}
    moved = list(PolicyOverride.objects.filter(client=pair.gone).values_list("pk", flat=True))
    PolicyOverride.objects.filter(pk__in=moved).update(client=pair.kept)
    return {"overrides": moved}


def undo(pair: Pair, moved: Moved) -> Sequence[Part]:
    """Move them back, where they are still there."""
    if not PolicyOverride.objects.filter(client=pair.gone).exists():
        # A merge from before there were any moved none.
        PolicyOverride.objects.filter(client=pair.kept, pk__in=moved.get("overrides", [])).update(client=pair.gone)
    return []


STEP = MergeStep(tell=tell, move=move, undo=undo)
