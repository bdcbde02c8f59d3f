"""A sign-in ends after twelve hours, and says so calmly while tries cannot be counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.forms import model_to_dict
from django.test import Client as Browser
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.people.models import User
from clinic.people.signed_in import KEEP, Backend, SessionStore


def test_it_ends_after_twelve_hours_however_busy(
    now: datetime, dana: User, signed_in: Callable[[User], Browser]
) -> None:
    browser = signed_in(dana)
    page = reverse("people:client-list")
    for hours in (0, 5, 11):
        with time_machine.travel(now + timedelta(hours=hours), tick=False):
            assert browser.get(page).status_code == 200
            session = browser.session
            session["busy"] = hours
            session.save()
    with time_machine.travel(now + timedelta(hours=12), tick=False):
        assert browser.get(page).status_code == 302


def test_only_the_transaction_that_keeps_a_message_waits_for_no_disk(
    dana: User, signed_in: Callable[[User], Browser]
) -> None:
    kept = signed_in(dana).session
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = 'on'")
        with transaction.atomic():
            cursor.execute(KEEP, [kept.encode({}), kept.get_expiry_date(), kept.session_key])
            assert cursor.fetchone() == (1,)
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("off",)
            transaction.set_rollback(True)
        # What ends with its transaction ends with this savepoint, too.
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


@pytest.mark.django_db
def test_it_waits_calmly_while_tries_cannot_be_counted(dana: User) -> None:
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    with override_settings(CACHES={"default": away}):
        answer = Browser().post(reverse("account_login"), {"login": dana.email, "password": "wrong"})
    assert answer.status_code == 503
    assert "Not just now" in answer.content.decode()


def test_a_session_that_has_run_out_or_never_was_signs_nobody_in(now: datetime, dana: User) -> None:
    session = SessionStore()
    session["_auth_user_id"] = str(dana.pk)
    session.set_expiry(timedelta(hours=1))
    session.save()
    assert SessionStore(session.session_key)["_auth_user_id"] == str(dana.pk)
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        ended = SessionStore(session.session_key)
        assert ended.get("_auth_user_id") is None
        assert ended.session_key is None
    assert SessionStore("x" * 32).get("_auth_user_id") is None


@pytest.mark.django_db
@pytest.mark.parametrize("key", ['"\\000abcdefgh"', '"abcdefgh\\000"', "x" * 5000, "äöüäöüäöü", "' OR 1=1 --"])
def test_a_cookie_that_holds_anything_is_no_session(key: str) -> None:
    answer = Browser().get(reverse("account_login"), headers={"cookie": f"sessionid={key}"})
    assert answer.status_code == 200


def test_the_one_who_is_signed_in_is_read_whole_and_anew(dana: User) -> None:
    read = Backend().get_user(dana.pk)
    assert read is not None
    assert model_to_dict(read) == model_to_dict(User.objects.get(pk=dana.pk))
    assert (read.roles, read._state.adding) == (dana.roles, False)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert Backend().get_user(dana.pk) is None
    assert Backend().get_user(0) is None


def test_two_reads_tell_who_is_signed_in(dana: User, signed_in: Callable[[User], Browser]) -> None:
    browser = signed_in(dana)
    with CaptureQueriesContext(connection) as found:
        assert browser.get(reverse("people:client-search")).status_code == 200
    assert [query["sql"].partition(" FROM ")[2].partition(" ")[0] for query in found][:2] == [
        "django_session", "people_user"
    ]  # fmt: skip
