"""How long a sign-in lasts."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from clinic.lib.middleware import NextHandler

SIGNED_IN_AT = "signed_in_at"


def sign_in_ends_middleware(get_response: NextHandler) -> NextHandler:
    """Sign out whoever signed in too long ago, however busy since: Django's own age begins anew with each write."""
    longest = timedelta(seconds=settings.SESSION_COOKIE_AGE)

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now: datetime = request.now  # type: ignore[attr-defined]  # set by now_middleware
            signed_in_at = datetime.fromisoformat(request.session.setdefault(SIGNED_IN_AT, now.isoformat()))
            if now - signed_in_at >= longest:
                logout(request)
        return get_response(request)

    return middleware
