"""What is done when time may have become free: a visit cancelled, moved away or shortened, an absence taken back.

Who waits for such time registers here, and is told once the transaction has ended well. Told too often does no harm,
and a sweep must find what was told to nobody: a process may end between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction

from clinic.lib.registry import Registry

# Is given the keys of the therapists who may have time again, and the `now` of whoever freed it.
Waiting = Callable[[frozenset[int], datetime], None]

waiting: Registry[Waiting] = Registry("wait for freed time")


def tell_freed(therapists: Iterable[int], now: datetime) -> None:
    """Tell all who wait that these therapists may have time, after the commit; their faults are logged, not raised."""
    pks = frozenset(therapists)
    for waits in waiting:
        # Not a partial: Django logs a fault by the name of the function.
        transaction.on_commit(_telling(waits, pks, now), robust=True)


def _telling(waits: Waiting, therapists: frozenset[int], now: datetime) -> Callable[[], None]:
    def tell() -> None:
        waits(therapists, now)

    return tell
