"""What the worker runs. Only ids travel through the broker, so a lost, late or doubled task does no harm."""

from celery import shared_task
from django.utils import timezone

from clinic.people.models import ContactConsent
from clinic.reminders import delivery, outbox
from clinic.reminders.texting.answers import send_answers

# Beat asks again every minute: what no worker has taken by then is planned anew, so the queue never grows by itself.
PLANNED_ANEW_SECONDS = 55
# A provider of texts that is slow to answer must not hold up the mail.
QUEUES = {ContactConsent.Channel.EMAIL.value: "mail", ContactConsent.Channel.TEXT.value: "text"}


@shared_task(name="clinic.reminders.tasks.sweep")  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """Find what is due and hand it to the workers in batches."""
    now = timezone.now()
    delivery.wait_for_the_database()
    outbox.prepare(now)
    for channel, pks in outbox.due_batches(now):
        plan(channel, pks)


@shared_task(name="clinic.reminders.tasks.deliver")  # type: ignore[untyped-decorator]  # Celery ships no types
def deliver(channel: str, message_pks: list[int]) -> None:
    """Deliver those of these messages that are still due and free; who comes after does what there was no time for."""
    if left := delivery.deliver_batch(message_pks, timezone.now()):
        plan(channel, left)


@shared_task(name="clinic.reminders.tasks.answer_texts")  # type: ignore[untyped-decorator]  # Celery ships no types
def answer_texts() -> None:
    """Tell phones that wrote what they are to be told."""
    send_answers(timezone.now())


def plan(channel: str, pks: list[int]) -> None:
    """Put a batch into the queue of its channel."""
    deliver.apply_async([channel, pks], queue=QUEUES[channel], expires=PLANNED_ANEW_SECONDS)
