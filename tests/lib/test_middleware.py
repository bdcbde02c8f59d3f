import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from clinic.lib.middleware import never_stored_middleware, now_middleware, proxy_address_middleware


def through(middleware, **headers):
    """Return the request as the page sees it, and the answer."""
    seen = []

    def page(request):
        seen.append(request)
        return HttpResponse(headers={"Cache-Control": "max-age=60"} if "may_be_kept" in request.GET else {})

    answer = middleware(page)(RequestFactory().get("/", headers.pop("query", {}), headers=headers))
    return seen[0], answer


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"X-Forwarded-For": "198.51.100.7"}, "198.51.100.7"),
        ({"X-Forwarded-For": "made up, 203.0.113.9, 198.51.100.7"}, "198.51.100.7"),
        ({"X-Forwarded-For": "2001:db8::7"}, "2001:db8::7"),
        ({"X-Forwarded-For": ""}, "127.0.0.1"),
        ({}, "127.0.0.1"),
    ],
)
def test_only_what_our_own_proxy_saw_is_believed(said, address):
    request, _answer = through(proxy_address_middleware, **said)
    assert request.META["REMOTE_ADDR"] == address


def test_every_request_carries_one_moment(now):
    request, _answer = through(now_middleware)
    assert request.now == now


def test_a_page_is_kept_by_no_cache_unless_it_says_otherwise():
    assert through(never_stored_middleware)[1]["Cache-Control"] == "no-store, private"
    assert through(never_stored_middleware, query={"may_be_kept": "1"})[1]["Cache-Control"] == "max-age=60"
