"""The mailbox of the example clinic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import uuid4

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from clinic.demo.mailbox import Kept, letter_named, letters
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import clinic_zone
from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.providers import Incoming
from clinic.reminders.texting.replies import take_reply

# A mail brings its style along, and a link in it opens the whole page.
AS_A_MAIL = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-top-navigation-by-user-activation"],
}
LINKS_OPEN_THE_PAGE = '<head><base target="_top">'
LONGEST = 1600


@dataclass(frozen=True)
class Said:
    """One bubble on a phone."""

    at: datetime
    words: str
    is_hers: bool


@require_safe
@csp_update({"frame-src": [SELF]})
@for_roles()
def mailbox(request: ClinicRequest) -> HttpResponse:
    """Show one mail and one phone, side by side, and what else there is."""
    _refuse_where_there_is_none()
    kept = letters()
    mails = [one for one in kept if one.is_mail]
    texts = [one for one in kept if not one.is_mail]
    opened = letter_named(request.GET.get("mail", "")) or next(iter(mails), None)
    phones = list(dict.fromkeys(one.to for one in texts))
    phone = request.GET.get("phone") or next(iter(phones), "")
    context = {
        "mails": mails,
        "opened": opened,
        "phones": phones,
        "phone": phone,
        "talk": talk_of(phone, texts),
        "zone": clinic_zone(),
    }
    return render(request, "demo/mailbox.html", context)


@require_safe
@csp(AS_A_MAIL)  # type: ignore[arg-type]  # its types know no view with arguments
@xframe_options_sameorigin
@for_roles()
def mail(request: ClinicRequest, name: str) -> HttpResponse:
    """Show a mail as its reader sees it: a page of its own, in a frame."""
    _refuse_where_there_is_none()
    letter = letter_named(name)
    if letter is None or not letter.html:
        raise Http404
    return HttpResponse(letter.html.replace("<head>", LINKS_OPEN_THE_PAGE, 1))


@require_POST
@for_roles()
def write_back(request: ClinicRequest) -> HttpResponse:
    """Let a phone of the example write what was typed for it."""
    _refuse_where_there_is_none()
    number, words = request.POST.get("phone", ""), request.POST.get("words", "").strip()[:LONGEST]
    if words:
        take_reply(now=request.now, incoming=Incoming(uuid4().hex, number, words))
    return redirect(f"{reverse('demo:mailbox')}?{urlencode({'phone': number})}")


def talk_of(phone: str, texts: Sequence[Kept]) -> list[Said]:
    """Return what went to and fro, oldest first."""
    to = [Said(one.at, one.words.strip(), is_hers=False) for one in texts if one.to == phone]
    fro = [Said(reply.at, reply.words, is_hers=True) for reply in Reply.objects.filter(number=phone)]
    return sorted([*to, *fro], key=attrgetter("at"))


def _refuse_where_there_is_none() -> None:
    if not settings.MAILBOX:
        raise Http404
