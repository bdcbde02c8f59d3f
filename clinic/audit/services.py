"""Who looked at what, and who changed what."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Model

from clinic.audit.models import Change, Look

# Re-opening the same thing for the same reason within a few minutes is one look; a page with htmx parts is not forty.
SAME_LOOK = timedelta(minutes=5)


def record_look(*, by: int, client: int, what: Model, why: str, now: datetime) -> None:
    """Record that user `by` opened `what`, which belongs to the client with key `client`."""
    facts = {"by_id": by, "client_pk": client, "what": label_of(what), "what_pk": what.pk, "why": why}
    if not Look.objects.filter(**facts, at__gt=now - SAME_LOOK).exists():
        Look.objects.create(**facts, at=now)


def record_change(*, by: int | None, client: int | None, what: Model, words: str, now: datetime) -> None:
    """Record that user `by` changed `what`, in words that name what was changed and never its value.

    `client` is None for what is about no client.
    """
    Change.objects.create(by_id=by, client_pk=client, what=label_of(what), what_pk=what.pk, words=words, at=now)


def label_of(what: Model) -> str:
    """Return the model's label, e.g. people.client."""
    return what._meta.label_lower  # noqa: SLF001  # public by Django's documentation
