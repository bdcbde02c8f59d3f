"""What every request gets, whoever asks."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from redis import RedisError

from clinic.lib.once import each_read_once

NextHandler = Callable[[HttpRequest], HttpResponse]


def now_middleware(get_response: NextHandler) -> NextHandler:
    """Read the clock once per request, as `request.now`; views pass it down."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.now = timezone.now()  # type: ignore[attr-defined]  # declared on people.access.ClinicRequest
        return get_response(request)

    return middleware


def each_read_once_middleware(get_response: NextHandler) -> NextHandler:
    """Let a page that is only shown read the clinic and its clock once, whoever asks for them."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return get_response(request)
        with each_read_once():
            return get_response(request)

    return middleware


def proxy_address_middleware(get_response: NextHandler) -> NextHandler:
    """Take the visitor's address from our own proxy; only for a server that nobody reaches past it.

    The proxy adds the address it saw as the last one; any before it the visitor may have written.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if seen:
            request.META["REMOTE_ADDR"] = seen
        return get_response(request)

    return middleware


def never_stored_middleware(get_response: NextHandler) -> NextHandler:
    """Keep every page out of every cache: Back after signing out must show nothing."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, no_store=True, private=True)
        return response

    return middleware


class CountingIsAwayMiddleware:
    """Say calmly that signing in must wait while tries cannot be counted; uncounted tries would be unlimited ones."""

    def __init__(self, get_response: NextHandler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 where the counter was asked and did not answer."""
        if not isinstance(exception, RedisError):
            return None
        return render(request, "503.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
