"""Who looked at what, and who changed what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import wraps
from types import MappingProxyType
from typing import ParamSpec, TypeVar, cast

from django.db import connection, transaction
from django.db.models import Model

from clinic.audit.kinds import label_of
from clinic.audit.models import Change
from clinic.lib.prepared import add

P = ParamSpec("P")
R = TypeVar("R")

# Re-opening the same thing for the same reason within a few minutes is one look; a page with htmx parts is not forty.
SAME_LOOK = timedelta(minutes=5)

A_LOOK = """
    INSERT INTO audit_look (by_id, client_pk, what, what_pk, why, at)
    SELECT by_id, client_pk, what, what_pk, why, at
    FROM (VALUES (%s::bigint, %s::bigint, %s::text, %s::bigint, %s::text, %s::timestamptz))
        AS one (by_id, client_pk, what, what_pk, why, at)
    WHERE NOT EXISTS (
        SELECT FROM audit_look kept
        WHERE (kept.by_id, kept.client_pk, kept.what, kept.what_pk, kept.why)
                = (one.by_id, one.client_pk, one.what, one.what_pk, one.why)
            AND kept.at > %s
    )
"""

# What the blocks around this moment say of the changes they make.
_said: ContextVar[Mapping[str, object]] = ContextVar("_said", default=MappingProxyType({}))


def recorded(service: Callable[P, R]) -> Callable[P, R]:
    """Run a service in one transaction, and let the change history say who called it and when.

    The service takes the keywords `by` (a user, or None where nobody was signed in) and `now`.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        by, now = cast("Model | None", kwargs["by"]), cast("datetime", kwargs["now"])
        with _saying(by=by.pk if by else None, at=now.isoformat()):
            return service(*args, **kwargs)

    return run


def because(why: str) -> AbstractContextManager[None]:
    """Let the change history give this reason for what is written until the block ends; never a value, never health."""
    return _saying(why=why)


@contextmanager
def _saying(**facts: object) -> Iterator[None]:
    """Run a block in one transaction, and let the triggers of the change history add these facts to each row.

    They hold until the block ends, and no longer: what is written afterwards in the same transaction was not done by
    whom the block names. (pghistory's own context lasts until the outermost one ends, and in the database until the
    transaction does.) A block that fails takes its facts back with all else it wrote.
    """
    outer = _said.get()
    inner = {**outer, **facts}
    token = _said.set(inner)
    try:
        with transaction.atomic():
            if inner != outer:
                _tell_database(inner)
            yield
            if inner != outer:
                _tell_database(outer)
    finally:
        _said.reset(token)


def _tell_database(facts: Mapping[str, object]) -> None:
    told = json.dumps(facts, default=str) if facts else ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pghistory.context_metadata', %s, true)", [told])


def record_look(*, by: int, client: int, what: Model, why: str, now: datetime) -> None:
    """Record that user `by` opened `what`, which belongs to the client with key `client`."""
    with connection.cursor() as cursor:
        cursor.execute(A_LOOK, [by, client, label_of(type(what)), what.pk, why, now, now - SAME_LOOK])


def record_change(*, by: int | None, client: int | None, what: Model, words: str, now: datetime) -> None:
    """Record that user `by` changed `what`, in words that name what was changed and never its value.

    For what the change history does not track because it is about health, and for acts that are more than their rows.
    `client` is None for what is about no client.
    """
    add(Change(by_id=by, client_pk=client, what=label_of(type(what)), what_pk=what.pk, words=words, at=now))
