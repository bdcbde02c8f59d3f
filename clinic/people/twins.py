"""Whether somebody who is typed in is here already; a family shares a phone, and one person may call twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from clinic.people.models import Client, ClientQuerySet

# More would be a list to read while the caller waits.
MOST_SHOWN = 4


@dataclass(frozen=True)
class Twin:
    """Somebody who may be the same person, and by what."""

    client: Client
    same: tuple[str, ...]


def twins_among(
    clients: ClientQuerySet,
    *,
    legal_name: str = "",
    born_on: date | None = None,
    email: str = "",
    phone: str = "",
    other_phone: str = "",
) -> list[Twin]:
    """Return those who may be the same person as was typed in: those of her name and date of birth first."""
    clients = clients.select_related("primary_therapist__user").order_by("pk")
    typed = {number for number in (phone, other_phone) if number}

    def reached_alike(client: Client) -> list[str]:
        same = [_("phone")] if typed & {str(client.phone), str(client.other_phone)} else []
        return [*same, _("e-mail")] if email and email.lower() == client.email.lower() else same

    named = list(clients.alike(legal_name=legal_name, born_on=born_on)[:MOST_SHOWN])
    others = clients.alike(email=email, phone=phone, other_phone=other_phone).exclude(pk__in=[one.pk for one in named])
    twins = [Twin(one, (_("name and date of birth"), *reached_alike(one))) for one in named]
    twins += [Twin(one, tuple(reached_alike(one))) for one in others[:MOST_SHOWN]]
    return twins[:MOST_SHOWN]
