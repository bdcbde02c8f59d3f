"""What the search in the head of every staff page shows while somebody types."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.searching import suggestions, told_by


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
        "told": urlencode(told_by(typed)),
    }
    return HttpResponse(render_to_string("people/parts/client_options.html", context))
