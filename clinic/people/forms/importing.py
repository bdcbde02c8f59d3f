"""The owner's forms about an import: the file, which column is what, and what is taken over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumbers import SUPPORTED_REGIONS, country_code_for_region

from clinic.lib.forms import laid_out
from clinic.people.importing.columns import not_recognised
from clinic.people.importing.kinds import Kind
from clinic.people.importing.reading import MOST_BYTES
from clinic.people.importing.table import Table
from clinic.people.models import Import

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile


class FileForm(forms.Form):
    """The file to import."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV or Excel (.xlsx), at most 20 MB. Nothing is written before you have seen what would be."
        ),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,text/csv", "class": "form-control"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out("file")

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if file.size and file.size > MOST_BYTES:
            raise forms.ValidationError(
                _("This file is larger than %(most)d MB. Please split it.") % {"most": MOST_BYTES >> 20}
            )
        return file


class ColumnsForm(forms.Form):
    """For each column of the file one of our fields, or nothing; and how the file writes dates and phones."""

    day_first = forms.TypedChoiceField(
        label=gettext_lazy("Dates in this file"),
        choices=[("1", gettext_lazy("day first: 31/12/1999")), ("0", gettext_lazy("month first: 12/31/1999"))],
        coerce=lambda typed: typed == "1",
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    region = forms.ChoiceField(
        label=gettext_lazy("Phone numbers without a country code are from"),
        required=False,
        widget=forms.Select(attrs={"class": "mid"}),
    )

    def __init__(self, *args: Any, kind: Kind, table: Table, job: Import, **kwargs: Any) -> None:
        kwargs["initial"] = {"day_first": "1" if job.day_first else "0", "region": job.region}
        super().__init__(*args, **kwargs)
        self.kind, self.table, self.job = kind, table, job
        self._region_field().choices = regions()
        choices = [("", _("leave out")), *((field.name, field.label) for field in kind.fields)]
        for index, header in enumerate(table.header):
            self.fields[f"column_{index}"] = forms.ChoiceField(
                choices=choices,
                required=False,
                initial=job.columns[index] if index < len(job.columns) else "",
                label=header,
                widget=forms.Select(attrs={"class": "form-select", "aria-label": header}),
            )
        self.helper = laid_out("day_first", "region")

    def _region_field(self) -> forms.ChoiceField:
        field = self.fields["region"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- as declared above
        return field

    def columns(self) -> list[tuple[str, list[str], forms.BoundField]]:
        """Return name, first values and choice of each column."""
        return [
            (header, self.table.samples(index), self[f"column_{index}"])
            for index, header in enumerate(self.table.header)
        ]

    def not_recognised(self) -> list[str]:
        """Return the names of columns that nobody has said yet what they are."""
        is_new = self.job.state == Import.State.UPLOADED and self.table.has_header
        return not_recognised(self.job.columns, self.table, self.kind.ignored) if is_new else []

    def chosen(self) -> list[str]:
        """Return the field of each column."""
        return [self.cleaned_data[f"column_{index}"] for index in range(len(self.table.header))]


class TakeOverForm(forms.Form):
    """What happens to the rows that cannot be taken over."""

    leaves_wrong = forms.BooleanField(label=gettext_lazy("Leave out the rows with problems"), required=False)

    def __init__(self, *args: Any, job: Import, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not job.wrong_count:
            del self.fields["leaves_wrong"]


A_DECISION = re.compile(r"row-(\d{1,9})")


def wanted_of(posted: Mapping[str, str]) -> dict[int, bool]:
    """Return what was chosen for doubtful rows, by number: to take each over, or not."""
    said = {A_DECISION.fullmatch(name): answer for name, answer in posted.items()}
    return {int(found[1]): answer == "yes" for found, answer in said.items() if found and answer in {"yes", "no"}}


def regions() -> list[tuple[str, str]]:
    """Return every country by its two letters and its code."""
    named = ((region, country_code_for_region(region)) for region in sorted(SUPPORTED_REGIONS))
    return [("", _("nowhere: all have one")), *((region, f"{region} (+{code})") for region, code in named)]
