"""Asking, answering, reviewing: one transaction each, refusing with ValidationError in words for the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.times import day_bounds
from clinic.people.models import Client, User, clinic_zone
from clinic.people.records import records_of
from clinic.people.services import lock_client
from clinic.scheduling.services import refresh_review_needed
from intake.answering import LinkClosed, alarm_of, begin, current_form, save_step
from intake.consents import LONGEST_NAME, sign_consent, take_back_consent, unsign_consent
from intake.findings import (
    facts_of_visit,
    for_a_doctor,
    guardian_rule,
    open_findings,
    raise_findings,
    verdict_for,
)
from intake.inviting import WrongDate, begin_on_tablet, invite, open_invitation, take_back
from intake.models import GUARDIAN, Consent, Effect, Finding, Submission
from intake.questions import (
    Answer,
)
from intake.safety import URGENT, FindingFact
from intake.seeing import refuse_stale, seen_of
from intake.sending import submit
from intake.wall import today_at

# What the rooms above call and read.
__all__ = [
    "LinkClosed",
    "WrongDate",
    "acknowledge_finding",
    "alarm_of",
    "begin",
    "begin_on_tablet",
    "close_finding",
    "current_form",
    "invite",
    "open_findings",
    "open_invitation",
    "record_booking_answers",
    "record_guardian_consent",
    "record_visit_answers",
    "review",
    "save_step",
    "sign_consent",
    "submit",
    "take_back",
    "take_back_consent",
    "unsign_consent",
    "verdict_for",
]

LONGEST_REASON = 240


# --- At a visit


@transaction.atomic
def record_visit_answers(*, by: User, now: datetime, client: Client, answers: Mapping[str, Answer]) -> None:
    """Raise a finding for what was answered at a visit and a doctor decides; the rest holds for that visit only."""
    facts = for_a_doctor(facts_of_visit(client, answers, today_at(now)))
    raise_and_record(facts, by=by, now=now, client=client, words=_("answer at a visit"))


@transaction.atomic
def record_booking_answers(
    *, by: User | None, now: datetime, client: Client, answers: Mapping[str, Answer]
) -> Effect | None:
    """Raise a finding for all that was answered before a booking: a therapist looks at it before the visit.

    Return the worst effect that wants a doctor first, so that nothing is booked; None where there is none.
    """
    facts = facts_of_visit(client, answers, today_at(now))
    raise_and_record(facts, by=by, now=now, client=client, words=_("answer before a booking online"))
    urgent = {fact.effect for fact in facts} & URGENT
    return Effect.EMERGENCY if Effect.EMERGENCY in urgent else next(iter(urgent), None)


def raise_and_record(
    facts: Sequence[FindingFact], *, by: User | None, now: datetime, client: Client, words: str
) -> None:
    """Open a finding for each of these facts, and write each into the client's history."""
    if not facts:
        return
    for finding in raise_findings(client.pk, facts, now=now):
        record_change(by=by.pk if by else None, client=client.pk, what=finding, words=words, now=now)
    refresh_review_needed(client=client, now=now)


# --- Reviewing


@transaction.atomic
def review(*, by: User, now: datetime, submission: Submission) -> Submission:
    """Record that a therapist has read the answers; each open finding must have been acknowledged before."""
    _refuse_others(by)
    lock_client(submission.client_id)
    submission = Submission.objects.select_for_update(of=("self",)).select_related("client").get(pk=submission.pk)
    if submission.state == Submission.State.REVIEWED:
        return submission
    if submission.state != Submission.State.SUBMITTED:
        raise ValidationError(_("These answers have not been sent yet."))
    hers = Finding.objects.open().filter(client__among=records_of(submission.client_id))
    if hers.filter(acknowledged_at__isnull=True).exists():
        raise ValidationError(_("Acknowledge or close each finding first."))
    submission.state, submission.reviewed_at, submission.reviewed_by = Submission.State.REVIEWED, now, by
    submission.save(update_fields=["state", "reviewed_at", "reviewed_by"])
    record_change(by=by.pk, client=submission.client_id, what=submission, words=_("intake reviewed"), now=now)
    refresh_review_needed(client=submission.client, now=now)
    return submission


@transaction.atomic
def acknowledge_finding(*, by: User, now: datetime, finding: Finding) -> Finding:
    """Record that a therapist knows of a finding as it was read; it stays in force. Raises StaleFinding."""
    finding = _locked_open_finding(by, finding)
    if finding.acknowledged_at is None:
        finding.acknowledged_at, finding.acknowledged_by = now, by
        finding.save(update_fields=["acknowledged_at", "acknowledged_by"])
        record_change(by=by.pk, client=finding.client_id, what=finding, words=_("finding acknowledged"), now=now)
        refresh_review_needed(client=finding.client, now=now)
    return finding


@transaction.atomic
def close_finding(*, by: User, now: datetime, finding: Finding, reason: str) -> Finding:
    """End a finding as it was read, by a named therapist for a reason. Raises StaleFinding."""
    finding = _locked_open_finding(by, finding)
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise ValidationError({"reason": _("Say in a line why the finding no longer holds.")})
    finding.closed_at, finding.closed_by, finding.closing_reason = now, by, reason
    finding.save(update_fields=["closed_at", "closed_by", "closing_reason"])
    record_change(by=by.pk, client=finding.client_id, what=finding, words=_("finding closed"), now=now)
    refresh_review_needed(client=finding.client, now=now)
    return finding


@transaction.atomic
def record_guardian_consent(*, by: User, now: datetime, client: Client, name: str, signed_on: date) -> Consent:
    """Record a guardian's consent that a therapist has seen signed on paper, in place of an earlier one.

    It lifts what waits for it; the finding stays open until a therapist closes it.
    """
    _refuse_others(by)
    name, rule = " ".join(name.split()), guardian_rule()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValidationError({"name": _("Write the name as it was signed.")})
    if signed_on > today_at(now):
        raise ValidationError({"signed_on": _("This day is still to come.")})
    if rule is None:
        raise ValidationError(_("The rules ask for no guardian."))
    lock_client(client.pk)
    hers = Consent.objects.filter(client__among=records_of(client.pk), code=GUARDIAN)
    hers.filter(revoked_at__isnull=True).update(revoked_at=now)
    consent = Consent.objects.create(
        client=client,
        code=GUARDIAN,
        text=f"{rule.title}\n\n{rule.reason}",
        version=rule.version,
        signed_name=name,
        signed_at=day_bounds(clinic_zone(), signed_on)[0],
        recorded_by=by,
    )
    record_change(by=by.pk, client=client.pk, what=consent, words=_("guardian's consent recorded"), now=now)
    refresh_review_needed(client=client, now=now)
    return consent


def _locked_open_finding(by: User, finding: Finding) -> Finding:
    _refuse_others(by)
    lock_client(finding.client_id)
    locked = Finding.objects.select_for_update(of=("self",)).select_related("client").get(pk=finding.pk)
    if locked.closed_at is not None:
        raise ValidationError(_("Somebody has closed this finding meanwhile."))
    refuse_stale(locked, seen_of(finding))
    return locked


def _refuse_others(by: User) -> None:
    if not by.is_therapist:
        raise ValidationError(_("Only a therapist decides about findings."))
