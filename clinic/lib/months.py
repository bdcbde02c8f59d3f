"""The months as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from django.utils import translation
from django.utils.dates import MONTHS, MONTHS_3

# Whose names of months are understood, beside the names that the interface has in its own languages.
LANGUAGES = ("en", "pt", "es", "fr", "de", "it", "nl")


@cache
def month_numbers() -> Mapping[str, int]:
    """Return the number of each month by its name, whole or cut to three letters, folded and without a point."""
    names: dict[str, int] = {}
    for language in LANGUAGES:
        with translation.override(language):
            for number in MONTHS:
                for name in (str(MONTHS[number]), str(MONTHS_3[number])):
                    names.setdefault(name.casefold().rstrip("."), number)
    return names | {"sept": 9, "mär": 3, "maerz": 3}
