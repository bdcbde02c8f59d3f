"""For whom: the client that the address names, or the page on which one is chosen."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from clinic.people.access import ClinicRequest, client_for, key_in
from clinic.people.models import Client
from clinic.people.searching import fitting

MATCHES_SHOWN = 10


def asked_client(request: ClinicRequest, pk: str) -> Client | None:
    key = key_in(pk)
    return None if key is None else client_for(request.user, key, "booking", now=request.now)


def choose_client(request: ClinicRequest, heading: str, archived: Client | None = None) -> HttpResponse:
    """Ask for whom, keeping everything that was already said in the address; say so where it was `archived` one."""
    words = request.GET.get("q", "").strip()
    found = fitting(words).active() if words else Client.objects.none()
    kept = request.GET.copy()
    for name in ("q", "client"):
        kept.pop(name, None)
    context = {"heading": heading, "words": words, "found": found[:MATCHES_SHOWN], "kept": kept, "archived": archived}
    return render(request, "scheduling/client_choose.html", context)
