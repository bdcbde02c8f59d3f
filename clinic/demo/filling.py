"""Fill an empty clinic with the example: six months of history, told through the services of the house."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from clinic.demo import cast
from clinic.demo.clock import tell
from clinic.demo.founding import OWNER, found_house, plan_absences
from clinic.demo.records import tell_of_records
from clinic.demo.slots import slots_for
from clinic.demo.staffing import tell_of_staff
from clinic.demo.stories import post, story_of
from clinic.demo.twins import tell_of_twins
from clinic.demo.waiting import tell_of_waiting
from clinic.people.models import User

SEED = 20261119
HISTORY = timedelta(days=182)
POST_SINCE = timedelta(days=2)


def demo_password() -> str:
    """Return the password of the example's staff: the same at every start, and nobody else's."""
    digest = salted_hmac("stillpoint.demo", "password").hexdigest()
    return f"still-{digest[:4]}-{digest[4:8]}"


def is_filled() -> bool:
    """Say whether this clinic is the example."""
    return User.objects.filter(email=OWNER[1]).exists()


@transaction.atomic
def fill(now: datetime, progress: Callable[[float], None]) -> None:
    """Found the example clinic and tell its history up to `now`. `progress` gets the share that is told, 0 to 1."""
    random = Random(SEED)  # noqa: S311  # invented lives, the same at every filling
    begins = now - HISTORY
    house = found_house(now=begins, password=demo_password())
    plan_absences(house, now=now)
    slots = slots_for(cast.CLIENTS, house, random)
    stories = [
        story_of(person, house, slot, begins + share * HISTORY, Random(random.random()))  # noqa: S311
        for person, slot, share in zip(cast.CLIENTS, slots, _arrivals(len(cast.CLIENTS)), strict=True)
    ]
    with _nothing_is_mailed():
        tell([*stories, post(now - POST_SINCE)], now, lambda moment: progress((moment - begins) / HISTORY))
    tell_of_staff(house, now=now)
    tell_of_records(house, now=now)
    tell_of_twins(house, now=now)
    tell_of_waiting(house, now=now)


@contextmanager
def _nothing_is_mailed() -> Iterator[None]:
    """What was written to the clients of the example lies in its past."""
    before = settings.EMAIL_BACKEND, settings.TEXT_URL
    settings.EMAIL_BACKEND, settings.TEXT_URL = "django.core.mail.backends.dummy.EmailBackend", ""
    try:
        yield
    finally:
        settings.EMAIL_BACKEND, settings.TEXT_URL = before


def _arrivals(count: int) -> list[float]:
    """Return when each client calls first, as a share of the history.

    A fifth come one after the other from the start, the others in the last eight weeks, so that the calendar of today
    is full. The first of the list, who is printed as the client's sign-in, is half way through her plan.
    """
    early = count // 5
    shares = [0.02 + 0.6 * number / early for number in range(early)]
    shares += [0.68 + 0.317 * number / (count - early - 1) for number in range(count - early)]
    shares.insert(0, shares.pop(early - 2))
    return shares
