"""A start clicked twice is one session, and what is answered at the start stays on the record."""

from __future__ import annotations

from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from clinic.scheduling.models import Appointment, StatusChange
from sessions import services
from sessions.models import Note
from tests.sessions.conftest import Book, Raise, Start
from tests.sessions.test_two_writers import at_once

STEPS = ["booked", "arrived", "in_session"]


def steps_of(visit: Appointment) -> list[str]:
    return list(StatusChange.objects.filter(appointment=visit).order_by("pk").values_list("after", flat=True))


def test_started_from_two_pages_that_saw_it_booked_it_is_one_session(
    book: Book, calm: None, start: Start, now: datetime
) -> None:
    visit = book(now)
    first, second = (Appointment.objects.get(pk=visit.pk) for _page in range(2))
    assert start(first) == start(second)
    assert steps_of(visit) == STEPS


def test_the_second_start_is_the_same_session_even_if_a_finding_came_in_between(
    visit: Appointment, calm: None, start: Start, raise_finding: Raise
) -> None:
    note = start(visit)
    raise_finding("block", "Fever since yesterday.")
    assert start(visit) == note


@pytest.mark.django_db(transaction=True)
def test_a_double_click_starts_one_session(book: Book, calm: None, start: Start, now: datetime) -> None:
    visit = book(now)
    copies = [Appointment.objects.get(pk=visit.pk) for _click in range(4)]
    results = at_once(*(lambda copy=copy: start(copy) for copy in copies))
    assert {result.pk if isinstance(result, Note) else result for result in results} == {Note.objects.get().pk}
    assert steps_of(visit) == STEPS


@pytest.mark.django_db(transaction=True)
def test_without_the_visits_lock_a_double_click_fails(
    book: Book, calm: None, start: Start, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is real: with stale copies and no lock, somebody who clicks twice is told of an error."""
    visit = book(now)
    copies = [Appointment.objects.select_related("therapist__user").get(pk=visit.pk) for _click in range(2)]
    both, check = Barrier(2, timeout=20), services._refuse_what_stops

    def check_together(*args: Any) -> None:
        both.wait()
        check(*args)

    monkeypatch.setattr(services, "_locked_visit", lambda appointment: appointment)
    monkeypatch.setattr(services, "_refuse_what_stops", check_together)
    results = at_once(*(lambda copy=copy: start(copy) for copy in copies))
    assert [result for result in results if isinstance(result, Exception)]
