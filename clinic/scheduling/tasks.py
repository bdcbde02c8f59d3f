"""What the worker runs for this room. Nothing travels through the broker; a lost or doubled task does no harm."""

from celery import shared_task
from django.utils import timezone

from clinic.scheduling.waitlist import offer_times


@shared_task(name="clinic.scheduling.tasks.offer_free_times")  # type: ignore[untyped-decorator]  # Celery ships no types
def offer_free_times() -> None:
    """Do a round of the waitlist. Beat asks for one each minute: whoever frees time waits for no broker."""
    offer_times(now=timezone.now())
