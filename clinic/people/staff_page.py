"""The list of those who work here, and of those invited to. Reads only; a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from clinic.lib.times import local_date
from clinic.people.lacking import who_lack_something
from clinic.people.licences import Ending, endings_of
from clinic.people.models import Invitation, Role, Therapist, User, clinic_zone


@dataclass(frozen=True)
class MemberRow:
    """A member of staff; `therapist` is her record for booking, if there is one."""

    member: User
    roles: str
    therapist: Therapist | None
    endings: Sequence[Ending] = ()
    # What the therapist lacks before anything can be booked.
    lacks: Sequence[str] = ()

    @property
    def may_be_made_bookable(self) -> bool:
        return self.member.is_active and self.member.is_therapist and self.therapist is None


@dataclass(frozen=True)
class InvitationRow:
    """An invitation that nobody has accepted yet, and the last day on which its link works."""

    invitation: Invitation
    roles: str
    until: date
    has_run_out: bool


@dataclass(frozen=True)
class StaffPage:
    members: Sequence[MemberRow]
    invitations: Sequence[InvitationRow]


def staff_page(now: datetime) -> StaffPage:
    """Return who works here, by name, those who no longer sign in last; and the open invitations, the newest first."""
    zone = clinic_zone()
    today = local_date(zone, now)
    members = User.objects.exclude(roles=[]).select_related("therapist").order_by("-is_active", "name", "pk")
    members = members.prefetch_related("therapist__qualifications__modality")
    lacks = who_lack_something(today)
    open_ones = Invitation.objects.open().select_related("invited_by").order_by("-invited_at", "-pk")
    return StaffPage(
        members=[_member_row(member, today, lacks) for member in members],
        invitations=[
            InvitationRow(one, role_words(one.roles), local_date(zone, one.expires_at), one.expires_at <= now)
            for one in open_ones
        ],
    )


def role_words(roles: Iterable[str]) -> str:
    """Name the roles, in the order in which they are always named."""
    return ", ".join(str(role.label) for role in Role if role in roles)


def _member_row(member: User, today: date, lacks: Mapping[int, Sequence[str]]) -> MemberRow:
    therapist: Therapist | None = getattr(member, "therapist", None)
    if therapist is None:
        return MemberRow(member, role_words(member.roles), None)
    ending = endings_of(therapist, today)
    return MemberRow(member, role_words(member.roles), therapist, ending, lacks.get(therapist.pk, ()))
