"""Pages about messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages as toasts
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from clinic.reminders import access, services
from clinic.reminders.doctor import examine
from clinic.reminders.models import Message
from clinic.reminders.reading import message_rows

ON_A_PAGE = 50


@require_safe
@for_roles()
def message_list(request: ClinicRequest) -> HttpResponse:
    """Show what needs a person, and below it every message, newest first."""
    seen = access.messages_for(request.user)
    troubled = seen.needing_a_person().order_by("useless_after", "pk")
    page = Paginator(seen.order_by("-due_at", "-pk"), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"troubled": message_rows(list(troubled)), "rows": message_rows(list(page)), "page": page}
    return render(request, "reminders/message_list.html", context)


@require_safe
@for_roles(Role.OWNER)
def how_they_go(request: ClinicRequest) -> HttpResponse:
    """Show the owner whether everything runs that sends messages, and what to do where it does not."""
    findings = examine(request.now)
    is_well = all(finding.is_well for finding in findings)
    return render(request, "reminders/how_they_go.html", {"findings": findings, "is_well": is_well})


@require_POST
@for_roles()
def message_try_again(request: ClinicRequest, pk: int) -> HttpResponse:
    """Have a message sent once more."""
    return _deal_with(request, pk, services.try_again, when_it_goes_out)


@require_POST
@for_roles()
def message_settle(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record that somebody phoned instead."""
    return _deal_with(request, pk, services.settle, lambda _message, _now: _("Noted: %(name)s knows."))


def when_it_goes_out(message: Message, now: datetime) -> str:
    """Say when a message goes out that is to be sent once more."""
    if message.due_at > now:
        return _("The message to %(name)s goes out by itself, but not at this hour.")
    return _("The message to %(name)s goes out within a minute.")


def _deal_with(
    request: ClinicRequest, pk: int, deal: Callable[..., Message], said: Callable[[Message, datetime], str]
) -> HttpResponse:
    message = access.message_for(request.user, pk)
    try:
        message = deal(by=request.user, now=request.now, message=message)
    except ValidationError as problem:
        toasts.error(request, " ".join(problem.messages))
    else:
        toasts.success(request, said(message, request.now) % {"name": message.whom.name})
    return redirect("reminders:message-list")
