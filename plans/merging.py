"""What becomes of plans and counts when two records are made one: they stay, and are read together."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.people.merging import Fate, MergeStep, Pair, Part
from plans.models import Plan, Score


def tell(pair: Pair) -> list[Part]:
    """Count them, and say which of two plans in force is shown."""
    plans, scores = (rows.objects.filter(client=pair.gone).count() for rows in (Plan, Score))
    said = [
        (plans, ngettext("%(n)d plan", "%(n)d plans", plans)),
        (scores, ngettext("%(n)d count of days", "%(n)d counts of days", scores)),
    ]
    parts = [Part(Fate.STAYS, words % {"n": n}, is_health=True) for n, words in said if n]
    if Plan.objects.in_force().filter(client__in=[pair.gone, pair.kept]).count() > 1:
        words = _("Both have a plan in force. The one agreed last is shown; the other one stays until it is ended.")
        parts.append(Part(Fate.MIND, words, is_health=True))
    return parts


STEP = MergeStep(tell=tell)
