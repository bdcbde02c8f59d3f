"""What a therapist reads of a form that was sent: its answers, what has changed since the last, what it raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from clinic.people.records import records_of
from intake.findings import open_findings
from intake.models import Consent, Submission
from intake.questions import NO, Answer, Answers, IntakeForm, Kind, Question, Step, form_of
from intake.reading import FindingRow, answer_words, finding_rows


class Change(StrEnum):
    """How an answer stands beside the one before."""

    SAME = ""
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class Row:
    """One question: its answer and the one before, in words; either is empty where there is none."""

    code: str
    text: str
    answer: str
    before: str
    change: Change
    # A safety question that was not answered with no.
    stands_out: bool


@dataclass(frozen=True)
class StepRows:
    """One step: what is to be read, and what is as it was."""

    title: str
    rows: Sequence[Row]
    folded: Sequence[Row] = ()
    # Safety questions that nobody answered.
    unasked: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.folded or self.unasked)


@dataclass(frozen=True)
class ReviewPage:
    """Everything a therapist reads before she says “reviewed”."""

    steps: Sequence[StepRows]
    findings: Sequence[FindingRow]
    consents: Sequence[Consent]
    previous: Submission | None

    @property
    def waiting(self) -> int:
        """How many findings nobody has acknowledged."""
        return sum(row.finding.acknowledged_at is None for row in self.findings)

    @property
    def changes(self) -> int:
        """How many answers are otherwise than the time before."""
        return sum(row.change is not Change.SAME for step in self.steps for row in step.rows)


@dataclass(frozen=True)
class Before:
    """The answers of the time before, with the form that asked for them."""

    form: IntakeForm
    answers: Answers

    def words(self, code: str) -> str:
        """Say an answer as it was given; nothing where there was none."""
        question = self.form.questions.get(code)
        return answer_words(question, self.answers[code]) if question and code in self.answers else ""


def review_page(submission: Submission) -> ReviewPage:
    """Read the answers against the version they were given to, beside those of the time before."""
    hers = Submission.objects.filter(client__among=records_of(submission.client_id))
    previous = hers.filter(submitted_at__lt=submission.submitted_at).sent().first()
    before = Before(form_of(previous.form_version_id), previous.answers) if previous else None
    form = form_of(submission.form_version_id)
    steps = [_step_rows(step, submission.answers, before) for step in form.steps]
    if before:
        steps.append(_asked_no_more(form, before))
    return ReviewPage(
        steps=[step for step in steps if not step.is_empty],
        findings=finding_rows(open_findings(submission.client_id)),
        consents=list(submission.consents.order_by("pk")),
        previous=previous,
    )


def _step_rows(step: Step, answers: Mapping[str, Answer], before: Before | None) -> StepRows:
    told = [question for question in step.questions if question.kind is not Kind.CONSENT]
    rows = [row for question in told if (row := _row(question, answers.get(question.code), before))]
    return StepRows(
        title=step.title,
        rows=[row for row in rows if before is None or row.change or row.stands_out],
        folded=[row for row in rows if before is not None and not row.change and not row.stands_out],
        unasked=[
            question.text
            for question in step.asked(answers)
            if question.kind is Kind.YES_NO_UNSURE and question.code not in answers
        ],
    )


def _row(question: Question, answer: Answer | None, before: Before | None) -> Row | None:
    """Return what is to be said of a question; nothing where neither time had an answer."""
    was = before.answers.get(question.code) if before else None
    if answer is None and was is None:
        return None
    change = Change.SAME
    if before is not None and answer != was:
        change = Change.GONE if answer is None else Change.NEW if was is None else Change.CHANGED
    return Row(
        code=question.code,
        text=question.text,
        answer="" if answer is None else answer_words(question, answer),
        before=before.words(question.code) if before and change else "",
        change=change,
        stands_out=question.kind is Kind.YES_NO_UNSURE and answer not in (NO, None),
    )


def _asked_no_more(form: IntakeForm, before: Before) -> StepRows:
    """Return what she answered to questions that this form does not have; that is no change of hers."""
    rows = [
        Row(code, question.text, before.words(code), before="", change=Change.SAME, stands_out=False)
        for code, question in before.form.questions.items()
        if code in before.answers and code not in form.questions and question.kind is not Kind.CONSENT
    ]
    return StepRows(title=_("Asked the time before, and not this time"), rows=[], folded=rows)
