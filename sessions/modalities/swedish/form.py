from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from sessions.modalities.base import FRICTION, TAPOTEMENT, DetailsForm, one_of_few


class Details(DetailsForm):
    technique = one_of_few(
        gettext_lazy("Stroke"),
        [
            ("effleurage", gettext_lazy("effleurage")),
            ("petrissage", gettext_lazy("petrissage")),
            (FRICTION, gettext_lazy("friction")),
            (TAPOTEMENT, gettext_lazy("tapotement")),
            ("vibration", gettext_lazy("vibration")),
        ],
        required=True,
    )

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """The stroke itself is what rules speak of."""
        return frozenset({technique})
