"""Writing about those who work here: their logins and roles, and the end of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.lib.text import one_line_each
from clinic.people.models import Role, Therapist, User
from clinic.people.services.invitations import withdraw_invitations_of
from clinic.people.services.passwords import choose_password
from clinic.people.services.therapists import archive_therapist


@recorded
def add_staff(*, by: User | None, now: datetime, email: str, name: str, roles: Iterable[str], password: str) -> User:
    """Add a member of staff, who signs in by password; `by` is None for the first owner."""
    user = User(**one_line_each({"email": email.lower(), "name": name}), roles=[str(role) for role in roles])
    _refuse_none(user.roles)
    choose_password(user, password)
    user.full_clean()
    user.save()
    return user


@recorded
def change_staff(
    *, by: User, now: datetime, member: User, name: str | None = None, roles: Iterable[str] | None = None
) -> User:
    """Change a member's name or roles, or both; the roles count from her next request on."""
    member, owners = _locked_with_owners(member)
    name = member.name if name is None else one_line_each({"name": name})["name"]
    wanted = member.roles if roles is None else [str(role) for role in roles]
    _refuse_none(wanted)
    if Role.OWNER not in wanted:
        _refuse_last_owner(member, owners, field="roles")
        if member.is_owner:
            # Else she could come back as one by an invitation of her own.
            withdraw_invitations_of(member, by=by, now=now)
    if Role.THERAPIST not in wanted and Therapist.objects.filter(user=member, archived_at__isnull=True).exists():
        refusal = _("%(name)s can be booked: first let the work as a therapist end, on the therapist's page.")
        raise ValidationError({"roles": ValidationError(refusal, params={"name": member.name})})
    if (member.name, member.roles) != (name, wanted):
        member.name, member.roles = name, wanted
        member.full_clean(exclude=["password"])
        member.save(update_fields=["name", "roles"])
    return member


@recorded
def deactivate_staff(*, by: User, now: datetime, member: User) -> User:
    """End a member's sign-in at once, with all that is open: sessions, links for a password, invitations.

    A therapist is offered nowhere any more. The password goes too, so that nothing of it opens again by itself.
    """
    if by.pk == member.pk:
        raise ValidationError(_("You cannot end your own sign-in. Another owner can."))
    member, owners = _locked_with_owners(member)
    _refuse_last_owner(member, owners)
    if not member.is_active:
        return member
    member.is_active = False
    member.set_unusable_password()
    member.save(update_fields=["is_active", "password"])
    _end_sessions(member, now=now)
    withdraw_invitations_of(member, by=by, now=now)
    for therapist in Therapist.objects.filter(user=member, archived_at__isnull=True):
        archive_therapist(by=by, now=now, therapist=therapist)
    return member


@recorded
def reactivate_staff(*, by: User, now: datetime, member: User) -> User:
    """Let a member sign in again, by a new password that she chooses herself."""
    member, _owners = _locked_with_owners(member)
    if not member.is_active:
        member.is_active = True
        member.save(update_fields=["is_active"])
    return member


def _locked_with_owners(member: User) -> tuple[User, Sequence[User]]:
    """Lock a member and all active owners, and return them as they are now.

    All in the order of their keys: of two owners who end each other's role at once, the second finds herself the last.
    """
    concerned = Q(pk=member.pk) | Q(is_active=True, roles__contains=[Role.OWNER])
    locked = list(User.objects.filter(concerned).order_by("pk").select_for_update(no_key=True))
    return next(one for one in locked if one.pk == member.pk), [one for one in locked if one.is_active and one.is_owner]


def _refuse_none(roles: Sequence[str]) -> None:
    if not roles:
        raise ValidationError({"roles": _("A member of staff has at least one role.")})


def _refuse_last_owner(member: User, owners: Sequence[User], *, field: str = "") -> None:
    if [owner.pk for owner in owners] == [member.pk]:
        words = _("%(name)s is the only owner. Make somebody else an owner first.") % {"name": member.name}
        raise ValidationError({field: words} if field else words)


def _end_sessions(member: User, *, now: datetime) -> None:
    """Delete the sessions in which she is signed in; what a session holds is known only to itself."""
    hers = [
        session.pk
        for session in Session.objects.filter(expire_date__gt=now).iterator()
        if session.get_decoded().get(SESSION_KEY) == str(member.pk)
    ]
    Session.objects.filter(pk__in=hers).delete()
