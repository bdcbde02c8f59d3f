"""Consents: each signed on its own, and each taken back on its own, by her or as a therapist writes it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.people.models import User
from clinic.people.records import records_of
from clinic.people.services import lock_client
from clinic.scheduling.services import refresh_review_needed
from intake.answering import locked_draft
from intake.findings import facts_of, raise_findings
from intake.models import Consent, ConsentQuerySet, Submission
from intake.questions import YES, IntakeForm, Question, form_of
from intake.signatures import Drawing
from intake.wall import today_at

LONGEST_NAME = 160


@dataclass(frozen=True)
class Signature:
    """How a consent was signed: by name, and by a drawing where there is one; when, and from where."""

    name: str
    drawing: Drawing
    at: datetime
    ip: str | None


@transaction.atomic
def sign_consent(
    *,
    now: datetime,
    submission: Submission,
    code: str,
    name: str = "",
    drawing: Drawing | None = None,
    ip: str | None = None,
) -> Consent:
    """Sign one consent of the form that is being filled in; with neither name nor drawing, as the one before it.

    It is in force from now on, in place of what she signed earlier; signed twice, it is signed once.
    Raises ValidationError with a sentence for its field.
    """
    submission = locked_draft(submission)
    question = form_of(submission.form_version_id).questions.get(code)
    hers = consents_in_force(submission.client_id).filter(submission=submission)
    signed = hers.filter(code=code).first()
    if signed is not None:
        return signed
    if question is None or question not in form_of(submission.form_version_id).consents:
        raise ValidationError(_("The form does not ask for this."))
    if not name.strip() and not drawing:
        before = hers.order_by("-signed_at", "-pk").first()
        if before is None:
            raise ValidationError({code: _("Please write your name, or draw your signature.")})
        name, drawing = before.signed_name, before.drawing
    consents_in_force(submission.client_id).filter(code=code).update(revoked_at=now)
    # What is drawn needs no name beside it; the record knows whose form it is.
    signed_by = checked_name(name or submission.client.name, code)
    consent = _consent(submission, question, Signature(signed_by, drawing or [], now, ip))
    consent.save(force_insert=True)
    submission.answers = submission.answers | {code: YES}
    submission.saved_at = now
    submission.save(update_fields=["answers", "saved_at"])
    refresh_review_needed(client=submission.client, now=now)
    return consent


@transaction.atomic
def unsign_consent(*, now: datetime, submission: Submission, code: str) -> None:
    """Take back what she signed in the form that is being filled in: the question is open again."""
    submission = locked_draft(submission)
    consents_in_force(submission.client_id).filter(submission=submission, code=code).update(revoked_at=now)
    submission.answers = {asked: answer for asked, answer in submission.answers.items() if asked != code}
    submission.saved_at = now
    submission.save(update_fields=["answers", "saved_at"])
    refresh_review_needed(client=submission.client, now=now)


@transaction.atomic
def take_back_consent(*, by: User, now: datetime, consent: Consent) -> Consent:
    """End a consent: she takes it back, or a therapist writes down that she did. Twice is once.

    What the rules say about a consent taken back becomes a finding at once.
    """
    lock_client(consent.client_id)
    consent = Consent.objects.select_for_update(of=("self",)).select_related("client").get(pk=consent.pk)
    if consent.revoked_at is not None:
        return consent
    consent.revoked_at, consent.revoked_by = now, by
    consent.save(update_fields=["revoked_at", "revoked_by"])
    record_change(by=by.pk, client=consent.client_id, what=consent, words=_("consent taken back"), now=now)
    _open_again(consent)
    last = (
        Submission.objects.filter(client__among=records_of(consent.client_id)).sent().select_related("client").first()
    )
    if last is not None:
        raise_findings(consent.client_id, facts_of(last, today_at(now)), now=now, submission=last)
    refresh_review_needed(client=consent.client, now=now)
    return consent


def _open_again(consent: Consent) -> None:
    """Where it was signed in a form that is still being filled in, the question there is open again."""
    drafts = Submission.objects.select_for_update().filter(consents=consent, state=Submission.State.DRAFT)
    for draft in drafts:
        draft.answers = {code: answer for code, answer in draft.answers.items() if code != consent.code}
        draft.save(update_fields=["answers"])


def settle_consents(
    *, now: datetime, submission: Submission, form: IntakeForm, signed_name: str, ip: str | None
) -> None:
    """Let the consents of a form that is sent take the place of those before; what she left open is no longer given.

    What she agreed to and has not signed on its own is signed by `signed_name`. Raises ValidationError without one.
    """
    hers = consents_in_force(submission.client_id).filter(code__in=[question.code for question in form.consents])
    signed = set(hers.filter(submission=submission).values_list("code", flat=True))
    unsigned = [
        question
        for question in form.consents
        if submission.answers.get(question.code) == YES and question.code not in signed
    ]
    if unsigned and not signed_name.strip():
        raise ValidationError({question.code: _("Please sign this.") for question in unsigned})
    hers.exclude(submission=submission).update(revoked_at=now)
    Consent.objects.bulk_create(
        _consent(submission, question, Signature(checked_name(signed_name, question.code), [], now, ip))
        for question in unsigned
    )


def consents_in_force(client_pk: int) -> ConsentQuerySet:
    """Return what she has agreed to and not taken back, on any of her records."""
    return Consent.objects.filter(client__among=records_of(client_pk)).in_force()


def signed_here(submission: Submission) -> dict[str, Consent]:
    """Return the consents that she has signed in this form, by their codes, the last signed last."""
    hers = consents_in_force(submission.client_id).filter(submission=submission).order_by("signed_at", "pk")
    return {consent.code: consent for consent in hers}


@dataclass(frozen=True)
class Agreed:
    """A consent as she reads it again: what she signed, whether a visit needs it, and what taking it back means."""

    consent: Consent
    is_required: bool
    without: str


def agreed_by(client_pk: int) -> list[Agreed]:
    """Return what she has agreed to and not taken back, in the order of signing; one query."""
    hers = consents_in_force(client_pk).select_related("submission", "recorded_by").order_by("signed_at", "pk")
    return [agreed(consent) for consent in hers]


def agreed(consent: Consent) -> Agreed:
    """Return a consent with what the form says about it in which it was signed."""
    question = form_of(consent.submission.form_version_id).questions.get(consent.code) if consent.submission else None
    words = question.without if question else ""
    return Agreed(
        consent,
        is_required=question is None or question.is_required,
        without=words or _("From now on it no longer holds."),
    )


def taken_back_by(client_pk: int) -> list[Consent]:
    """Return what she has taken back, the last first; what a newer form took the place of was not taken back."""
    hers = Consent.objects.filter(client__among=records_of(client_pk), revoked_by__isnull=False)
    return list(hers.select_related("revoked_by").order_by("-revoked_at", "-pk"))


def checked_name(name: str, field: str) -> str:
    """Return a signature as it is kept. Raises ValidationError beside its field."""
    name = " ".join(name.split())
    if not name:
        raise ValidationError({field: _("Please sign with your name.")})
    if len(name) > LONGEST_NAME or "\0" in name:
        raise ValidationError({field: _("Please sign with a shorter name.")})
    return name


def _consent(submission: Submission, question: Question, signature: Signature) -> Consent:
    return Consent(
        client=submission.client,
        submission=submission,
        code=question.code,
        text=f"{question.text}\n\n{question.words}",
        version=question.version,
        signed_name=signature.name,
        drawing=signature.drawing,
        signed_at=signature.at,
        ip_address=signature.ip,
    )
