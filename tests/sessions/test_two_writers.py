"""Two writers at once, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection

from clinic.people.models import Therapist
from sessions import services, signing
from sessions.models import Note
from sessions.services import StaleNote, save_note, sign_note
from tests.sessions.conftest import Book, Record, Start

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*tasks: Callable[[], object]) -> list[object]:
    """Run the tasks at the same moment and return what each returned or raised."""
    gate = Barrier(len(tasks))

    def run(task: Callable[[], object]) -> object:
        gate.wait()
        try:
            return task()
        except Exception as problem:  # noqa: BLE001  # what it raised is the answer
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


@pytest.fixture
def ready(book: Book, calm: None, start: Start, record: Record, bea: Therapist, now: datetime) -> list[Note]:
    """Return six drafts that lack only the signature."""
    drafts = []
    for hour in range(6):
        moment = now + timedelta(hours=hour)
        draft = start(book(moment), now=moment)
        record(draft, now=moment)
        drafts.append(save_note(by=bea.user, now=moment, note=draft, revision=1, pain_after=1))
    return drafts


def test_of_two_who_save_the_same_text_at_once_one_is_shown_the_other(
    draft: Note, bea: Therapist, now: datetime
) -> None:
    def save(words: str) -> Callable[[], Note]:
        return lambda: save_note(by=bea.user, now=now, note=draft, revision=1, response=words)

    results = at_once(*(save(f"Writer {number}.") for number in range(4)))
    (kept,) = [result for result in results if isinstance(result, Note)]
    stale = [result for result in results if isinstance(result, StaleNote)]
    assert len(stale) == 3
    assert {refused.current.response for refused in stale} == {kept.response}
    assert Note.objects.get(pk=draft.pk).revision == 2


def test_blocks_added_at_once_all_stay_in_an_order(draft: Note, record: Record) -> None:
    results = at_once(*(lambda minutes=minutes: record(draft, minutes=minutes) for minutes in range(5, 11)))
    assert not [result for result in results if isinstance(result, Exception)]
    assert sorted(draft.blocks.values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_notes_signed_at_once_form_one_chain(ready: list[Note], bea: Therapist, now: datetime) -> None:
    later = now + timedelta(hours=8)
    results = at_once(*(lambda note=note: sign_note(by=bea.user, now=later, note=note) for note in ready))
    assert not [result for result in results if isinstance(result, Exception)]
    assert signing.first_broken_link() is None
    assert sorted(Note.objects.values_list("chain_position", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_without_the_chains_lock_they_would_follow_the_same_note(
    ready: list[Note], bea: Therapist, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is real: two see the same last note, and only the unique place in the chain refuses the second."""
    seen = Barrier(2, timeout=20)

    def last_link_of_both() -> tuple[int, str]:
        link = signing.last_link()
        seen.wait()
        return link

    monkeypatch.setattr(services, "lock_chain", lambda: None)
    monkeypatch.setattr(services, "last_link", last_link_of_both)
    later = now + timedelta(hours=8)
    results = at_once(*(lambda note=note: sign_note(by=bea.user, now=later, note=note) for note in ready[:2]))
    assert [type(result) for result in results if not isinstance(result, Note)] == [IntegrityError]


def test_signed_twice_at_once_it_is_signed_once(ready: list[Note], bea: Therapist, now: datetime) -> None:
    later = now + timedelta(hours=8)
    results = at_once(*(lambda: sign_note(by=bea.user, now=later, note=ready[0]) for _twice in range(2)))
    assert len([result for result in results if isinstance(result, Note)]) == 1
    assert Note.objects.signed().count() == 1
