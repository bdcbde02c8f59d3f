"""Which number is called in an emergency."""

from __future__ import annotations

from clinic.people.models import Clinic, Location


def emergency_number(location: Location | None) -> str:
    """Return the number to call at this location: its own, else the clinic's."""
    if location is not None and location.emergency_number:
        return location.emergency_number
    return Clinic.objects.values_list("emergency_number", flat=True).get()
