"""The forms about clearances, letters and documents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic.lib.body import GROUPS, Group, Region
from clinic.people.models import Client, Modality
from intake.clearing import LONGEST_NAME, LONGEST_REASON
from intake.models import Finding
from intake.models_clearing import Document
from intake.reading import finding_row
from intake.rules import regions_meant
from intake.seeing import StaleFinding, refuse_stale, seen_of

TAKEN = ".pdf,.jpg,.jpeg,.png,.heic,application/pdf,image/jpeg,image/png,image/heic"
FILE_HELP = _("PDF, JPEG, PNG or HEIC, up to 15 MB.")
EVERYWHERE, SOME = "everywhere", "some"
PRESSURES = [(1, _("1, hold")), (2, _("2, light")), (3, _("3, moderate")), (4, _("4, firm")), (5, _("5, deep"))]
# The regions as a doctor names them; what is in no group stands by itself.
PARTS = (Group.HEAD, Group.NECK, Group.CHEST, Group.SPINE, Group.LEGS)


def region_choices() -> list[tuple[Any, Any]]:
    """Return the regions by groups, each once, and each group by one word."""
    left = dict.fromkeys(Region)
    choices: list[tuple[Any, Any]] = []
    for group in PARTS:
        here = [region for region in left if region in GROUPS[group]]
        left = dict.fromkeys(region for region in left if region not in here)
        whole = (str(group), _("all of it"))
        choices.append((str(group.label).capitalize(), [whole, *((str(region), region.label) for region in here)]))
    return [*choices, (_("Elsewhere"), [(str(region), region.label) for region in left])]


def day_field(label: Any) -> forms.DateField:
    """Return a field for a calendar day."""
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date", "class": "mid"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Please write a date that exists."), "required": _("Please choose a day.")},
    )


class FindingsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # generic for mypy alone
    """Findings to tick, each by its rule's title."""

    def label_from_instance(self, obj: Any) -> str:
        """Name a finding, and where it holds."""
        row = finding_row(obj)
        return f"{row.title}: {row.where}" if row.where else row.title


def findings_field(label: Any) -> FindingsField:
    return FindingsField(
        label=label,
        queryset=Finding.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )


class FileField(forms.FileField):
    """One file of a kind that is taken."""

    def __init__(self, *, label: Any, required: bool = True) -> None:
        super().__init__(
            label=label,
            required=required,
            help_text=FILE_HELP,
            widget=forms.FileInput(attrs={"accept": TAKEN}),
            error_messages={
                "required": _("Choose a file."),
                "missing": _("Choose a file."),
                "invalid": _("Choose a file."),
                "empty": _("This file is empty."),
            },
        )


class DocumentForm(forms.Form):
    """A document that came."""

    file = FileField(label=_("File"))


