"""The forms by which visits that somebody leaves behind go to other therapists, at their own times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.people.forms.therapists import TherapistField
from clinic.people.models import Therapist
from clinic.scheduling.forms import choice_value
from clinic.scheduling.models import Appointment


class StandInForm(forms.Form):
    """For each visit, who is to give it; at first everything stays."""

    def __init__(
        self, data: Any = None, *, visits: Sequence[Appointment], free: Mapping[int, Sequence[Therapist]]
    ) -> None:
        super().__init__(data)
        self.visits, self.free = visits, free
        for visit in visits:
            choices = [(choice_value(visit.starts_at, one, visit.location), one.user.name) for one in free[visit.pk]]
            self.fields[f"to_{visit.pk}"] = forms.ChoiceField(
                label=_("Same time with"),
                choices=[("", _("nobody yet")), *choices],
                required=False,
                widget=forms.Select(attrs={"class": "form-select"}),
                error_messages={"invalid_choice": _("Not free any more. Choose again.")},
            )

    def rows(self) -> Iterator[tuple[Appointment, forms.BoundField, bool]]:
        """Yield each visit with its field, and whether anybody else is free then."""
        for visit in self.visits:
            yield visit, self[f"to_{visit.pk}"], bool(self.free[visit.pk])

    @property
    def offers_anybody(self) -> bool:
        """Say whether for any of the visits somebody else is free."""
        return any(self.free.values())

    def wishes(self) -> list[tuple[Appointment, Therapist]]:
        """Return the visits for which somebody was chosen."""
        return [
            (visit, one)
            for visit in self.visits
            for one in self.free[visit.pk]
            if self.cleaned_data[f"to_{visit.pk}"] == choice_value(visit.starts_at, one, visit.location)
        ]


class KeepForm(forms.Form):
    """Why a visit takes place though its therapist is away or has other hours by now."""

    override_reason = forms.CharField(
        label=_("Reason"), max_length=160, help_text=_("As in “Bea comes in for it”. It stays with the visit.")
    )


class AllToForm(forms.Form):
    """Who gets all of them, where free."""

    all_to = TherapistField(Therapist.objects.none(), label=_("Move all to"), empty_label=_("choose"))

    def __init__(self, data: Any = None, *, but: Therapist | None) -> None:
        super().__init__(data)
        staying = Therapist.objects.filter(archived_at__isnull=True, leaves_on__isnull=True)
        others = staying.exclude(pk=but.pk) if but else staying
        self.fields["all_to"].queryset = others.select_related("user").order_by("user__name")  # type: ignore[attr-defined]
