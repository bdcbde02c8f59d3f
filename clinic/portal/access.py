"""A login reaches the clients it acts for, and nobody else; each look is logged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clinic.people.access import ClinicRequest, kept_one, log_look, one_of, own_clients
from clinic.people.models import Client, User
from intake.consents import consents_in_force
from intake.models import Consent

CHOSEN = "portal_client"


@dataclass(frozen=True)
class Whom:
    """Whose pages these are, and whose else they could be: one login may serve a family."""

    client: Client | None
    others: tuple[Client, ...]


def own_client(user: User, pk: int, why: str, *, now: datetime) -> Client:
    """Return a client for whom this login acts. Raises Http404 for everybody else's."""
    client = kept_one(own_clients(user), pk)
    log_look(user, client.pk, client, why, now=now)
    return client


def own_consent(client: Client, pk: int) -> Consent:
    """Return a consent in force that she signed herself. Raises Http404; what was seen on paper is the therapist's."""
    hers = consents_in_force(client.pk).filter(recorded_by__isnull=True).select_related("submission", "client")
    return one_of(hers, pk)


def whom(request: ClinicRequest, why: str) -> Whom:
    """Return the client chosen on this device, else the first."""
    clients = list(own_clients(request.user).order_by("pk"))
    chosen = request.session.get(CHOSEN)
    client = next((c for c in clients if c.pk == chosen), clients[0] if clients else None)
    if client is not None:
        log_look(request.user, client.pk, client, why, now=request.now)
    return Whom(client, tuple(c for c in clients if c != client))


def choose(request: ClinicRequest, pk: int) -> None:
    """Remember whose pages are shown on this device."""
    request.session[CHOSEN] = kept_one(own_clients(request.user), pk).pk
