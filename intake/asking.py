"""The message that asks a client to fill in the form, for the reminders' rails. It says nothing about health."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from clinic.reminders.kinds import Due, MessageKind
from intake.links import address_of
from intake.models import Invitation

# D: asked at once, and once more for those who have not finished.
MOMENTS = (timedelta(0), timedelta(days=3))


def requests_due(now: datetime) -> Iterator[Due]:
    """Yield the links to send, and the reminders of those that lie unused."""
    waiting = Invitation.objects.open(now).values_list("pk", "client_id", "created_at", "expires_at")
    for pk, client_pk, created_at, expires_at in waiting:
        for slot, after in enumerate(MOMENTS):
            if created_at + after <= now:
                yield Due(pk, client_pk, created_at, created_at + after, expires_at, slot)


def request_words(invitation_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return what the message says, or None when the form was sent in, or the link taken back, meanwhile."""
    invitation = (
        Invitation.objects.open(now).select_for_update(no_key=True, of=("self",)).select_related("client")
        .filter(pk=invitation_pk).first()
    )  # fmt: skip
    if invitation is None:
        return None
    return {
        "client": invitation.client,
        "link": address_of(invitation),
        "expires_at": invitation.expires_at,
        "is_begun": invitation.opened_at is not None,
    }


# Staff send it to somebody who has asked for a visit; what she wants to be written about later she says in the form.
# It comes when they press the button, which may be late in the day: she waits for it, perhaps on the phone with them.
REQUEST = MessageKind(
    template="intake_request",
    find_due=requests_due,
    context=request_words,
    keeps_quiet_hours=False,
    needs_consent=False,
    words=_("Request for the intake form"),
)
