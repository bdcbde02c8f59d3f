"""What phones are told at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from django.conf import settings
from django.db import connection

from clinic.people.models import Client, Clinic, Location
from clinic.reminders.channels import Refused
from clinic.reminders.texting import answers
from clinic.reminders.texting.answers import send_answers, words_for
from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.providers import Text
from clinic.reminders.texting.segments import segments
from tests.conftest import NOW
from tests.factories import LocationFactory

Answer = Reply.Answer
pytestmark = pytest.mark.usefixtures("clinic")


class Phone:
    """A provider that remembers what it took, and does first what a test says."""

    deduplicates: ClassVar[bool] = False

    def __init__(self, *does: Exception | None) -> None:
        self.does = list(does)
        self.took: list[Text] = []

    @contextmanager
    def open(self) -> Iterator[Phone]:
        yield self

    def send(self, text: Text) -> str:
        if self.does and (problem := self.does.pop(0)):
            raise problem
        self.took.append(text)
        return "SM1"


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    taking = Phone()
    monkeypatch.setattr(answers, "text_provider", lambda: taking)
    return taking


def reply(answer: str = Answer.UNWATCHED, **facts: Any) -> Reply:
    known = {"provider_key": f"SM{Reply.objects.count()}", "number": "+351912345678", "words": "hello", "at": NOW}
    return Reply.objects.create(meaning=Reply.Meaning.OTHER, answer=answer, **known | facts)


def test_a_phone_is_answered_once(phone: Phone) -> None:
    reply()

    assert send_answers(NOW) == 1
    assert send_answers(NOW + timedelta(seconds=15)) == 0
    assert [text.to for text in phone.took] == ["+351912345678"]


def test_what_needs_no_answer_gets_none(phone: Phone) -> None:
    reply("")

    assert send_answers(NOW) == 0


def test_an_answer_that_comes_late_is_not_given(phone: Phone) -> None:
    reply()

    assert send_answers(NOW + timedelta(minutes=16)) == 0


def test_what_was_refused_for_a_while_is_tried_again(phone: Phone) -> None:
    phone.does = [Refused("Later.")]
    reply()

    send_answers(NOW)
    assert phone.took == []
    send_answers(NOW + timedelta(seconds=15))
    assert len(phone.took) == 1


@pytest.mark.parametrize("problem", [Refused("No.", for_good=True), httpx.ReadTimeout("")])
def test_what_was_refused_for_good_or_may_have_gone_out_is_not(phone: Phone, problem: Exception) -> None:
    phone.does = [problem]
    reply()

    send_answers(NOW)
    send_answers(NOW + timedelta(seconds=15))

    assert phone.took == []


def test_one_that_fails_holds_up_no_other(phone: Phone) -> None:
    phone.does = [httpx.ReadTimeout("")]
    reply()
    reply(number="+351961111111")

    send_answers(NOW)

    assert [text.to for text in phone.took] == ["+351961111111"]


def test_the_log_tells_which_reply_and_nothing_of_it(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    phone.does = [httpx.ReadTimeout("")]
    one = reply(words="my migraine")

    send_answers(NOW)

    assert f"Reply {one.pk} may or may not have been answered." in caplog.text
    assert "migraine" not in caplog.text
    assert "912345678" not in caplog.text


# --- What they say


def test_nobody_watches_this_line_and_whom_to_call() -> None:
    LocationFactory(phone="+351213456789", emergency_number="112")

    said = words_for(reply())

    assert said == ("Harbour Clinic: nobody watches this line. Please call +351 21 345 6789. In an emergency call 112.")


def test_the_emergency_number_is_that_of_where_she_is_treated(book: Any, alice: Client, location: Location) -> None:
    LocationFactory(phone="+4930123456", emergency_number="911")
    Location.objects.filter(pk=location.pk).update(emergency_number="999")
    book(NOW + timedelta(days=3))

    assert "In an emergency call 999." in words_for(reply(client=alice))


def test_without_a_number_of_its_own_the_clinics_counts(clinic: Clinic) -> None:
    assert "In an emergency call 112." in words_for(reply())


@pytest.mark.parametrize("answer", Answer.values)
def test_every_answer_has_words_that_fit_into_one_text(answer: str) -> None:
    Clinic.objects.update(name="Harbour Street Headache Clinic")
    LocationFactory(phone="+351213456789")

    said = words_for(reply(answer))

    assert said.startswith("Harbour Street Headache Clinic: ")
    assert segments(said) == 1


def test_no_words_lie_about_that_nobody_says() -> None:
    folder = Path(settings.BASE_DIR) / "templates" / "texts" / "answers"

    assert {path.stem for path in folder.iterdir()} == set(Answer.values)


# --- Two workers at once


def answered_by_two(phone: Phone) -> int:
    """Let two workers send at the same moment, and return how many texts went out."""
    both = threading.Barrier(2)

    def work() -> None:
        both.wait()
        send_answers(NOW)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return len(phone.took)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_answer_once(phone: Phone) -> None:
    for number in range(20):
        reply(number=f"+3519123456{number:02}")

    assert answered_by_two(phone) == 20


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_without_the_mark_that_is_committed_first_they_would_answer_twice(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(now: Any) -> list[Reply]:
        return list(Reply.objects.exclude(answer="").select_related("client", "message"))

    monkeypatch.setattr(answers, "begin", look)
    reply()

    assert answered_by_two(phone) == 2
