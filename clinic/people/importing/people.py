"""Whom a row means: a name in one column or three, a therapist by e-mail or name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from difflib import SequenceMatcher
from unicodedata import combining, normalize

from django.utils.translation import gettext as _

from clinic.people.dates import shown
from clinic.people.importing.kinds import Row
from clinic.people.importing.values import name_in_order
from clinic.people.models import Therapist

# More names would hide the one that is meant.
A_FEW = 5


def name_of(row: Row, prefix: str = "") -> str:
    """Return the full name that a row tells, in one column or in several."""
    whole = row.text(f"{prefix}legal_name") or name_in_order(row.text(f"{prefix}full_name"))
    parts = (row.text(f"{prefix}{part}") for part in ("first_name", "middle_name", "last_name"))
    return whole or " ".join(filter(None, parts))


def plain_name(name: str) -> str:
    """Return a name in small letters, without accents."""
    return "".join(sign for sign in normalize("NFKD", name.casefold()) if not combining(sign))


def compared_name(name: str) -> str:
    """Return a name as it is compared: its words in the order of the alphabet, as clinic.people.duplicates has it."""
    return " ".join(sorted(re.findall(r"\w+", plain_name(name))))


def known_here(typed: str, names: Collection[str]) -> str:
    """Say which names there are, the likest first, for somebody who wrote another; nothing where there are none."""
    if not names:
        return ""
    likest = sorted(names, key=lambda name: (-SequenceMatcher(a=_folded(typed), b=_folded(name)).ratio(), name))
    words = _("Known here: %(names)s and others.") if len(names) > A_FEW else _("Known here: %(names)s.")
    return " " + words % {"names": ", ".join(likest[:A_FEW])}


def refuse_to_come(row: Row, field: str, now: datetime) -> None:
    """Write into the row that what has to be past is still to come."""
    told = row.values.get(field)
    if told and told > now:
        row.problems.append((field, _("This day is still to come.")))


class Therapists:
    """The therapists who work here, to be found as a file names them. One query."""

    def __init__(self) -> None:
        self._found: dict[str, list[Therapist]] = defaultdict(list)
        for therapist in Therapist.objects.filter(archived_at__isnull=True).select_related("user"):
            for called in {therapist.user.email, therapist.user.name}:
                self._found[_folded(called)].append(therapist)

    def find(self, row: Row, field: str) -> Therapist | None:
        """Return whom the row names, or write into it that there is nobody, or more than one."""
        typed = row.text(field)
        found = self._found.get(_folded(typed)) or self._found.get(_folded(name_in_order(typed)), [])
        if len(found) == 1:
            return found[0]
        words = _("Two therapists are called “%(name)s”.") if found else _("No therapist here is called “%(name)s”.")
        row.problems.append((field, words % {"name": shown(typed)}))
        return None


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
