"""How messages go: said by the command, on the owner's page, and written to the owner when they do not."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.conf import settings as used
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from clinic.celery import BEAT_PULSE, WORKER_PULSE, app, beat_once, heartbeat
from clinic.people.models import Client, User
from clinic.reminders import watching
from clinic.reminders.alerts import fails
from clinic.reminders.channels import Letter, Refused
from clinic.reminders.delivery import hand_over
from clinic.reminders.doctor import Word, examine
from clinic.reminders.models import Message
from clinic.reminders.watching import Watcher
from tests.reminders.test_channels import LETTER
from tests.reminders.test_rails import ChannelThat

State = Message.State
QUEUES = list(app.amqp.queues)


@pytest.fixture
def pulses(now: datetime) -> None:
    """Let worker and beat be heard of."""
    beat_once(BEAT_PULSE)
    heartbeat(QUEUES)


Put = Callable[..., Message]


@pytest.fixture
def put(alice: Client, now: datetime) -> Put:
    """Return a function that puts a message of Alice's into the outbox."""

    def put_one(**facts: object) -> Message:
        times = {"about_at": now, "due_at": now - timedelta(minutes=1), "useless_after": now + timedelta(days=1)}
        number = Message.objects.count()
        plain = {"kind": "reminder", "subject_pk": number, "client": alice, "channel": "email", "created_at": now}
        return Message.objects.create(**(plain | times | facts))

    return put_one


def words_of(now: datetime) -> dict[str, Word]:
    return {finding.part: finding.word for finding in examine(now)}


@pytest.mark.usefixtures("pulses")
def test_where_all_is_well_it_says_so_and_ends_well(db: None) -> None:
    out = StringIO()
    call_command("reminders", "doctor", stdout=out)


@pytest.mark.usefixtures("pulses")
@pytest.mark.parametrize(
    ("facts", "part", "word"),
    [
        ({"due_at": timedelta(minutes=-6)}, "messages", Word.LATE),
        ({"state": State.SENDING, "lease_until": timedelta(minutes=-6)}, "in hand", Word.STUCK),
        ({"state": State.FAILED}, "failed", Word.FAILING),
        ({"state": State.UNCERTAIN}, "failed", Word.FAILING),
        (
            {"state": State.RETRY, "tried_at": timedelta(minutes=-6), "due_at": timedelta(hours=1)},
            "email",
            Word.FAILING,
        ),
    ],
)
def test_it_finds_what_is_late_stuck_and_failing(
    put: Put, now: datetime, facts: dict[str, object], part: str, word: Word
) -> None:
    put(state=State.SENT, sent_at=now)
    assert set(words_of(now).values()) == {Word.OK}

    moments = {name: now + fact if isinstance(fact, timedelta) else fact for name, fact in facts.items()}
    put(claimed_by="00000000-0000-0000-0000-000000000000", **moments)

    assert {name: said for name, said in words_of(now).items() if said != Word.OK} == {part: word}
    with pytest.raises(CommandError, match="not well"):
        call_command("reminders", "doctor", stdout=StringIO())


@pytest.mark.usefixtures("pulses")
def test_a_provider_that_takes_some_messages_is_not_failing(put: Put, now: datetime) -> None:
    put(state=State.SENT, sent_at=now, tried_at=now)
    put(state=State.RETRY, tried_at=now, due_at=now + timedelta(hours=1), problem="Try again later (451).")
    assert words_of(now)["email"] == Word.OK


@pytest.mark.usefixtures("pulses")
def test_it_names_the_queue_that_nobody_listens_to(db: None, now: datetime) -> None:
    cache.delete(WORKER_PULSE + QUEUES[0])
    (worker,) = [finding for finding in examine(now) if finding.part == "worker"]
    assert (worker.word, worker.words) == (Word.SILENT, f"No worker listens to: {QUEUES[0]}.")


@pytest.mark.usefixtures("pulses")
def test_a_mail_server_that_is_away_is_down(db: None, now: datetime, settings: pytest.FixtureRequest) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]
    assert words_of(now)["mail server"] == Word.DOWN


@pytest.mark.usefixtures("pulses")
def test_a_mail_service_that_cannot_be_reached_is_down(
    db: None, now: datetime, settings: pytest.FixtureRequest
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        api = f"http://127.0.0.1:{door.getsockname()[1]}/"
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"  # type: ignore[attr-defined]
        settings.MAIL_SERVICE = "postmark"  # type: ignore[attr-defined]
        settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "token", "POSTMARK_API_URL": api}  # type: ignore[attr-defined]
        assert words_of(now)["mail server"] == Word.OK
    assert words_of(now)["mail server"] == Word.DOWN


