"""A sign-in ends after twelve hours, and says so calmly while tries cannot be counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client as Browser
from django.test import override_settings
from django.urls import reverse

from clinic.people.models import User


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


@pytest.mark.django_db
def test_it_waits_calmly_while_tries_cannot_be_counted(dana: User) -> None:
    away = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    with override_settings(CACHES={"default": away}):
        answer = Browser().post(reverse("account_login"), {"login": dana.email, "password": "wrong"})
    assert answer.status_code == 503
    assert "Not just now" in answer.content.decode()
