"""The only roads from a view to answers and findings. Therapists reach them through a sign-in, she through her link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404
from django.urls import reverse

from clinic.people.access import ClinicRequest, client_for, health_record_for, kept_one, log_look, one_of, own_clients
from clinic.people.models import Client, User
from clinic.people.records import records_beside, records_of
from intake.inviting import visits_without_answers
from intake.links import key_in
from intake.models import Consent, Finding, Invitation, Submission, SubmissionQuerySet
from intake.models_clearing import Clearance, Document
from intake.services import LinkClosed

# What the session remembers: the answers being given, the invitation they came by, and those just sent.
DRAFT, INVITATION, SENT = "intake_draft", "intake_invitation", "intake_sent"
# When a tablet that was handed over was last touched (intake/tablet.py).
HANDED_OVER = "intake_handed_over"


@dataclass(frozen=True)
class Pending:
    """A form that waits for a client."""

    client_pk: int
    url: str
    is_started: bool


# --- Staff


def client_to_invite(user: User, pk: int, *, now: datetime) -> Client:
    """Return a client to whom staff may send the form. Raises Http404 for everybody else."""
    if not user.is_staff_member:
        raise Http404
    return client_for(user, pk, "intake form sent", now=now)


def client_with_findings(user: User, pk: int, *, now: datetime) -> Client:
    """Return a client whose findings a therapist may see, and log the look."""
    _refuse_all_but_therapists(user)
    return health_record_for(user, pk, "findings", now=now)


def submission_for(user: User, pk: int, *, now: datetime) -> Submission:
    """Return answers that were sent, for a therapist, and log the look."""
    _refuse_all_but_therapists(user)
    sent = Submission.objects.sent().select_related("client", "reviewed_by", "entered_by", "form_version")
    submission = one_of(sent, pk)
    log_look(user, submission.client_id, submission, "intake", now=now)
    return submission


def finding_for(user: User, pk: int, *, now: datetime) -> Finding:
    """Return a finding, for a therapist, and log the look."""
    _refuse_all_but_therapists(user)
    finding = one_of(Finding.objects.select_related("client"), pk)
    log_look(user, finding.client_id, finding, "finding", now=now)
    return finding


def consent_for(user: User, pk: int, *, now: datetime) -> Consent:
    """Return a consent in force, for a therapist, and log the look."""
    _refuse_all_but_therapists(user)
    consent = one_of(Consent.objects.in_force().select_related("client", "submission", "recorded_by"), pk)
    log_look(user, consent.client_id, consent, "consent", now=now)
    return consent


def client_with_clearances(user: User, pk: int, *, now: datetime) -> Client:
    """Return a client whose clearances and documents a therapist may see, and log the look."""
    _refuse_all_but_therapists(user)
    return health_record_for(user, pk, "clearances", now=now)


def clearance_for(user: User, pk: int, *, now: datetime) -> Clearance:
    """Return a clearance, for a therapist, and log the look."""
    _refuse_all_but_therapists(user)
    clearance = one_of(Clearance.objects.select_related("client"), pk)
    log_look(user, clearance.client_id, clearance, "clearance", now=now)
    return clearance


def document_for(user: User, pk: int, *, now: datetime) -> Document:
    """Return a document, for a therapist, and log the look."""
    _refuse_all_but_therapists(user)
    document = one_of(Document.objects.all(), pk)
    log_look(user, document.client_id, document, "document", now=now)
    return document


def own_answers(user: User, client_pk: int, *, now: datetime) -> tuple[Client, SubmissionQuerySet]:
    """Return a client for whom this login acts, with the answers that were sent for her. Raises Http404."""
    client = kept_one(own_clients(user), client_pk)
    log_look(user, client.pk, client, "own answers", now=now)
    return client, Submission.objects.filter(client__among=records_of(client.pk)).sent()


def own_submission(user: User, client_pk: int, pk: int, *, now: datetime) -> Submission:
    """Return answers that were sent for a client for whom this login acts, and log the look. Raises Http404."""
    client, sent = own_answers(user, client_pk, now=now)
    submission = one_of(sent.select_related("client", "form_version"), pk)
    log_look(user, client.pk, submission, "own answers", now=now)
    return submission


def _refuse_all_but_therapists(user: User) -> None:
    if not user.is_therapist:
        raise Http404


# --- The client, by her link or her sign-in


def invitation_by(token: str) -> Invitation:
    """Return the invitation that a link carries. Raises Http404 for a link that this clinic did not make."""
    key = key_in(token)
    invitation = Invitation.objects.select_related("client").filter(key=key).first() if key else None
    if invitation is None:
        raise Http404
    return invitation


def own_client_asked(request: ClinicRequest, client_pk: int) -> Client:
    """Return a client for whom this login may fill in a form that waits. Raises Http404."""
    client = kept_one(own_clients(request.user), client_pk)
    if client.pk not in {pending.client_pk for pending in pending_for(request.user, request.now)}:
        raise Http404
    return client


def pending_for(user: User, now: datetime) -> list[Pending]:
    """Return the forms that wait for the clients of a login: asked for, begun, or missing before a visit to come.

    A link may have run out meanwhile: whoever has signed in needs none. A constant number of queries.
    """
    clients = list(own_clients(user).values_list("pk", flat=True))
    if not clients:
        return []
    asked = Invitation.objects.filter(client__in=clients, used_at__isnull=True, revoked_at__isnull=True)
    begun = set(
        Submission.objects.filter(client__in=clients, state=Submission.State.DRAFT).values_list("client_id", flat=True)
    )
    visits = visits_without_answers(now).filter(client__among=records_of(*clients)).annotate(records=records_beside())
    missing = {pk for records in visits.values_list("records", flat=True) for pk in records} & {*clients}
    waiting = begun | missing | set(asked.values_list("client_id", flat=True))
    return [
        Pending(client_pk=pk, url=reverse("intake:own", args=[pk]), is_started=pk in begun) for pk in sorted(waiting)
    ]


def enter(session: SessionBase, submission: Submission, invitation: Invitation | None) -> None:
    """Exchange the link for this browser's session."""
    session.cycle_key()
    session[DRAFT], session[INVITATION] = submission.pk, invitation and invitation.pk
    session.pop(SENT, None)


