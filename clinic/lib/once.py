"""What many parts of one page ask the database for, read once while it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")

_read: ContextVar[dict[Callable[[], Any], Any] | None] = ContextVar("read", default=None)


@contextmanager
def each_read_once() -> Iterator[None]:
    """Let what is `once` be read once in here. Only for what writes nothing: nobody in here would see it."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def once(read: Callable[[], T]) -> Callable[[], T]:
    """Keep what was read to the end of `each_read_once`; outside of it, read each time."""

    @wraps(read)
    def reading() -> T:
        kept = _read.get()
        if kept is None:
            return read()
        if read not in kept:
            kept[read] = read()
        found: T = kept[read]
        return found

    return reading
