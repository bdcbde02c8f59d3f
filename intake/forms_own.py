"""The forms of the owner: when the intake form is sent by itself, and the clinic's own questions and consents."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.lib.text import one_line
from clinic.people.forms.opened import OpenedForm
from intake.models_asking import IntakePolicy
from intake.own_questions import OWN_KINDS, OwnConsent, OwnQuestion
from intake.questions import IntakeForm, Kind, Question

MOST_OPTIONS = 12
FURTHEST = 1_000_000


class IntakePolicyForm(OpenedForm, forms.ModelForm[IntakePolicy]):
    """When the form is sent by itself."""

    days_ahead = forms.IntegerField(
        label=_("Ask again so many days before the visit"),
        help_text=_("Where the last answers would be over a year old by then."),
        min_value=3,
        max_value=60,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )

    class Meta:
        model = IntakePolicy
        fields = ("asks_by_itself", "days_ahead")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out("asks_by_itself", "days_ahead")


class VersionedForm(forms.Form):
    """A form about the form: it knows which version it was opened with."""

    based_on = forms.IntegerField(widget=forms.HiddenInput())


class OwnQuestionForm(VersionedForm):
    """One question of the clinic's own."""

    prefix = "own"
    step = forms.ChoiceField(label=_("On which step"))
    text = forms.CharField(
        label=_("Question"), max_length=200, help_text=_("As you would ask it: “Which floor do you live on?”")
    )
    help = forms.CharField(label=_("A line below it"), max_length=200, required=False)
    kind = forms.ChoiceField(label=_("She answers with"), choices=list(OWN_KINDS.items()))
    options = forms.CharField(
        label=_("To choose from"),
        help_text=_("One to a line, where she chooses one of several."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=1200,
        required=False,
    )
    least = forms.IntegerField(
        label=_("Smallest number"), min_value=-FURTHEST, max_value=FURTHEST, required=False, initial=0
    )
    most = forms.IntegerField(
        label=_("Largest number"), min_value=-FURTHEST, max_value=FURTHEST, required=False, initial=100
    )
    unit = forms.CharField(label=_("Unit"), max_length=30, required=False, help_text=_("As in: hours, cups, km."))
    is_required = forms.BooleanField(label=_("She must answer it"), required=False)

    def __init__(self, *args: Any, form: IntakeForm, question: Question | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        consents = {consent.code for consent in form.consents}
        steps = [step for step in form.steps if not consents & {one.code for one in step.questions}]
        self.fields["step"] = forms.ChoiceField(
            label=_("On which step"), choices=[(step.code, f"{step.number}. {step.title}") for step in steps]
        )
        if question is not None:
            # Where it stands and how it is answered stays: answers of before must mean the same.
            self.fields["step"].disabled = self.fields["kind"].disabled = True
        names = ("step", "text", "help", "kind", "options", "least", "most", "unit", "is_required", "based_on")
        self.helper = laid_out(*names)

    def clean_text(self) -> str:
        """Keep it on one line."""
        return one_line(self.cleaned_data["text"])

    def clean_options(self) -> tuple[str, ...]:
        """Read one option from each line; blank lines are none."""
        options = tuple(line for line in map(one_line, self.cleaned_data["options"].splitlines()) if line)
        if len(options) != len(set(options)):
            raise ValidationError(_("One of them stands there twice."))
        return options

    def clean(self) -> dict[str, Any]:
        """Hold the parts against the kind of answer."""
        said = super().clean() or self.cleaned_data
        kind = said.get("kind")
        if kind == Kind.CHOICE and "options" in said and not 2 <= len(said["options"]) <= MOST_OPTIONS:  # noqa: PLR2004
            self.add_error("options", _("Write from two to %(most)d, one to a line.") % {"most": MOST_OPTIONS})
        if kind == Kind.NUMBER and {"least", "most"} <= said.keys():
            least, most = said["least"], said["most"]
            if least is None or most is None or least >= most:
                self.add_error("most", _("Write the smallest and, larger than it, the largest number."))
        return said

    def worded(self) -> OwnQuestion:
        """Return the question as it was worded."""
        said = self.cleaned_data
        kind = Kind(said["kind"])
        is_number = kind is Kind.NUMBER
        return OwnQuestion(
            text=said["text"],
            kind=kind,
            help=one_line(said["help"]),
            options=said["options"] if kind is Kind.CHOICE else (),
            least=said["least"] if is_number else 0,
            most=said["most"] if is_number else 0,
            unit=one_line(said["unit"]) if is_number else "",
            is_required=said["is_required"],
        )


class OwnConsentForm(VersionedForm):
    """One consent of the clinic's own."""

    prefix = "own"
    title = forms.CharField(label=_("Title"), max_length=120)
    words = forms.CharField(
        label=_("What she agrees to"),
        help_text=_("In plain words: what, what for, and that she may take it back. Other words: she is asked anew."),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=4000,
    )
    is_required = forms.BooleanField(label=_("No visit without it"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out("title", "words", "is_required", "based_on")

    def worded(self) -> OwnConsent:
        """Return the consent as it was worded."""
        said = self.cleaned_data
        return OwnConsent(one_line(said["title"]), said["words"].replace("\r\n", "\n").strip(), said["is_required"])


def said_by(question: Question) -> dict[str, Any]:
    """Return a question as the fields show it."""
    if question.kind is Kind.CONSENT:
        return {"title": question.text, "words": question.words, "is_required": question.is_required}
    return {
        "text": question.text,
        "help": question.help,
        "kind": str(question.kind),
        "options": "\n".join(option.label for option in question.options),
        "least": question.least,
        "most": question.most,
        "unit": question.unit,
        "is_required": question.is_required,
    }
