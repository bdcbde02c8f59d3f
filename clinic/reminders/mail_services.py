"""Mail services that anymail speaks with: what they refuse, and what they tell of a mail later (bounces above all).

Loaded only where EMAIL_URL names one: anymail brings a second library for HTTP along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from anymail.signals import EventType, tracking
from anymail.urls import urlpatterns
from django.core.mail import EmailMultiAlternatives
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from requests import ConnectionError as NotConnected
from requests import ConnectTimeout
from urllib3.exceptions import NewConnectionError

from clinic.people.models import Client, ContactConsent
from clinic.people.services import record_contact_consent
from clinic.reminders import delivery
from clinic.reminders.channels import Refused
from clinic.reminders.models import Message
from clinic.reminders.texting.providers import PASSING

if TYPE_CHECKING:
    from django.urls import URLPattern

EMAIL = ContactConsent.Channel.EMAIL
FIRST_SERVER_ERROR = 500
OUTCOMES: dict[str, Literal["delivered", "failed", "gone"]] = {
    EventType.DELIVERED: "delivered",
    EventType.REJECTED: "failed",
    EventType.FAILED: "failed",
    EventType.BOUNCED: "gone",
}


def events_at(service: str) -> list[URLPattern]:
    """Return where this service tells of its mails; some tell of theirs and of others' at one address."""
    known = {pattern.name: pattern.callback for pattern in urlpatterns}
    view = known.get(f"{service}_tracking_webhook") or known[f"{service}_webhook"]
    return [path("hooks/mail/", view, name="mail-events")]


def listen() -> None:
    """Hear what the service tells."""
    tracking.connect(take_event, dispatch_uid="reminders")


def take_event(sender: object, event: Any, **_more: object) -> None:
    """Record what became of a mail. Whoever called it spam is written to no more."""
    now = timezone.now()
    if event.event_type in OUTCOMES:
        outcome = OUTCOMES[event.event_type]
        words = "" if outcome == "delivered" else came_back(event.reject_reason)
        delivery.receipt(provider_key=event.message_id or "", channel=EMAIL, outcome=outcome, words=words, at=now)
    elif event.event_type == EventType.COMPLAINED and event.message_id:
        known = Message.objects.filter(channel=EMAIL, provider_key=event.message_id)
        for client in Client.objects.filter(messages__in=known):
            record_contact_consent(
                by=None, now=now, client=client, channel=EMAIL, is_given=False, source="marked as spam"
            )


def came_back(reason: str | None) -> str:
    """Say for the front desk that a mail did not arrive."""
    return _("The mail came back (%(reason)s).") % {"reason": reason or "?"}


def provider_key_of(mail: EmailMultiAlternatives) -> str:
    """Return the service's key of a mail that was handed over."""
    key = mail.anymail_status.message_id  # type: ignore[attr-defined]  # anymail puts it there
    return key if isinstance(key, str) else ""


def refusal(problem: Exception) -> Exception:
    """Put into words what a service refused. What anymail raises quotes addresses, which must not reach a log."""
    if not isinstance(problem, AnymailError):
        return problem
    if isinstance(problem, AnymailRecipientsRefused):
        return Refused(_("The mail service refused the address."), for_good=True)
    if is_before_the_hand_over(problem):
        return Refused(_("The mail service cannot be reached."), nobody_answers=True)
    status = problem.status_code
    if status in PASSING:
        return Refused(_("The mail service asked to try again later (%(code)s).") % {"code": status})
    if status is not None and status < FIRST_SERVER_ERROR:
        return Refused(_("The mail service refused the message (%(code)s).") % {"code": status}, for_good=True)
    return OSError(f"The mail service answered {status}.")


def is_before_the_hand_over(problem: AnymailError) -> bool:
    """Say whether there was no connection at all."""
    cause = problem.__cause__
    if isinstance(cause, ConnectTimeout):
        return True
    found = cause.args[0] if isinstance(cause, NotConnected) and cause.args else None
    return isinstance(getattr(found, "reason", None), NewConnectionError)
