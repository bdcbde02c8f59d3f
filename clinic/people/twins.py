"""Whether somebody who is typed in is here already; a family shares a phone, and one person may call twice."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.people.likeness import REASONS, Given, likenesses
from clinic.people.models import Client


@dataclass(frozen=True)
class Twin:
    """Somebody who may be the same person, and by what."""

    client: Client
    same: tuple[str, ...]


def twins_of(given: Given, *, but: Client) -> list[Twin]:
    """Return those who may be the same person as was typed in, the likeliest first, archived ones too."""
    alike = likenesses([given], but=[but.pk] if but.pk else [])
    clients = Client.objects.select_related("primary_therapist__user").in_bulk([one.client_pk for one in alike])
    return [Twin(clients[one.client_pk], tuple(str(REASONS[code]) for code in one.reasons)) for one in alike]
