"""What comes of a text that came in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.test import override_settings

from clinic.audit.models import Change
from clinic.people.models import Client, Clinic, ContactConsent, User
from clinic.people.services import has_contact_consent
from clinic.reminders import services
from clinic.reminders.delivery import receipt
from clinic.reminders.models import Message
from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.providers import Incoming
from clinic.reminders.texting.replies import MOST_AN_HOUR, settle_reply, take_reply
from clinic.scheduling.badges import badges_for
from clinic.scheduling.models import Appointment, Offer, Status, StatusChange
from clinic.scheduling.services import move_appointment
from tests.factories import ClientFactory
from tests.reminders.conftest import Book
from tests.reminders.support import agree
from tests.reminders.test_offers import offer

__all__ = ["offer"]

Meaning = Reply.Meaning
Answer = Reply.Answer

ALICES = "+351912345678"
VISIT_AT = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
REMINDED_AT = VISIT_AT - timedelta(days=2)
ANSWERED_AT = REMINDED_AT + timedelta(minutes=7)


@pytest.fixture(autouse=True)
def _at_that_time(clinic: Clinic) -> Iterator[None]:
    with time_machine.travel(ANSWERED_AT, tick=False):
        yield


def agree_to_texts(client: Client, number: str = ALICES) -> Client:
    """Let a client be reached by texts alone."""
    Client.objects.filter(pk=client.pk).update(phone=number)
    client.refresh_from_db()
    agree(client, channel="text")
    return client


@pytest.fixture
def visit(book: Book, alice: Client) -> Appointment:
    """A visit of which Alice was reminded by a text."""
    agree_to_texts(alice)
    visit = book(VISIT_AT)
    services.sweep(REMINDED_AT)
    assert Message.objects.get(channel="text").state == Message.State.SENT
    return visit


def write(words: str, *, number: str = ALICES, at: datetime = ANSWERED_AT, key: str = "", opts: str = "") -> Reply:
    """Let a phone write, and return what came of it."""
    count = Reply.objects.count()
    incoming = Incoming(key or f"SM{count}", number, words, opts or None)  # type: ignore[arg-type]  # a test's own words
    reply = take_reply(now=at, incoming=incoming)
    assert reply is not None
    reply.refresh_from_db()
    return reply


def status_of(visit: Appointment) -> str:
    visit.refresh_from_db()
    return visit.status


# --- Yes and no


def test_yes_confirms_the_visit(visit: Appointment, alice: Client) -> None:
    reply = write("Yes")

    assert status_of(visit) == Status.CONFIRMED
    assert (reply.client, reply.settled_at, reply.settled_by, reply.answer) == (alice, ANSWERED_AT, None, "")
    step = StatusChange.objects.filter(appointment=visit).latest("at", "pk")
    assert (step.by, step.why, step.at) == (None, "confirmed by text", ANSWERED_AT)


def test_yes_said_twice_changes_nothing_more(visit: Appointment) -> None:
    write("yes")
    steps = StatusChange.objects.count()

    assert write("Yes!").settled_at == ANSWERED_AT
    assert StatusChange.objects.count() == steps


def test_no_cancels_a_visit_while_that_is_free(visit: Appointment) -> None:
    reply = write("no")

    assert status_of(visit) == Status.CANCELLED
    assert (reply.answer, reply.settled_at) == ("", ANSWERED_AT)
    assert StatusChange.objects.filter(appointment=visit).latest("at", "pk").why == "cancelled by text"


def test_that_it_is_cancelled_she_is_told_as_of_every_cancellation(visit: Appointment) -> None:
    write("no")

    services.sweep(ANSWERED_AT + timedelta(minutes=4))

    told = Message.objects.get(kind="cancelled", channel="text")
    assert (told.subject_pk, told.state) == (visit.pk, Message.State.SENT)


def test_no_does_not_cancel_late_but_goes_to_a_person(visit: Appointment) -> None:
    late = VISIT_AT - timedelta(hours=23)

    reply = write("no", at=late)

    assert status_of(visit) == Status.BOOKED
    assert (reply.meaning, reply.answer, reply.settled_at) == (Meaning.NO, Answer.CALL, None)


def test_no_does_not_cancel_what_cannot_be_cancelled_by_oneself_any_more(visit: Appointment) -> None:
    Clinic.objects.update(online_cancel_hours=72)

    reply = write("no")

    assert status_of(visit) == Status.BOOKED
    assert (reply.meaning, reply.answer, reply.settled_at) == (Meaning.NO, Answer.CALL, None)


def test_an_answer_about_a_visit_that_was_moved_since_goes_to_a_person(visit: Appointment) -> None:
    move_appointment(by=None, now=ANSWERED_AT, appointment=visit, starts_at=VISIT_AT + timedelta(days=1))

    assert write("yes").answer == Answer.CALL
    assert status_of(visit) == Status.BOOKED


def test_an_answer_to_a_visit_that_is_over_goes_to_a_person(visit: Appointment) -> None:
    reply = write("yes", at=VISIT_AT + timedelta(minutes=1))

    assert (reply.answer, reply.settled_at) == (Answer.CALL, None)
    assert status_of(visit) == Status.BOOKED


def test_an_answer_that_comes_a_week_later_answers_nothing(visit: Appointment) -> None:
    reply = write("yes", at=REMINDED_AT + timedelta(days=7, minutes=1))

    assert (reply.message, reply.answer, reply.settled_at) == (None, Answer.UNWATCHED, None)


def test_the_way_back_to_the_house_is_told_in_the_clients_history(visit: Appointment, alice: Client) -> None:
    write("no")

    assert Change.objects.filter(client_pk=alice.pk, by=None, words__contains="cancelled").exists()


# --- An offer of a free time


@pytest.fixture
def offered(offer: Offer, alice: Client) -> Offer:
    """An offer that went to Alice as a text."""
    agree_to_texts(alice)
    services.sweep(offer.offered_at)
    assert Message.objects.get(channel="text").kind == "offer"
    return offer


def test_no_declines_an_offer(offered: Offer) -> None:
    reply = write("no", at=offered.offered_at + timedelta(minutes=5))

    offered.refresh_from_db()
    assert offered.answer == Offer.Answer.DECLINED
    assert (reply.answer, reply.settled_at) == ("", reply.at)


def test_yes_books_nothing_for_the_link_asks_first_how_she_is(offered: Offer) -> None:
    reply = write("yes", at=offered.offered_at + timedelta(minutes=5))

    offered.refresh_from_db()
    assert offered.answer == ""
    assert offered.appointment.status == Status.HELD
    assert (reply.answer, reply.settled_at) == (Answer.LINK, None)


# --- Whose answer it is


def test_in_a_family_it_answers_the_text_that_came_last(visit: Appointment, book: Book) -> None:
    brother = agree_to_texts(ClientFactory(legal_name="Bruno Marques"))
    his = book(VISIT_AT + timedelta(hours=3), client=brother)
    services.sweep(REMINDED_AT + timedelta(hours=3))

    reply = write("yes", at=REMINDED_AT + timedelta(hours=3, minutes=5))

    assert reply.client == brother
    assert (status_of(his), status_of(visit)) == (Status.CONFIRMED, Status.BOOKED)


def test_where_two_were_reminded_at_about_the_same_time_nobody_guesses(visit: Appointment, book: Book) -> None:
    brother = agree_to_texts(ClientFactory(legal_name="Bruno Marques"))
    his = book(VISIT_AT + timedelta(minutes=75), client=brother)
    services.sweep(REMINDED_AT + timedelta(minutes=55))  # his own reminder is not yet due
    services.sweep(REMINDED_AT + timedelta(minutes=75))
    Message.objects.filter(client=brother).update(tried_at=REMINDED_AT + timedelta(minutes=50))

    reply = write("no", at=REMINDED_AT + timedelta(minutes=80))

    assert (reply.answer, reply.settled_at) == (Answer.CALL, None)
    assert (status_of(his), status_of(visit)) == (Status.BOOKED, Status.BOOKED)


def test_a_strangers_words_wait_for_a_person(visit: Appointment) -> None:
    reply = write("yes", number="+351961111111")

    assert (reply.client, reply.message, reply.answer, reply.settled_at) == (None, None, Answer.UNWATCHED, None)
    assert status_of(visit) == Status.BOOKED


def test_what_an_archived_clients_phone_writes_is_a_strangers(visit: Appointment) -> None:
    Client.objects.update(archived_at=ANSWERED_AT)

    assert write("STOP").client is None


# --- Consent


@pytest.mark.parametrize("word", ["STOP", "Stop all", "unsubscribe", "QUIT"])
def test_stop_ends_the_consent_at_once(visit: Appointment, alice: Client, word: str) -> None:
    reply = write(word)

    assert not has_contact_consent(alice, "text")
    consent = ContactConsent.objects.latest("pk")
    assert (consent.by, consent.source, consent.at, consent.channel) == (None, "text reply", ANSWERED_AT, "text")
    assert (reply.answer, reply.settled_at) == (Answer.STOPPED, ANSWERED_AT)


def test_what_waits_is_not_sent_after_stop(visit: Appointment) -> None:
    write("STOP")

    services.sweep(VISIT_AT - timedelta(hours=2))

    assert Message.objects.filter(channel="text", state=Message.State.SENT).count() == 1


def test_who_has_a_landline_alone_gets_no_text_and_a_person_reads_why(book: Book, alice: Client) -> None:
    agree_to_texts(alice, number="+351213456789")
    book(VISIT_AT)

    services.sweep(REMINDED_AT)

    message = Message.objects.needing_a_person().get()
    assert (message.state, message.problem) == (Message.State.FAILED, "There is no mobile number.")


def test_after_stop_nothing_of_before_is_answered_any_more(visit: Appointment) -> None:
    said_before = write("can I come later?")
    assert said_before.answer == Answer.UNWATCHED

    assert write("STOP").answer == Answer.STOPPED

    said_before.refresh_from_db()
    assert said_before.answer == ""
    assert said_before.settled_at is None  # a person sees to it all the same


def test_stop_from_a_phone_that_writes_on_and_on_silences_the_house_too(visit: Appointment) -> None:
    written = [write("hello") for _ in range(MOST_AN_HOUR)]

    take_reply(now=ANSWERED_AT, incoming=Incoming("SM-last", ALICES, "STOP"))

    assert written[0].answer == Answer.UNWATCHED
    assert not Reply.objects.exclude(answer="").exists()


def test_stop_leaves_mail_alone(visit: Appointment, alice: Client) -> None:
    agree(alice)

    write("STOP")

    assert has_contact_consent(alice, "email")


def test_stop_said_again_is_not_answered_again(visit: Appointment) -> None:
    write("STOP")

    assert write("STOP").answer == ""
    assert ContactConsent.objects.filter(is_given=False).count() == 1


def test_stop_speaks_for_everybody_who_shares_the_phone(visit: Appointment, alice: Client) -> None:
    brother = agree_to_texts(ClientFactory())

    write("STOP")

    assert not has_contact_consent(alice, "text")
    assert not has_contact_consent(brother, "text")


def test_the_provider_may_have_understood_stop_in_another_language(visit: Appointment, alice: Client) -> None:
    write("arrête", opts="out")

    assert not has_contact_consent(alice, "text")


def test_cancel_ends_the_texts_as_carriers_do_and_tells_a_person_that_she_wants_to_cancel(
    visit: Appointment, alice: Client
) -> None:
    reply = write("CANCEL")

    assert not has_contact_consent(alice, "text")
    assert (reply.meaning, reply.settled_at) == (Meaning.CANCEL, None)
    assert status_of(visit) == Status.BOOKED


def test_start_gives_the_consent_again(visit: Appointment, alice: Client) -> None:
    write("STOP")

    reply = write("START")

    assert has_contact_consent(alice, "text")
    assert reply.answer == Answer.STARTED


def test_start_from_a_shared_phone_speaks_for_those_whom_a_text_had_stopped(visit: Appointment, alice: Client) -> None:
    brother = agree_to_texts(ClientFactory())
    write("STOP")
    agree(brother, channel="text", is_given=False, at=ANSWERED_AT + timedelta(minutes=1))  # he said so at the desk

    write("START", at=ANSWERED_AT + timedelta(minutes=2))

    assert has_contact_consent(alice, "text")
    assert not has_contact_consent(brother, "text")


# --- What became of the text


def test_a_text_that_did_not_arrive_is_shown_on_the_visit_and_in_the_list(
    visit: Appointment, dana: User, as_dana: Browser
) -> None:
    text = Message.objects.get()
    receipt(channel="text", key=text.key, outcome="failed", words="The text did not arrive (30003).", at=ANSWERED_AT)

    shown = {badge.words: badge.is_open_work for badge in badges_for(dana, [visit])[visit.pk]}
    assert shown["reminder failed"]
    page = as_dana.get("/messages/").content.decode()
    assert "The text did not arrive (30003)." in page
    assert "text message" in page


# --- Everything else


def test_other_words_wait_for_a_person_and_are_told_that_nobody_reads_along(visit: Appointment, alice: Client) -> None:
    reply = write("My head is splitting, can I take a second tablet?")

    assert (reply.meaning, reply.client, reply.settled_at) == (Meaning.OTHER, alice, None)
    assert reply.answer == Answer.UNWATCHED


def test_nobody_is_told_so_again_within_twelve_hours(visit: Appointment) -> None:
    write("hello")

    assert write("hello?", at=ANSWERED_AT + timedelta(hours=11)).answer == ""
    assert write("hello?", number="+351961111111", at=ANSWERED_AT + timedelta(hours=11)).answer == Answer.UNWATCHED
    assert write("hello!", at=ANSWERED_AT + timedelta(hours=13)).answer == Answer.UNWATCHED


@pytest.mark.parametrize("stop", ["STOP", "cancel"])
def test_after_stop_a_phone_is_told_nothing_until_it_says_start(alice: Client, stop: str) -> None:
    agree_to_texts(alice)
    write(stop)

    assert write("hello?").answer == ""
    write("START")
    assert write("hello?").answer == Answer.UNWATCHED


def test_a_machine_that_writes_on_and_on_is_not_listened_to(visit: Appointment, alice: Client) -> None:
    for _ in range(MOST_AN_HOUR):
        write("beep")

    assert take_reply(now=ANSWERED_AT, incoming=Incoming("more", ALICES, "beep")) is None
    assert take_reply(now=ANSWERED_AT, incoming=Incoming("stop", ALICES, "STOP")) is None
    assert Reply.objects.count() == MOST_AN_HOUR
    assert not has_contact_consent(alice, "text")


def test_what_no_database_can_keep_is_left_out(visit: Appointment) -> None:
    reply = write("he\0llo" + "o" * 3000)

    assert reply.words.startswith("hello")
    assert len(reply.words) == 1600

    strange = take_reply(now=ANSWERED_AT, incoming=Incoming("\0" + "k" * 200, "+351\0" + "Vodafone" * 9, "hello"))
    assert strange is not None
    assert (len(strange.provider_key), strange.number) == (100, "+351VodafoneVodafone")


def test_a_reply_is_seen_to_once(visit: Appointment, dana: User) -> None:
    reply = write("hello")

    settle_reply(by=dana, now=ANSWERED_AT, reply=reply)

    with pytest.raises(ValidationError, match="Somebody has already seen"):
        settle_reply(by=dana, now=ANSWERED_AT, reply=reply)


def test_nothing_of_what_is_written_reaches_the_log(visit: Appointment, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(TEXT_URL="consoletext://"):
        write("my migraine is back")

    assert "migraine" not in caplog.text
