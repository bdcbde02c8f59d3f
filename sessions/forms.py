"""Forms of the note's pages. What a modality adds to a block is in sessions/modalities/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.forms.models import fields_for_model, model_to_dict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib import body
from clinic.people.models import Modality
from sessions.checking import qualifications_of
from sessions.modalities.base import UPPER_LIMIT_OF_PAIN, capitalise_choices
from sessions.models import Addendum, BodyMark, Note, Phase, Position, Pressure, Product, Side
from sessions.services import EDITABLE
from sessions.today import NeckArtery

NOTE_FORM = "note-form"
LONGEST_BLOCK = 240
LONG_TEXTS = ("since_last", "noticed", "response", "assessment", "home_care")


def segments(**attrs: str) -> forms.RadioSelect:
    """Return a segmented control."""
    return forms.RadioSelect(attrs={"class": "seg", **attrs})


def bare_helper() -> FormHelper:
    """Lay fields out without a form element of their own."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    return helper


class StartForm(forms.Form):
    """The check before the hands do: under twenty seconds when nothing is wrong."""

    phase = forms.ChoiceField(label=gettext_lazy("Today"), choices=Phase.choices, widget=segments())
    is_different = forms.TypedChoiceField(
        label=gettext_lazy("Is today's headache or neck pain different from your usual?"),
        choices=[("no", gettext_lazy("No, or none")), ("yes", gettext_lazy("Yes, different"))],
        coerce=lambda answer: answer == "yes",
        widget=segments(),
    )
    pain_before = forms.IntegerField(
        label=gettext_lazy("Pain now, 0 to 10"),
        min_value=0,
        max_value=UPPER_LIMIT_OF_PAIN,
        widget=forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"}),
    )
    neck_artery = forms.MultipleChoiceField(
        label=gettext_lazy("Because it is different: any of these?"),
        choices=NeckArtery.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    none_of_these = forms.BooleanField(label=gettext_lazy("None of these, asked one by one"), required=False)
    is_sedated = forms.BooleanField(label=gettext_lazy("A sedative or strong painkiller just taken"), required=False)
    is_intoxicated = forms.BooleanField(label=gettext_lazy("Alcohol or drugs now"), required=False)
    consent_given = forms.BooleanField(label=gettext_lazy("Agreed to today's session, in words"))

    helper = bare_helper()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        capitalise_choices(self)

    @property
    def asks_neck_artery(self) -> bool:
        """Whether the neck-artery questions are due: she said that today is different."""
        return bool(self["is_different"].value() == "yes")

    def clean(self) -> dict[str, Any]:
        """Only a spoken "no" clears the neck-artery questions."""
        answers: dict[str, Any] = super().clean() or {}
        if answers.get("is_different") and not answers.get("neck_artery") and not answers.get("none_of_these"):
            self.add_error("neck_artery", _("Ask each of these; tick what applies, or that none does."))
        if not answers.get("is_different"):
            answers["neck_artery"] = []
        return answers


class NoteForm(forms.Form):
    """What is written in a note. Its fields stand all over the page and name their form by its id.

    The service checks what is written against the note's own limits; a model form would ask the database for each.
    """

    revision = forms.IntegerField(widget=forms.HiddenInput)

    helper = bare_helper()

    def __init__(self, data: Mapping[str, Any] | None = None, *, note: Note) -> None:
        kept = model_to_dict(note, fields=EDITABLE)
        super().__init__(data, initial=kept | {"revision": note.revision})
        self.fields.update(fields_for_model(Note, fields=EDITABLE))
        self.fields["phase"] = forms.ChoiceField(label=_("Today"), choices=Phase.choices, widget=segments())
        self.fields["position"] = forms.ChoiceField(
            label=_("Position"), choices=[("", _("not said")), *Position.choices], required=False, widget=segments()
        )
        self.fields["products"] = forms.MultipleChoiceField(
            label=_("Products"), choices=Product.choices, required=False, widget=forms.CheckboxSelectMultiple
        )
        capitalise_choices(self)
        for name, field in self.fields.items():
            field.widget.attrs["form"] = NOTE_FORM
            if name in LONG_TEXTS:
                field.widget.attrs["rows"] = 3
            elif isinstance(field, forms.IntegerField) and name != "revision":
                field.widget.attrs |= {"class": "short", "inputmode": "numeric"}

    @property
    def written(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        return {name: self.cleaned_data[name] for name in EDITABLE}


class BlockForm(forms.Form):
    """One stretch of treatment, without what its modality adds."""

    region = forms.ChoiceField(label=gettext_lazy("Region"))
    side = forms.ChoiceField(label=gettext_lazy("Side"), choices=Side.choices, widget=segments())
    pressure = forms.TypedChoiceField(label=gettext_lazy("Pressure"), choices=Pressure.choices, coerce=int)
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"),
        min_value=1,
        max_value=LONGEST_BLOCK,
        widget=forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"}),
    )
    is_deviation = forms.BooleanField(
        label=gettext_lazy("It was done all the same: record it as a deviation"), required=False
    )
    override_reason = forms.CharField(label=gettext_lazy("Reason"), max_length=240, required=False)

    helper = bare_helper()

    def __init__(self, *args: Any, regions: frozenset[body.Region] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(region.value, region.label) for region in body.REGIONS if regions is None or region in regions]
        self.fields["region"].choices = [("", "—"), *offered]  # type: ignore[attr-defined]  # a ChoiceField has them
        capitalise_choices(self)

    def clean(self) -> dict[str, Any]:
        """A region on the middle line has no left and right."""
        answers: dict[str, Any] = super().clean() or {}
        region, side = answers.get("region"), answers.get("side")
        if region in body.MIDLINE and side and side != Side.MIDDLE:
            self.add_error("side", _("This region lies in the middle."))
        return answers


class MarkForm(forms.Form):
    """A mark on the body map, by name; the drawing fills the same fields."""

    prefix = "mark"
    region = forms.ChoiceField(
        label=gettext_lazy("Region"), choices=[("", "—"), *((str(r.value), r.label) for r in body.REGIONS)]
    )
    side = forms.ChoiceField(label=gettext_lazy("Side"), choices=body.SIDE_CHOICES, widget=segments())
    kind = forms.ChoiceField(label=gettext_lazy("Kind of mark"), choices=BodyMark.Kind.choices)

    helper = bare_helper()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        capitalise_choices(self)
        for field in self.fields.values():
            field.widget.attrs["form"] = NOTE_FORM
            field.required = False  # told by `clean`: they stand within the note's form, which is saved without them

    def clean(self) -> dict[str, Any]:
        """A mark names its region, its side and what it is."""
        answers: dict[str, Any] = super().clean() or {}
        for name in self.fields:
            if not answers.get(name) and name not in self.errors:
                self.add_error(name, _("Please choose."))
        return answers


class AddendumForm(forms.ModelForm[Addendum]):
    class Meta:
        model = Addendum
        fields = ("text",)
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}

    helper = bare_helper()


def modalities_for(note: Note) -> list[Modality]:
    """Return the visit's own modality, and what else this therapist might give on its day."""
    own = note.appointment.service.modality
    held = qualifications_of(note).values("modality")
    return [own, *Modality.objects.filter(pk__in=held).exclude(pk=own.pk)]
