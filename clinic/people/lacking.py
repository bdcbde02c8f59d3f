"""What a therapist lacks before anything can be booked with her. Upper rooms register what they know."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from clinic.lib.registry import Registry
from clinic.people.models import Qualification, Therapist, TherapistLocation

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Need:
    """One thing without which nothing can be booked: the words for its absence, and which therapists have it.

    `had_by` answers for many keys at once; what has ended on the day is not had.
    """

    absence: StrOrPromise
    had_by: Callable[[Collection[int], date], Collection[int]]


needs: Registry[Need] = Registry("need of a therapist")


def lacking(therapists: Collection[int], today: date) -> dict[int, list[str]]:
    """Return what each therapist lacks, in words; who lacks nothing is left out. One query for each need."""
    found: dict[int, list[str]] = {}
    for need in needs:
        for pk in set(therapists) - set(need.had_by(therapists, today)):
            found.setdefault(pk, []).append(str(need.absence))
    return found


def who_lack_something(today: date) -> dict[int, list[str]]:
    """Return what those lack who can be booked."""
    return lacking(list(Therapist.objects.filter(archived_at__isnull=True).values_list("pk", flat=True)), today)


def _qualified(therapists: Collection[int], today: date) -> Collection[int]:
    valid = Qualification.objects.valid_on(today).filter(therapist__in=therapists)
    return valid.values_list("therapist_id", flat=True)


def _placed(therapists: Collection[int], _today: date) -> Collection[int]:
    works = TherapistLocation.objects.filter(therapist__in=therapists, location__archived_at__isnull=True)
    return {work.therapist_id for work in works}


MODALITY = Need(_("no modality"), _qualified)
LOCATION = Need(_("no location"), _placed)
