"""The forms about a therapist: the owner's, and the one about what clients read, which is also the therapist's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.forms.opened import OpenedForm
from clinic.people.models import Location, Modality, Room, Therapist, User
from clinic.people.models.therapists import FIRST_END, LAST_END, refuse_far_day
from clinic.people.services import (
    Held,
    add_therapist,
    change_profile,
    change_therapist,
    hand_over_clients,
    let_leave,
)
from clinic.people.services.pictures import PORTRAIT_SIDE, add_picture


class LastDayField(forms.DateField):
    """The last day on which something counts."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = {"min": FIRST_END.isoformat(), "max": LAST_END.isoformat()}
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "mid", **bounds})
        super().__init__(required=False, widget=widget, validators=[refuse_far_day], **kwargs)


class RoomField(forms.ModelChoiceField[Room]):
    """A room, named with its location."""

    def label_from_instance(self, obj: Room) -> str:
        return f"{obj.location}, {obj}"


# The fields of a row, before the modality's key.
OF_A_QUALIFICATION = ("held", "certificate", "expires")


@dataclass(frozen=True)
class QualificationRow:
    """One modality with its three fields, for the template."""

    modality: Modality
    is_held: forms.BoundField
    certificate: forms.BoundField
    expires_on: forms.BoundField


class TherapistForm(OpenedForm, forms.Form):
    """What an owner says about a therapist. Each modality has a row of its own: ticked is qualified."""

    # The days asked about on this page, for the template to bring back.
    over = ""
    licence_number = forms.CharField(label=_("Licence number"), max_length=40, required=False)
    licence_expires_on = LastDayField(
        label=_("Licence valid until"),
        help_text=_("Its last day. Later visits only an owner books, with a reason. Empty is not checked."),
    )
    colour = forms.ChoiceField(label=_("Colour"), choices=Therapist.Colour.choices, widget=forms.RadioSelect())
    locations = forms.ModelMultipleChoiceField(
        Location.objects.none(),
        label=_("Locations"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )
    usual_room = RoomField(
        Room.objects.none(),
        label=_("Usual room"),
        required=False,
        empty_label=_("none"),
        help_text=_("Visits get it while it is free."),
    )

    def __init__(self, data: Any = None, files: Any = None, *, therapist: Therapist, today: date) -> None:
        self.therapist, self.today = therapist, today
        held = {one.modality_id: one for one in therapist.qualifications.all()} if therapist.pk else {}
        self.modalities = list(Modality.objects.filter(Q(archived_at__isnull=True) | Q(pk__in=held)))
        locations = list(therapist.locations.all()) if therapist.pk else []
        initial: dict[str, Any] = {
            "licence_number": therapist.licence_number,
            "licence_expires_on": therapist.licence_expires_on,
            "colour": therapist.colour,
            "locations": locations,
            "usual_room": therapist.usual_room_id,
        }
        for modality in self.modalities:
            row = held.get(modality.pk)
            initial[f"held_{modality.pk}"] = row is not None
            initial[f"certificate_{modality.pk}"] = row.certificate if row else ""
            initial[f"expires_{modality.pk}"] = row.expires_on if row else None
        super().__init__(data, files, initial=initial)
        self._offer(locations)
        for modality in self.modalities:
            self._add_row(modality)

    @property
    def record(self) -> Therapist:
        return self.therapist

    def _offer(self, locations: Sequence[Location]) -> None:
        """Offer the places in use, and those she has although they are archived."""
        in_use = Q(archived_at__isnull=True)
        places, rooms = self.fields["locations"], self.fields["usual_room"]
        assert isinstance(places, forms.ModelChoiceField)  # noqa: S101 -- declared above; tells the type
        assert isinstance(rooms, forms.ModelChoiceField)  # noqa: S101 -- likewise
        places.queryset = Location.objects.filter(in_use | Q(pk__in=[one.pk for one in locations]))
        usual = Q(pk=self.therapist.usual_room_id)
        rooms.queryset = Room.objects.filter(in_use | usual).select_related("location")

    def _add_row(self, modality: Modality) -> None:
        words = {"modality": modality.name}
        self.fields[f"held_{modality.pk}"] = forms.BooleanField(label=modality.name, required=False)
        self.fields[f"certificate_{modality.pk}"] = forms.CharField(
            label=_("%(modality)s: certificate") % words, max_length=120, required=False
        )
        self.fields[f"expires_{modality.pk}"] = LastDayField(label=_("%(modality)s: valid until") % words)

    def qualification_rows(self) -> Iterator[QualificationRow]:
        """Yield each modality with its fields."""
        for one in self.modalities:
            yield QualificationRow(
                one, self[f"held_{one.pk}"], self[f"certificate_{one.pk}"], self[f"expires_{one.pk}"]
            )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        for one in self.modalities:
            # Of a row that was ticked before, the words beside it are what is being taken away.
            is_new = not self.initial[f"held_{one.pk}"] and not said.get(f"held_{one.pk}")
            if is_new and (said.get(f"certificate_{one.pk}") or said.get(f"expires_{one.pk}")):
                self.add_error(f"held_{one.pk}", _("Tick it too, or leave its certificate and date empty."))
        self._ask_about_days_that_are_over(said)
        return said

    def _ask_about_days_that_are_over(self, said: dict[str, Any]) -> None:
        """Ask once about each last day typed that is over; typed again, it is meant."""
        held = {f"expires_{one.pk}" for one in self.modalities if said.get(f"held_{one.pk}")}
        ends = {name: said.get(name) for name in self.changed_data if name in {"licence_expires_on", *held}}
        over = {f"{name}={day}": name for name, day in ends.items() if day and day < self.today}
        for told in over.keys() - {*self.data.get("over", "").split()}:
            self.add_error(
                over[told], _("This day is over: nothing can be booked with it. Is it right? Then save again.")
            )
        self.over = " ".join(over)

    def keep(self, *, by: User, now: datetime) -> Therapist:
        """Write what was typed or changed; raises ValidationError, and then nothing is written."""
        typed = self.changed() if self.therapist.pk else self.cleaned_data
        facts = {name: typed[name] for name in self.base_fields if name in typed}
        changed = [one for one in self.modalities if any(f"{of}_{one.pk}" in typed for of in OF_A_QUALIFICATION)]
        said = self.cleaned_data
        held = [
            Held(one, said[f"certificate_{one.pk}"], said[f"expires_{one.pk}"])
            for one in changed
            if said[f"held_{one.pk}"]
        ]
        if not self.therapist.pk:
            return add_therapist(by=by, now=now, user=self.therapist.user, qualifications=held, **facts)
        ended = [one for one in changed if not said[f"held_{one.pk}"]]
        return change_therapist(by=by, now=now, therapist=self.therapist, qualifications=held, no_longer=ended, **facts)


class LeaveForm(forms.Form):
    """When a therapist leaves."""

    last_day = LastDayField(
        label=_("Last day"),
        help_text=_("Until then everything is booked as before. Today means at once."),
    )

    def __init__(self, data: Any = None, *, therapist: Therapist) -> None:
        super().__init__(data, initial={"last_day": therapist.leaves_on})
        self.fields["last_day"].required = True
        self.fields["last_day"].widget.attrs["autofocus"] = True
        self.therapist = therapist

    def keep(self, *, by: User, now: datetime) -> Therapist:
        """Let her leave; raises ValidationError."""
        return let_leave(by=by, now=now, therapist=self.therapist, last_day=self.cleaned_data["last_day"])


class TherapistField(forms.ModelChoiceField[Therapist]):
    """A therapist, by name."""

    def label_from_instance(self, obj: Therapist) -> str:
        return obj.user.name


class HandOverForm(forms.Form):
    """Who gets the clients of a therapist."""

    to = TherapistField(Therapist.objects.none(), label=_("Pass on to"), empty_label=_("choose"))

    def __init__(self, data: Any = None, *, therapist: Therapist) -> None:
        super().__init__(data)
        self.therapist = therapist
        staying = Therapist.objects.filter(archived_at__isnull=True, leaves_on__isnull=True).exclude(pk=therapist.pk)
        self.fields["to"].queryset = staying.select_related("user").order_by("user__name")  # type: ignore[attr-defined]

    def keep(self, *, by: User, now: datetime) -> int:
        """Pass them on, and return how many they are; raises ValidationError."""
        return hand_over_clients(by=by, now=now, therapist=self.therapist, to=self.cleaned_data["to"])


class ProfileForm(OpenedForm, forms.Form):
    """What clients read and see of a therapist when they book."""

    biography = forms.CharField(
        label=_("Biography"),
        max_length=1500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("A few sentences in the therapist’s own words: training, manner of working, languages."),
    )
    photo = forms.FileField(
        label=_("Photo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=_("A quiet portrait; JPEG, PNG or WebP. It is made smaller here."),
    )
    without_photo = forms.BooleanField(label=_("Show no photo"), required=False)

    def __init__(self, data: Any = None, files: Any = None, *, therapist: Therapist) -> None:
        self.therapist = therapist
        super().__init__(data, files, initial={"biography": therapist.biography})
        if therapist.photo is None:
            del self.fields["without_photo"]

    @property
    def record(self) -> Therapist:
        return self.therapist

    @transaction.atomic
    def keep(self, *, by: User, now: datetime) -> Therapist:
        """Write what was changed; raises ValidationError, and then nothing is written."""
        facts = {name: fact for name, fact in self.changed().items() if name == "biography"}
        upload: UploadedFile[bytes] | None = self.cleaned_data["photo"]
        if upload:
            try:
                facts["photo"] = add_picture(now=now, upload=upload, longest_side=PORTRAIT_SIDE)
            except ValidationError as refused:
                raise ValidationError({"photo": refused}) from None
        elif self.cleaned_data.get("without_photo"):
            facts["photo"] = None
        return change_profile(by=by, now=now, therapist=self.therapist, **facts)
