"""Sending the answers, and what follows: consents in force, findings, her wishes in the record, a sign-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import because, record_change
from clinic.people.models import ROOM_WISHES, Client, ContactConsent
from clinic.people.records import records_of
from clinic.people.services import give_client_login, lock_kept, record_contact_consent, update_client
from clinic.scheduling.services import refresh_review_needed
from intake.answering import ROOM_QUESTIONS, alarm_of
from intake.consents import settle_consents
from intake.findings import facts_of, raise_findings
from intake.models import Invitation, Submission
from intake.questions import YES, form_of
from intake.wall import today_at

CONTACT_QUESTIONS = {
    "messages_email": ContactConsent.Channel.EMAIL,
    "messages_text": ContactConsent.Channel.TEXT,
}


@transaction.atomic
def submit(*, now: datetime, submission: Submission, signed_name: str = "", ip: str | None = None) -> Submission:
    """Send her answers: her consents stand, findings are raised. Sent twice, it is sent once.

    `signed_name` signs what she agreed to and did not sign on its own.

    Raises ValidationError where something required is missing, and while an answer asks her to call for help.
    """
    # Should her records have been merged meanwhile, the answers stay with theirs; what follows is about the kept one.
    kept = lock_kept(submission.client_id)
    submission = Submission.objects.select_for_update(of=("self",)).select_related("client").get(pk=submission.pk)
    if submission.state != Submission.State.DRAFT:
        return submission
    form = form_of(submission.form_version_id)
    missing = form.first_incomplete(submission.answers)
    if missing is not None:
        raise ValidationError(_("Step %(step)d is not finished."), params={"step": missing.number}, code="unfinished")
    alarm = alarm_of(submission, now)
    # What is typed in from paper was answered elsewhere and before: it is written down truthfully, and is a finding.
    if alarm is not None and alarm.is_emergency and submission.entered_by_id is None:
        raise ValidationError(_("One of your answers asks you to call for help first."), code="emergency")
    submission.state, submission.submitted_at, submission.saved_at = Submission.State.SUBMITTED, now, now
    submission.written_on = submission.set_aside = {}
    submission.save(update_fields=["state", "submitted_at", "saved_at", "written_on", "set_aside"])
    hers = records_of(submission.client_id)
    Invitation.objects.filter(client__among=hers, used_at__isnull=True).update(used_at=now)
    settle_consents(now=now, submission=submission, form=form, signed_name=signed_name, ip=ip)
    _record_contact(submission, now)
    _record_wishes(submission, now)
    raise_findings(submission.client_id, facts_of(submission, today_at(now)), now=now, submission=submission)
    refresh_review_needed(client=submission.client, now=now)
    _give_login(kept, now)
    record_change(by=None, client=submission.client_id, what=submission, words=_("intake form sent in"), now=now)
    return submission


def _record_contact(submission: Submission, now: datetime) -> None:
    for code, channel in CONTACT_QUESTIONS.items():
        answer = submission.answers.get(code)
        if answer is not None:
            record_contact_consent(
                by=None,
                now=now,
                client=submission.client,
                channel=channel,
                is_given=answer == YES,
                source=_("intake form"),
            )


def _record_wishes(submission: Submission, now: datetime) -> None:
    """Write how she likes the room into her record: the latest word counts, and what she left open stays as it was."""
    wishes: dict[str, Any] = {
        field: str(submission.answers[code])
        for code, field in ROOM_QUESTIONS.items()
        if submission.answers.get(code) in ROOM_WISHES[field].values
    }
    with because(_("intake answers")):
        update_client(by=None, now=now, client=submission.client, **wishes)


def _give_login(client: Client, now: datetime) -> None:
    """Let her sign in by a code from now on. An address that cannot be given is no reason to refuse her answers."""
    if not client.email:
        return
    try:
        give_client_login(by=None, now=now, client=client, email=client.email)
    except ValidationError:
        return
