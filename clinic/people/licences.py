"""Licences and qualifications that run out: said sixty days before to owners and to the therapist herself.

Said until a new date is entered, or the qualification is taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.times import local_date
from clinic.people.models import Modality, Qualification, Role, Therapist, User, clinic_zone
from clinic.people.worklist import Worklist, WorkRow

WARNED_BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class Ending:
    """A licence, or the qualification in a modality, that ends soon or has ended."""

    ends_on: date
    has_ended: bool
    modality: Modality | None = None

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        facts = {"day": date_format(self.ends_on, "D j M Y"), "modality": self.modality}
        if self.modality is None:
            words = _("The licence ended on %(day)s.") if self.has_ended else _("The licence ends on %(day)s.")
        elif self.has_ended:
            words = _("The qualification in %(modality)s ended on %(day)s.")
        else:
            words = _("The qualification in %(modality)s ends on %(day)s.")
        return words % facts

    @property
    def brief_words(self) -> str:
        """Say it where there is little room."""
        what = self.modality.code if self.modality else _("Licence")
        words = _("%(what)s ended %(day)s") if self.has_ended else _("%(what)s until %(day)s")
        return words % {"what": what, "day": date_format(self.ends_on, "j M Y")}


def endings_of(therapist: Therapist, today: date) -> list[Ending]:
    """Return what of hers ends soon or has ended, the soonest first; nothing of one who has left or is not kept yet."""
    if therapist.archived_at or not therapist.pk:
        return []
    known: list[tuple[date | None, Modality | None]] = [(therapist.licence_expires_on, None)]
    known += [(held.expires_on, held.modality) for held in therapist.qualifications.all()]
    found = [
        Ending(ends_on, ends_on < today, modality)
        for ends_on, modality in known
        if ends_on is not None and ends_on <= today + WARNED_BEFORE
    ]
    return sorted(found, key=lambda ending: ending.ends_on)


def count(user: User, now: datetime) -> int:
    """Return how many an owner should look after, for the number beside “Settings”."""
    return how_many_end(now) if user.is_owner else 0


def how_many_end(now: datetime) -> int:
    """Return how many licences and qualifications end soon or have ended. Two queries."""
    licences = Therapist.objects.filter(archived_at__isnull=True, licence_expires_on__lte=_limit(now))
    return licences.count() + _qualifications(now).filter(therapist__archived_at__isnull=True).count()


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return them, the soonest first: all for an owner, her own for a therapist."""
    today = local_date(clinic_zone(), now)
    ends = Q(licence_expires_on__lte=_limit(now)) | Exists(_qualifications(now).filter(therapist=OuterRef("pk")))
    found = Therapist.objects.filter(ends, archived_at__isnull=True)
    whose = found if user.is_owner else found.filter(user=user)
    warned = whose.select_related("user").prefetch_related("qualifications__modality").order_by("pk")
    pairs = [(ending, therapist) for therapist in warned for ending in endings_of(therapist, today)]
    return [_row(user, *pair) for pair in sorted(pairs, key=lambda pair: pair[0].ends_on)]


def _limit(now: datetime) -> date:
    return local_date(clinic_zone(), now) + WARNED_BEFORE


def _qualifications(now: datetime) -> QuerySet[Qualification]:
    return Qualification.objects.filter(expires_on__lte=_limit(now))


def _row(user: User, ending: Ending, therapist: Therapist) -> WorkRow:
    if user.is_owner:
        verb, url = _("Enter the new one"), reverse("people:therapist", args=[therapist.pk])
    else:
        verb, url = _("See"), reverse("people:my-profile")
    return WorkRow(title=therapist.user.name, detail=ending.words, verb=verb, url=url, is_urgent=ending.has_ended)


LICENCES = Worklist(
    heading=gettext_lazy("Licences and qualifications"),
    # Said only while there is something to say.
    empty="",
    count=count,
    rows=rows,
    roles=frozenset({Role.OWNER, Role.THERAPIST}),
)
