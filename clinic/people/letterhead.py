"""What stands at the head of every sheet of the clinic: its name, its lines, its logo."""

from __future__ import annotations

from clinic.people.models import Clinic


def letterhead() -> dict[str, object]:
    """Return the head as templates/pdf/sheet.typ takes it."""
    clinic = Clinic.objects.select_related("logo").get()
    return {
        "name": clinic.name,
        "lines": clinic.letterhead.splitlines(),
        # A picture goes into the data as the numbers of its bytes.
        "logo": list(bytes(clinic.logo.content)) if clinic.logo else None,
    }
