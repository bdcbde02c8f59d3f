"""Who is signed in, read anew at every request, so that whoever was shut out is out at the next one.

Two rows by their keys, on each request of each page: read past the ORM, that takes half as long.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.utils import timezone

from clinic.people.models import User

A_SESSION = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"
# A transaction of its own. Nobody waits for the disk: what a machine that fails forgets is a message, or that somebody
# must sign in again; who signed out is deleted by Django's own statement, and waited for.
KEEP = """
    UPDATE django_session SET session_data = %s, expire_date = %s
    FROM (SELECT set_config('synchronous_commit', 'off', true)) nobody_waits
    WHERE session_key = %s RETURNING 1
"""
FIELDS = [field.attname for field in User._meta.concrete_fields]  # noqa: SLF001  # public by Django's documentation
A_USER = f"SELECT {', '.join(FIELDS)} FROM people_user WHERE id = %s"  # noqa: S608  # names of our own columns


class SessionStore(db.SessionStore):
    """Django's sessions in the database."""

    def load(self) -> dict[str, Any]:
        key = self.session_key or ""
        # Ours are letters and digits; PostgreSQL refuses to look for some of what else a cookie may hold.
        row = _row(A_SESSION, key, timezone.now()) if key.isalnum() else None
        if row is None:
            # Whoever shows a key that is none gets another.
            self._session_key = None
            return {}
        found: dict[str, Any] = self.decode(row[0])
        return found

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002  # as Django declares it
        if must_create or self.session_key is None or connection.in_atomic_block:
            super().save(must_create)
            return
        kept = self.create_model_instance(self._session)  # type: ignore[attr-defined]  # a property of Django's
        with connection.cursor() as cursor:
            cursor.execute(KEEP, [kept.session_data, kept.expire_date, kept.session_key])
            if cursor.fetchone() is None:
                raise UpdateError


class Backend(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    """Sign-in by allauth."""

    def get_user(self, user_id: int) -> User | None:
        row = _row(A_USER, user_id)
        user = User.from_db("default", FIELDS, row) if row else None
        return user if self.user_can_authenticate(user) else None


def _row(sql: str, *values: str | int | datetime | None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()
