from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Fieldset
from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.forms import laid_out
from clinic.people.models import Service
from clinic.scheduling.forms import DayField
from plans.draft import Draft, Option
from plans.models import COUNTED, HIGHEST, Cadence, Measure
from plans.services import BASELINE_DAYS, USUAL_PHASES, GoalDraft, PhaseDraft, check_goal

CADENCES = {"weekly": Cadence.WEEKLY, "two_weeks": Cadence.TWO_WEEKS, "monthly": Cadence.MONTHLY}


def visits_field(label: Any) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=0, max_value=52, required=False, widget=widget)


def number_field(label: Any, highest: int) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"class": "short", "inputmode": "decimal", "step": "any"})
    return forms.DecimalField(
        label=label, min_value=0, max_value=highest, max_digits=5, decimal_places=1, required=False, widget=widget
    )


class PlanForm(forms.Form):
    """What is agreed: the service, when it starts, how often, and up to three goals."""

    service = forms.ChoiceField(
        label=gettext_lazy("Service"), widget=forms.RadioSelect(attrs={"class": "choices stack-2"})
    )
    starts_on = DayField(label=gettext_lazy("Starts on"))
    with_baseline = forms.BooleanField(
        label=gettext_lazy("Begin with 28 days of diary, without visits"),
        help_text=gettext_lazy("Later counts then have something to be compared with."),
        required=False,
    )
    weekly = visits_field(gettext_lazy("Visits every week"))
    two_weeks = visits_field(gettext_lazy("then every two weeks"))
    monthly = visits_field(gettext_lazy("then every four weeks"))
    why = forms.CharField(label=gettext_lazy("Why this plan"), required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, data: Any = None, *, draft: Draft, today: date) -> None:
        super().__init__(data, initial=initial_values(draft, today))
        self._services = {str(option.service.pk): option.service for option in draft.offered}
        service = self.fields["service"]
        assert isinstance(service, forms.ChoiceField)  # noqa: S101 -- tells the checker what the class says above
        service.choices = service_choices(draft.offered)
        for measure in Measure:
            self._add_goal(measure)
        self.helper = plan_layout()

    def _add_goal(self, measure: Measure) -> None:
        highest = HIGHEST[measure]
        self.fields[f"{measure}_baseline"] = number_field(_("At the start"), highest)
        self.fields[f"{measure}_target"] = number_field(_("Target"), highest)
        self.fields[f"{measure}_due_on"] = DayField(label=_("By"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(name) for name in CADENCES) and not self.errors:
            self.add_error("weekly", _("A plan needs at least one phase with visits."))
        for measure in Measure:
            self._check_goal(measure, cleaned)
        return cleaned

    def _check_goal(self, measure: Measure, cleaned: dict[str, Any]) -> None:
        if cleaned.get(f"{measure}_target") is None:
            return
        for part in ("baseline", "due_on"):
            if cleaned.get(f"{measure}_{part}") is None and f"{measure}_{part}" not in self.errors:
                self.add_error(f"{measure}_{part}", _("A goal with a target needs this too."))
        goal = self._goal(measure, cleaned)
        if goal and cleaned.get("starts_on"):
            try:
                check_goal(goal, starts_on=cleaned["starts_on"])
            except ValidationError as refused:
                self.add_error(f"{measure}_target", refused)

    def _goal(self, measure: Measure, cleaned: dict[str, Any]) -> GoalDraft | None:
        baseline, target, due_on = (cleaned.get(f"{measure}_{part}") for part in ("baseline", "target", "due_on"))
        if baseline is None or target is None or due_on is None:
            return None
        return GoalDraft(measure=measure, baseline=baseline, target=target, due_on=due_on)

    @property
    def chosen_service(self) -> Service:
        return self._services[self.cleaned_data["service"]]

    @property
    def phases(self) -> list[PhaseDraft]:
        """The phases with visits, in their order, after the baseline if it was wanted."""
        phases = [PhaseDraft(cadence, self.cleaned_data[name] or 0) for name, cadence in CADENCES.items()]
        baseline = [PhaseDraft(Cadence.BASELINE, 0)] if self.cleaned_data["with_baseline"] else []
        return baseline + [phase for phase in phases if phase.visits]

    @property
    def goals(self) -> list[GoalDraft]:
        """The goals that have a target."""
        return [goal for measure in Measure if (goal := self._goal(measure, self.cleaned_data))]


def plan_layout() -> FormHelper:
    return laid_out(
        Fieldset(_("What"), "service"),
        Fieldset(
            _("When, and how often"),
            "starts_on",
            "with_baseline",
            Div("weekly", "two_weeks", "monthly", css_class="trio"),
        ),
        Fieldset(
            _("Goals"),
            HTML(format_html('<p class="ink-2">{}</p>', _("A measure without a target is no goal; leave it empty."))),
            *(goal_row(measure) for measure in Measure),
        ),
        Fieldset(_("In words"), "why"),
    )


def goal_row(measure: Measure) -> Div:
    """Lay out one goal: its name, then start, target and day on a line."""
    return Div(
        HTML(format_html("<h2>{}</h2>", measure.label)),
        Div(f"{measure}_baseline", f"{measure}_target", f"{measure}_due_on", css_class="trio"),
        role="group",
        aria_label=str(measure.label),
        css_class="plan-goal",
    )


def initial_values(draft: Draft, today: date) -> dict[str, Any]:
    """Fill the form from the draft: usual phases, and a goal for migraine days where her intake has a count."""
    usual = dict(zip(CADENCES, USUAL_PHASES, strict=True))
    last_day = today + timedelta(days=sum(phase.days for phase in USUAL_PHASES) - 1)
    values: dict[str, Any] = {"starts_on": today} | {name: phase.visits for name, phase in usual.items()}
    if draft.offered:
        values["service"] = str(draft.offered[0].service.pk)
    for measure in Measure:
        values[f"{measure}_baseline"] = draft.baselines.get(measure)
        values[f"{measure}_target"] = draft.targets.get(measure)
        values[f"{measure}_due_on"] = last_day
    return values


def service_choices(options: Sequence[Option]) -> list[tuple[str, str]]:
    """Return the services, the best suited first, each with its reasons below its name."""
    return [
        (str(option.service.pk), format_html("<span>{}<small>{}</small></span>", option.service.name, option.words))
        for option in options
    ]


class EndPlanForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Why does the plan end?"),
        max_length=240,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Visits that are booked stay in the calendar."),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.helper = laid_out("why")


class ScoreForm(forms.Form):
    """A count of days in the 28 days that end on a day."""

    measure = forms.ChoiceField(
        label=gettext_lazy("What was counted"),
        choices=[(measure.value, measure.label) for measure in COUNTED],
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    value = forms.IntegerField(
        label=gettext_lazy("Days"),
        min_value=0,
        max_value=BASELINE_DAYS,
        widget=forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"}),
    )
    on = DayField(label=gettext_lazy("In the 28 days until"))

    def __init__(self, data: Any = None, *, today: date) -> None:
        super().__init__(data, initial={"on": today, "measure": COUNTED[0].value})
        self.helper = laid_out("measure", "value", "on")

    @property
    def measure_chosen(self) -> Measure:
        return Measure(self.cleaned_data["measure"])

    @property
    def days(self) -> Decimal:
        return Decimal(self.cleaned_data["value"])
