"""The waitlist's part when two records of one person are made one: who waits goes on waiting with the kept record."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import ngettext

from clinic.people.merging import Fate, MergeStep, Moved, Pair, Part
from clinic.scheduling.models import Wish, WishQuerySet


def _open_wishes(pk: int) -> WishQuerySet:
    return Wish.objects.filter(client=pk, ended_at__isnull=True)


def tell(pair: Pair) -> list[Part]:
    """Count the wishes that come."""
    n = _open_wishes(pair.gone.pk).count()
    words = ngettext("%(n)d wish on the waitlist", "%(n)d wishes on the waitlist", n)
    return [Part(Fate.COMES, words % {"n": n})] if n else []


def move(pair: Pair) -> Moved:
    """Move the wishes that are open."""
    moved = list(_open_wishes(pair.gone.pk).order_by("pk").values_list("pk", flat=True))
    Wish.objects.filter(pk__in=moved).update(client=pair.kept)
    return {"wishes": moved}


def undo(pair: Pair, moved: Moved) -> Sequence[Part]:
    """Move back those that are open still."""
    _open_wishes(pair.kept.pk).filter(pk__in=moved["wishes"]).update(client=pair.gone)
    return []


STEP = MergeStep(tell=tell, move=move, undo=undo)
