from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.body import Region
from sessions.modalities.base import UPPER_LIMIT_OF_PAIN, DetailsForm, line, number, words


class Details(DetailsForm):
    regions = frozenset({Region.FOOT, Region.HAND})

    technique = words(gettext_lazy("Technique"), longest=60)
    zone = number(gettext_lazy("Zone, 1 to 5"), 1, 5)
    tenderness = number(gettext_lazy("Tenderness, 0 to 10"), 0, UPPER_LIMIT_OF_PAIN)
    seconds = number(gettext_lazy("Seconds"), 1, 600)

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """Thumb work on foot or hand; no rule speaks of it."""
        return frozenset()

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return zone, time and tenderness."""
        zone, seconds, tenderness = (details.get(name) for name in ("zone", "seconds", "tenderness"))
        return line(
            technique,
            _("zone %(zone)s") % {"zone": zone} if zone else "",
            f"{seconds} s" if seconds else "",
            _("tenderness %(level)s") % {"level": tenderness} if tenderness is not None else "",
        )
