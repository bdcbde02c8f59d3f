"""Inviting somebody to work here: a link in the mail, opened once, by which she chooses her password."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.audit.services import because, record_change, recorded
from clinic.lib.text import one_line_each
from clinic.lib.times import local_date
from clinic.lib.tokens import new_token, token_digest
from clinic.people.models import Invitation, Role, User, clinic_zone
from clinic.people.models.logins import StaffInvitationQuerySet
from clinic.people.services.passwords import choose_password

INVITATION_LASTS = timedelta(days=7)


@recorded
def invite_staff(*, by: User, now: datetime, email: str, name: str, roles: Iterable[str]) -> tuple[Invitation, str]:
    """Invite somebody to become a member of staff; return the invitation and the key of its link, to be mailed."""
    who = one_line_each({"email": email.lower(), "name": name})
    email = who["email"]
    _refuse_taken(email)
    open_one = Invitation.objects.open().filter(email__iexact=email).select_for_update().first()
    if open_one is not None and open_one.expires_at > now:
        raise ValidationError({"email": _already_invited()})
    if open_one is not None:
        _withdraw(open_one, by=by, now=now)
    return _issue(by=by, now=now, **who, roles=[str(role) for role in roles], words=_("sent"))


@recorded
def invite_again(*, by: User, now: datetime, invitation: Invitation) -> tuple[Invitation, str]:
    """Replace an open invitation by a new one with a new link; the old link opens nothing any more."""
    old = _locked_open(invitation)
    _refuse_taken(old.email)
    _close(old, now=now)
    return _issue(by=by, now=now, email=old.email, name=old.name, roles=old.roles, words=_("sent again"))


@recorded
def withdraw_invitation(*, by: User, now: datetime, invitation: Invitation) -> Invitation:
    """Let the link of an open invitation open nothing any more."""
    return _withdraw(_locked_open(invitation), by=by, now=now)


def withdraw_invitations_of(member: User, *, by: User, now: datetime) -> None:
    """Withdraw what is open for a member's address, and what she sent out herself; inside the caller's transaction."""
    concerned = Invitation.objects.open().filter(Q(email__iexact=member.email) | Q(invited_by=member))
    for invitation in concerned.order_by("pk").select_for_update():
        _withdraw(invitation, by=by, now=now)


def invitation_behind(token: str, *, now: datetime) -> Invitation | None:
    """Return the invitation that this link still opens. Looking spends nothing: mail scanners look too."""
    return _valid(now).filter(digest=token_digest(token)).first()


def opened_invitation(pk: int, *, now: datetime) -> Invitation | None:
    """Return an invitation whose link was opened before, where it may still be accepted."""
    return _valid(now).select_related("invited_by").filter(pk=pk).first()


def _valid(now: datetime) -> StaffInvitationQuerySet:
    """Keep what may be accepted: whoever invited is still an owner herself."""
    is_owners = Q(invited_by__is_active=True, invited_by__roles__contains=[Role.OWNER])
    return Invitation.objects.open().filter(is_owners, expires_at__gt=now)


@recorded
def accept_invitation(*, by: None, now: datetime, invitation: Invitation, password: str) -> User:
    """Spend an invitation: make its login with this password. Of two who open one link, the second is refused."""
    # The owner first, then what she sent: in the order of whoever ends her role.
    User.objects.select_for_update(no_key=True).get(pk=invitation.invited_by_id)
    still = _valid(now).filter(pk=invitation.pk).select_for_update(of=("self",)).first()
    if still is None:
        raise ValidationError(_("This invitation has been used, withdrawn, or has run out."))
    invitation = still
    _refuse_taken(invitation.email)
    user = User(email=invitation.email, name=invitation.name, roles=invitation.roles)
    choose_password(user, password)
    user.full_clean()
    with because(_whose(invitation)):
        user.save()
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    record_change(by=user.pk, client=None, what=invitation, words=_("accepted"), now=now)
    return user


def _issue(*, by: User, now: datetime, email: str, name: str, roles: list[str], words: str) -> tuple[Invitation, str]:
    token = new_token()
    invitation = Invitation(
        email=email,
        name=name,
        roles=roles,
        digest=token_digest(token),
        invited_by=by,
        invited_at=now,
        expires_at=now + INVITATION_LASTS,
    )
    invitation.clean_fields(exclude=["accepted_at", "withdrawn_at"])
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError:
        # Another owner has invited the same address in this moment.
        raise ValidationError({"email": _already_invited()}) from None
    record_change(by=by.pk, client=None, what=invitation, words=words, now=now)
    return invitation, token


def _withdraw(invitation: Invitation, *, by: User, now: datetime) -> Invitation:
    _close(invitation, now=now)
    record_change(by=by.pk, client=None, what=invitation, words=_("withdrawn"), now=now)
    return invitation


def _close(invitation: Invitation, *, now: datetime) -> None:
    invitation.withdrawn_at = now
    invitation.save(update_fields=["withdrawn_at"])


def _locked_open(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.open().filter(pk=invitation.pk).select_for_update().first()
    if locked is None:
        raise ValidationError(_("This invitation is no longer open."))
    return locked


def _whose(invitation: Invitation) -> str:
    """Say by whom and when somebody was invited who was let in."""
    day = date_format(local_date(clinic_zone(), invitation.invited_at), "j M Y")
    return _("accepted the invitation by %(name)s of %(day)s") % {"name": invitation.invited_by.name, "day": day}


def _already_invited() -> str:
    return _("This address has an open invitation. Send it again from the list.")


def _refuse_taken(email: str) -> None:
    """Refuse an address that somebody signs in with already, in words that say what to do instead."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        return
    if not user.is_staff_member:
        words = _("A client signs in with this address; a member of staff needs another one.")
    elif user.is_active:
        words = _("%(name)s works here already, with this address.") % {"name": user.name}
    else:
        words = _("%(name)s has worked here with this address: let the old sign-in work again.") % {"name": user.name}
    raise ValidationError({"email": words})
