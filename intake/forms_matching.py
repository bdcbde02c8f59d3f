"""Field by field: what the record says, what she wrote, and which of the two is to stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from intake.matching import Match

KEEP, TAKE = "keep", "take"


class MatchForm(forms.Form):
    """For each field that differs: which to keep, what she wrote (to put right), and what the record said then."""

    def __init__(self, *args: Any, matches: Sequence[Match]) -> None:
        super().__init__(*args)
        self.matches = matches
        for match in matches:
            name = match.field
            self.fields[name] = forms.ChoiceField(
                label=match.label,
                choices=[
                    (KEEP, _("Keep: %(there)s") % {"there": match.there_words or _("nothing")}),
                    (TAKE, _("Take: %(wrote)s") % {"wrote": match.wrote_words}),
                ],
                required=False,
                initial=KEEP if match.there else TAKE,
                widget=forms.RadioSelect,
            )
            self.fields[f"{name}-wrote"] = forms.CharField(
                label=_("As it will stand"),
                initial=match.wrote,
                required=False,
                strip=True,
                max_length=300,
                widget=forms.TextInput() if match.is_typed else forms.HiddenInput(),
            )
            self.fields[f"{name}-there"] = forms.CharField(
                initial=match.there, required=False, strip=False, widget=forms.HiddenInput()
            )

    @property
    def rows(self) -> list[tuple[Match, BoundField, BoundField, BoundField]]:
        """The fields as the page shows them."""
        return [(m, self[m.field], self[f"{m.field}-wrote"], self[f"{m.field}-there"]) for m in self.matches]

    def chosen(self) -> dict[str, dict[str, str]]:
        """Return what is taken over, and what the record said when it was chosen."""
        said = self.cleaned_data
        taken = [match.field for match in self.matches if said[match.field] == TAKE]
        return {
            "taken": {name: said[f"{name}-wrote"] for name in taken},
            "seen": {name: said[f"{name}-there"].replace("\r\n", "\n") for name in taken},
        }
