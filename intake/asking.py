"""The messages that ask a client to fill in the form, for the reminders' rails. They say nothing about health.

Asked at once, once more after three days, and again shortly before the visit, until the form is sent in, the link is
taken back, or the visit is past. What goes out is derived from the invitations and the visits as they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from clinic.people.records import records_beside, records_of
from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.timing import moment_before
from clinic.reminders.visits import FRESH
from clinic.scheduling.models import PROMISED, Appointment, Status
from intake.inviting import invite_before_visits
from intake.links import address_of
from intake.models import Invitation

# D: how long after the first request, and how long before the visit, she is asked once more.
AGAIN_AFTER = timedelta(days=3)
HOURS_BEFORE = (48, 24)
FIRST, AGAIN, BEFORE = 0, 1, 2
CAME = (Status.ARRIVED, Status.IN_SESSION, Status.COMPLETED)


@dataclass(frozen=True)
class Asked:
    """An open invitation, with the next visit of hers where there is one."""

    at: datetime
    expires_at: datetime
    visit_at: datetime | None
    zone: ZoneInfo
    # She has been here since.
    came: bool


@dataclass(frozen=True)
class Moment:
    """One message about an invitation: its number, when it is due, and what it is about."""

    slot: int
    due_at: datetime
    about_at: datetime


def moments_of(asked: Asked, *, is_by_itself: bool) -> list[Moment]:
    """Return the messages about an invitation as things stand, soonest first."""
    if asked.visit_at is None and (is_by_itself or asked.came):
        return []
    first = Moment(FIRST, asked.at, asked.at)
    again = Moment(AGAIN, asked.at + AGAIN_AFTER, asked.at)
    if asked.visit_at is None:
        return [first, again]
    before = [
        Moment(BEFORE + number, due_at, asked.visit_at)
        for number, hours in enumerate(HOURS_BEFORE)
        if (due_at := moment_before(asked.visit_at, hours * 60, asked.zone)) > asked.at + FRESH
    ]
    # Nobody is asked twice within a day, nor after the visit.
    latest = asked.visit_at - timedelta(hours=max(HOURS_BEFORE)) - timedelta(days=1)
    return [first, *([again] if again.due_at <= latest else []), *before]


def dues_of(invitation: Invitation, asked: Asked, now: datetime) -> Iterator[Due]:
    """Yield what is due of one invitation; each message is of use until the next one is due."""
    moments = moments_of(asked, is_by_itself=invitation.created_by_id is None)
    ends = [*(moment.due_at for moment in moments[1:]), asked.visit_at or asked.expires_at]
    for moment, end in zip(moments, ends, strict=False):
        if moment.due_at <= now < end:
            yield Due(invitation.pk, invitation.client_id, moment.about_at, moment.due_at, end, moment.slot)


def requests_due(now: datetime, *, by_itself: bool) -> Iterator[Due]:
    """Yield the links to send, and the reminders of those that lie unused."""
    if by_itself:
        invite_before_visits(now)
    for invitation in _with_visits(Invitation.objects.open(now).filter(created_by__isnull=by_itself), now):
        asked = Asked(
            at=invitation.created_at,
            expires_at=invitation.expires_at,
            visit_at=invitation.visit_at,  # type: ignore[attr-defined]  # annotated
            zone=ZoneInfo(invitation.visit_zone or "UTC"),  # type: ignore[attr-defined]
            came=invitation.came,  # type: ignore[attr-defined]
        )
        yield from dues_of(invitation, asked, now)


def _with_visits(invitations: QuerySet[Invitation], now: datetime) -> QuerySet[Invitation]:
    hers = Appointment.objects.filter(client__among=records_beside(OuterRef("client")))
    to_come = hers.filter(status__in=PROMISED, starts_at__gt=now).order_by("starts_at", "pk")
    came = hers.filter(status__in=CAME, starts_at__gt=OuterRef("created_at"), starts_at__lte=now)
    return invitations.annotate(
        visit_at=Subquery(to_come.values("starts_at")[:1]),
        visit_zone=Subquery(to_come.values(zone=F("location__time_zone"))[:1]),
        came=Exists(came),
    ).order_by("pk")


def request_words(invitation_pk: int, now: datetime, *, by_itself: bool) -> dict[str, Any] | None:
    """Return what the message says, or None when the form was sent in, or the link taken back, meanwhile."""
    invitation = (
        Invitation.objects.open(now).select_for_update(no_key=True, of=("self",)).select_related("client")
        .filter(pk=invitation_pk).first()
    )  # fmt: skip
    if invitation is None:
        return None
    if by_itself:
        hers = Appointment.objects.filter(client__among=records_of(invitation.client_id))
        if not hers.filter(status__in=PROMISED, starts_at__gt=now).exists():
            return None
    return {
        "client": invitation.client,
        "link": address_of(invitation),
        "expires_at": invitation.expires_at,
        "is_begun": invitation.opened_at is not None,
    }


_request = partial(MessageKind, template="intake_request")

# Staff send it to somebody who has asked for a visit; what she wants to be written about later she says in the form.
# It comes when they press the button, which may be late in the day: she waits for it, perhaps on the phone with them.
REQUEST = _request(
    find_due=partial(requests_due, by_itself=False),
    context=partial(request_words, by_itself=False),
    keeps_quiet_hours=False,
    needs_consent=False,
    words=_("Request for the intake form"),
)
# What goes out by itself goes as reminders do: to who agreed, and not at night.
BY_ITSELF = _request(
    find_due=partial(requests_due, by_itself=True),
    context=partial(request_words, by_itself=True),
    words=_("Request for the intake form, by itself"),
)
