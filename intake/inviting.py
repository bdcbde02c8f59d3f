"""Asking a client to fill in the form: by hand, or by itself before a visit; opening her link, and taking it back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from clinic.audit.services import because, record_change
from clinic.people.models import Client, ContactConsent, User
from clinic.people.records import records_beside, records_of
from clinic.people.services import lock_client, lock_kept, mail_address, record_contact_consent, update_client
from clinic.people.services.clients import last_words, lock_records
from clinic.reminders.changes import GRACE
from clinic.scheduling.models import PROMISED, Appointment, AppointmentQuerySet
from intake.answering import LinkClosed, begin
from intake.links import token_for
from intake.models import Invitation, Submission
from intake.models_asking import IntakePolicy
from intake.standing import ANSWERS_LAST

# D: how long a link leads to the form; one that was sent by itself works until the visit at least.
LINK_LASTS = timedelta(days=30)
# Whoever booked longer ago, or elsewhere, is not asked when a clinic begins to ask, or brings its visits along.
BOOKED_WITHIN = timedelta(days=1)


class WrongDate(ValidationError):  # noqa: N818
    """The date of birth is not the one the clinic knows."""


# --- By hand


@transaction.atomic
def invite(*, by: User | None, now: datetime, client: Client, agreed: str = "") -> tuple[Invitation, str]:
    """Ask her to fill in the form, and return the token of her link; links sent earlier no longer open it.

    `agreed` is how she agreed to other mail in the same talk; empty where that was not talked about.

    The reminders' rails send the link. Raises ValidationError where there is no address to send it to.
    """
    client = lock_kept(client.pk)
    if not mail_address(client, now):
        raise ValidationError(_("%(name)s has no e-mail address yet. Add one first."), params={"name": client.name})
    if client.archived_at is not None:
        raise ValidationError(_("%(name)s is archived."), params={"name": client.name})
    Invitation.objects.filter(client__among=records_of(client.pk)).open(now).update(revoked_at=now)
    invitation = Invitation.objects.create(client=client, created_at=now, created_by=by, expires_at=now + LINK_LASTS)
    record_change(by=by.pk if by else None, client=client.pk, what=invitation, words=_("intake form sent"), now=now)
    if agreed:
        channel = ContactConsent.Channel.EMAIL
        record_contact_consent(by=by, now=now, client=client, channel=channel, is_given=True, source=agreed)
    return invitation, token_for(invitation)


@transaction.atomic
def take_back(*, by: User, now: datetime, client: Client) -> int:
    """Let her links open the form no more, and return how many did. For the visits booked so far nobody asks by itself.

    What she has begun is kept, and goes on with the next link.
    """
    client = lock_kept(client.pk)
    hers = Invitation.objects.filter(client__among=records_of(client.pk), used_at__isnull=True, revoked_at__isnull=True)
    taken = list(hers.filter(expires_at__gt=now).order_by("pk"))
    for invitation in taken:
        invitation.revoked_at, invitation.revoked_by = now, by
        invitation.save(update_fields=["revoked_at", "revoked_by"])
        record_change(by=by.pk, client=client.pk, what=invitation, words=_("link to the form taken back"), now=now)
    return len(taken)


@transaction.atomic
def begin_on_tablet(*, by: User, now: datetime, client: Client) -> Submission:
    """Begin the form on a tablet of the clinic that is handed to her.

    Whoever hands it over may hold it a moment longer: nothing that she has answered elsewhere or before stands on it.
    """
    draft = begin(now=now, client=client)
    draft.set_aside, draft.answers, draft.written_on = draft.answers, {}, {}
    draft.save(update_fields=["set_aside", "answers", "written_on"])
    words = _("intake form handed over on a tablet")
    record_change(by=by.pk, client=draft.client_id, what=draft, words=words, now=now)
    return draft


# --- By itself


def intake_policy() -> IntakePolicy:
    """Return when the clinic asks by itself."""
    return IntakePolicy.objects.get(pk=1)


@transaction.atomic
def change_intake_policy(*, by: User, now: datetime, asks_by_itself: bool, days_ahead: int) -> IntakePolicy:
    """Change when the clinic asks by itself. What was sent stays sent."""
    policy = IntakePolicy.objects.select_for_update().get(pk=1)
    policy.asks_by_itself, policy.days_ahead = asks_by_itself, days_ahead
    policy.full_clean()
    policy.save()
    record_change(by=by.pk, client=None, what=policy, words=_("when the intake form is sent"), now=now)
    return policy


def visits_without_answers(now: datetime) -> AppointmentQuerySet:
    """Return the visits to come before which she is to be asked: first visits, and those her answers are too old for.

    Each carries `kept`, the record that is kept of her. Not for whom staff have taken the link back since she booked.
    """
    hers = Q(client__among=records_beside(OuterRef("client")))
    sent = Submission.objects.sent().filter(hers)
    taken_back = Invitation.objects.filter(hers, revoked_by__isnull=False, revoked_at__gte=OuterRef("booked_at"))
    again = Q(starts_at__lte=now + timedelta(days=intake_policy().days_ahead)) & Exists(sent)
    first = Q(booked_at__gt=now - BOOKED_WITHIN) & ~Exists(sent)
    visits = Appointment.objects.filter(
        first | again, status__in=PROMISED, starts_at__gt=now, client__archived_at__isnull=True
    )
    unanswered = visits.exclude(Exists(sent.filter(submitted_at__gte=OuterRef("starts_at") - ANSWERS_LAST)))
    return unanswered.exclude(Exists(taken_back)).order_by("starts_at", "pk")


def invite_before_visits(now: datetime) -> list[Invitation]:
    """Ask those who are to be asked before a visit, if they agreed to mail; return the new invitations.

    Any number of sweeps may do this at once. A constant number of reads.
    """
    _let_links_last(now)
    if not intake_policy().asks_by_itself:
        return []
    settled = visits_without_answers(now).filter(booked_at__lte=now - GRACE)
    found = _whose_link_is_missing(settled, now)
    clients = _who_may_be_written_to({visit.client_id for visit in found}, now)
    if not clients:
        return []
    with transaction.atomic():
        held = lock_records(sorted(clients))
        # Somebody may have asked, or she may have answered, while we waited.
        visits = _whose_link_is_missing(settled.filter(client__in=clients), now)
        asked = {held[visit.client_id].merged_into_id or visit.client_id for visit in visits}
        made = [Invitation(client_id=pk, created_at=now, expires_at=now + LINK_LASTS) for pk in sorted(asked)]
        for invitation in Invitation.objects.bulk_create(made):
            words = _("intake form sent by itself")
            record_change(by=None, client=invitation.client_id, what=invitation, words=words, now=now)
        return made


def _whose_link_is_missing(visits: AppointmentQuerySet, now: datetime) -> list[Appointment]:
    """Return those before which no link stands open; one that was tried too often is a person's to send again."""
    hers = Invitation.objects.filter(client__among=records_beside(OuterRef("client")))
    standing = hers.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now)
    return list(visits.exclude(Exists(standing)).only("client_id"))


