"""The desk's roads to one client: the chart is health, the desk's page is not."""

from __future__ import annotations

from clinic.people.access import ClinicRequest, client_for, health_record_for, log_look
from clinic.people.models import Client


def charted(request: ClinicRequest, pk: int) -> Client:
    """Return a client for her chart. Raises Http404 for everybody but therapists."""
    return health_record_for(request.user, pk, "chart", now=request.now)


def contacted(request: ClinicRequest, pk: int) -> Client:
    """Return a client for the page of contact and visits."""
    return client_for(request.user, pk, "contact and visits", now=request.now)


def log_next(request: ClinicRequest, client: Client) -> None:
    """Log that the day's page showed what is in force for the next client."""
    log_look(request.user, client.pk, client, "next on the day", now=request.now)
