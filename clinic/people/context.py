"""What every page knows: the clinic, the theme, and how much work waits."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from clinic.people.models import clinic_with_logo
from clinic.people.worklist import counts_for

THEMES = ("light", "dark")


def clinic_and_theme(request: HttpRequest) -> dict[str, Any]:
    """Give the clinic (None before it is set up) and the theme chosen by hand, if any."""
    chosen = request.COOKIES.get("theme", "")
    return {"clinic": clinic_with_logo(), "theme": chosen if chosen in THEMES else ""}


def worklist_counts(request: HttpRequest) -> dict[str, Any]:
    """Give the numbers beside the navigation, as the upper rooms count them."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_staff_member:
        return {}
    # A page of error may come from before the moment was read.
    now = getattr(request, "now", None) or timezone.now()
    # A page that answers in a hurry gives none of its own instead, and nothing is counted.
    return {"worklist_counts": SimpleLazyObject(partial(counts_for, user, now))}
