"""The index of the owner's pages: where each leads, and how things stand there.

A room's topic adds its row here; each row is a function that costs a query or two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.lib.registry import Registry
from clinic.lib.times import local_date
from clinic.people.access import the_clinic
from clinic.people.lacking import who_lack_something
from clinic.people.licences import how_many_end
from clinic.people.models import Invitation, Location, OpeningHours, Room, Service, Therapist, User, clinic_zone

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class SettingRow:
    """A page of the owner's: its name, one line that tells how things stand, and whether somebody must act."""

    title: str
    state: str
    url: str
    is_open_work: bool = False


@dataclass(frozen=True)
class SettingGroup:
    heading: str
    rows: Sequence[SettingRow]


# A heading, and what each row below it says.
Rows: TypeAlias = "tuple[StrOrPromise, tuple[Callable[[datetime], SettingRow], ...]]"
upper_groups: Registry[Rows] = Registry("group of settings")


@dataclass(frozen=True)
class FirstStep:
    """One of the things without which nothing can be booked; only the next one leads to its page."""

    words: str
    is_done: bool
    url: str = ""


def setting_groups(now: datetime) -> list[SettingGroup]:
    """Return the rows of the index, in their groups; those of the rooms above stand before the last one."""
    *first, last = GROUPS
    return [SettingGroup(str(heading), [row(now) for row in rows]) for heading, rows in (*first, *upper_groups, last)]


def first_steps() -> list[FirstStep]:
    """Return the way to the first visit; nothing once all of it is there. Five queries."""
    place = Location.objects.filter(archived_at__isnull=True).first()
    here = [place.pk] if place else []
    steps = [
        (_("A location"), place is not None, "people:location-new", []),
        (_("A room in it"), Room.objects.filter(archived_at__isnull=True).exists(), "people:room-new", here),
        (_("A service"), Service.objects.filter(archived_at__isnull=True).exists(), "people:service-new", []),
        (_("A therapist"), Therapist.objects.filter(archived_at__isnull=True).exists(), "people:staff-list", []),
        (_("Opening hours"), OpeningHours.objects.exists(), "people:location-hours", here),
    ]
    missing = [(name, args) for _words, is_done, name, args in steps if not is_done]
    if not missing:
        return []
    return [
        FirstStep(words, is_done, reverse(name, args=args) if (name, args) == missing[0] else "")
        for words, is_done, name, args in steps
    ]


def _clinic(now: datetime) -> SettingRow:
    clinic = the_clinic()
    state = _("%(name)s, prices in %(currency)s") % {"name": clinic.name, "currency": clinic.currency}
    return SettingRow(_("Clinic"), state, reverse("people:clinic-edit"))


def _places(now: datetime) -> SettingRow:
    locations = Location.objects.filter(archived_at__isnull=True).count()
    rooms = Room.objects.filter(archived_at__isnull=True, location__archived_at__isnull=True).count()
    parts = [
        ngettext("%(n)d location", "%(n)d locations", locations) % {"n": locations},
        ngettext("%(n)d room", "%(n)d rooms", rooms) % {"n": rooms},
    ]
    return SettingRow(_("Locations and rooms"), ", ".join(parts), reverse("people:location-list"))


def _services(now: datetime) -> SettingRow:
    offered = Service.objects.filter(archived_at__isnull=True)
    services, modalities = offered.count(), offered.values("modality").distinct().count()
    state = ngettext("%(n)d service", "%(n)d services", services) % {"n": services}
    if services:
        state = _("%(services)s in %(modalities)s") % {
            "services": state,
            "modalities": ngettext("%(n)d modality", "%(n)d modalities", modalities) % {"n": modalities},
        }
    return SettingRow(_("Services"), state, reverse("people:service-list"))


def _online(now: datetime) -> SettingRow:
    clinic = the_clinic()
    words = capfirst(clinic.get_online_booking_display())
    if clinic.is_bookable_online:
        ahead = ngettext("up to %(n)d day ahead", "up to %(n)d days ahead", clinic.online_horizon_days)
        words = f"{words}, {ahead % {'n': clinic.online_horizon_days}}"
    return SettingRow(_("Online booking"), words, reverse("people:booking-edit"))


def _staff(now: datetime) -> SettingRow:
    members = User.objects.exclude(roles=[]).filter(is_active=True).count()
    invited, ending = Invitation.objects.open().count(), how_many_end(now)
    lacking = len(who_lack_something(local_date(clinic_zone(), now)))
    parts = [ngettext("%(n)d member", "%(n)d members", members) % {"n": members}]
    if invited:
        parts.append(ngettext("%(n)d open invitation", "%(n)d open invitations", invited) % {"n": invited})
    if ending:
        words = ngettext("%(n)d licence or qualification to renew", "%(n)d licences or qualifications to renew", ending)
        parts.append(words % {"n": ending})
    if lacking:
        words = ngettext("%(n)d therapist lacks something", "%(n)d therapists lack something", lacking)
        parts.append(words % {"n": lacking})
    is_open_work = bool(ending or lacking)
    return SettingRow(_("Staff and therapists"), ", ".join(parts), reverse("people:staff-list"), is_open_work)


def _history(now: datetime) -> SettingRow:
    return SettingRow(_("History"), _("Who changed what, when and why"), reverse("audit:clinic-history"))


def _imports(now: datetime) -> SettingRow:
    return SettingRow(
        _("Import and export"), _("From other programs, and out again as CSV"), reverse("people:import-list")
    )


GROUPS: tuple[Rows, ...] = (
    (gettext_lazy("The clinic"), (_clinic, _places, _services, _online)),
    (gettext_lazy("People"), (_staff,)),
    (gettext_lazy("Records"), (_history, _imports)),
)
