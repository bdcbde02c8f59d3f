"""For whom: the client that the address names, or the page on which one is chosen."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render

from clinic.lib.prepared import planned_for_these_words
from clinic.people.access import ClinicRequest, client_for, key_in
from clinic.people.models import Client
from clinic.people.searching import fitting, told_by
from clinic.scheduling.forms import WallField

MATCHES_SHOWN = 10


def asked_client(request: ClinicRequest, pk: str) -> Client | None:
    key = key_in(pk)
    return None if key is None else client_for(request.user, key, "booking", now=request.now)


@planned_for_these_words()
def choose_client(request: ClinicRequest, heading: str, archived: Client | None = None) -> HttpResponse:
    """Ask for whom, keeping everything that was already said in the address; say so where it was `archived` one."""
    words = request.GET.get("q", "").strip()
    found = fitting(words).active() if words else Client.objects.none()
    kept = request.GET.copy()
    for name in ("q", "client"):
        kept.pop(name, None)
    context = {
        "heading": heading,
        "words": words,
        "found": found[:MATCHES_SHOWN],
        "kept": kept,
        "at": _wall_in(kept.get("at", "")),
        "told": urlencode({"next": f"{request.path}?{kept.urlencode()}", **told_by(words)}),
        "archived": archived,
    }
    return render(request, "scheduling/client_choose.html", context)


def _wall_in(words: str) -> datetime | None:
    """Read the time that was clicked in the calendar; None for anything else."""
    try:
        return WallField(required=False).clean(words)
    except ValidationError:
        return None
