from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.modalities.base import ELBOW, DetailsForm, line, one_of_few, words, yes_or_no
from sessions.models import Phase


class Details(DetailsForm):
    technique = one_of_few(
        gettext_lazy("Tool"),
        [("thumb", gettext_lazy("thumb")), ("forearm", gettext_lazy("forearm")), (ELBOW, gettext_lazy("elbow"))],
        required=True,
        help_text=gettext_lazy("Never the elbow at the neck."),
    )
    layer = one_of_few(
        gettext_lazy("Layer"),
        [
            ("superficial", gettext_lazy("superficial")),
            ("middle", gettext_lazy("middle")),
            ("deep", gettext_lazy("deep")),
        ],
        required=True,
    )
    direction = words(gettext_lazy("Direction"))
    warm_up_done = yes_or_no(gettext_lazy("Warm-up done"))

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """The tool is what rules speak of."""
        return frozenset({technique})

    @classmethod
    def objection(cls, *, phase: str) -> str:
        """Deep tissue is maintenance between attacks."""
        return "" if phase == Phase.INTERICTAL else _("Deep tissue is given only between attacks.")

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return tool, layer and direction."""
        layer = _("%(layer)s layer") % {"layer": cls.label("layer", details.get("layer", ""))}
        return line(cls.label("technique", technique), layer, details.get("direction", ""))
