import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from clinic.lib.middleware import each_read_once_middleware
from clinic.lib.once import each_read_once, once


@pytest.fixture
def read():
    """Return something whose answer tells how often it was read."""
    times = iter(range(1, 100))
    return once(lambda: next(times))


def through(read, method: str) -> list[int]:
    """Return what a page reads that asks twice."""
    found = []

    def page(_request):
        found.extend((read(), read()))
        return HttpResponse()

    each_read_once_middleware(page)(RequestFactory().generic(method, "/"))
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_only_shown_reads_once_and_the_next_page_reads_anew(read, method):
    assert through(read, method) == [1, 1]
    assert through(read, method) == [2, 2]


def test_what_may_write_reads_each_time(read):
    assert through(read, "POST") == [1, 2]


def test_outside_of_a_page_it_is_read_each_time(read):
    assert [read(), read()] == [1, 2]


def test_a_page_that_fails_leaves_nothing_behind(read):
    with pytest.raises(ZeroDivisionError), each_read_once():
        assert read() / 0
    assert [read(), read()] == [2, 3]


def test_two_are_kept_apart(read):
    other = once(lambda: "other")
    with each_read_once():
        assert (read(), other(), read()) == (1, "other", 1)
