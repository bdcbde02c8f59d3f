"""The form on paper: a sheet to print, and what was written on it typed in by a therapist."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.pdf import pdf_of
from clinic.people.letterhead import letterhead
from clinic.people.models import Client, User
from clinic.people.services import lock_client
from intake.answering import begin, current_form
from intake.models import Submission
from intake.questions import ANSWER_WORDS, MONTHS_WORDS, Kind, Question, Step, form_of
from intake.sending import submit

LINES, LONG_LINES = 1, 3
MEDICINE_LINES = 5


def paper_form(client: Client, *, now: datetime) -> bytes:
    """Return the form in force as a sheet to fill in by hand, with nothing on it but her name."""
    version = current_form(client.language)
    data = {
        "title": _("Questions before your visit"),
        "lang": version.language,
        "clinic": letterhead(),
        "foot": _("Form version %(number)d") % {"number": version.number},
        "name": client.name,
        "words": _words(),
        "steps": [_step(step) for step in form_of(version.pk).steps],
    }
    return pdf_of("intake/pdf/paper.typ", data, now=now)


def _words() -> dict[str, str]:
    return {
        "name": _("Name"),
        "born": _("Date of birth"),
        "intro": _("Tick what is right, and leave open what you do not want to answer. A therapist reads it."),
        "required": _("please answer"),
        "only_if": _("Only if you ticked yes or not sure above:"),
        "agree": _("I agree"),
        "signature": _("Signature"),
        "date": _("Date"),
        "medicine": _("Medicine"),
        "days": _("Days of the last 28"),
        "months": _("For how long"),
        "closing": _("If a headache becomes sudden, severe or unlike any before, call the emergency services at once."),
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "title": f"{step.number}. {step.title}",
        "intro": step.intro,
        "signs": any(question.kind is Kind.CONSENT for question in step.questions),
        "questions": [_question(question) for question in step.questions],
    }


def _question(question: Question) -> dict[str, object]:
    return {
        "text": question.text,
        "help": question.help,
        "words": question.words,
        "unit": question.unit,
        "is_required": question.is_required,
        "is_follow_up": bool(question.shown_if),
        "ask": _way_to_answer(question),
        "boxes": _boxes(question),
        "lines": LONG_LINES if question.is_long else LINES,
        "rows": MEDICINE_LINES,
        "months": [str(words) for words in MONTHS_WORDS.values()],
    }


def _way_to_answer(question: Question) -> str:
    """Return how it is answered by hand: boxes, a line, a table of medicines, or a signature."""
    match question.kind:
        case Kind.CONSENT:
            return "consent"
        case Kind.MEDICINES:
            return "medicines"
        case Kind.NUMBER if question.look == "scale":
            return "scale"
        case Kind.TEXT | Kind.NUMBER | Kind.DATE:
            return "line"
    return "boxes"


def _boxes(question: Question) -> list[str]:
    if question.look == "scale":
        return [str(number) for number in range(question.least, question.most + 1)]
    if question.kind in (Kind.YES_NO, Kind.YES_NO_UNSURE):
        return [str(ANSWER_WORDS[value]) for value in question.values]
    return [option.label for option in question.options]


# --- Typing in


@transaction.atomic
def begin_from_paper(*, by: User, now: datetime, client: Client) -> Submission:
    """Begin to type in what a client wrote on paper, or go on with it; what she began herself is gone on with, too."""
    draft = begin(now=now, client=client)
    if draft.entered_by_id != by.pk:
        draft.entered_by = by
        draft.save(update_fields=["entered_by"])
        words = _("typing in from paper begun")
        record_change(by=by.pk, client=draft.client_id, what=draft, words=words, now=now)
    return draft


@transaction.atomic
def send_from_paper(*, by: User, now: datetime, submission: Submission, signed_name: str) -> Submission:
    """Send what was typed in; the consents stand as signed on paper, which `by` has seen.

    Raises ValidationError where something required is missing.
    """
    lock_client(submission.client_id)
    sent = submit(now=now, submission=submission, signed_name=signed_name)
    sent.consents.filter(revoked_at__isnull=True, recorded_by__isnull=True).update(recorded_by=by)
    words = _("intake form entered from paper")
    record_change(by=by.pk, client=sent.client_id, what=sent, words=words, now=now)
    return sent
