"""The road from a view to a plan: the client's record decides, and the look is logged there."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404

from clinic.people.access import health_record_for
from clinic.people.models import Client, User
from plans.models import Plan
from plans.standing import plan_in_force


def client_for(user: User, pk: int, why: str, *, now: datetime) -> Client:
    """Return the client whose plan this login may see. Raises Http404 for everybody else."""
    return health_record_for(user, pk, why, now=now)


def plan_for(user: User, client_pk: int, why: str, *, now: datetime) -> Plan:
    """Return the client's plan in force. Raises Http404 where there is none, and for strangers."""
    plan = plan_in_force(client_for(user, client_pk, why, now=now))
    if plan is None:
        raise Http404
    return plan
