"""What does not stay of an import: a file that nobody took over, and in the end the rows that were left out."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from clinic.people.models import Import, ImportRow

State = Import.State
# What may still be given up: nothing of it was taken over.
NOT_TAKEN_OVER = frozenset({State.UPLOADED, State.CHECKING, State.CHECKED, State.FAILED})
# A file that nobody took over, and rows that were left out, hold names and birthdays: they do not stay.
FORGOTTEN_AFTER = timedelta(days=7)
LEFT_OUT_STAY = timedelta(days=30)


def forget_old_imports(now: datetime) -> None:
    """Remove files that nobody took over, and rows that were left out; what a worker is at waits for the next time."""
    old = Import.objects.filter(state__in=NOT_TAKEN_OVER, at__lt=now - FORGOTTEN_AFTER)
    with transaction.atomic():
        free = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
        Import.objects.filter(pk__in=list(free)).delete()
    ImportRow.objects.filter(file__state__in=[State.DONE, State.UNDONE], file__done_at__lt=now - LEFT_OUT_STAY).delete()
