"""The modality registry: a folder here, named like a `Modality` row's slug, adds that modality's form to the note.

A modality that a clinic made itself has no folder; it gets the common form and the strictest safety attributes.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from sessions.modalities.base import DetailsForm


@cache
def details_forms() -> dict[str, type[DetailsForm]]:
    """Return the form of every modality that has a folder, by slug."""
    return {
        found.name: import_module(f"{__name__}.{found.name}.form").Details
        for found in pkgutil.iter_modules(__path__)
        if found.ispkg
    }


def details_form(slug: str) -> type[DetailsForm]:
    """Return the form of what this modality adds to a block."""
    return details_forms().get(slug, DetailsForm)
