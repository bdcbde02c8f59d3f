"""What the worker runs for this room. Only the key travels through the broker; a lost or doubled task does no harm."""

from celery import shared_task
from django.utils import timezone

from clinic.people.importing.running import go_on

# Longer than any import of 100,000 rows takes, and shorter than the time after which the broker gives a task to another
# worker (300 s): so a long run is neither cut nor done twice.
LONGEST_SECONDS = 280


@shared_task(name="clinic.people.tasks.go_on_with_import", time_limit=LONGEST_SECONDS)  # type: ignore[untyped-decorator]  # Celery ships no types
def go_on_with_import(job_pk: int) -> None:
    """Check, write or take back, whichever this import waits for."""
    go_on(job_pk, timezone.now())
