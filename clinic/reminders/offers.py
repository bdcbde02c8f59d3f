"""The kind that the waitlist gives rise to: a time has become free, and is held for her until she answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.visits import BY_BOTH, OF_A_VISIT, locked_with_people, visit_words
from clinic.scheduling.models import Appointment, Offer, Status
from clinic.scheduling.offer_links import address_of


def offers_due(now: datetime) -> Iterator[Due]:
    """Yield the offers that are still held."""
    held = Offer.objects.still_held(now)
    facts = held.values_list("pk", "appointment__client_id", "offered_at", "appointment__held_until")
    for pk, client_pk, offered_at, until in facts:
        if until is not None:
            yield Due(pk, client_pk, about_at=offered_at, due_at=offered_at, useless_after=until)


def offer_words(offer_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the offer says, or None when the time is no longer held for her."""
    held = Appointment.objects.filter(offer=offer_pk, status=Status.HELD, held_until__gt=now)
    visit = locked_with_people(held).first()
    offer = Offer.objects.open().filter(pk=offer_pk).first()
    if visit is None or offer is None:
        return None
    return visit_words(visit) | {
        "about_at": offer.offered_at,
        "until": visit.held_until,
        "minutes": visit.minutes,
        "link": address_of(offer),
    }


OFFER = MessageKind(
    template="offer",
    find_due=offers_due,
    context=offer_words,
    channels=BY_BOTH,
    may_say=(*OF_A_VISIT, "until", "minutes"),
    must_say=("day", "time", "until", "link", "policy"),
    words=_("offer of a free time"),
)
