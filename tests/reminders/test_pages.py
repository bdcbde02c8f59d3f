"""What staff see of messages, and what they can do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist, User
from clinic.people.worklist import worklists
from clinic.reminders import services
from clinic.reminders.models import Message
from clinic.scheduling.badges import badges_for
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import move_appointment
from tests.factories import ClientFactory
from tests.reminders.conftest import Book
from tests.reminders.support import agree
from tests.reminders.test_visits import VISIT_AT

State = Message.State
PAGE = "/messages/"
DAY = timedelta(days=1)


def troubled(message: Message, state: str = State.FAILED) -> Message:
    """Let a message have failed."""
    message.state, message.problem, message.sent_at = state, "The mail server refused the message (550).", None
    message.save()
    return message


@pytest.fixture
def visit(book: Book, consent: None) -> Appointment:
    """A visit of Alice's whose first reminder has been sent."""
    visit = book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)
    return visit


@pytest.fixture
def failed(visit: Appointment) -> Message:
    return troubled(Message.objects.get())


def test_an_empty_list_says_what_will_come(as_dana: Browser) -> None:
    assert "No messages yet" in as_dana.get(PAGE).content.decode()


def test_the_front_desk_sees_who_was_written_to_about_which_visit_and_not_what(
    as_dana: Browser, visit: Appointment
) -> None:
    page = as_dana.get(PAGE).content.decode()

    assert "Alice Marques" in page
    assert "Sun 29 Nov, 13:30" in page
    assert "Fri 27 Nov, 13:30" in page
    assert "sent" in page
    assert "look forward" not in page
    assert visit.service.name not in page


def test_a_failure_stands_on_top_with_whom_to_phone_and_what_to_do(as_dana: Browser, failed: Message) -> None:
    Client.objects.update(phone="+351213456789")

    page = as_dana.get(PAGE).content.decode()

    assert "Need a person" in page
    assert 'href="tel:+351-21-345-6789"' in page
    assert "refused the message (550)" in page
    assert reverse("reminders:message-try-again", args=[failed.pk]) in page
    assert reverse("reminders:message-settle", args=[failed.pk]) in page


@pytest.mark.usefixtures("now")  # by day
def test_trying_again_sends_it_with_the_next_sweep(as_dana: Browser, dana: User, failed: Message) -> None:
    answer = as_dana.post(reverse("reminders:message-try-again", args=[failed.pk]), follow=True)

    assert "goes out within a minute" in answer.content.decode()
    services.sweep(VISIT_AT - 2 * DAY)
    failed.refresh_from_db()
    assert (failed.state, failed.tried_again_by) == (State.SENT, dana)


@pytest.mark.usefixtures("now")
def test_what_would_not_go_out_is_not_promised(as_dana: Browser, failed: Message) -> None:
    Client.objects.update(phone="+351213456789")
    Message.objects.update(channel="text")
    agree(Client.objects.get(), channel="text")

    answer = as_dana.post(reverse("reminders:message-try-again", args=[failed.pk]), follow=True)

    assert "There is no mobile number." in answer.content.decode()
    assert "goes out" not in answer.content.decode().partition("<h1>")[0]
    failed.refresh_from_db()
    assert failed.state == State.FAILED


def test_what_is_sent_once_more_at_night_waits_for_the_morning(as_dana: Browser, failed: Message) -> None:
    night = (VISIT_AT - 2 * DAY).replace(hour=22, minute=0)
    with time_machine.travel(night, tick=False):
        as_dana.force_login(User.objects.get(email="dana@example.org"))
        answer = as_dana.post(reverse("reminders:message-try-again", args=[failed.pk]), follow=True)

    assert "goes out by itself, but not at this hour" in answer.content.decode()
    failed.refresh_from_db()
    assert (failed.state, failed.due_at) == (State.WAITING, night + timedelta(hours=10))


def test_the_list_shows_the_time_that_was_told_and_not_that_of_today(
    as_dana: Browser, book: Book, consent: None
) -> None:
    visit = book(VISIT_AT, booked_at=VISIT_AT - 10 * DAY)
    services.sweep(VISIT_AT - 10 * DAY + timedelta(minutes=4))
    move_appointment(by=None, now=VISIT_AT - 9 * DAY, appointment=visit, starts_at=VISIT_AT + DAY)
    services.sweep(VISIT_AT - 9 * DAY + timedelta(minutes=4))

    rows = as_dana.get(PAGE).content.decode().partition("<tbody>")[2].split("<tr>")[1:]

    assert ["Change of a visit" in row and "Mon 30 Nov, 13:30" in row for row in rows] == [True, False]
    assert ["Confirmation" in row and "Sun 29 Nov, 13:30" in row for row in rows] == [False, True]


def test_what_was_told_in_person_needs_nobody_any_more(as_dana: Browser, dana: User, failed: Message) -> None:
    answer = as_dana.post(reverse("reminders:message-settle", args=[failed.pk]), follow=True)

    assert "Need a person" not in answer.content.decode()
    failed.refresh_from_db()
    assert (failed.state, failed.settled_by) == (State.FAILED, dana)


