"""Texts as people type and paste them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# What turns round the direction of all that follows, as phones put it about what they copy. A mark for one place stays.
TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def one_line(typed: str) -> str:
    """Return a text on one line, in the usual form of its letters. Raises ValidationError for control characters."""
    return _without_controls(" ".join(typed.split()))


def one_line_each(typed: Mapping[str, str]) -> dict[str, str]:
    """Return each text on one line. Raises ValidationError with a sentence per field."""
    facts: dict[str, str] = {}
    problems: dict[str, ValidationError] = {}
    for name, text in typed.items():
        try:
            facts[name] = one_line(text)
        except ValidationError as problem:
            problems[name] = problem
    if problems:
        raise ValidationError(problems)
    return facts


def lines(typed: str) -> str:
    """Return a text of several lines, without space at their ends. Raises ValidationError for control characters."""
    return "\n".join(_without_controls(line.rstrip().replace("\t", " ")) for line in typed.strip().splitlines())


def _without_controls(text: str) -> str:
    # Names are written in any script, so joiners and marks of direction stay; what no keyboard types does not.
    text = text.translate(TURNS)
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        raise ValidationError(_("A hidden control character has got into this. Please type it again."))
    return unicodedata.normalize("NFC", text)