def _who_may_be_written_to(client_pks: Collection[int], now: datetime) -> set[int]:
    """Return those who agreed to mail and have an address. Two queries."""
    if not client_pks:
        return set()
    said = last_words(client_pks)
    agreed = [pk for pk in client_pks if said.get((pk, ContactConsent.Channel.EMAIL))]
    return {client.pk for client in Client.objects.filter(pk__in=agreed) if mail_address(client, now)}


def _let_links_last(now: datetime) -> None:
    """Let what was sent by itself open the form until the visit that it is for, also where that is moved."""
    hers = Appointment.objects.filter(client__among=records_beside(OuterRef("client")), status__in=PROMISED)
    next_visit = hers.filter(starts_at__gt=now).order_by("starts_at").values("starts_at")[:1]
    by_itself = Invitation.objects.open(now).filter(created_by__isnull=True)
    late = by_itself.annotate(visit_at=Subquery(next_visit)).filter(visit_at__gt=F("expires_at"))
    late.update(expires_at=Subquery(next_visit))


# --- Opening


def open_invitation(*, now: datetime, invitation: Invitation, born_on: date) -> Submission:
    """Open the form from its link and return the answers begun.

    Whose date of birth is not known yet gives it at the first opening, and to it the link is bound.
    Raises LinkClosed, WrongDate, which is counted, and ValidationError for a date that cannot be hers.
    """
    with transaction.atomic():
        client = lock_client(invitation.client_id)
        invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if not invitation.is_open(now):
            raise LinkClosed(_("This link no longer opens the form."))
        if client.born_on is None:
            client = _with_birth(client, born_on, now)
        if client.born_on == born_on:
            if invitation.opened_at is None:
                invitation.opened_at = now
                invitation.save(update_fields=["opened_at"])
            return begin(now=now, client=client, invitation=invitation)
        invitation.wrong_answers += 1
        invitation.save(update_fields=["wrong_answers"])
    # Raised after the count is committed.
    if not invitation.is_open(now):
        raise LinkClosed(_("This link no longer opens the form."))
    raise WrongDate({"born_on": _("That is not the date of birth that we have. Please try again.")})


def _with_birth(client: Client, born_on: date, now: datetime) -> Client:
    """Write down when she was born, as she says herself."""
    try:
        with because(_("intake answers")):
            return update_client(by=None, now=now, client=client, born_on=born_on)
    except ValidationError as problem:
        if "born_on" in problem.message_dict:
            raise
        # What a parent or guardian is missing for is the clinic's to ask.
        words = _("Under 18, a parent or guardian answers with you. Please call us first.")
        raise ValidationError({"born_on": words}) from problem
