"""What staff see of replies, and what they can do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, Therapist, User
from clinic.people.worklist import worklists
from clinic.reminders.models import Message, Reply
from tests.conftest import NOW
from tests.factories import ClientFactory

Meaning = Reply.Meaning
PAGE = "/messages/replies/"
WORDS = "Canary: my migraine is back since Tuesday"


def a_reply(client: Client | None, words: str = WORDS, **facts: Any) -> Reply:
    """Return what a phone wrote."""
    known = {"number": "+351912345678", "meaning": Meaning.OTHER, "at": NOW}
    return Reply.objects.create(provider_key=f"SM{Reply.objects.count()}", words=words, client=client, **known | facts)


@pytest.fixture
def reply(alice: Client, now: datetime) -> Reply:
    return a_reply(alice)


def test_an_empty_list_says_what_will_come(as_dana: Browser) -> None:
    assert "No replies yet" in as_dana.get(PAGE).content.decode()


def test_the_front_desk_sees_who_wrote_and_whom_to_call_and_not_a_word(as_dana: Browser, reply: Reply) -> None:
    page = as_dana.get(PAGE).content.decode()

    assert "Alice Marques" in page
    assert "wrote" in page
    assert 'href="tel:+351-912-345-678"' in page
    assert reverse("reminders:reply-settle", args=[reply.pk]) in page
    assert "Canary" not in page
    assert f'href="{reverse("reminders:reply", args=[reply.pk])}"' not in page


@pytest.mark.parametrize("browser", ["as_dana", "as_olga", "as_alice"])
def test_only_therapists_read_the_words(request: pytest.FixtureRequest, reply: Reply, browser: str) -> None:
    answer = request.getfixturevalue(browser).get(reverse("reminders:reply", args=[reply.pk]))

    assert answer.status_code == 404
    assert "Canary" not in answer.content.decode()


def test_a_therapist_reads_the_words_and_the_look_is_logged(
    as_bea: Browser, bea: Therapist, alice: Client, reply: Reply
) -> None:
    assert reverse("reminders:reply", args=[reply.pk]) in as_bea.get(PAGE).content.decode()
    assert not Look.objects.filter(why="reply by text").exists()

    page = as_bea.get(reverse("reminders:reply", args=[reply.pk])).content.decode()

    assert WORDS in page
    look = Look.objects.get(why="reply by text")
    assert (look.by_id, look.client_pk, look.what_pk) == (bea.user.pk, alice.pk, reply.pk)


def test_the_words_of_a_reply_are_shown_as_words(as_bea: Browser, alice: Client, now: datetime) -> None:
    one = a_reply(alice, "<script>alert(1)</script>\nsecond line")

    page = as_bea.get(reverse("reminders:reply", args=[one.pk])).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second line" in page


def test_who_wants_to_cancel_is_seen_at_once(as_dana: Browser, alice: Client, now: datetime) -> None:
    a_reply(alice, "I can't come", meaning=Meaning.CANCEL)

    assert "wants to cancel or move" in as_dana.get(PAGE).content.decode()


def test_a_stranger_is_known_by_the_number(as_dana: Browser, clinic: object, now: datetime) -> None:
    a_reply(None)
    a_reply(None, number="12345")

    page = as_dana.get(PAGE).content.decode()

    assert "+351 912 345 678" in page
    assert "12345" in page


def test_it_says_of_which_visit_the_text_spoke(as_dana: Browser, alice: Client, now: datetime) -> None:
    text = Message.objects.create(
        kind="reminder",
        subject_pk=1,
        client=alice,
        channel="text",
        about_at=NOW + timedelta(days=7),
        due_at=NOW,
        useless_after=NOW + timedelta(days=7),
        created_at=NOW,
    )
    a_reply(alice, message=text)

    assert "Thu 26 Nov, 09:00" in as_dana.get(PAGE).content.decode()


def test_what_was_seen_to_waits_no_longer(as_dana: Browser, dana: User, reply: Reply) -> None:
    answer = as_dana.post(reverse("reminders:reply-settle", args=[reply.pk]), follow=True)

    page = answer.content.decode()
    assert "Need a person" not in page
    assert "Dana Silva" in page
    reply.refresh_from_db()
    assert (reply.settled_by, reply.settled_at) == (dana, NOW)

    again = as_dana.post(reverse("reminders:reply-settle", args=[reply.pk]), follow=True)
    assert "Somebody has already seen to this reply." in again.content.decode()


def test_many_replies_take_as_many_questions_as_one(
    as_dana: Browser, reply: Reply, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(100) as for_one:
        as_dana.get(PAGE)
    for _ in range(8):
        a_reply(ClientFactory())

    with django_assert_max_num_queries(len(for_one)):
        as_dana.get(PAGE)


def test_open_replies_count_beside_messages_for_those_who_mind(
    reply: Reply, dana: User, olga: User, bea: Therapist, carl: User
) -> None:
    count = worklists["messages"].count

    assert count is not None
    assert [count(user, NOW) for user in (dana, olga, bea.user, carl)] == [1, 1, 0, 0]


def test_a_therapists_day_lists_what_her_clients_wrote(reply: Reply, bea: Therapist, dana: User, alice: Client) -> None:
    a_reply(ClientFactory(primary_therapist=None), meaning=Meaning.CANCEL)
    a_reply(None)
    settled = a_reply(alice, settled_at=NOW)

    rows = worklists["replies"].rows(bea.user, NOW)

    assert [row.title for row in rows] == ["Alice Marques", rows[1].title, "+351 912 345 678"]
    assert rows[0].detail == "wrote"
    assert rows[0].url == reverse("reminders:reply", args=[reply.pk])
    assert [row.is_urgent for row in rows] == [False, True, False]
    assert all("Canary" not in row.detail + row.title for row in rows)
    assert reverse("reminders:reply", args=[settled.pk]) not in {row.url for row in rows}


def test_a_therapists_day_leaves_out_what_other_peoples_clients_wrote(reply: Reply, dana: User) -> None:
    other = Therapist.objects.exclude(user__name="Bea Lindqvist").first()
    assert other is None
    assert worklists["replies"].rows(dana, NOW) == []
