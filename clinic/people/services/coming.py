"""A client who comes by herself: she is entered once, and who may be known already is told to the desk, not to her."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Q

from clinic.lib.text import one_line
from clinic.people.duplicates import Given, twins_of
from clinic.people.models import Client, ClientAccess, Clinic, User
from clinic.people.services.clients import create_client, give_client_login


@dataclass(frozen=True)
class Came:
    """Who came: her record, the sign-in that acts for her, and whether another record may be hers."""

    client: Client
    user: User
    may_be_known: bool


@dataclass(frozen=True)
class Newcomer:
    """A new client as she, or who answers for her, tells it; whose `email` it is has been proven."""

    email: str
    legal_name: str
    born_on: date
    phone: str
    guardian_name: str = ""
    guardian_phone: str = ""
    # The address and the phone are those of her guardian.
    is_guardians: bool = False


@transaction.atomic
def enter_herself(*, now: datetime, newcomer: Newcomer) -> Came:
    """Enter a new client, and let the address sign in for her.

    Where the address stands on exactly one record with this name and this date of birth, that record is hers. Raises
    ValidationError by field; who is under 18 needs a guardian.
    """
    email, is_guardians = newcomer.email.strip().lower(), newcomer.is_guardians
    _one_at_a_time(email)
    relation = ClientAccess.Relation.GUARDIAN if is_guardians else ClientAccess.Relation.SELF
    client = _known_by(email, newcomer)
    if client is not None:
        user = give_client_login(by=None, now=now, client=client, email=email, relation=relation)
        return Came(client, user, may_be_known=False)
    client = create_client(
        by=None,
        now=now,
        legal_name=newcomer.legal_name,
        born_on=newcomer.born_on,
        phone="" if is_guardians else newcomer.phone,
        email="" if is_guardians else email,
        guardian_name=newcomer.guardian_name,
        guardian_phone=newcomer.phone if is_guardians else newcomer.guardian_phone,
        guardian_email=email if is_guardians else "",
        language=Clinic.objects.values_list("language", flat=True).get(),
    )
    user = give_client_login(by=None, now=now, client=client, email=email, relation=relation)
    given = Given(client.legal_name, client.born_on, client.email, newcomer.phone)
    return Came(client, user, may_be_known=bool(twins_of(given, but=client)))


def _one_at_a_time(email: str) -> None:
    """Let a form that was sent twice wait for itself: there is no row yet that could be locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"enter:{email}"])


def _known_by(email: str, newcomer: Newcomer) -> Client | None:
    hers = Q(email__iexact=email) | Q(guardian_email__iexact=email) | Q(accesses__user__email__iexact=email)
    born_then = Client.objects.active().filter(hers, born_on=newcomer.born_on).distinct()
    found = [one for one in born_then if one.legal_name.casefold() == one_line(newcomer.legal_name).casefold()]
    return found[0] if len(found) == 1 else None
