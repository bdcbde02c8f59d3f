"""Who looked at what."""

from datetime import datetime, timedelta

from django.db.models import Model

from clinic.audit.models import Look

# Re-opening the same thing for the same reason within a few minutes is one look; a page with htmx parts is not forty.
SAME_LOOK = timedelta(minutes=5)


def record_look(*, by: int, client: int, what: Model, why: str, now: datetime) -> None:
    """Record that user `by` opened `what`, which belongs to the client with key `client`."""
    label = what._meta.label_lower  # noqa: SLF001  # public by Django's documentation
    facts = {"by_id": by, "client_pk": client, "what": label, "what_pk": what.pk, "why": why}
    if not Look.objects.filter(**facts, at__gt=now - SAME_LOOK).exists():
        Look.objects.create(**facts, at=now)
