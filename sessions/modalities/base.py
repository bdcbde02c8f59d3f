"""What the modalities' forms have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.body import Region

# The words in which safety rules speak of what hands do (intake/rules.py).
STATIC_COMPRESSION = "static_compression"
PINCER_GRIP = "pincer"
FRICTION = "friction"
TAPOTEMENT = "tapotement"
NECK_STRETCH = "stretch"
TRACTION = "traction"
ELBOW = "elbow"

YES_NO = [("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))]
UPPER_LIMIT_OF_PAIN = 10


def one_of_few(
    label: Any, choices: Iterable[tuple[str, Any]], *, required: bool = False, help_text: Any = ""
) -> forms.ChoiceField:
    """Return a segmented control."""
    return forms.ChoiceField(
        label=label,
        choices=list(choices),
        required=required,
        help_text=help_text,
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )


def yes_or_no(label: Any, *, help_text: Any = "") -> forms.TypedChoiceField:
    """Return a question that may stay open: True, False or None."""
    return forms.TypedChoiceField(
        label=label,
        choices=YES_NO,
        required=False,
        empty_value=None,
        coerce=lambda answer: answer == "yes",
        help_text=help_text,
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )


def number(label: Any, lowest: int, highest: int, *, help_text: Any = "") -> forms.IntegerField:
    """Return a small whole number within limits; units stand in the label."""
    return forms.IntegerField(
        label=label,
        min_value=lowest,
        max_value=highest,
        required=False,
        help_text=help_text,
        widget=forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"}),
    )


def words(label: Any, *, longest: int = 80, help_text: Any = "") -> forms.CharField:
    """Return a short free text."""
    return forms.CharField(label=label, max_length=longest, required=False, help_text=help_text)


def capitalise_choices(form: forms.BaseForm) -> None:
    """Let every choice begin with a capital where it stands alone; in summary lines the words stay as they are."""
    for field in form.fields.values():
        if isinstance(field, forms.ChoiceField):
            # The getter gives an iterable in any case; its type is that of what may be set.
            given = cast("Iterable[tuple[Any, Any]]", field.choices)
            field.choices = [_capitalised(choice) for choice in given]


def _capitalised(choice: Any) -> Any:
    value, words = choice
    if isinstance(words, (list, tuple)):
        return value, [_capitalised(inner) for inner in words]
    return value, capfirst(words)


class DetailsForm(forms.Form):
    """What a modality adds to a block. By itself it serves a modality without a folder.

    `technique` becomes the block's own column; every other field goes into its details.
    """

    technique: forms.Field = words(gettext_lazy("Technique"), longest=60)

    # Where the modality works; None means anywhere.
    regions: frozenset[Region] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        capitalise_choices(self)

    @property
    def helper(self) -> FormHelper:
        """Lay the fields out without a form element: they stand inside the block's."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.form_show_errors = True
        return helper

    @property
    def details(self) -> dict[str, Any]:
        """What was answered, ready for JSON; what was left open is left out."""
        return {
            name: value for name, value in self.cleaned_data.items() if name != "technique" and value not in {None, ""}
        }

    @classmethod
    def as_data(cls, technique: str, details: Mapping[str, Any]) -> dict[str, Any]:
        """Turn a block's columns back into what this form takes."""
        answers = {True: "yes", False: "no"}
        known = {name: answers[value] if isinstance(value, bool) else value for name, value in details.items()}
        return {"technique": technique, **known}

    @classmethod
    def techniques(cls, technique: str, details: Mapping[str, Any]) -> frozenset[str]:
        """Say what hands do, in the rules' words. Nothing is known of a modality without a folder: the strictest."""
        return frozenset({STATIC_COMPRESSION, FRICTION, TAPOTEMENT, NECK_STRETCH, TRACTION})

    @classmethod
    def objection(cls, *, phase: str) -> str:
        """Return why this modality itself is not given in this phase, or an empty string."""
        return ""

    @classmethod
    def summary(cls, technique: str, details: Mapping[str, Any]) -> str:
        """Return one line under the block's name."""
        return cls.label("technique", technique)

    @classmethod
    def label(cls, name: str, value: Any) -> str:
        """Return a choice in words, or the text itself."""
        choices = dict(getattr(cls.base_fields[name], "choices", ()))
        return str(choices.get(value, value))


def line(*parts: str) -> str:
    """Join what there is to say."""
    return ", ".join(part for part in parts if part)


def held(seconds: int | None) -> str:
    """Say how long a hold lasted."""
    return _("held %(seconds)s s") % {"seconds": seconds} if seconds else ""
