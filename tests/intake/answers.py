"""Answers to give in tests: a calm client, whom nothing holds back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from clinic.people.models import Client, Therapist, User
from intake import services
from intake.clearing import record_clearance
from intake.documents import add_document
from intake.models import Finding, RuleVersion, Submission
from intake.models_clearing import Clearance
from intake.questions import Answer, Answers, IntakeForm, Kind, form_of
from intake.wall import today_at

# As small as one can be that is taken.
A_PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"

NAME = "Alice Marques"
FIRST_WORDS: Mapping[str, Answer] = {
    "headache_days": 9,
    "migraine_days": 6,
    "attacks": 4,
    "pain_usual": 6,
    "headache_regions": ["temple", "suboccipital"],
    "symptoms": ["light", "nausea"],
    "triggers": ["stress", "missed_meal"],
    "acute_medicines": [{"class": "triptan", "name": "Sumatriptan", "days": 4, "months": "over_3"}],
    "days_any": 5,
    "stress": 7,
    "jaw_clenching": "often",
    "pressure_wanted": "light",
    "room_light": "dim",
    "goals": "To read in the evening again.",
    "messages_email": "yes",
    "messages_text": "no",
}


def calm_answers(form: IntakeForm, **changed: Answer) -> Answers:
    """Return answers to everything required: no to every safety question, each needed consent given."""
    answers: Answers = {}
    for code, question in form.questions.items():
        if code in changed:
            answers[code] = changed[code]
        elif code in FIRST_WORDS:
            answers[code] = FIRST_WORDS[code]
        elif question.is_required and not question.shown_if:
            answers[code] = "yes" if question.kind is Kind.CONSENT else "no"
    return answers


def fill_in(client: Client, *, now: datetime, **changed: Answer) -> Submission:
    """Begin the form and save every step, without sending it."""
    draft = services.begin(now=now, client=client)
    form = form_of(draft.form_version_id)
    answers = calm_answers(form, **changed)
    for step in form.steps:
        draft = services.save_step(now=now, submission=draft, step=step.number, answers=only(step.questions, answers))
    return draft


def only(questions: object, answers: Answers) -> Answers:
    """Return the answers to these questions."""
    codes = {question.code for question in questions}  # type: ignore[attr-defined]
    return {code: answer for code, answer in answers.items() if code in codes}


def send(client: Client, *, now: datetime, **changed: Answer) -> Submission:
    """Fill in the form and send it."""
    draft = fill_in(client, now=now, **changed)
    return services.submit(now=now, submission=draft, signed_name=NAME, ip="192.0.2.7")


def clearance_of(client: Client, bea: Therapist, *, now: datetime) -> Clearance:
    """Let a finding wait for a clearance, and record one for all of it."""
    held = Finding.objects.create(
        client=client, rule_version=RuleVersion.objects.latest("number"), rule="test_clear", effect="clear",
        reason="Told in the form.", raised_at=now,
    )  # fmt: skip
    paper = add_document(by=bea.user, now=now, client=client, name="Dr Lemaire.pdf", content=A_PDF)
    today = today_at(now)
    return record_clearance(
        by=bea.user, now=now, client=client, findings=[held], clinician="Dr Lemaire", given_on=today, starts_on=today,
        ends_on=today + timedelta(days=30), pressure_up_to=5, document=paper,
    )  # fmt: skip


def reviewed_intake(client: Client, by: User, *, now: datetime, **changed: Answer) -> Submission:
    """Fill in, send, acknowledge what it raises, review."""
    sent = send(client, now=now, **changed)
    for finding in services.open_findings(client.pk):
        services.acknowledge_finding(by=by, now=now, finding=finding)
    return services.review(by=by, now=now, submission=sent)
