"""What the worker runs for this room. Only the key travels through the broker; a lost or doubled task does no harm."""

from celery import shared_task
from django.utils import timezone

from clinic.people.importing.forgetting import forget_old_imports
from clinic.people.importing.working import go_on
from clinic.people.services import archive_those_who_left

# Longer than any import of 50,000 rows takes on a busy machine, shorter than the time after which the broker gives a
# task to another worker (300 s): so a long run is neither cut nor done twice.
LONGEST_SECONDS = 280
# Before that it is told to stop by itself, and says so on its page.
SECONDS_TO_STOP = 10


@shared_task(  # type: ignore[untyped-decorator]  # Celery ships no types
    name="clinic.people.tasks.go_on_with_import",
    soft_time_limit=LONGEST_SECONDS - SECONDS_TO_STOP,
    time_limit=LONGEST_SECONDS,
)
def go_on_with_import(job_pk: int) -> None:
    """Check, write or take back, whichever this import waits for."""
    go_on(job_pk, timezone.now())


@shared_task(name="clinic.people.tasks.forget_imports")  # type: ignore[untyped-decorator]  # Celery ships no types
def forget_imports() -> None:
    """Remove the files that were brought long ago and never taken over, and the rows that were left out."""
    forget_old_imports(timezone.now())


@shared_task(name="clinic.people.tasks.let_therapists_leave")  # type: ignore[untyped-decorator]  # Celery ships no types
def let_therapists_leave() -> None:
    """Archive those whose last day is over."""
    archive_those_who_left(now=timezone.now())