@pytest.mark.usefixtures("pulses")
def test_that_nobody_answers_is_known_at_the_first_try_however_lately_a_message_was_taken(
    put: Put, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(letter: Letter) -> None:
        raise Refused("The mail server cannot be reached.", nobody_answers=True)

    put(state=State.SENT, sent_at=now - timedelta(minutes=5), tried_at=now - timedelta(minutes=5))
    hand_over(put(attempts=1), LETTER, ChannelThat(nobody), now)
    assert words_of(now)["email"] == Word.DOWN
    assert not fails("email", now)
    assert fails("email", now + timedelta(minutes=5))

    put(state=State.SENT, sent_at=now + timedelta(minutes=6), tried_at=now + timedelta(minutes=6))
    assert words_of(now + timedelta(minutes=6))["email"] == Word.OK
    assert not fails("email", now + timedelta(minutes=6))


@pytest.mark.usefixtures("pulses")
def test_one_that_only_says_no_is_answered_for(put: Put, now: datetime) -> None:
    def busy(letter: Letter) -> None:
        raise Refused("Try again later (451).")

    put(state=State.SENT, sent_at=now, tried_at=now)
    hand_over(put(attempts=1), LETTER, ChannelThat(busy), now)
    assert words_of(now)["email"] == Word.OK


def test_the_owner_sees_on_a_page_what_to_do(as_olga: Browser, now: datetime) -> None:
    page = as_olga.get("/messages/how-they-go/").content.decode()
    assert "Beat does not tick." in page
    assert "Start beat: without it nobody looks for what is due." in page


@pytest.mark.usefixtures("pulses")
def test_where_everything_runs_the_page_says_so(as_olga: Browser) -> None:
    assert "Everything that sends messages runs." in as_olga.get("/messages/how-they-go/").content.decode()


@pytest.mark.usefixtures("pulses")
def test_however_many_messages_there_are_it_asks_the_same(
    put: Put, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        put(state=State.FAILED, tried_at=now)
    with django_assert_max_num_queries(9):
        examine(now)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "required: doctor|watch|drill"),
        (["dcotor"], "invalid choice: 'dcotor'"),
        (["drill", "--messages", "many"], "the number of messages must be 100 or more, not “many”"),
        (["drill", "--messages", "-5"], "the number of messages must be 100 or more, not “-5”"),
    ],
)
def test_a_slip_of_the_operator_is_one_clear_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence.replace("|", r"\|")):
        call_command("reminders", *words)


# --- The watch: written to the owner within five minutes


@pytest.fixture
def silent_beat(now: datetime) -> None:
    """Let nothing be heard of beat."""
    heartbeat(QUEUES)


@pytest.fixture
def impatient(silent_beat: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write at the second bad look."""
    monkeypatch.setattr(watching, "PATIENT_FOR_LOOKS", 2)


@pytest.mark.usefixtures("silent_beat")
def test_when_beat_stops_the_owner_is_told_once_within_five_minutes(olga: User, now: datetime) -> None:
    watcher = Watcher()
    for seconds in range(0, 300, watching.LOOKS_EVERY_SECONDS):
        watcher.look(now + timedelta(seconds=seconds))

    (told,) = mail.outbox
    assert (told.subject, told.to) == ("Messages are not going out", [olga.email])
    assert "Beat: Beat does not tick. Start beat" in told.body
    assert f"{used.SITE_URL}/messages/how-they-go/" in told.body


@pytest.mark.usefixtures("impatient")
def test_she_is_told_when_it_is_over_and_again_the_next_time(olga: User, now: datetime) -> None:
    watcher = Watcher()
    for is_heard in (False, False, True, True, False, False):
        if is_heard:
            beat_once(BEAT_PULSE)
        else:
            cache.delete(BEAT_PULSE)
        watcher.look(now)
    assert [told.subject for told in mail.outbox] == [
        "Messages are not going out", "Messages go out again", "Messages are not going out",
    ]  # fmt: skip


@pytest.mark.usefixtures("impatient")
def test_a_restart_is_no_reason_to_write(olga: User, now: datetime) -> None:
    watcher = Watcher()
    watcher.look(now)
    beat_once(BEAT_PULSE)
    watcher.look(now)
    assert mail.outbox == []


@pytest.mark.usefixtures("impatient")
def test_without_the_database_the_last_known_owners_are_told(
    olga: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher()
    watcher.look(now)

    def away(*_args: object, **_facts: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(User.objects, "filter", away)
    watcher.look(now)
    assert [told.to for told in mail.outbox] == [[olga.email]]


@pytest.mark.usefixtures("impatient")
def test_a_mail_that_could_not_be_handed_over_is_tried_at_the_next_look(
    olga: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_facts: object) -> None:
        raise ConnectionRefusedError

    watcher = Watcher()
    with monkeypatch.context() as without_mail:
        without_mail.setattr(watching, "send_mail", away)
        watcher.look(now)
        watcher.look(now)
    watcher.look(now)
    assert len(mail.outbox) == 1
