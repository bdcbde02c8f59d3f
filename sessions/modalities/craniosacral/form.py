from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.modalities.base import TRACTION, DetailsForm, line, number, one_of_few, words, yes_or_no

HOLDS = [
    ("cranial_base", gettext_lazy("cranial base release")),
    ("cv4", gettext_lazy("CV4, still point")),
    ("frontal_lift", gettext_lazy("frontal lift")),
    ("parietal_lift", gettext_lazy("parietal lift")),
    ("sphenoid", gettext_lazy("sphenoid")),
    ("ear_pull", gettext_lazy("temporal, ear pull")),
    ("tmj", gettext_lazy("jaw joint (TMJ)")),
    ("thoracic_inlet", gettext_lazy("thoracic inlet")),
    ("diaphragm", gettext_lazy("diaphragm")),
    ("sacrum", gettext_lazy("sacrum")),
    ("dural_tube", gettext_lazy("dural tube")),
]
# Inter-rater agreement of the rhythm is poor (ICC .08–.19): it is recorded as an impression, nothing is built on it.
IMPRESSION = gettext_lazy("Practitioner impression: two practitioners seldom agree on it.")


class Details(DetailsForm):
    technique = forms.ChoiceField(label=gettext_lazy("Hold"), choices=[("", "—"), *HOLDS])
    seconds = number(gettext_lazy("Held, seconds"), 5, 1800)
    still_point = yes_or_no(gettext_lazy("Still point"))
    still_point_seconds = number(gettext_lazy("Still point, seconds"), 1, 600)
    rhythm = words(gettext_lazy("Rhythm, quality"), help_text=IMPRESSION)
    symmetry = one_of_few(
        gettext_lazy("Symmetry"),
        [("even", gettext_lazy("even")), ("left", gettext_lazy("left more")), ("right", gettext_lazy("right more"))],
        help_text=IMPRESSION,
    )
    amplitude = one_of_few(
        gettext_lazy("Amplitude"),
        [("low", gettext_lazy("low")), ("medium", gettext_lazy("medium")), ("full", gettext_lazy("full"))],
        help_text=IMPRESSION,
    )

    def clean_still_point_seconds(self) -> int | None:
        """Keep the time only where there was a still point."""
        seconds: int | None = self.cleaned_data["still_point_seconds"]
        if seconds and not self.cleaned_data.get("still_point"):
            raise forms.ValidationError(_("Say that there was a still point, or leave its time empty."))
        return seconds

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """Light holds only; the pull at the ear and the hold along the spine draw gently."""
        return frozenset({TRACTION}) if technique in {"ear_pull", "dural_tube"} else frozenset()

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return the hold, how long, and the still point."""
        still = ""
        if details.get("still_point"):
            seconds = details.get("still_point_seconds")
            still = _("still point, %(seconds)s s") % {"seconds": seconds} if seconds else _("still point")
        seconds = details.get("seconds")
        return line(cls.label("technique", technique), f"{seconds} s" if seconds else "", still)
