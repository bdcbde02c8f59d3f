"""Texts as people type and paste them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from clinic.lib.text import lines, one_line


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ana \t Reis\n", "Ana Reis"),
        ("A\N{RIGHT-TO-LEFT OVERRIDE}na Reis", "Ana Reis"),
        ("\N{FIRST STRONG ISOLATE}Ana\N{POP DIRECTIONAL ISOLATE} Reis", "Ana Reis"),
        ("E\N{COMBINING ACUTE ACCENT}mile", "Émile"),
        # A joiner and a mark of direction belong to how a name is written.
        (
            "می\N{ZERO WIDTH NON-JOINER}خواهم\N{RIGHT-TO-LEFT MARK}",
            "می\N{ZERO WIDTH NON-JOINER}خواهم\N{RIGHT-TO-LEFT MARK}",
        ),
    ],
)
def test_a_line_keeps_its_letters_and_nothing_that_turns_the_page_round(typed: str, kept: str) -> None:
    assert one_line(typed) == kept


def test_several_lines_stay_several() -> None:
    assert (
        lines(" 12 High St \r\n\N{LEFT-TO-RIGHT EMBEDDING}Lisboa\N{POP DIRECTIONAL FORMATTING}\n")
        == "12 High St\nLisboa"
    )


@pytest.mark.parametrize("typed", ["Ana\x07", "Ana\x00", "Ana\ud800"])
def test_a_hidden_control_character_is_refused_in_a_sentence(typed: str) -> None:
    with pytest.raises(ValidationError, match="hidden control character"):
        one_line(typed)
