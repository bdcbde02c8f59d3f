"""The form by which two records become one: which of them is right, matter by matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import PhoneNumber

from clinic.people.merging import MATTERS, Matter, Pair
from clinic.people.models import Client, Clinic
from clinic.people.services.merging import FROM_GONE, FROM_KEPT

if TYPE_CHECKING:
    from django.forms.boundfield import BoundField, BoundWidget
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class MatterRow:
    """One matter as both records know it. `field` is there where they differ; `is_added` where only one knows it."""

    label: StrOrPromise
    kept: str
    gone: str
    field: BoundField | None
    is_added: bool

    @property
    def options(self) -> list[BoundWidget]:
        """The two to choose between."""
        return list(self.field.subwidgets) if self.field else []


class MergeForm(forms.Form):
    """A choice for each matter in which the two records differ; at first the kept one is right."""

    def __init__(self, data: Any = None, *, pair: Pair) -> None:
        super().__init__(data)
        self.pair = pair
        self.matters = [matter for matter in MATTERS if matter.name != "language" or _writes_in_several()]
        for matter in self.matters:
            if self._is_open(matter):
                self.fields[matter.name] = forms.ChoiceField(
                    label=matter.label,
                    choices=[(FROM_KEPT, _words(matter, pair.kept)), (FROM_GONE, _words(matter, pair.gone))],
                    # Two dates of birth may be two people: nobody passes them by.
                    initial=None if matter.name == "born" else FROM_KEPT,
                    widget=forms.RadioSelect,
                    error_messages={"required": _("Choose which one is right.")},
                )

    def _is_open(self, matter: Matter) -> bool:
        kept, gone = self.pair.kept, self.pair.gone
        both_know = not matter.is_blank(kept) and not matter.is_blank(gone)
        return both_know and matter.values(kept) != matter.values(gone)

    @property
    def from_gone(self) -> list[str]:
        """The matters in which the record that goes is right."""
        return [name for name, chosen in self.cleaned_data.items() if chosen == FROM_GONE]

    def rows(self) -> list[MatterRow]:
        """Return every matter of which a record knows something."""
        return [self._row(matter) for matter in self.matters if not self._is_unknown(matter)]

    def _is_unknown(self, matter: Matter) -> bool:
        return matter.is_blank(self.pair.kept) and matter.is_blank(self.pair.gone)

    def _row(self, matter: Matter) -> MatterRow:
        kept, gone = self.pair.kept, self.pair.gone
        return MatterRow(
            label=matter.label,
            kept=_words(matter, kept),
            gone=_words(matter, gone),
            field=self[matter.name] if matter.name in self.fields else None,
            is_added=matter.is_blank(kept),
        )


def _writes_in_several() -> bool:
    return any(len(languages) > 1 for languages in Clinic.objects.values_list("languages", flat=True))


def _words(matter: Matter, client: Client) -> str:
    """Return what a record knows of a matter, in words, a line per field."""
    return "\n".join(words for name in matter.fields if (words := _said(client, name)))


def _said(client: Client, name: str) -> str:
    value = getattr(client, name)
    if not value:
        return ""
    if isinstance(value, date):
        return date_format(value, "j M Y")
    if isinstance(value, PhoneNumber):
        return str(value.as_international)
    if name == "language":
        return _language(value)
    display = getattr(client, f"get_{name}_display", None)
    return str(display() if display else value)


def _language(code: str) -> str:
    """Return the name of a language; its code where it has none, as an import may have brought it."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code
