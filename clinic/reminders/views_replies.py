"""Pages about what clients write back."""

from __future__ import annotations

from django.contrib import messages as toasts
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from clinic.reminders import access
from clinic.reminders.texting.inbox import reply_rows
from clinic.reminders.texting.replies import settle_reply

ON_A_PAGE = 50


@require_safe
@for_roles()
def reply_list(request: ClinicRequest) -> HttpResponse:
    """Show what somebody must see to, and below it every reply, newest first."""
    seen = access.replies_for(request.user)
    page = Paginator(seen.order_by("-at", "-pk"), ON_A_PAGE).get_page(request.GET.get("page"))
    context = {"open": reply_rows(list(seen.open().order_by("at", "pk"))), "rows": reply_rows(list(page)), "page": page}
    return render(request, "reminders/reply_list.html", context)


@require_safe
@for_roles(Role.THERAPIST)
def reply(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show the words of one."""
    (row,) = reply_rows([access.read_reply(request.user, pk, now=request.now)])
    return render(request, "reminders/reply.html", {"row": row})


@require_POST
@for_roles()
def reply_settle(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record that somebody has seen to one."""
    kept = access.reply_for(request.user, pk)
    try:
        settle_reply(by=request.user, now=request.now, reply=kept)
    except ValidationError as problem:
        toasts.error(request, " ".join(problem.messages))
    else:
        toasts.success(request, _("Noted: somebody has seen to it."))
    return redirect("reminders:reply-list")
