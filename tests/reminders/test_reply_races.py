"""Two calls of the provider at the same moment, each in a transaction of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection

from clinic.people.models import Client, ContactConsent
from clinic.reminders.models import Reply
from clinic.reminders.texting.providers import Incoming
from clinic.reminders.texting.replies import take_reply
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import move_appointment
from tests.reminders.test_replies import ALICES, ANSWERED_AT, _at_that_time, agree_to_texts, visit

__all__ = ["_at_that_time", "visit"]
CALLS = 6
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of this at the same moment and return what came of each: what it returned, or raised."""
    together = threading.Barrier(len(acts))
    came: list[object] = [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        together.wait()
        try:
            came[number] = act()
        except Exception as problem:  # noqa: BLE001  # told to the test
            came[number] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


def stop(key: str) -> Callable[[], object]:
    return lambda: take_reply(now=ANSWERED_AT, incoming=Incoming(key, ALICES, "STOP"))


def words_kept(alice: Client, keys: Iterator[str]) -> tuple[int, int]:
    """Let the provider call with these keys at once; return how many replies and how many ends of consent are kept."""
    agree_to_texts(alice)
    came = at_once(*(stop(key) for key in keys))
    assert not [one for one in came if isinstance(one, Exception)]
    return Reply.objects.count(), ContactConsent.objects.filter(is_given=False).count()


def test_a_text_that_is_told_of_many_times_at_once_is_taken_once(alice: Client) -> None:
    assert words_kept(alice, iter(["SM1"] * CALLS)) == (1, 1)


def test_without_the_providers_key_it_would_be_taken_each_time(alice: Client) -> None:
    replies, _ends = words_kept(alice, iter(f"SM{number}" for number in range(CALLS)))

    assert replies == CALLS


def test_a_no_that_comes_while_the_desk_moves_the_visit_cancels_only_what_was_told_of(visit: Appointment) -> None:
    elsewhere = visit.starts_at + timedelta(days=1)

    said, moved = at_once(
        lambda: take_reply(now=ANSWERED_AT, incoming=Incoming("SM1", ALICES, "no")),
        lambda: move_appointment(by=None, now=ANSWERED_AT, appointment=visit, starts_at=elsewhere),
    )

    reply = Reply.objects.get()
    visit.refresh_from_db()
    assert not isinstance(said, Exception), said
    if visit.status == Status.CANCELLED:
        assert visit.starts_at != elsewhere or reply.settled_at is None
        assert isinstance(moved, Exception)
    else:
        assert (visit.starts_at, reply.settled_at) == (elsewhere, None)