@pytest.mark.parametrize("action", ["message-try-again", "message-settle"])
def test_what_somebody_has_seen_to_says_so_and_changes_nothing(as_dana: Browser, failed: Message, action: str) -> None:
    address = reverse(f"reminders:{action}", args=[failed.pk])
    as_dana.post(reverse("reminders:message-settle", args=[failed.pk]))
    before = Message.objects.values().get()

    answer = as_dana.post(address, follow=True)

    assert "Somebody has already seen to this message." in answer.content.decode()
    assert Message.objects.values().get() == before


@pytest.mark.parametrize("action", ["message-try-again", "message-settle"])
def test_looking_changes_nothing(as_dana: Browser, failed: Message, action: str) -> None:
    assert as_dana.get(reverse(f"reminders:{action}", args=[failed.pk])).status_code == 405


@pytest.mark.parametrize(
    ("browser", "status"), [("as_dana", 200), ("as_olga", 200), ("as_bea", 200), ("as_alice", 404)]
)
def test_staff_see_the_list_and_clients_do_not(
    request: pytest.FixtureRequest, visit: Appointment, browser: str, status: int
) -> None:
    assert request.getfixturevalue(browser).get(PAGE).status_code == status


def test_nobody_else_acts_on_a_message(as_alice: Browser, client: Browser, failed: Message) -> None:
    for action in ("message-try-again", "message-settle"):
        address = reverse(f"reminders:{action}", args=[failed.pk])
        assert as_alice.post(address).status_code == 404
        assert client.post(address).status_code == 302
    failed.refresh_from_db()
    assert (failed.state, failed.settled_at) == (State.FAILED, None)


def test_the_list_asks_as_many_questions_for_many_messages_as_for_one(
    as_dana: Browser, book: Book, visit: Appointment, django_assert_max_num_queries: Any
) -> None:
    for hour in range(2, 9):
        other = ClientFactory()
        agree(other)
        book(VISIT_AT + timedelta(hours=hour), client=other)
    services.sweep(VISIT_AT - DAY)
    assert Message.objects.count() == 8
    for message in Message.objects.all()[:4]:
        troubled(message)

    with django_assert_max_num_queries(20) as asked:
        as_dana.get(PAGE)
    messages = [query for query in asked if "reminders_message" in query["sql"]]
    assert len(messages) <= 4  # the number in the navigation, the troubled, how many there are, one page


def test_the_number_beside_messages_counts_what_needs_a_person_for_those_who_mind(
    failed: Message, dana: User, olga: User, bea: Therapist, carl: User
) -> None:
    count = worklists["messages"].count

    assert count is not None
    assert [count(user, VISIT_AT - DAY) for user in (dana, olga, bea.user, carl)] == [1, 1, 0, 0]


def test_the_worklist_says_which_message_failed_for_which_visit(failed: Message, dana: User, bea: Therapist) -> None:
    (row,) = worklists["messages"].rows(dana, VISIT_AT - DAY)

    assert row.title == "Alice Marques"
    assert row.detail == "Reminder for Sun 29 Nov, 13:30: The mail server refused the message (550)."
    assert not row.is_urgent
    assert worklists["messages"].rows(dana, VISIT_AT)[0].is_urgent
    assert worklists["messages"].rows(bea.user, VISIT_AT) == []


def words_on(user: User, visit: Appointment) -> list[tuple[str, bool]]:
    visit.refresh_from_db()
    found = badges_for(user, [visit])[visit.pk]
    return [(badge.words, badge.is_open_work) for badge in found if "reminder" in badge.words]


def test_the_calendar_shows_that_a_reminder_went_out(visit: Appointment, dana: User) -> None:
    assert words_on(dana, visit) == [("reminder sent", False)]


@pytest.mark.parametrize(
    ("state", "words"), [(State.FAILED, "reminder failed"), (State.UNCERTAIN, "reminder perhaps not sent")]
)
def test_the_calendar_shows_a_reminder_that_needs_a_person_until_somebody_saw_to_it(
    visit: Appointment, dana: User, state: str, words: str
) -> None:
    message = troubled(Message.objects.get(), state)
    assert words_on(dana, visit) == [(words, True)]

    services.settle(by=dana, now=VISIT_AT - DAY, message=message)

    assert words_on(dana, visit) == []


def test_a_failure_is_not_hidden_by_a_later_success(failed: Message, visit: Appointment, dana: User) -> None:
    services.sweep(VISIT_AT - timedelta(hours=2))
    assert Message.objects.filter(state=State.SENT).exists()
    Message.objects.filter(pk=failed.pk).update(settled_at=None)

    assert words_on(dana, visit) == [("reminder failed", True)]


def test_a_reminder_of_another_time_says_nothing_about_a_visit_that_was_moved(visit: Appointment, dana: User) -> None:
    move_appointment(by=None, now=VISIT_AT - 2 * DAY, appointment=visit, starts_at=VISIT_AT + DAY)

    assert words_on(dana, visit) == []


def test_a_client_sees_no_badges(visit: Appointment, alice_user: User) -> None:
    assert words_on(alice_user, visit) == []


def test_a_message_whose_visit_is_at_another_place_shows_the_wall_of_that_place(
    as_dana: Browser, visit: Appointment
) -> None:
    visit.location.time_zone = "Asia/Kolkata"
    visit.location.save()

    assert "Sun 29 Nov, 19:00" in as_dana.get(PAGE).content.decode()
