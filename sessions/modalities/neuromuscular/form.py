from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sessions.modalities.base import (
    PINCER_GRIP,
    STATIC_COMPRESSION,
    UPPER_LIMIT_OF_PAIN,
    DetailsForm,
    held,
    line,
    number,
    one_of_few,
    words,
    yes_or_no,
)

MUSCLES = [
    (
        gettext_lazy("Neck and shoulder"),
        [
            ("upper_trapezius", gettext_lazy("upper trapezius")),
            ("scm_sternal", gettext_lazy("sternocleidomastoid, sternal")),
            ("scm_clavicular", gettext_lazy("sternocleidomastoid, clavicular")),
            ("suboccipitals", gettext_lazy("suboccipitals")),
            ("splenius_capitis", gettext_lazy("splenius capitis")),
            ("splenius_cervicis", gettext_lazy("splenius cervicis")),
            ("semispinalis_capitis", gettext_lazy("semispinalis capitis")),
            ("levator_scapulae", gettext_lazy("levator scapulae")),
            ("multifidi", gettext_lazy("multifidi")),
        ],
    ),
    (
        gettext_lazy("Head and jaw"),
        [
            ("temporalis", gettext_lazy("temporalis")),
            ("masseter", gettext_lazy("masseter")),
            ("lateral_pterygoid", gettext_lazy("lateral pterygoid")),
            ("medial_pterygoid", gettext_lazy("medial pterygoid")),
            ("frontalis", gettext_lazy("frontalis")),
            ("occipitalis", gettext_lazy("occipitalis")),
            ("orbicularis_oculi", gettext_lazy("orbicularis oculi")),
            ("zygomaticus", gettext_lazy("zygomaticus")),
            ("digastric", gettext_lazy("digastric")),
        ],
    ),
    (
        gettext_lazy("Posture-linked"),
        [
            ("scalenes", gettext_lazy("scalenes")),
            ("pectoralis", gettext_lazy("pectoralis major or minor")),
            ("rhomboids", gettext_lazy("rhomboids")),
        ],
    ),
]
MUSCLE_NAMES = {value: name for _group, muscles in MUSCLES for value, name in muscles}


class Details(DetailsForm):
    technique = one_of_few(
        gettext_lazy("Technique"),
        [
            (STATIC_COMPRESSION, gettext_lazy("compression")),
            (PINCER_GRIP, gettext_lazy("pincer grip")),
        ],
        required=True,
    )
    muscle = forms.ChoiceField(label=gettext_lazy("Muscle"), choices=[("", "—"), *MUSCLES])
    # The point on the body map: the service marks it where the block works.
    point = one_of_few(
        gettext_lazy("Point"),
        [("active", gettext_lazy("active")), ("latent", gettext_lazy("latent"))],
        required=True,
        help_text=gettext_lazy("Marked on the body map."),
    )
    reproduces_headache = yes_or_no(gettext_lazy("Usual headache felt?"))
    refers_to = words(gettext_lazy("Refers to"))
    tolerance = number(
        gettext_lazy("Tolerance, 0 to 10"), 0, UPPER_LIMIT_OF_PAIN, help_text=gettext_lazy("Aim at 7 or less.")
    )
    hold_seconds = number(gettext_lazy("Held, seconds"), 30, 60, help_text=gettext_lazy("30 to 60."))
    repetitions = number(gettext_lazy("Repetitions"), 1, 20)
    pain_before = number(gettext_lazy("Pain before, 0 to 10"), 0, UPPER_LIMIT_OF_PAIN)
    pain_after = number(gettext_lazy("Pain after, 0 to 10"), 0, UPPER_LIMIT_OF_PAIN)

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """Compression onto a palpable muscle point, or the muscle lifted between finger and thumb."""
        return frozenset({technique})

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return the muscle, its point, the hold, and whether the usual headache was felt."""
        point = _("%(kind)s point") % {"kind": cls.label("point", details.get("point", ""))}
        felt = _("usual headache felt") if details.get("reproduces_headache") else ""
        muscle = str(MUSCLE_NAMES.get(details.get("muscle", ""), ""))
        return line(muscle, point, held(details.get("hold_seconds")), felt)
