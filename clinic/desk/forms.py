"""What the calendar's script says: times by the clock on the wall, and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.lib.times import at_wall
from clinic.people.models import Location, Room, Therapist
from clinic.scheduling.forms import WallField
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import ChosenVisit


class PlaceForm(forms.Form):
    """Where a block was dropped, where it was seen before, and the reason for passing over a rule."""

    at = WallField()
    location = forms.ModelChoiceField(Location.objects.filter(archived_at__isnull=True))
    therapist = forms.ModelChoiceField(Therapist.objects.select_related("user"), required=False)
    room = forms.ModelChoiceField(Room.objects.filter(archived_at__isnull=True), required=False)
    seen_at = WallField(required=False)
    seen_with = forms.ModelChoiceField(Therapist.objects.select_related("user"), required=False)
    reason = forms.CharField(required=False, max_length=160)

    def clean(self) -> dict[str, Any]:
        room, location = self.cleaned_data.get("room"), self.cleaned_data.get("location")
        if room and location and room.location_id != location.pk:
            self.add_error("room", ValidationError(_("This room is at another location.")))
        return self.cleaned_data

    @property
    def starts_at(self) -> datetime:
        wall: datetime = self.cleaned_data["at"]
        return at_wall(self.cleaned_data["location"].zone, wall.date(), wall.time())

    def seen(self, visit: Appointment) -> ChosenVisit | None:
        """Return where the page showed the visit; None for a page that did not say."""
        wall, therapist = self.cleaned_data["seen_at"], self.cleaned_data["seen_with"]
        if wall is None or therapist is None:
            return None
        return ChosenVisit(at_wall(visit.location.zone, wall.date(), wall.time()), therapist)


class LengthForm(forms.Form):
    """How long a visit takes, and the reason for passing over a rule."""

    minutes = forms.IntegerField(label=_("Minutes"), widget=forms.NumberInput(attrs={"class": "short"}))
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=160,
        help_text=_(
            "Needed outside working hours, or for a length its modality does not take. It stays with the visit."
        ),
    )
