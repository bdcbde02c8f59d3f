"""What the worker runs for this room. Nothing travels through the broker; a lost or doubled task does no harm."""

from celery import shared_task
from django.utils import timezone

from intake.evaluating import evaluate_everybody


@shared_task(name="intake.tasks.evaluate_anew")  # type: ignore[untyped-decorator]  # Celery ships no types
def evaluate_anew() -> None:
    """Evaluate everybody anew where the rules have changed. Beat asks each minute, whoever changed them at once."""
    evaluate_everybody(now=timezone.now())
