"""What providers call: what came from a phone, and what became of a text. Signed, small, and harmless when repeated."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from clinic.lib.rates import is_too_often, where_from
from clinic.people.access import ClinicRequest
from clinic.people.models import ContactConsent
from clinic.reminders import delivery
from clinic.reminders.texting.providers import Forged, Provider, Receipt, text_provider
from clinic.reminders.texting.replies import take_reply

P = ParamSpec("P")
Hook = Callable[Concatenate[ClinicRequest, Provider, P], None]

# A text of ten parts, with all that providers say of it, has a tenth of this.
MOST_BYTES = 32 * 1024
MOST_FORGED_A_MINUTE = 30


def from_provider(hook: Hook[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let in only what the provider of this clinic has signed: 403 for the rest, and nothing changes."""

    @csrf_exempt
    @require_POST
    @wraps(hook)
    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        provider = text_provider()
        if provider is None:
            raise Http404
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        asked = cast("ClinicRequest", request)  # the middleware has set `now`
        try:
            hook(asked, provider, *args, **kwargs)
        except Forged:
            again = is_too_often(f"forged:{where_from(request)}", most=MOST_FORGED_A_MINUTE, seconds=60, now=asked.now)
            return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS if again else HTTPStatus.FORBIDDEN)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)

    return view


@from_provider
def text_incoming(request: ClinicRequest, provider: Provider) -> None:
    """Take what came from a phone."""
    if incoming := provider.incoming(request):
        take_reply(now=request.now, incoming=incoming)


@from_provider
def text_receipt(request: ClinicRequest, provider: Provider, key: UUID) -> None:
    """Take what became of a text."""
    if receipt := provider.receipt(request, key):
        delivery.receipt(
            key=key,
            channel=ContactConsent.Channel.TEXT,
            outcome=receipt.outcome,
            words=words_for(receipt),
            at=request.now,
        )


def words_for(receipt: Receipt) -> str:
    """Say for the front desk what went wrong; nothing where nothing did."""
    code = {"code": receipt.code or "?"}
    match receipt.outcome:
        case "failed":
            return _("The text did not arrive (%(code)s).") % code
        case "gone":
            return _("This phone takes no texts (%(code)s).") % code
        case _:
            return ""
