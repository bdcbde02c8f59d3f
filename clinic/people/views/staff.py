"""Who works here: members, their roles, the end of a sign-in, and invitations."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, for_roles, one_of
from clinic.people.forms.staff import InviteForm, MemberForm
from clinic.people.leaving import left_behind_by
from clinic.people.mail import mail_invitation
from clinic.people.models import Invitation, Role, User
from clinic.people.services import (
    change_staff,
    deactivate_staff,
    invite_again,
    invite_staff,
    reactivate_staff,
    withdraw_invitation,
)
from clinic.people.staff_page import role_words, staff_page


@require_safe
@for_roles(Role.OWNER)
def staff_list(request: ClinicRequest) -> HttpResponse:
    """Show who works here and who is invited to."""
    return render(request, "people/staff.html", {"page": staff_page(request.now)})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def staff_invite(request: ClinicRequest) -> HttpResponse:
    """Invite somebody by e-mail."""
    form = InviteForm(request.POST or None)
    if form.is_valid() and (
        invited := written(form, invite_staff, by=request.user, now=request.now, **form.cleaned_data)
    ):
        invitation, token = invited
        _mail(request, invitation, token)
        return redirect("people:staff-list")
    return render(request, "people/staff_invite.html", {"form": form})


@require_POST
@for_roles(Role.OWNER)
def invitation_again(request: ClinicRequest, pk: int) -> HttpResponse:
    """Mail a new link in the place of the old one."""
    try:
        invitation, token = invite_again(by=request.user, now=request.now, invitation=_invitation(pk))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        _mail(request, invitation, token)
    return redirect("people:staff-list")


@require_POST
@for_roles(Role.OWNER)
def invitation_withdraw(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let a link open nothing any more."""
    try:
        invitation = withdraw_invitation(by=request.user, now=request.now, invitation=_invitation(pk))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        facts = {"name": invitation.name}
        messages.success(request, _("The invitation of %(name)s is withdrawn; its link opens nothing.") % facts)
    return redirect("people:staff-list")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def staff_member(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show a member of staff, and change her name and roles."""
    member = _member(pk)
    form = MemberForm(request.POST or None, member=member)
    if form.is_valid() and (
        kept := written(form, change_staff, by=request.user, now=request.now, member=member, **form.changed())
    ):
        messages.success(request, _("%(name)s is saved.") % {"name": kept.name})
        still_owner = kept.pk != request.user.pk or kept.is_owner
        return redirect("people:staff-list" if still_owner else "home")
    context = {"form": form, "member": member, "roles": role_words(member.roles)}
    return render(request, "people/staff_member.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def staff_deactivate(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what the end of a sign-in means, and end it."""
    member = _member(pk)
    refusal = ""
    if request.method == "POST":
        try:
            deactivate_staff(by=request.user, now=request.now, member=member)
        except ValidationError as refused:
            refusal = " ".join(refused.messages)
        else:
            return _after_the_end(request, member)
    context = {"member": member, "refusal": refusal, "left_behind": left_behind_by(member, request.now)}
    return render(request, "people/staff_deactivate.html", context)


@require_POST
@for_roles(Role.OWNER)
def staff_reactivate(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let a member sign in again."""
    member = reactivate_staff(by=request.user, now=request.now, member=_member(pk))
    words = _("%(name)s may sign in, after choosing a new password on the sign-in page.") % {"name": member.name}
    if hasattr(member, "therapist") and member.therapist.archived_at:
        words += " " + _("To be booked again as well, bring the therapist back.")
    messages.success(request, words)
    return redirect("people:staff-member", member.pk)


def _member(pk: int) -> User:
    return one_of(User.objects.exclude(roles=[]).select_related("therapist"), pk)


def _invitation(pk: int) -> Invitation:
    return one_of(Invitation.objects.open(), pk)


def _mail(request: ClinicRequest, invitation: Invitation, token: str) -> None:
    """Mail the link, now that the invitation is written, and say what came of it."""
    facts = {"name": invitation.name, "email": invitation.email}
    if mail_invitation(invitation, token):
        messages.success(request, _("%(name)s is invited; the link has gone to %(email)s.") % facts)
    else:
        words = _("%(name)s is invited, but the mail could not be sent. Send it again a little later.")
        messages.error(request, words % facts)


def _after_the_end(request: ClinicRequest, member: User) -> HttpResponse:
    """Say that it is done, and lead to what is left to do: the visits of one who was a therapist."""
    facts = {"name": member.name}
    if hasattr(member, "therapist"):
        words = _("%(name)s can no longer sign in or be booked. The visits to come are listed here.")
        messages.success(request, words % facts)
        return redirect("scheduling:therapist-visits", member.therapist.pk)
    messages.success(request, _("%(name)s can no longer sign in; whatever was open has ended.") % facts)
    return redirect("people:staff-list")
