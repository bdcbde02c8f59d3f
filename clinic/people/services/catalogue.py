"""Writing the catalogue: services and the ways of working."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import chain, count
from typing import TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.people.models import Modality, Service, User
from clinic.people.models.catalogue import OWN
from clinic.people.services.writing import tidy, trimmed, write_changes

SHORTEST, LONGEST = 5, 480
SAFETY = ("is_deep", "uses_static_compression", "works_head_or_neck")


class ServiceFields(TypedDict, total=False):
    """What may change about a service; another modality is another service, for visits are booked with this one."""

    name: str
    minutes: int
    price_minor: int
    buffer_before: int
    buffer_after: int
    description: str
    is_bookable_online: bool
    is_open_to_new_clients: bool


class ModalityFields(TypedDict, total=False):
    """What may change about a modality of the clinic's own; its slug stays, for notes are signed with it."""

    name: str
    code: str
    shortest_minutes: int | None
    longest_minutes: int | None
    focus: str
    is_deep: bool
    uses_static_compression: bool
    works_head_or_neck: bool


@recorded
def add_service(
    *,
    by: User | None,
    now: datetime,
    name: str,
    modality: Modality,
    minutes: int,
    price_minor: int,
    buffer_before: int = 0,
    buffer_after: int = 15,
    description: str = "",
    is_bookable_online: bool = True,
    is_open_to_new_clients: bool = True,
) -> Service:
    """Add what can be booked; the price in minor units of the clinic's currency."""
    _refuse_length(modality, minutes)
    service = Service(
        name=name.strip(),
        modality=modality,
        minutes=minutes,
        price_minor=price_minor,
        buffer_before=buffer_before,
        buffer_after=buffer_after,
        description=tidy(description),
        is_bookable_online=is_bookable_online,
        is_open_to_new_clients=is_open_to_new_clients,
    )
    service.full_clean()
    service.save()
    return service


@recorded
def update_service(*, by: User, now: datetime, service: Service, **fields: Unpack[ServiceFields]) -> Service:
    """Change a service for whoever books it from now on; booked visits keep their time and their buffers.

    A name that tells the old length tells the new one, unless it is given anew.
    """
    kept = Service.objects.select_for_update(of=("self",)).select_related("modality").get(pk=service.pk)
    minutes = fields.get("minutes", kept.minutes)
    if minutes != kept.minutes:
        _refuse_length(kept.modality, minutes)
        fields = {"name": with_length(kept.name, kept.minutes, minutes), **fields}
    write_changes(kept, trimmed(fields))
    return kept


def with_length(name: str, before: int, after: int) -> str:
    """Return a service's name with the new length where it told the old one."""
    return re.sub(rf"(?<!\d){before}(?!\d)", str(after), name)


def length_range(modality: Modality) -> tuple[int, int]:
    """Return the shortest and the longest length in which a modality is given, in minutes."""
    return modality.shortest_minutes or SHORTEST, modality.longest_minutes or LONGEST


def range_in_words(modality: Modality) -> str:
    """Say in one sentence how long a modality takes."""
    shortest, longest = length_range(modality)
    facts = {"modality": modality, "shortest": shortest, "longest": longest}
    if shortest == longest:
        return _("%(modality)s takes %(shortest)d minutes.") % facts
    return _("%(modality)s takes %(shortest)d to %(longest)d minutes.") % facts


def has_other_lengths(modality: Modality) -> bool:
    """Say whether a modality is given in more than one length."""
    shortest, longest = length_range(modality)
    return shortest < longest


def length_in_words(modality: Modality) -> str:
    """Return how long a modality takes, as short as it can be said."""
    shortest, longest = length_range(modality)
    if shortest == longest:
        return _("%(n)d min") % {"n": shortest}
    return _("%(shortest)d–%(longest)d min") % {"shortest": shortest, "longest": longest}


def _refuse_length(modality: Modality, minutes: int) -> None:
    shortest, longest = length_range(modality)
    if not shortest <= minutes <= longest:
        way_out = (
            _("Its own page sets other lengths.")
            if modality.is_own
            else _("For other lengths, add a modality of your own.")
        )
        raise ValidationError({"minutes": f"{range_in_words(modality)} {way_out}"})


@recorded
def add_modality(
    *,
    by: User,
    now: datetime,
    name: str,
    code: str,
    shortest_minutes: int | None = None,
    longest_minutes: int | None = None,
    focus: str = "",
    is_deep: bool = True,
    uses_static_compression: bool = True,
    works_head_or_neck: bool = True,
) -> Modality:
    """Add a way of working of the clinic's own. Unless said otherwise, the safety rules take it for the strictest."""
    modality = Modality(
        slug=_own_slug(code),
        name=name.strip(),
        code=code,
        shortest_minutes=shortest_minutes,
        longest_minutes=longest_minutes,
        focus=focus.strip(),
        is_deep=is_deep,
        uses_static_compression=uses_static_compression,
        works_head_or_neck=works_head_or_neck,
    )
    modality.full_clean()
    modality.save()
    return modality


@recorded
def update_modality(*, by: User, now: datetime, modality: Modality, **fields: Unpack[ModalityFields]) -> Modality:
    """Change a modality of the clinic's own. Other lengths are refused where a service in use has another one."""
    kept = Modality.objects.select_for_update().get(pk=modality.pk)
    if not kept.is_own:
        raise ValidationError(_("What came with the program stays as it is. Add a modality of your own."))
    write_changes(kept, trimmed(fields))
    shortest, longest = length_range(kept)
    outside = kept.services.filter(archived_at__isnull=True).exclude(minutes__range=(shortest, longest)).first()
    if outside:
        field = "shortest_minutes" if outside.minutes < shortest else "longest_minutes"
        raise ValidationError(
            {field: _("%(service)s takes %(n)d minutes.") % {"service": outside, "n": outside.minutes}}
        )
    return kept


def _own_slug(code: str) -> str:
    """Return a slug that no other modality has; letters that were given up may be taken by a new one."""
    taken = {*Modality.objects.filter(slug__startswith=OWN).values_list("slug", flat=True)}
    first = f"{OWN}{code.lower()}"
    numbered = (f"{first}-{number}" for number in count(2))
    return next(slug for slug in chain([first], numbered) if slug not in taken)
