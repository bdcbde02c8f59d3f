"""What the page says once something was done to a visit, with the way to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.people.access import ClinicRequest
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import may_undo
from clinic.scheduling.words import moment_words


def tell_booked(request: HttpRequest, visit: Appointment) -> None:
    """Say who is booked, when, with whom and where."""
    tell_done(request, visit, _("%(client)s is booked: %(when)s, %(therapist)s, %(room)s.") % _facts(visit))


def tell_moved(request: HttpRequest, visit: Appointment) -> None:
    """Say where a visit is now."""
    tell_done(request, visit, moved_words(visit))


def moved_words(visit: Appointment) -> str:
    return _("%(client)s is moved: %(when)s, %(therapist)s, %(room)s.") % _facts(visit)


def tell_service(request: HttpRequest, visit: Appointment) -> None:
    """Say what a visit is for by now, and with whom."""
    facts = _facts(visit) | {"service": visit.service}
    tell_done(request, visit, _("%(client)s, %(when)s: %(service)s with %(therapist)s, %(room)s.") % facts)


def tell_cancelled(request: HttpRequest, visit: Appointment) -> None:
    """Say which visit is cancelled."""
    tell_done(request, visit, _("%(client)s, %(when)s is cancelled.") % _facts(visit))


def tell_step(request: ClinicRequest, visit: Appointment) -> None:
    """Say what a visit is now; the way back is offered where there is one."""
    words = _("%(client)s: %(status)s.") % {"client": visit.client.name, "status": visit.get_status_display()}
    last = visit.status_changes.order_by("-pk").first()
    if last and may_undo(last, by=request.user, now=request.now):
        tell_done(request, visit, words)
    else:
        messages.success(request, words)


def taken_back_words(visits: Sequence[Appointment]) -> str:
    """Say how a visit stands again, or how many do that were changed at once."""
    visit, count = visits[0], len(visits)
    facts = _facts(visit) | {"n": count, "status": visit.get_status_display()}
    if count == 1:
        return _("Taken back: %(client)s, %(when)s, is %(status)s.") % facts
    return (
        ngettext(
            "Taken back: %(n)d visit of %(client)s is as it was.",
            "Taken back: %(n)d visits of %(client)s are as they were.",
            count,
        )
        % facts
    )


def tell_done(request: HttpRequest, visit: Appointment, words: str) -> None:
    """Say what was done; the message's extra tag is where it is taken back."""
    messages.success(request, words, extra_tags=reverse("scheduling:appointment-undo", args=[visit.pk]))


def _facts(visit: Appointment) -> dict[str, Any]:
    return {
        "client": visit.client.name,
        "when": moment_words(visit.starts_at, visit.location.zone),
        "therapist": visit.therapist.user.first_name,
        "room": visit.room,
    }
