"""The pictures that the clinic shows, to whoever knows their address: the logo stands on the sign-in page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from clinic.people.access import shown_picture

A_YEAR = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, digest: str) -> HttpResponse:
    """Send a picture; its address is made of its content, so it may be kept for ever."""
    found = shown_picture(digest)
    response = HttpResponse(bytes(found.content), content_type=found.media_type)
    patch_cache_control(response, public=True, max_age=A_YEAR, immutable=True)
    return response
