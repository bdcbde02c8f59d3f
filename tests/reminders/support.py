"""Words shared by these tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from clinic.people.models import Client, ContactConsent
from clinic.people.services import record_contact_consent
from clinic.reminders.kinds import Due

LONG_AGO = datetime(2026, 10, 1, 10, 0, tzinfo=UTC)


def agree(
    client: Client, *, channel: str = ContactConsent.Channel.EMAIL, is_given: bool = True, at: datetime = LONG_AGO
) -> None:
    """Record her word on e-mail, or on another channel."""
    record_contact_consent(by=None, now=at, client=client, channel=channel, is_given=is_given, source="test")


def due_now(client: Client, now: datetime, subject_pk: int = 1, **facts: Any) -> Due:
    """Return something that became due a minute ago and is of use for a day."""
    times = {"about_at": now, "due_at": now - timedelta(minutes=1), "useless_after": now + timedelta(days=1)}
    return Due(**{"subject_pk": subject_pk, "client_pk": client.pk} | times | facts)
