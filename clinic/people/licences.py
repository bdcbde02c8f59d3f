"""Licences that run out: said sixty days before to owners and to the therapist herself, until a new date is entered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.times import local_date
from clinic.people.models import Role, Therapist, User, clinic_zone
from clinic.people.worklist import Worklist, WorkRow

WARNED_BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class LicenceWarning:
    """A licence that ends soon, or has ended."""

    ends_on: date
    has_ended: bool


def licence_warning(therapist: Therapist, today: date) -> LicenceWarning | None:
    """Return what is to be said of her licence; nothing while it lasts, where none is known, or when she has left."""
    ends_on = therapist.licence_expires_on
    if ends_on is None or therapist.archived_at or ends_on > today + WARNED_BEFORE:
        return None
    return LicenceWarning(ends_on, has_ended=ends_on < today)


def count(user: User, now: datetime) -> int:
    """Return how many licences an owner should look after, for the number beside “Settings”."""
    return ending(now).count() if user.is_owner else 0


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return them, the soonest first: all for an owner, her own for a therapist."""
    today = local_date(clinic_zone(), now)
    found = ending(now) if user.is_owner else ending(now).filter(user=user)
    return [_row(user, therapist, today) for therapist in found.select_related("user")]


def ending(now: datetime) -> QuerySet[Therapist]:
    """Return those whose licence ends soon or has ended, the soonest first."""
    limit = local_date(clinic_zone(), now) + WARNED_BEFORE
    found = Therapist.objects.filter(archived_at__isnull=True, licence_expires_on__lte=limit)
    return found.order_by("licence_expires_on", "pk")


def _row(user: User, therapist: Therapist, today: date) -> WorkRow:
    ends_on = therapist.licence_expires_on or today
    words = _("The licence ended on %(day)s.") if ends_on < today else _("The licence ends on %(day)s.")
    if user.is_owner:
        verb, url = _("Enter the new one"), reverse("people:therapist", args=[therapist.pk])
    else:
        verb, url = _("See"), reverse("people:my-profile")
    return WorkRow(
        title=therapist.user.name,
        detail=words % {"day": date_format(ends_on, "D j M Y")},
        verb=verb,
        url=url,
        is_urgent=ends_on < today,
    )


LICENCES = Worklist(
    heading=gettext_lazy("Licences"),
    # Said only while there is something to say.
    empty="",
    count=count,
    rows=rows,
    roles=frozenset({Role.OWNER, Role.THERAPIST}),
)
