"""Who looked at what about a client, and who changed what."""

from datetime import timedelta

import pytest
from django.urls import reverse

from clinic.audit.models import Change, Look
from clinic.audit.reading import entries, history_rows, thing_called
from clinic.audit.services import SAME_LOOK, record_change, record_look
from tests.factories import ClientFactory


@pytest.fixture
def url(alice) -> str:
    return reverse("audit:client-history", args=[alice.pk])


def test_the_same_look_within_minutes_is_one(now, alice, dana):
    for at in (now, now + SAME_LOOK - timedelta(seconds=1)):
        record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=at)
    assert Look.objects.count() == 1
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=now + SAME_LOOK)
    assert Look.objects.count() == 2


def test_a_look_for_another_reason_or_by_somebody_else_is_another_look(now, alice, bea, dana):
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=now)
    record_look(by=dana.pk, client=alice.pk, what=alice, why="history", now=now)
    record_look(by=bea.user.pk, client=alice.pk, what=alice, why="history", now=now)
    assert Look.objects.count() == 3


def test_opening_the_form_about_a_client_is_a_look(as_dana, dana, alice, now):
    as_dana.get(reverse("people:client-edit", args=[alice.pk]))
    look = Look.objects.get()
    assert (look.by, look.client_pk, look.what, look.why, look.at) == (
        dana,
        alice.pk,
        "people.client",
        "contact details",
        now,
    )


def test_a_stranger_who_is_refused_leaves_no_look(as_carl, alice):
    as_carl.get(reverse("people:client-edit", args=[alice.pk]))
    assert not Look.objects.exists()


def test_the_history_tells_looks_and_changes_newest_first(now, alice, bea, dana):
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=now)
    record_change(by=None, client=alice.pk, what=alice, words="changed: phone", now=now + timedelta(minutes=1))
    record_look(by=bea.user.pk, client=ClientFactory().pk, what=alice, why="somebody else's", now=now)
    told = [(one.who, one.is_change, one.thing, one.words) for one in entries(history_rows(alice.pk))]
    assert told == [("", True, "client", "changed: phone"), ("Dana Silva", False, "client", "contact details")]


def test_a_thing_is_called_by_its_name_and_by_its_label_once_it_is_gone():
    assert thing_called("people.clientaccess") == "sign-in"
    assert thing_called("people.dinosaur") == "people.dinosaur"


def test_therapist_and_owner_read_it_in_the_time_of_the_clinic(as_bea, as_olga, url, alice, dana, location, now):
    location.time_zone = "Asia/Kathmandu"
    location.save()
    record_change(by=dana.pk, client=alice.pk, what=alice, words="changed: e-mail", now=now)
    for browser in (as_bea, as_olga):
        page = browser.get(url).content.decode()
        assert "changed: e-mail" in page
        assert "Dana Silva" in page
        assert "Thu 19 Nov 2026, 14:45" in page


def test_reading_the_history_stands_in_the_history(as_olga, url):
    assert "history" in as_olga.get(url).content.decode()
    assert Look.objects.get().why == "history"


def test_desk_clients_and_strangers_do_not_read_it(as_dana, as_alice, as_carl, url):
    for browser in (as_dana, as_alice, as_carl):
        assert browser.get(url).status_code == 404


def test_a_long_history_comes_in_pages_at_the_same_cost(as_olga, url, alice, dana, now, django_assert_max_num_queries):
    as_olga.get(url)
    with django_assert_max_num_queries(30) as short:
        as_olga.get(url)
    Change.objects.bulk_create(
        Change(by=dana, client_pk=alice.pk, what="people.client", what_pk=alice.pk, words=f"change {n}", at=now)
        for n in range(60)
    )
    with django_assert_max_num_queries(len(short.captured_queries)):
        page = as_olga.get(url)
    assert len(page.context["entries"]) == 25
    assert "Page 1 of 3" in page.content.decode()
