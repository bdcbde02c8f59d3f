"""What is said on the day of a visit: the neck-artery questions, and what a check-in holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.lookups import keys
from clinic.people.models import User
from clinic.people.records import records_beside, records_of
from clinic.scheduling.badges import Badge, Visit
from clinic.scheduling.models import NOT_BEGUN
from intake.models_safety import CheckIn
from intake.questions import NO, UNSURE, YES, Answer, Answers

# Said in place of a sign.
NONE = "none"


class NeckArtery(TextChoices):
    """What is asked when today differs from the usual (domain: intake)."""

    ONE_SIDED_PAIN = "one_sided_pain", gettext_lazy("New, severe neck or head pain on one side")
    DOUBLE_VISION = "double_vision", gettext_lazy("Double vision")
    SLURRED_SPEECH = "slurred_speech", gettext_lazy("Slurred speech")
    SWALLOWING = "swallowing", gettext_lazy("Trouble swallowing")
    FAINTNESS = "faintness", gettext_lazy("Faintness or sudden falls")
    UNSTEADINESS = "unsteadiness", gettext_lazy("Unsteadiness")
    NUMB_FACE = "numb_face", gettext_lazy("Numb face")
    EYELID = "eyelid", gettext_lazy("Drooping lid or unequal pupils")
    EAR_PULSE = "ear_pulse", gettext_lazy("Pulsing noise in the ear")
    INJURY_OR_INFECTION = "injury_or_infection", gettext_lazy("Recent neck injury or infection")
    CONNECTIVE_TISSUE = "connective_tissue", gettext_lazy("A connective-tissue disorder")


# Pain and risk send her to a doctor today; everything else is neurological, and an emergency.
PAIN_OR_RISK = frozenset({NeckArtery.ONE_SIDED_PAIN, NeckArtery.INJURY_OR_INFECTION, NeckArtery.CONNECTIVE_TISSUE})


def neck_artery_answers(chosen: Iterable[object]) -> Answers:
    """Put the signs that were ticked into the question codes of the rules; not sure of one counts as a sign of both."""
    signs = frozenset(map(str, chosen)) - {NONE}
    unsure = {UNSURE} & signs
    neurological, pain_or_risk = signs - PAIN_OR_RISK - unsure, signs & PAIN_OR_RISK
    return {
        "neck_artery_signs": YES if neurological else UNSURE if unsure else NO,
        "neck_artery_risk": YES if pain_or_risk else UNSURE if unsure else NO,
    }


def says_something(answer: Answer | None) -> bool:
    """Say whether an answer is any but silence, no, or none of these."""
    chosen = {str(value) for value in answer} if isinstance(answer, list) else {str(answer or "")}
    return bool(chosen - {"", NO, NONE})


# --- Checked in


def said_on(client_pk: int, day: date) -> list[Answers]:
    """Return all that a client said at the check-ins of a day since a therapist last went through it; one query."""
    return said_on_days([client_pk], [day]).get((client_pk, day), [])


def said_on_days(client_pks: Collection[int], days: Collection[date]) -> dict[tuple[int, date], list[Answers]]:
    """Return the same for many clients; one query."""
    said = CheckIn.objects.filter(appointment__client__among=records_of(*client_pks), day__in=set(days))
    rows = said.annotate(records=records_beside("appointment__client")).order_by("answered_at", "pk")
    found: dict[tuple[int, date], list[Answers]] = {}
    for records, day, answers, confirmed_by in rows.values_list("records", "day", "answers", "confirmed_by"):
        for record in records:
            if confirmed_by is not None:
                found.pop((record, day), None)
            found.setdefault((record, day), []).append(answers)
    return found


def strictest(said: Iterable[Answers]) -> Answers:
    """Join what was said one after the other: of each question the answer that holds more back."""
    joined: Answers = {}
    for answers in said:
        for code, answer in answers.items():
            joined[code] = _stricter(joined.get(code), answer)
    return joined


def _stricter(before: Answer | None, answer: Answer) -> Answer:
    if isinstance(before, list) and isinstance(answer, list):
        both = dict.fromkeys(map(str, (*before, *answer)))
        return [sign for sign in both if sign != NONE] or [*both]
    return before if before in (YES, UNSURE) and answer != YES else answer


def badges(user: User, visits: Sequence[Visit]) -> Mapping[int, Sequence[Badge]]:
    """Show on a visit that she has said how she is; never what. At most one query."""
    shown = [visit.pk for visit in visits if visit.status in NOT_BEGUN]
    if not shown or not user.is_staff_member:
        return {}
    done = CheckIn.objects.filter(appointment__among=keys(shown)).values_list("appointment", flat=True)
    said = Badge("circle-check", _("checked in"))
    return {pk: [said] for pk in done}
