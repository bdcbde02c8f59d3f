from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.modalities.base import DetailsForm, held, line, number, one_of_few, words, yes_or_no


class Details(DetailsForm):
    technique = one_of_few(
        gettext_lazy("Technique"),
        [
            ("direct", gettext_lazy("direct")),
            ("indirect", gettext_lazy("indirect")),
            ("cross_hand", gettext_lazy("cross-hand")),
            ("skin_rolling", gettext_lazy("skin rolling")),
        ],
        required=True,
    )
    direction = words(gettext_lazy("Direction"))
    barrier_felt = yes_or_no(gettext_lazy("Barrier felt"))
    hold_seconds = number(gettext_lazy("Held, seconds"), 90, 300, help_text=gettext_lazy("90 to 300."))
    release = one_of_few(
        gettext_lazy("Release"),
        [("none", gettext_lazy("none")), ("partial", gettext_lazy("partial")), ("full", gettext_lazy("full"))],
    )
    tissue_before = words(gettext_lazy("Tissue before"))
    tissue_after = words(gettext_lazy("Tissue after"))

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """Sustained stretch of tissue; no compression, no friction."""
        return frozenset()

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return technique, hold and release."""
        release = details.get("release")
        said = _("release %(how)s") % {"how": cls.label("release", release)} if release else ""
        return line(cls.label("technique", technique), held(details.get("hold_seconds")), said)
