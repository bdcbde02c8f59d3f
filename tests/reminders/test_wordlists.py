"""What a short answer means."""

from __future__ import annotations

import pytest

from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.wordlists import ends_texts, meaning_of

Meaning = Reply.Meaning


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("YES", Meaning.YES),
        (" yes! ", Meaning.YES),
        ("Ok.", Meaning.YES),
        ("👍", Meaning.YES),
        ("Yes, please", Meaning.YES),
        ("No", Meaning.NO),
        ("no thanks!", Meaning.NO),
        ("no problem, see you then", Meaning.OTHER),
        ("No worries", Meaning.OTHER),
        ("yes but can we make it 3 pm", Meaning.OTHER),
        ("I can't come on Thursday", Meaning.CANCEL),
        ("I can’t make it", Meaning.CANCEL),
        ("Please cancel", Meaning.CANCEL),
        ("Cancel", Meaning.CANCEL),
        ("could we reschedule?", Meaning.CANCEL),
        ("STOP", Meaning.STOP),
        ("Stop all", Meaning.STOP),
        ("unsubscribe", Meaning.STOP),
        ("Please stop the music next time", Meaning.OTHER),
        ("START", Meaning.START),
        ("my head hurts terribly today", Meaning.OTHER),
        ("", Meaning.OTHER),
    ],
)
def test_only_a_whole_answer_counts(words: str, meaning: Meaning) -> None:
    assert meaning_of(words, "en") == meaning


def test_a_language_without_words_of_its_own_is_answered_in_english() -> None:
    assert meaning_of("yes", "xx") == Meaning.YES


@pytest.mark.parametrize(
    ("words", "ends"), [("STOP.", True), ("cancel", True), ("please cancel", False), ("no", False)]
)
def test_the_words_of_the_carriers_end_the_consent(words: str, ends: bool) -> None:
    assert ends_texts(words) is ends
