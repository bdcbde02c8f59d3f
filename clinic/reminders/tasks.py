"""What the worker runs. Only ids travel through the broker, so a lost, late or doubled task does no harm."""

from celery import shared_task
from django.utils import timezone

from clinic.reminders import services

# Beat asks again every minute: what no worker has taken by then is planned anew, so the queue never grows by itself.
PLANNED_ANEW_SECONDS = 55


@shared_task(name="clinic.reminders.tasks.sweep")  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """Find what is due and hand it to the workers in batches."""
    now = timezone.now()
    services.prepare(now)
    for pks in services.due_batches(now):
        deliver.apply_async([pks], expires=PLANNED_ANEW_SECONDS)


@shared_task(name="clinic.reminders.tasks.deliver")  # type: ignore[untyped-decorator]  # Celery ships no types
def deliver(message_pks: list[int]) -> None:
    """Deliver those of these messages that are still due and free."""
    services.deliver_batch(message_pks, timezone.now())