def draft_in(request: ClinicRequest) -> Submission:
    """Return the answers being given in this browser. Raises LinkClosed once they may no longer be."""
    drafts = Submission.objects.filter(state=Submission.State.DRAFT).select_related("client")
    draft = drafts.filter(pk=request.session.get(DRAFT, 0)).first()
    if draft is None or not _may_still_answer(request, draft):
        raise LinkClosed("")
    return draft


def _may_still_answer(request: ClinicRequest, draft: Submission) -> bool:
    """Ask at each step: a link may be taken back, and who came by a sign-in may act for her no longer."""
    if HANDED_OVER in request.session:
        return True
    invitation_pk = request.session.get(INVITATION)
    if invitation_pk:
        return Invitation.objects.open(request.now).filter(pk=invitation_pk).exists()
    return request.user.is_authenticated and own_clients(request.user).filter(pk=draft.client_id).exists()


def leave(session: SessionBase, submission: Submission) -> None:
    """Forget the answers after they were sent; only that they were stays known."""
    session.pop(DRAFT, None)
    session.pop(INVITATION, None)
    session[SENT] = submission.pk


def has_just_sent(session: SessionBase) -> bool:
    """Say whether this browser sent answers, and has begun no others since."""
    return SENT in session


def just_sent_in(session: SessionBase) -> Submission:
    """Return the answers just sent from this browser. Raises Http404."""
    return one_of(Submission.objects.sent().select_related("client"), session.get(SENT, 0))
