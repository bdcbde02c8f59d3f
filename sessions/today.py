"""What was answered at the visit, in the words of the safety rules; and what she said at check-in, to be confirmed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from intake.questions import NO, UNSURE, YES, Answer
from intake.today import NONE, PAIN_OR_RISK, NeckArtery, neck_artery_answers
from sessions.models import Phase

__all__ = ["PAIN_OR_RISK", "NeckArtery", "answers_of_today", "confirmed_first"]


def answers_of_today(
    *,
    phase: str,
    is_usual: bool,
    is_sedated: bool,
    is_intoxicated: bool = False,
    neck_artery: Collection[str] = (),
) -> dict[str, Answer]:
    """Return the visit's answers by the rules' question codes."""
    facts = {
        "attack_today": phase == Phase.ATTACK,
        "aura_now": phase == Phase.AURA,
        # A new kind of headache waits for a clearance at head and neck.
        "rf_change": not is_usual,
        "sedative": is_sedated,
        "intoxicated": is_intoxicated,
    }
    return {question: YES if is_so else NO for question, is_so in facts.items()} | neck_artery_answers(neck_artery)


def confirmed_first(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the check before the session begins with: her own answers, which the therapist confirms or corrects.

    Not sure stands there as yes. A phase that is neither attack nor aura is the therapist's to say.
    """
    is_so = {code for code, answer in said.items() if answer in (YES, UNSURE)}
    phase = Phase.AURA if "aura_now" in is_so else Phase.ATTACK if "attack_today" in is_so else ""
    signs = [sign for sign in said.get("neck_artery", []) if sign in set(NeckArtery)]
    shown: dict[str, Any] = {"phase": phase, "neck_artery": signs, "is_sedated": "sedative" in is_so}
    if "rf_change" in said:
        shown["is_different"] = "yes" if "rf_change" in is_so else "no"
        shown["none_of_these"] = said.get("neck_artery") == [NONE]
    return {name: value for name, value in shown.items() if value}
