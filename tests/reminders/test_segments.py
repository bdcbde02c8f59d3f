"""In how many parts a text is sent."""

from __future__ import annotations

import pytest

from clinic.reminders.texting.segments import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        # Two for the price of one character, also where they would lie across the end of a part.
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),
        # One that is not in the small alphabet makes all of them wide.
        ("ã" + "a" * 69, 1),
        ("ã" + "a" * 70, 2),
        ("ã" + "a" * 134, 3),
        # Pictures take two, and none is cut in half.
        ("🌿" * 35, 1),
        ("🌿" * 36, 2),
        ("🌿" * 67, 3),
    ],
)
def test_a_text_is_counted_as_phones_count_it(text: str, parts: int) -> None:
    assert segments(text) == parts
