"""Several workers at once, in real transactions; each protection is also shown to be needed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from clinic.people.models import Client, Location
from clinic.reminders import delivery, outbox, services, visits, writing
from clinic.reminders.channels import Letter, channels
from clinic.reminders.kinds import message_kinds
from clinic.reminders.models import Message
from clinic.reminders.outbox import Claim
from clinic.scheduling.models import Appointment, AppointmentQuerySet, Series
from clinic.scheduling.services import cancel_appointment, refresh_review_needed
from tests.factories import ServiceFactory, TherapistFactory
from tests.reminders.conftest import Book
from tests.reminders.support import due_now
from tests.reminders.test_visits import VISIT_AT

State = Message.State
MESSAGES = 40
WORKERS = 4

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("consent", "location")]


class CountingChannel:
    """Takes a little while for each letter, as providers do, and counts."""

    deduplicates = False

    def __init__(self) -> None:
        self.taken: Counter[int] = Counter()

    def address_of(self, client: Client, now: datetime) -> str:
        return client.email

    def open(self) -> AbstractContextManager[CountingChannel]:
        return nullcontext(self)

    def send(self, letter: Letter) -> str:
        time.sleep(0.002)
        self.taken[letter.key] += 1
        return ""


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> CountingChannel:
    counting = CountingChannel()
    monkeypatch.setitem(channels, "email", counting)
    return counting


def at_once(*works: Callable[[], object]) -> None:
    """Run these in threads of their own, begun together, and raise what any of them raised."""
    start, problems = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait()
            work()
        except Exception as problem:  # noqa: BLE001  # raised again by the test's own thread
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def sweep_at_once(now: datetime) -> None:
    at_once(*[lambda: services.sweep(now)] * WORKERS)


def test_several_sweeps_at_once_send_each_message_once(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel: CountingChannel
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(MESSAGES)]

    sweep_at_once(now)

    assert channel.taken == Counter(dict.fromkeys(Message.objects.values_list("pk", flat=True), 1))
    assert Message.objects.filter(state=State.SENT).count() == MESSAGES


def test_without_the_claim_several_sweeps_at_once_send_doubles(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel: CountingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(MESSAGES)]

    def see_only(now: datetime) -> Claim:
        return Claim(uuid4(), list(Message.objects.due(now).values_list("pk", flat=True)))

    def begin_whatever(message: Message, sealed: Any, before: Any, token: UUID, now: datetime) -> Letter:
        Message.objects.filter(pk=message.pk).update(state=State.SENDING, claimed_by=token, lease_until=now)
        return Letter(message.pk, message.key, "alice@example.org", "", "", "")

    monkeypatch.setattr(services, "claim", see_only)
    monkeypatch.setattr(delivery, "begin", begin_whatever)

    sweep_at_once(now)

    assert max(channel.taken.values()) > 1


def test_the_same_batch_delivered_five_times_at_once_is_sent_once(
    only_kind: dict[str, Any], alice: Client, now: datetime, channel: CountingChannel
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(MESSAGES)]
    services.prepare(now)
    pks = list(Message.objects.values_list("pk", flat=True))

    at_once(*[lambda: services.deliver_batch(pks, now)] * 5)

    assert channel.taken == Counter(dict.fromkeys(pks, 1))


def two_write_down_the_same(now: datetime) -> None:
    """Let one sweep begin before what another has written down can be seen."""
    is_written, is_through = threading.Event(), threading.Event()

    def write_and_linger() -> None:
        with transaction.atomic():
            services.prepare(now)
            is_written.set()
            is_through.wait(timeout=1)

    def write_meanwhile() -> None:
        is_written.wait(timeout=10)
        services.prepare(now)
        is_through.set()

    at_once(write_and_linger, write_meanwhile)


def test_two_sweeps_that_find_the_same_at_once_write_it_down_once(
    only_kind: dict[str, Any], alice: Client, now: datetime
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(MESSAGES)]

    two_write_down_the_same(now)

    assert Message.objects.count() == MESSAGES


def test_without_the_unique_key_two_sweeps_write_doubles(
    only_kind: dict[str, Any], alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_kind["dues"] = [due_now(alice, now, subject_pk=pk) for pk in range(MESSAGES)]
    monkeypatch.setattr(outbox, "WRITE_DOWN", outbox.WRITE_DOWN.partition("ON CONFLICT")[0])
    key = next(c for c in Message._meta.constraints if c.name == "message_exists_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Message, key)
    try:
        two_write_down_the_same(now)
        assert Message.objects.count() == 2 * MESSAGES
    finally:
        Message.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Message, key)


def sending_and_cancelling(visit: Appointment, now: datetime, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Cancel a visit while its reminder is about to be sent; say whether the cancellation was committed before."""
    about_to_send, may_send, cancelled = threading.Event(), threading.Event(), threading.Event()
    was_cancelled_before: list[bool] = []
    write = writing.write_letter

    def write_slowly(message: Message, **facts: Any) -> Letter:
        about_to_send.set()
        may_send.wait(timeout=10)
        was_cancelled_before.append(cancelled.is_set())
        return write(message, **facts)

    def cancel() -> None:
        about_to_send.wait(timeout=10)
        cancel_appointment(by=None, now=now, appointment=visit)
        cancelled.set()

    def let_it_go_on() -> None:
        about_to_send.wait(timeout=10)
        cancelled.wait(timeout=0.2)
        may_send.set()

    monkeypatch.setattr(writing, "write_letter", write_slowly)
    # A letter that is not written ahead, as that of a kind of which few are due.
    monkeypatch.setattr(message_kinds, "_entries", {"reminder": replace(visits.REMINDER, contexts=None)})
    at_once(lambda: services.sweep(now), cancel, let_it_go_on)
    return was_cancelled_before[0]


