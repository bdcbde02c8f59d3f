"""What becomes of messages when two records are made one: nothing moves, for each goes to whom it is about by then."""

from __future__ import annotations

from django.utils.translation import ngettext

from clinic.people.merging import Fate, MergeStep, Pair, Part
from clinic.reminders.models import Message

State = Message.State


def tell(pair: Pair) -> list[Part]:
    """Count what will go out, and what has."""
    hers = Message.objects.filter(client=pair.gone)
    waiting = hers.filter(state__in=[State.WAITING, State.RETRY, State.CLAIMED]).count()
    sent = hers.filter(state=State.SENT).count()
    said = [
        (waiting, Fate.COMES, ngettext("%(n)d message that waits", "%(n)d messages that wait", waiting)),
        (sent, Fate.STAYS, ngettext("%(n)d message sent", "%(n)d messages sent", sent)),
    ]
    return [Part(fate, words % {"n": n}) for n, fate, words in said if n]


STEP = MergeStep(tell=tell)
