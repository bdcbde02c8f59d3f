"""What the lines of medicine say about days, as the safety rules ask about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from intake.questions import OVER_3, UP_TO_3, Answer, Answers

MEDICINES, DAYS, DAYS_ANY = "acute_medicines", "days_", "days_any"
MOST_DAYS = 28


def asked_as(code: str) -> str:
    """Return the question behind a code of the rules: days of a class are counted from the lines of medicines."""
    return MEDICINES if code.startswith(DAYS) else code


def with_medicine_days(answers: Mapping[str, Answer]) -> Mapping[str, Answer]:
    """Return the answers with the days of each class of medicine, where she has written her medicines line by line.

    Only what she has taken for more than three months counts, or for she does not say how long. Days on which two
    lines meet cannot be told apart: a sum is the most it can have been, never more than the days she counted in all.
    """
    lines = answers.get(MEDICINES)
    if not isinstance(lines, list):
        return answers
    days: Counter[str] = Counter()
    for line in lines:
        if isinstance(line, dict) and line.get("months") != UP_TO_3 and isinstance(line.get("days"), int):
            days[str(line.get("class", ""))] += int(line["days"])
    counted = answers.get(DAYS_ANY)
    most = counted if isinstance(counted, int) else MOST_DAYS
    facts: Answers = {f"{DAYS}{kind}": min(total, most) for kind, total in days.items()}
    facts[DAYS_ANY] = min(days.total(), most)
    return {**answers, **facts, "acute_months": OVER_3 if days else UP_TO_3}
