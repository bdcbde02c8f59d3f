"""Two devices save a step at the same moment: both are kept. Real transactions, in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event, local
from typing import Any

import pytest
from django.db import connections

from clinic.people.models import Client
from intake import answering, services
from intake.answering import Page
from intake.models import Consent, Submission
from tests.concurrency.racing import race
from tests.intake.answers import NAME

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
# So long the first stands still between reading and writing, unless the second is through before.
STANDS_STILL = 1.0


@pytest.fixture
def draft(alice: Client) -> Submission:
    return services.begin(now=NOW, client=alice)


def save(draft: Submission, page: str, **answers: Any) -> None:
    answering.keep_step(now=NOW, submission=draft, step=1, answers=answers, page=Page(page * 32, {}), is_complete=False)


def one_while_the_other(draft: Submission, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the second save while the first has read and not written; return what is kept in the end."""
    has_read, is_over, this = Event(), Event(), local()
    checked = answering.checked_step

    def stand_still(*args: Any, **kwargs: Any) -> Any:
        if getattr(this, "is_first", False):
            has_read.set()
            is_over.wait(STANDS_STILL)
        return checked(*args, **kwargs)

    def first() -> None:
        this.is_first = True
        save(draft, "a", headache_days=9)

    def second() -> None:
        assert has_read.wait(20)
        save(draft, "b", migraine_days=4)
        is_over.set()

    def alone(road: Callable[[], None]) -> None:
        try:
            road()
        finally:
            connections.close_all()

    monkeypatch.setattr(answering, "checked_step", stand_still)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(alone, [first, second]))
    return Submission.objects.get(pk=draft.pk).answers


def test_what_two_devices_save_at_once_is_kept_from_both(draft: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_while_the_other(draft, monkeypatch) == {"headache_days": 9, "migraine_days": 4}


def test_without_the_lock_one_would_be_lost(draft: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    def as_it_stands(submission: Submission) -> Submission:
        return Submission.objects.select_related("client").get(pk=submission.pk)

    monkeypatch.setattr(answering, "locked_draft", as_it_stands)
    assert one_while_the_other(draft, monkeypatch) == {"headache_days": 9}


def test_one_consent_signed_from_many_devices_at_once_is_signed_once(draft: Submission) -> None:
    roads = [lambda: services.sign_consent(now=NOW, submission=draft, code="privacy", name=NAME)] * 8
    assert race(roads) == {"won": 8}
    assert Consent.objects.count() == 1
