"""How long a typical client sits over the form: what she reads, taps and types, in seconds."""

from __future__ import annotations

from datetime import datetime

from clinic.people.models import Client
from intake import services
from intake.questions import IntakeForm, Kind, Question, form_of
from tests.intake.answers import calm_answers

# Adults reading silently, words a minute (Brysbaert 2019): every sentence, and the options of what is answered.
WORDS_A_MINUTE = 238
SECONDS_A_TAP, SECONDS_A_NUMBER, SECONDS_A_STEP = 1.2, 3.0, 1.5
SECONDS_A_LETTER = 0.3
PROMISED_MINUTES = 8


def words(text: str) -> int:
    return len(text.split())


def words_of(question: Question, *, is_answered: bool) -> int:
    """Count what she reads of a question; places are shown on the picture."""
    read = words(question.text) + words(question.help) + words(question.words)
    if is_answered and question.kind is not Kind.REGIONS:
        read += sum(words(option.label) for option in question.options if not option.is_folded)
    return read


def seconds_over(question: Question, answer: object) -> float:
    if isinstance(answer, list) and question.kind is Kind.MEDICINES:
        # A few letters bring up the name; it chooses its kind.
        return sum(5 * SECONDS_A_LETTER + SECONDS_A_NUMBER + 2 * SECONDS_A_TAP for _line in answer)
    if isinstance(answer, list):
        return len(answer) * SECONDS_A_TAP
    if question.kind is Kind.TEXT:
        return len(str(answer)) * SECONDS_A_LETTER
    if question.kind is Kind.NUMBER and question.look != "scale":
        return SECONDS_A_NUMBER
    return SECONDS_A_TAP


def form_for(client: Client, now: datetime) -> IntakeForm:
    return form_of(services.begin(now=now, client=client).form_version_id)


def test_a_typical_client_is_through_in_under_eight_minutes(alice: Client, now: datetime) -> None:
    form = form_for(alice, now)
    answers = calm_answers(form)
    read, seconds = 0, len("Alice Marques") * SECONDS_A_LETTER
    for step in form.steps:
        read += words(step.title) + words(step.intro)
        seconds += SECONDS_A_STEP
        for question in step.asked(answers):
            if not question.is_folded:
                read += words_of(question, is_answered=question.code in answers)
            if question.code in answers:
                seconds += seconds_over(question, answers[question.code])
    minutes = read / WORDS_A_MINUTE + seconds / 60
    assert minutes < PROMISED_MINUTES, f"{read} words and {seconds:.0f} seconds of answering: {minutes:.1f} minutes"


def test_nobody_must_answer_more_than_fifty_questions(alice: Client, now: datetime) -> None:
    form = form_for(alice, now)
    required = [question for question in form.questions.values() if question.is_required and not question.shown_if]
    assert len(required) <= 50
    assert not any(question.is_folded for question in required)