class ClearanceForm(forms.Form):
    """What a doctor allows, as it stands on the paper."""

    findings = findings_field(_("What has the doctor judged?"))
    clinician = forms.CharField(label=_("Doctor’s name"), max_length=LONGEST_NAME)
    given_on = day_field(_("Date on the paper"))
    where = forms.ChoiceField(
        label=_("Where may hands work?"),
        choices=[(SOME, _("Only in these regions")), (EVERYWHERE, _("On the whole body"))],
        widget=forms.RadioSelect,
        error_messages={"required": _("Say where the doctor allows it.")},
    )
    regions = forms.MultipleChoiceField(
        label=_("Regions"), required=False, widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"})
    )
    modalities = forms.ModelMultipleChoiceField(
        label=_("Only these ways of working"),
        help_text=_("None chosen: any."),
        queryset=Modality.objects.none(),
        required=False,
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )
    pressure_up_to = forms.TypedChoiceField(
        label=_("How firmly, at most?"),
        choices=PRESSURES,
        coerce=int,
        widget=forms.RadioSelect(attrs={"class": "seg"}),
        error_messages={"required": _("Say how firmly the doctor allows it.")},
    )
    starts_on = day_field(_("Counts from"))
    ends_on = day_field(_("Until, that day included"))
    document = forms.ModelChoiceField(
        label=_("The paper"), queryset=Document.objects.none(), required=False, empty_label=_("a new file, below")
    )
    file = FileField(label=_("New file"), required=False)

    def __init__(
        self,
        *args: Any,
        client: Client,
        waiting: Any,
        documents: Any,
        today: date,
    ) -> None:
        super().__init__(*args)
        self.initial = {
            "clinician": client.physician_name,
            "starts_on": today,
            "findings": [finding.pk for finding in waiting] if len(waiting) == 1 else [],
            "document": documents[0].pk if documents else None,
        }
        self._choose_among(waiting, documents)

    def _choose_among(self, waiting: Any, documents: Any) -> None:
        fields: dict[str, Any] = self.fields
        fields["findings"].queryset = waiting
        fields["document"].queryset = documents
        fields["modalities"].queryset = Modality.objects.filter(archived_at__isnull=True).order_by("name")
        fields["regions"].choices = region_choices()
        if not documents:
            del self.fields["document"]

    def clean(self) -> dict[str, Any]:
        """Ask for regions where only some are allowed, and for the paper."""
        said = super().clean() or {}
        for finding in said.get("findings", ()):
            self._refuse_grown(finding)
        if said.get("where") == SOME and not said.get("regions") and "regions" not in self.errors:
            self.add_error("regions", ValidationError(_("Choose the regions that the doctor names.")))
        if not said.get("document") and not said.get("file") and "file" not in self.errors:
            self.add_error("file", ValidationError(_("Without the paper a clearance does not count; add it.")))
        return said

    def seen(self) -> list[str]:
        """Return what this page shows of each finding, to be sent along."""
        fields: dict[str, Any] = self.fields
        return [f"{finding.pk}:{seen_of(finding)}" for finding in fields["findings"].queryset]

    def _refuse_grown(self, finding: Finding) -> None:
        """The doctor judged what the page showed; what has grown since is looked at first."""
        seen = self.data.getlist("seen") if isinstance(self.data, QueryDict) else []
        told = dict(part.split(":", 1) for part in seen if ":" in part)
        try:
            refuse_stale(finding, told.get(str(finding.pk), seen_of(finding)))
        except StaleFinding as problem:
            self.add_error("findings", problem)

    @property
    def upload(self) -> UploadedFile[bytes] | None:
        """The file that came along, also where something else is still to be put right."""
        return self.cleaned_data.get("file") if hasattr(self, "cleaned_data") else None

    def told(self) -> dict[str, Any]:
        """Return what was said, as the service takes it; the document comes apart."""
        said = self.cleaned_data
        names = ("findings", "clinician", "given_on", "starts_on", "ends_on", "pressure_up_to")
        return {name: said[name] for name in names} | {
            "modalities": [modality.slug for modality in said["modalities"]],
            "regions": regions_meant(frozenset(said["regions"])) if said["where"] == SOME else [],
        }


class RevokeForm(forms.Form):
    """Why a clearance no longer counts."""

    reason = forms.CharField(
        label=_("Why it no longer counts"),
        max_length=LONGEST_REASON,
        widget=forms.TextInput(),
        error_messages={"required": _("Say in a line why the clearance no longer counts.")},
    )


class LetterForm(forms.Form):
    """Whom a clearance is asked of, and about what."""

    findings = findings_field(_("What is the doctor to judge?"))
    to_name = forms.CharField(label=_("To"), max_length=LONGEST_NAME, help_text=_("As in “Dr Lemaire”."))
    to_contact = forms.CharField(
        label=_("Practice"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, client: Client, waiting: Any) -> None:
        super().__init__(*args)
        self.initial = {
            "to_name": client.physician_name,
            "to_contact": client.physician_contact,
            "findings": _keys(waiting),
        }
        fields: dict[str, Any] = self.fields
        fields["findings"].queryset = waiting


def _keys(findings: Iterable[Finding]) -> Collection[int]:
    return [finding.pk for finding in findings]
