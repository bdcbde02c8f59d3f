"""Badges: one glance at a calendar block shows unfinished work. Upper rooms register theirs; scheduling knows none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clinic.lib.registry import Registry
from clinic.people.models import User
from clinic.scheduling.models import Appointment


@dataclass(frozen=True)
class Badge:
    """A small sign on a block: an icon's name, the words for it, and whether somebody must act."""

    icon: str
    words: str
    is_open_work: bool = False


# Answers for a page of appointments at once, by appointment key; what this user may not know is left out.
BadgeProvider = Callable[[User, Sequence[Appointment]], Mapping[int, Sequence[Badge]]]

badge_providers: Registry[BadgeProvider] = Registry("badge provider")


def register_badges(name: str, provider: BadgeProvider) -> None:
    """Add a provider; called by an upper room's AppConfig.ready."""
    badge_providers.register(name, provider)


def badges_for(user: User, appointments: Sequence[Appointment]) -> dict[int, list[Badge]]:
    """Return the badges of each appointment, in the order of the rooms."""
    found: dict[int, list[Badge]] = {appointment.pk: [] for appointment in appointments}
    for provider in badge_providers:
        for pk, badges in provider(user, appointments).items():
            found[pk].extend(badges)
    return found
