"""What to show of the clinic's history."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from clinic.audit.kinds import record_kinds
from clinic.people.models import User
from clinic.people.models.therapists import refuse_far_day


class HistoryForm(forms.Form):
    """By whom, of what, on which day; what is left open is not asked for."""

    by = forms.ModelChoiceField(
        User.objects.exclude(roles=[]).order_by("name"), label=_("Who"), empty_label=_("anybody"), required=False
    )
    kind = forms.ChoiceField(label=_("What"), required=False)
    day = forms.DateField(
        label=_("Day"),
        required=False,
        validators=[refuse_far_day],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": _("Please give a day, as in 2026-11-19.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", _("anything")),
            *((name, capfirst(kind.title)) for name, kind in record_kinds.items()),
        ]

    @property
    def is_asking(self) -> bool:
        """Something was asked for."""
        return bool(self.chosen_by or self.chosen_kind or self.chosen_day)

    @property
    def chosen_by(self) -> int | None:
        """The key of the person."""
        user: User | None = self.cleaned_data.get("by")
        return user.pk if user else None

    @property
    def chosen_kind(self) -> str:
        """The name of the kind of record."""
        return str(self.cleaned_data.get("kind") or "")

    @property
    def chosen_day(self) -> date | None:
        """The day on the wall of the clinic."""
        day: date | None = self.cleaned_data.get("day")
        return day
