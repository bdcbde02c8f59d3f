"""What a page showed of a finding: whoever decides about it decides about that, and of nothing that came since."""

from __future__ import annotations

import hashlib
import json

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from intake.models import Finding


class StaleFinding(ValidationError):  # noqa: N818  # a sentence for the screen, not a fault
    """The finding says more than the page showed. The page answers 409 and shows it as it is."""


def seen_of(finding: Finding) -> str:
    """Return a short mark of all that a finding says; it changes whenever the finding grows."""
    says = [
        finding.effect,
        finding.cap,
        finding.applies_to,
        finding.consent,
        finding.is_unsure,
        str(finding.starts_on),
        str(finding.ends_on),
        finding.rule_version_id,
    ]
    return hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()[:16]


def refuse_stale(finding: Finding, seen: str) -> None:
    """Raise StaleFinding where a finding is no longer what was seen of it."""
    if seen_of(finding) != seen:
        raise StaleFinding(
            _("This finding has changed since you opened the page. Nothing is saved; please look again.")
        )
