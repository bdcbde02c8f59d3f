"""What a member of staff leaves behind who leaves or loses her sign-in. Upper rooms register what they know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import ngettext

from clinic.lib.registry import Registry
from clinic.people.models import Client, User


@dataclass(frozen=True)
class LeftBehind:
    """Something that waits for somebody else: how much of it, what becomes of it, and where it is seen to."""

    claim: str
    text: str = ""
    url: str = ""


# Who goes, and now → what she leaves behind; None where it is nothing.
Leaves = Callable[[User, datetime], LeftBehind | None]

remains: Registry[Leaves] = Registry("way to tell what is left behind")


def left_behind_by(member: User, now: datetime) -> list[LeftBehind]:
    """Return what a member of staff would leave behind now."""
    return [left for left in (tell(member, now) for tell in remains) if left is not None]


def clients_left(member: User, _now: datetime) -> LeftBehind | None:
    """Tell of the clients who see her as a rule."""
    clients = Client.objects.active().filter(primary_therapist__user=member).count()
    if not clients:
        return None
    claim = ngettext(
        "%(n)d client has this therapist as the usual one.",
        "%(n)d clients have this therapist as the usual one.",
        clients,
    )
    return LeftBehind(claim % {"n": clients}, url=reverse("people:therapist-clients", args=[member.therapist.pk]))
