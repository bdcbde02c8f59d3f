"""What the search in the head of every staff page shows while somebody types."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.searching import suggestions


@require_safe
@for_roles()
def client_search(request: ClinicRequest) -> HttpResponse:
    """Return the clients for what was typed so far, as options of a listbox.

    Rendered without the request: the frame of a page asks the database for much that no option shows.
    """
    typed = request.GET.get("q", "").strip()
    context = {
        "typed": typed,
        "found": suggestions(typed, request.user),
        "new_name": typed if _is_a_name(typed) else "",
    }
    return HttpResponse(render_to_string("people/parts/client_options.html", context))


def _is_a_name(typed: str) -> bool:
    """Tell whether this may be what a new client is called, rather than her number or address."""
    return "@" not in typed and any(map(str.isalpha, typed))
