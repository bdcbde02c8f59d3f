"""One step of the form as a therapist types it in from paper: consents are ticked, as they were signed by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from intake.consents import LONGEST_NAME
from intake.forms import DRAWN, StepForm
from intake.questions import YES, Answer, Kind, Question, Step

SIGNED = "signed_name"


class PaperStepForm(StepForm):
    """The questions of one step; on the last one the name as it was signed."""

    def __init__(self, step: Step, today: date, **kwargs: Any) -> None:
        super().__init__(step, today, **kwargs)
        consents = [question for question in step.questions if question.kind is Kind.CONSENT]
        for question in consents:
            del self.fields[question.code + DRAWN]
            self.fields[question.code] = forms.BooleanField(label=question.text, required=False)
        if consents:
            self.fields[SIGNED] = forms.CharField(
                label=_("Name as it was signed"),
                max_length=LONGEST_NAME,
                required=self.is_complete,
                error_messages={"required": _("Write the name as it was signed.")},
            )

    def _read_signatures(self) -> None:
        """Leave it: what was signed by hand is only ticked here."""

    def _answer(self, question: Question, given: Any) -> Answer | None:
        if question.kind is Kind.CONSENT:
            return YES if self.cleaned_data.get(question.code) else None
        return super()._answer(question, given)
