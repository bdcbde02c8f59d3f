"""What the worker runs for this room. Nothing travels through the broker; a lost or doubled task does no harm."""

from datetime import datetime

from celery import shared_task
from django.utils import timezone

from clinic.celery import app
from clinic.scheduling.waitlist import SECOND_THOUGHTS, offer_times

SOON = int(SECOND_THOUGHTS.total_seconds())
# Beat asks again each minute: what no worker has begun by then is not needed any more.
ASKED_ANEW_SECONDS = 55


@shared_task(name="clinic.scheduling.tasks.offer_free_times")  # type: ignore[untyped-decorator]  # Celery ships no types
def offer_free_times() -> None:
    """Do a round of the waitlist."""
    offer_times(now=timezone.now())


def offer_soon(_therapists: frozenset[int], _now: datetime) -> None:
    """Have a round done once nobody takes back what freed the time. Without a broker, beat's next round finds it."""
    app.send_task(offer_free_times.name, countdown=SOON, expires=SOON + ASKED_ANEW_SECONDS, retry=False)
