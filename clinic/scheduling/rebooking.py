"""Visits to come with therapists who have left, or that lie in an absence: open work for the front desk and owners
until none is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count, Max, Min
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.people.leaving import LeftBehind
from clinic.people.models import Role, User, clinic_zone
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.models import Appointment
from clinic.scheduling.words import moment_words

ROLES = frozenset({Role.FRONT_DESK, Role.OWNER})


def count(user: User, now: datetime) -> int:
    """Return how many visits wait to be booked anew."""
    return Appointment.objects.to_rebook(now).count() if ROLES & {*user.roles} else 0


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return them by therapist, whose first visit is soonest first."""
    if not ROLES & {*user.roles}:
        return []
    zone = clinic_zone()
    waiting = (
        Appointment.objects.to_rebook(now)
        .order_by()
        .values("therapist", "therapist__user__name", "therapist__archived_at")
    )
    found = waiting.annotate(visits=Count("pk"), first=Min("starts_at")).order_by("first")
    return [
        WorkRow(
            title=one["therapist__user__name"],
            detail=ngettext("%(n)d visit, on %(first)s", "%(n)d visits, the first on %(first)s", one["visits"])
            % {"n": one["visits"], "first": moment_words(one["first"], zone)},
            verb=_("Book anew"),
            # Of one who has left, all that is to come waits; else only what lies in an absence.
            url=reverse("scheduling:therapist-visits", args=[one["therapist"]])
            if one["therapist__archived_at"]
            else reverse("scheduling:visits-to-rebook"),
        )
        for one in found
    ]


def visits_left(member: User, now: datetime) -> LeftBehind | None:
    """Tell of her visits to come."""
    to_come = Appointment.objects.movable(now).filter(therapist__user=member)
    found = to_come.order_by().aggregate(visits=Count("pk"), last=Max("starts_at"))
    if not found["visits"]:
        return None
    claim = ngettext(
        "%(n)d visit is to come, on %(last)s.", "%(n)d visits are to come, the last on %(last)s.", found["visits"]
    )
    return LeftBehind(
        claim % {"n": found["visits"], "last": moment_words(found["last"], clinic_zone())},
        _("Each stays booked until the front desk has moved it."),
        reverse("scheduling:therapist-visits", args=[member.therapist.pk]),
    )


REBOOKING = Worklist(
    heading=gettext_lazy("Visits to book anew"),
    # Said only while there are any.
    empty="",
    count=count,
    rows=rows,
    roles=ROLES,
)
