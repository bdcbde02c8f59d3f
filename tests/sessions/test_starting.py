"""A start clicked twice is one session, and what is answered at the start stays on the record."""

from __future__ import annotations

from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Therapist
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.models import Appointment, StatusChange
from intake.models import Finding
from intake.services import close_finding
from sessions import services
from sessions.models import Note
from sessions.services import NotToday
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
def test_without_the_locks_a_double_click_fails(
    book: Book, calm: None, start: Start, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is real: with stale copies and no lock, somebody who clicks twice is told of an error."""
    visit = book(now)
    copies = [Appointment.objects.select_related("therapist__user").get(pk=visit.pk) for _click in range(2)]
    both, check = Barrier(2, timeout=20), services._refuse_what_stops

    def check_together(*args: Any) -> None:
        both.wait()
        check(*args)

    monkeypatch.setattr(services, "lock_client", lambda _pk: None)
    monkeypatch.setattr(services, "_locked_visit", lambda appointment: appointment)
    monkeypatch.setattr(services, "_refuse_what_stops", check_together)
    results = at_once(*(lambda copy=copy: start(copy) for copy in copies))
    assert [type(result) for result in results if isinstance(result, Exception)] == [ValidationError]


# --- What was answered stays on the record


@pytest.mark.parametrize(
    ("sign", "rule", "effect", "words"),
    [
        ("double_vision", "neck_artery_signs", "emergency", "Emergency answer"),
        ("one_sided_pain", "neck_artery_risk", "same_day", "Needs medical contact today"),
    ],
)
def test_an_urgent_answer_at_the_start_is_a_finding_and_urgent_work(
    visit: Appointment, calm: None, start: Start, bea: Therapist, now: datetime,
    sign: str, rule: str, effect: str, words: str,
) -> None:  # fmt: skip
    before = counts_for(bea.user, now)["reviews"]
    with pytest.raises(NotToday):
        start(visit, is_usual=False, neck_artery=[sign])
    finding = Finding.objects.get(rule=rule)
    assert (finding.effect, finding.submission, finding.closed_at) == (effect, None, None)
    assert counts_for(bea.user, now)["reviews"] == before + 1
    row = worklists["reviews"].rows(bea.user, now)[0]
    assert (row.title, row.detail, row.is_urgent) == ("Alice Marques", words, True)
    assert row.url == reverse("intake:findings", args=[visit.client_id])


def test_only_a_therapist_takes_an_urgent_answer_off_the_record(
    visit: Appointment, calm: None, start: Start, bea: Therapist, as_bea: Browser, now: datetime
) -> None:
    for _again in range(2):
        with pytest.raises(NotToday):
            start(visit, is_usual=False, neck_artery=["double_vision"])
    with pytest.raises(NotToday):
        start(visit)
    finding = Finding.objects.get(rule="neck_artery_signs")
    assert "asked at a visit" in as_bea.get(reverse("intake:findings", args=[visit.client_id])).text
    assert "Alice Marques" in as_bea.get(reverse("intake:review-list")).text
    close_finding(by=bea.user, now=now, finding=finding, reason="Ticked by mistake.")
    assert start(visit).pk


@pytest.mark.parametrize("answer", [{"phase": "aura"}, {"is_intoxicated": True}, {"consent_given": False}])
def test_what_holds_for_the_day_only_is_no_finding(
    visit: Appointment, calm: None, start: Start, answer: dict[str, Any]
) -> None:
    with pytest.raises(NotToday):
        start(visit, **answer)
    assert not Finding.objects.exists()