def test_no_sending_begins_after_a_cancellation_was_committed(
    book: Book, channel: CountingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = book(VISIT_AT)

    assert not sending_and_cancelling(visit, VISIT_AT - timedelta(days=2), monkeypatch)

    visit.refresh_from_db()
    assert (visit.status, len(channel.taken)) == ("cancelled", 1)


def test_without_the_lock_a_sending_begins_after_the_cancellation(
    book: Book, channel: CountingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_locked(found: AppointmentQuerySet) -> AppointmentQuerySet:
        return found.select_related("therapist__user", "location")

    monkeypatch.setattr(visits, "locked_with_people", not_locked)

    assert sending_and_cancelling(book(VISIT_AT), VISIT_AT - timedelta(days=2), monkeypatch)
    assert len(channel.taken) == 1


def deliver_while_the_database_goes(
    made_up: dict[str, Any], client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], dict[str, int]]:
    """Let the database end our connection while the second of four letters is under way."""
    made_up["dues"] = [due_now(client, now, subject_pk=pk) for pk in range(4)]
    services.prepare(now)
    taken: list[int] = []

    class EndsTheConnection(CountingChannel):
        def send(self, letter: Letter) -> str:
            taken.append(letter.key)
            if len(taken) == 2:
                ended = connection.connection
                assert ended is not None
                # As a restart does: the server says goodbye and hangs up.
                with psycopg.connect(**connection.get_connection_params()) as other:
                    other.execute("SELECT pg_terminate_backend(%s)", [ended.info.backend_pid])
            return ""

    monkeypatch.setitem(channels, "email", EndsTheConnection())
    left = services.deliver(services.claim(now), now)
    connection.close()
    return left, Counter(Message.objects.values_list("state", flat=True))


def test_when_the_database_goes_what_is_known_is_recorded_and_the_rest_given_back(
    only_kind: dict[str, Any], alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, states = deliver_while_the_database_goes(only_kind, alice, now, monkeypatch)

    assert (len(left), states) == (2, {State.SENT: 2, State.WAITING: 2})


def test_without_waiting_for_it_they_would_lie_until_the_lease_ends(
    only_kind: dict[str, Any], alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DATABASE_IS_AWAY", ())

    with pytest.raises(OperationalError):
        deliver_while_the_database_goes(only_kind, alice, now, monkeypatch)

    connection.close()
    assert Counter(Message.objects.values_list("state", flat=True)) == {
        State.SENT: 1, State.SENDING: 1, State.CLAIMED: 2,
    }  # fmt: skip


def a_summary_meets_the_gates(book: Book, client: Client, now: datetime) -> None:
    """Let both lock the visits of a series that was moved about: the one that was booked first comes last."""
    made = Series.objects.create(
        client=client,
        service=ServiceFactory(),
        therapist=TherapistFactory(),
        location=Location.objects.get(),
        first_on=VISIT_AT.date(),
        at_time=VISIT_AT.time(),
        every_weeks=1,
        count=2,
        booked_at=now,
    )
    first, second = book(VISIT_AT + timedelta(days=7)), book(VISIT_AT)
    Appointment.objects.update(series=made)
    is_held, may_go = threading.Event(), threading.Event()

    def hold_the_first() -> None:
        with transaction.atomic():
            Appointment.objects.select_for_update().get(pk=first.pk)
            is_held.set()
            may_go.wait(timeout=10)

    def ask_the_gates() -> None:
        is_held.wait(timeout=10)
        refresh_review_needed(client=client, now=now)

    def write_the_summary() -> None:
        until_so_many_wait(1)
        with transaction.atomic():
            words = visits.series_words(made.pk, now)
        assert words is not None
        assert words["starts"] == [second.starts_at, first.starts_at]

    def let_go() -> None:
        until_so_many_wait(2)
        may_go.set()

    at_once(hold_the_first, ask_the_gates, write_the_summary, let_go)


def until_so_many_wait(count: int) -> None:
    """Stand still until so many connections wait for a row."""
    for _try in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


def test_a_summary_and_the_gates_lock_visits_in_one_order(book: Book, alice: Client, now: datetime) -> None:
    a_summary_meets_the_gates(book, alice, now)


def test_in_the_order_of_their_times_they_would_deadlock(
    book: Book, alice: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_time(found: AppointmentQuerySet) -> AppointmentQuerySet:
        return found.select_for_update(no_key=True, of=("self",)).order_by("starts_at")

    monkeypatch.setattr(visits, "locked_with_people", by_time)
    with pytest.raises(OperationalError, match="deadlock"):
        a_summary_meets_the_gates(book, alice, now)
