"""Evaluating anew: whenever facts change, findings are raised and grow; none is ever closed here."""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.people.models import Client, User
from clinic.people.records import records_of
from clinic.people.services import lock_kept
from clinic.scheduling.services import refresh_review_needed
from intake.findings import facts_of, facts_of_visit, raise_findings
from intake.models import Finding, Submission
from intake.models_safety import RuleChange
from intake.questions import YES
from intake.rules import CRISIS
from intake.wall import today_at

logger = logging.getLogger(__name__)

# One turn of the worker; its task may run for two minutes.
SECONDS, BATCH = 20, 100


@transaction.atomic
def evaluate_anew(*, now: datetime, client: Client) -> list[Finding]:
    """Raise what a client's newest answers raise by the rules, the record and the consents as they are now."""
    client = lock_kept(client.pk)
    sent = Submission.objects.filter(client__among=records_of(client.pk)).sent().select_related("client").first()
    if sent is None:
        refresh_review_needed(client=client, now=now)
        return []
    # It may be another record than the one that she answered for: two were made one.
    sent.client = client
    raised = raise_findings(client.pk, facts_of(sent, today_at(now)), now=now, submission=sent)
    refresh_review_needed(client=client, now=now)
    return raised


def client_changed(client: Client, changed: frozenset[str], now: datetime) -> None:
    """Evaluate anew where the rules read what was changed in a client's record."""
    if "born_on" in changed:
        evaluate_anew(now=now, client=client)


def evaluate_everybody(*, now: datetime) -> int:
    """Evaluate anew for the rules that came last, a turn at a time, and return how many clients were. Any number of
    workers may do this at once; one that is interrupted goes on where it stopped.
    """
    began, done = time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        count = _some(now)
        done += count
        if not count:
            break
    return done


@transaction.atomic
def mark_crisis(*, by: User, now: datetime, client: Client) -> Finding:
    """Write down that a therapist read words about self-harm, or about harm by others; the clinic is alerted."""
    if not by.is_therapist:
        raise ValidationError(_("Only a therapist decides about findings."))
    marked = raise_findings(client.pk, facts_of_visit(client, {CRISIS: YES}, today_at(now)), now=now)
    if not marked:
        raise ValidationError(_("The clinic’s rules no longer say what is to be done."))
    record_change(by=by.pk, client=client.pk, what=marked[0], words=_("marked by a therapist"), now=now)
    refresh_review_needed(client=client, now=now)
    return marked[0]


def _some(now: datetime) -> int:
    change = RuleChange.objects.filter(evaluated_at__isnull=True).order_by("-version__number").first()
    if change is None:
        return 0
    others = Client.objects.filter(pk__gt=change.evaluated_up_to)
    clients = list(others.filter(submissions__submitted_at__isnull=False).distinct().order_by("pk")[:BATCH])
    for client in clients:
        _evaluate_or_log(client, now)
    if clients:
        # Two workers may have gone through the same clients: the mark moves on only.
        last = clients[-1].pk
        RuleChange.objects.filter(pk=change.pk, evaluated_up_to__lt=last).update(evaluated_up_to=last)
    else:
        # What an older change has left undone is done by the newer one.
        RuleChange.objects.filter(evaluated_at__isnull=True, pk__lte=change.pk).update(evaluated_at=now)
    return len(clients)


def _evaluate_or_log(client: Client, now: datetime) -> None:
    """Evaluate one client in a transaction of her own; whom it cannot judge does not stand before all others.

    What the database refuses for the moment ends the turn: the next one begins with these clients again.
    """
    try:
        evaluate_anew(now=now, client=client)
    except (OperationalError, InterfaceError):
        raise
    except Exception as problem:  # noqa: BLE001  # one unreadable answer must not leave the whole clinic unjudged
        # Neither the words nor the trace: they may hold what she answered.
        logger.error("Client %s could not be evaluated anew: %s.", client.pk, type(problem).__name__)  # noqa: TRY400
