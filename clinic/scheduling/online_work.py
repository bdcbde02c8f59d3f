"""What comes from online booking and waits for the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from clinic.people.models import Role, User
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.models import Appointment, AppointmentQuerySet, OnlineConcern, Status

SHOWN = 100


@dataclass(frozen=True)
class FromOnline:
    """Requests, soonest first; clients to be called, and those who may be known already, as they came."""

    requests: Sequence[Appointment]
    calls: Sequence[OnlineConcern]
    twins: Sequence[OnlineConcern]


def from_online(now: datetime) -> FromOnline:
    """Return what waits; two queries."""
    concerns = list(OnlineConcern.objects.open().select_related("client__merged_into")[:SHOWN])
    return FromOnline(
        requests=list(_requests(now).with_people().order_by("starts_at", "pk")[:SHOWN]),
        calls=[one for one in concerns if one.kind == OnlineConcern.Kind.CALL],
        twins=[one for one in concerns if one.kind == OnlineConcern.Kind.TWIN],
    )


def _requests(now: datetime) -> AppointmentQuerySet:
    return Appointment.objects.filter(status=Status.REQUESTED, starts_at__gte=now)


def _count(user: User, now: datetime) -> int:
    if not (user.is_front_desk or user.is_owner):
        return 0
    return _requests(now).count() + OnlineConcern.objects.open().count()


def _rows(user: User, now: datetime) -> list[WorkRow]:
    """It has a page of its own."""
    return []


ONLINE = Worklist(
    heading=_("From online booking"),
    empty="",
    rows=_rows,
    count=_count,
    roles=frozenset({Role.FRONT_DESK, Role.OWNER}),
)
