"""The forms by which an owner changes a rule, or adds one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.body import Group, Region
from clinic.people.models import Modality
from intake.checkin import check_in_step
from intake.models import Effect
from intake.questions import YES, IntakeForm, Kind, Question
from intake.reading import where_words
from intake.rule_book import LONGEST_WHY, Row
from intake.rules import parse_scope

TRAITS = {
    "deep": gettext_lazy("deep work"),
    "static_compression": gettext_lazy("work that holds pressure"),
    "head_or_neck": gettext_lazy("work at head or neck"),
}
WORDS = {
    "static_compression": gettext_lazy("held pressure"),
    "tapotement": gettext_lazy("tapotement"),
    "friction": gettext_lazy("friction"),
    "traction": gettext_lazy("traction"),
    "stretch": gettext_lazy("stretch"),
    "elbow": gettext_lazy("elbow"),
    "pincer": gettext_lazy("pincer grip"),
    "chest_compression": gettext_lazy("compression of the chest"),
    "prone": gettext_lazy("prone"),
    "supine": gettext_lazy("flat on the back"),
    "side": gettext_lazy("on the side"),
    "seated": gettext_lazy("seated"),
    "percussion_device": gettext_lazy("percussion device"),
    "aroma": gettext_lazy("aroma"),
    "oil": gettext_lazy("oil"),
    "heat": gettext_lazy("heat"),
    "cold": gettext_lazy("cold"),
}
TECHNIQUES = ("static_compression", "tapotement", "friction", "traction", "stretch", "elbow", "pincer",
              "chest_compression")  # fmt: skip
POSITIONS = ("prone", "supine", "side", "seated")
PRODUCTS = ("percussion_device", "aroma", "oil", "heat", "cold")
PRESSURES = [
    (0, gettext_lazy("any pressure")),
    *((n, format_lazy(gettext_lazy("pressure {} and more"), n)) for n in range(2, 6)),
]
MOST_DAYS, MOST = 3650, 1000
LONGEST_TITLE, LONGEST_REASON = 80, 240


def checkboxes(label: Any, choices: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple)


class ScopeForm(forms.Form):
    """One place of which a rule speaks; a part left open means any."""

    is_left_out = forms.BooleanField(label=gettext_lazy("Leave this place out"), required=False)
    pressure_from = forms.TypedChoiceField(
        label=gettext_lazy("From which pressure"), choices=PRESSURES, coerce=int, required=False
    )
    regions = checkboxes(gettext_lazy("Where"), ())
    modalities = checkboxes(gettext_lazy("Which work"), ())
    techniques = checkboxes(gettext_lazy("Which techniques"), [(word, WORDS[word]) for word in TECHNIQUES])
    positions = checkboxes(gettext_lazy("In which position"), [(word, WORDS[word]) for word in POSITIONS])
    products = checkboxes(gettext_lazy("With which products"), [(word, WORDS[word]) for word in PRODUCTS])

    def __init__(self, data: Mapping[str, Any] | None, *, prefix: str, row: Row, modalities: list[Modality]) -> None:
        self.row, self.is_new = row, not row
        super().__init__(data, prefix=prefix, initial=dict(row))
        regions = [(str(one.value), one.label) for one in (*Group, *Region)]
        works = [*TRAITS.items(), *((one.slug, one.name) for one in modalities)]
        self.fields["regions"].choices = regions  # type: ignore[attr-defined]  # a ChoiceField has them
        self.fields["modalities"].choices = works  # type: ignore[attr-defined]
        if self.is_new:
            del self.fields["is_left_out"]

    @property
    def where(self) -> str:
        """Name the regions of the place as it is kept; nothing where it names none."""
        return where_words([parse_scope(dict(self.row))])

    @property
    def regions_from(self) -> str:
        """The question whose answer names the regions; that is not changed here."""
        return str(self.row.get("regions_from", ""))

    def as_row(self) -> dict[str, Any] | None:
        """Return the scope as data; None where it is left out, or where a new one says nothing."""
        if self.cleaned_data.get("is_left_out"):
            return None
        row = {name: value for name, value in self.row.items() if name in ("except_techniques", "regions_from")}
        for name in ("pressure_from", "regions", "modalities", "techniques", "positions", "products"):
            value, before = self.cleaned_data[name] or None, self.row.get(name)
            if isinstance(before, list) and set(before) == set(value or ()):
                value = before
            if value:
                row[name] = value
        return row or ({} if self.row else None)


class RuleForm(forms.Form):
    """What a rule does, from when to when, where, and why it is changed."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    effect = forms.ChoiceField(label=gettext_lazy("What follows"), choices=Effect.choices)
    cap = forms.TypedChoiceField(
        label=gettext_lazy("Highest pressure"),
        help_text=gettext_lazy("Only where pressure is limited."),
        choices=[("", "—"), *((number, str(number)) for number in range(1, 5))],
        coerce=int,
        required=False,
        empty_value=None,
    )
    consent = forms.ChoiceField(
        label=gettext_lazy("Which consent"),
        help_text=gettext_lazy("Only where a consent is needed."),
        required=False,
    )
    first_day = forms.IntegerField(label=gettext_lazy("From day"), min_value=0, max_value=MOST_DAYS, required=False)
    last_day = forms.IntegerField(
        label=gettext_lazy("To day"),
        help_text=gettext_lazy("Counted from the day that was answered; open means for good."),
        min_value=0,
        max_value=MOST_DAYS,
        required=False,
    )
    reason = forms.CharField(
        label=gettext_lazy("What the therapist reads"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    why = forms.CharField(
        label=gettext_lazy("Why it is changed"),
        help_text=gettext_lazy("It stands beside the new version, with your name."),
        max_length=LONGEST_WHY,
        error_messages={"required": gettext_lazy("Say why; it stands with the version for ever.")},
    )

    def __init__(
        self, data: Mapping[str, Any] | None, *, row: Row, seen: int, questions: Mapping[str, Question],
        consents: list[tuple[str, str]],
    ) -> None:  # fmt: skip
        self.row, self.questions = row, questions
        window = row.get("window", {})
        kept = {name: row[name] for name in ("effect", "cap", "consent", "reason") if name in row}
        kept |= {name: window[name] for name in ("first_day", "last_day") if name in window}
        super().__init__(data, initial=kept | {"seen": seen})
        known = dict(consents) | ({row["consent"]: row["consent"]} if row.get("consent") else {})
        self.fields["consent"].choices = [("", "—"), *known.items()]  # type: ignore[attr-defined]
        if "window" not in row:
            del self.fields["first_day"], self.fields["last_day"]
        for number, leaf in enumerate(_figures(row.get("when", {}))):
            self.fields[f"figure_{number}"] = forms.IntegerField(
                label=self._words(leaf), initial=_figure_of(leaf), min_value=0, max_value=MOST
            )
        works = list(Modality.objects.filter(archived_at__isnull=True))
        rows = [*row.get("applies_to", ()), {}]
        self.scopes = [ScopeForm(data, prefix=f"scope_{n}", row=one, modalities=works) for n, one in enumerate(rows)]

    def _words(self, leaf: Row) -> str:
        """Name a figure: the question it is about, and which way it counts."""
        asked = self.questions.get(leaf.get("question", ""))
        about = asked.text if asked else _("Age")
        return (
            _("%(about)s: at least") % {"about": about}
            if "at_least" in leaf
            else _("%(about)s: below") % {"about": about}
        )

    def is_valid(self) -> bool:
        return all([super().is_valid(), *(scope.is_valid() for scope in self.scopes)]) and self._names_a_place()

    def _names_a_place(self) -> bool:
        """Say whether a rule that names places still does: without any it would hold everywhere, unasked for."""
        if not self.row.get("applies_to") or any(scope.as_row() is not None for scope in self.scopes):
            return True
        words = _("Without a place it would hold everywhere. Name another place, or retire the rule.")
        self.scopes[0].add_error("is_left_out", words)
        return False

    def clean(self) -> dict[str, Any]:
        """A limit names its pressure, a consent its name; days run forwards."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("effect") == Effect.CAP and not told.get("cap"):
            self.add_error("cap", _("Say up to which pressure."))
        if told.get("effect") == Effect.CONSENT and not told.get("consent"):
            self.add_error("consent", _("Say which consent lifts it."))
        first, last = told.get("first_day"), told.get("last_day")
        if first is not None and last is not None and last < first:
            self.add_error("last_day", _("This day comes before the first one."))
        return told

    def figures(self) -> Iterator[forms.BoundField]:
        """Yield the fields of the figures of its condition."""
        return (self[name] for name in self.fields if name.startswith("figure_"))

    def as_row(self) -> dict[str, Any]:
        """Return the rule as data; what was not changed stays as it was written."""
        told, row = self.cleaned_data, deepcopy(dict(self.row))
        row |= {"effect": told["effect"], "reason": told["reason"]}
        for name, effect in (("cap", Effect.CAP), ("consent", Effect.CONSENT)):
            row.pop(name, None)
            if told["effect"] == effect:
                row[name] = told[name]
        for number, leaf in enumerate(_figures(row.get("when", {}))):
            leaf["at_least" if "at_least" in leaf else "below"] = told[f"figure_{number}"]
        if "window" in row:
            days = {name: told[name] for name in ("first_day", "last_day") if told[name] is not None}
            since = {name: day for name, day in row["window"].items() if name == "since"}
            # A day that was not written and is the usual one stays unwritten.
            row["window"] = since | {n: d for n, d in days.items() if n in row["window"] or d or n == "last_day"}
        scopes = [one for scope in self.scopes if (one := scope.as_row()) is not None]
        row.pop("applies_to", None)
        if scopes:
            row["applies_to"] = scopes
        return {name: row[name] for name in [*self.row, *row] if name in row}


class OwnRuleForm(RuleForm):
    """A rule that the clinic adds: also what it is called, and which answer raises it."""

    title = forms.CharField(label=gettext_lazy("What it is called"), max_length=LONGEST_TITLE)
    asks = forms.ChoiceField(label=gettext_lazy("Which answer raises it"))
    number = forms.IntegerField(
        label=gettext_lazy("From which number"),
        help_text=gettext_lazy("Only for a question that asks for a number."),
        min_value=0,
        max_value=MOST,
        required=False,
    )
    field_order = ("title", "asks", "number")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answers = [choice for question in self.questions.values() for choice in _answers_to(question)]
        self.fields["asks"].choices = [("", "—"), *answers]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if told.get("asks", "").endswith(":") and told.get("number") is None:
            self.add_error("number", _("Say from which number."))
        return told

    def as_row(self) -> dict[str, Any]:
        """Return the new rule as data; its code is given by whoever keeps it."""
        told = self.cleaned_data
        own = {"code": "own", "title": told["title"], "source": _("Own rule of the clinic")}
        return own | super().as_row() | {"when": self._when(*told["asks"].split(":", 1))}

    def _when(self, code: str, value: str) -> dict[str, Any]:
        if not value:
            return {"question": code, "at_least": self.cleaned_data["number"]}
        asked = self.questions[code]
        if asked.kind is not Kind.YES_NO_UNSURE:
            return {"question": code, "includes": [value]}
        # Who said no above it was not asked, and need not be.
        above = [self._when(asked.shown_if, YES)] if asked.shown_if else []
        here = {"question": code, "is": YES}
        return {"all": [*above, here]} if above else here


def _answers_to(question: Question) -> list[tuple[str, str]]:
    """Return the answers that may raise a rule, as a choice: code and value, in words."""
    match question.kind:
        case Kind.YES_NO_UNSURE | Kind.YES_NO:
            return [(f"{question.code}:{YES}", f"{question.text} {_('Yes')}")]
        case Kind.NUMBER:
            return [(f"{question.code}:", f"{question.text} {_('at least')} …")]
        case Kind.CHOICE | Kind.CHOICES:
            return [(f"{question.code}:{one.value}", f"{question.text} {one.label}") for one in question.options]
    return []


def questions_of(form: IntakeForm) -> dict[str, Question]:
    """Return what a rule may ask: the questions of the form, and those of the check-in."""
    at_visit = {question.code: question for question in check_in_step().questions}
    return {code: asked for code, asked in (at_visit | form.questions).items() if asked.kind is not Kind.CONSENT}


def consents_of(form: IntakeForm) -> list[tuple[str, str]]:
    """Return the consents that a rule may wait for."""
    return [(question.code, question.text) for question in form.consents]


def _figures(when: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts of a condition that hold a figure, themselves, so that it can be changed."""
    if "at_least" in when or "below" in when:
        yield when
    for joined in ("all", "any"):
        for part in when.get(joined, ()):
            yield from _figures(part)


def _figure_of(leaf: Row) -> int:
    return int(leaf.get("at_least", leaf.get("below", 0)))
