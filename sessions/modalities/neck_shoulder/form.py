from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.modalities.base import NECK_STRETCH, STATIC_COMPRESSION, DetailsForm, line, one_of_few, yes_or_no


class Details(DetailsForm):
    technique = one_of_few(
        gettext_lazy("Technique"),
        [
            ("long_strokes", gettext_lazy("long strokes")),
            ("kneading", gettext_lazy("kneading")),
            ("opening", gettext_lazy("opening")),
            (NECK_STRETCH, gettext_lazy("gentle stretch")),
            (STATIC_COMPRESSION, gettext_lazy("hold on a point")),
        ],
        required=True,
        help_text=gettext_lazy(
            "In order: upper back, front of the chest, sides of the neck, then the back of the head."
        ),
    )
    warm_compress = yes_or_no(gettext_lazy("Warm compress before"))
    cool_towel = yes_or_no(gettext_lazy("Cool towel after"))

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """Say what rules speak of: the stretch and the hold on a point."""
        return frozenset({technique}) & {NECK_STRETCH, STATIC_COMPRESSION}

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return the technique and the compresses."""
        return line(
            cls.label("technique", technique),
            _("warm compress before") if details.get("warm_compress") else "",
            _("cool towel after") if details.get("cool_towel") else "",
        )
