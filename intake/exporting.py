"""One form as it was sent, to hand out: as a tagged PDF, and as data."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.lib.pdf import pdf_of
from clinic.people.letterhead import letterhead
from clinic.people.models import clinic_zone
from intake.models import Consent, Submission
from intake.questions import NO, Kind, Question, form_of
from intake.reading import answer_words

# Whoever reads the data by a program finds here how it is laid out.
LAYOUT = "stillpoint.intake.1"


def answers_pdf(submission: Submission, now: datetime) -> bytes:
    """Return the answers on paper, against the version they were given to."""
    version = submission.form_version
    with translation.override(version.language), timezone.override(clinic_zone()):
        sent = _when(submission.submitted_at)
        about = {"name": submission.client.legal_name, "sent": sent, "version": version.number}
        steps = [
            {
                "title": step.title,
                "rows": [_row(question, submission) for question in _answered(step.questions, submission)],
            }
            for step in form_of(version.pk).steps
        ]
        data = {
            "lang": version.language,
            "clinic": letterhead(),
            "title": _("What you told us"),
            "about": _("%(name)s, sent %(sent)s, form version %(version)d") % about,
            "foot": _("Confidential"),
            "steps": [step for step in steps if step["rows"]],
            "consents_title": _("What was agreed to"),
            "consents": [_agreed(consent) for consent in submission.consents.order_by("pk")],
        }
    return pdf_of("intake/pdf/answers.typ", data, now=now)


def answers_json(submission: Submission) -> bytes:
    """Return the answers as JSON that a person can read, too."""
    return json.dumps(answers_data(submission), ensure_ascii=False, indent=2).encode()


def handed_out(content: bytes, submission: Submission, ending: str) -> HttpResponse:
    """Return a response that hands out a file."""
    media_type = {"pdf": "application/pdf", "json": "application/json"}[ending]
    name = export_name(submission, ending)
    return HttpResponse(
        content,
        content_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def answers_data(submission: Submission) -> dict[str, Any]:
    """Return the answers as data: each question of its version with its code, its words, and what was answered."""
    version = submission.form_version
    form = form_of(version.pk)
    return {
        "layout": LAYOUT,
        "client": {
            "name": submission.client.legal_name,
            "born_on": submission.client.born_on and submission.client.born_on.isoformat(),
        },
        "form": {"number": version.number, "language": version.language},
        "sent_at": submission.submitted_at and submission.submitted_at.isoformat(),
        "reviewed_at": submission.reviewed_at and submission.reviewed_at.isoformat(),
        "steps": [
            {
                "code": step.code,
                "title": step.title,
                "questions": [_question(one, submission) for one in step.questions],
            }
            for step in form.steps
        ],
        "consents": [_consent(consent) for consent in submission.consents.order_by("pk")],
    }


def export_name(submission: Submission, ending: str) -> str:
    """Return what the file is called: the day and what it is, and nobody's name."""
    day = (submission.submitted_at or submission.saved_at).astimezone(clinic_zone()).date()
    return f"intake-{day.isoformat()}.{ending}"


def _answered(questions: tuple[Question, ...], submission: Submission) -> list[Question]:
    return [one for one in questions if one.kind is not Kind.CONSENT and one.code in submission.answers]


def _row(question: Question, submission: Submission) -> dict[str, Any]:
    answer = submission.answers[question.code]
    is_safety = question.kind is Kind.YES_NO_UNSURE
    words = answer_words(question, answer)
    return {"text": question.text, "answer": words, "stands_out": is_safety and answer != NO}


def _agreed(consent: Consent) -> dict[str, str]:
    facts = {"name": consent.signed_name, "at": _when(consent.signed_at), "version": consent.version}
    signed = _("Signed %(name)s, %(at)s, version %(version)d") % facts
    if consent.revoked_at:
        signed = _("%(signed)s; taken back %(at)s") % {"signed": signed, "at": _when(consent.revoked_at)}
    return {"title": consent.title, "words": consent.words, "signed": signed}


def _question(question: Question, submission: Submission) -> dict[str, Any]:
    answer = submission.answers.get(question.code)
    words = None if answer is None else answer_words(question, answer)
    return {
        "code": question.code, "text": question.text, "kind": str(question.kind), "answer": answer, "words": words,
    }  # fmt: skip


def _consent(consent: Consent) -> dict[str, Any]:
    return {
        "code": consent.code,
        "text": consent.text,
        "version": consent.version,
        "signed_name": consent.signed_name,
        "signed_at": consent.signed_at.isoformat(),
        "revoked_at": consent.revoked_at and consent.revoked_at.isoformat(),
    }


def _when(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "D j M Y, H:i") if at else ""
