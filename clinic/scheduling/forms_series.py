"""What the desk asks for of a series: its rule, a change of it, its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, Service
from clinic.people.records import records_of
from clinic.scheduling.forms import (
    CancelForm,
    ClockInput,
    DayField,
    OfferedField,
    RoomField,
    RowField,
    locations,
    refuse_unqualified,
    services,
    therapists,
)
from clinic.scheduling.models import Appointment, Series, WeeklyHours
from clinic.scheduling.series import dates_until
from clinic.scheduling.services import MOST_VISITS, Which, Wished

COUNT, UNTIL = "count", "until"
# Where so many dates do not fit, the next will not either: each is made up for at the end, and must be decided anew.
MOST_LEFT_OUT = 26


class _WhatForm(forms.Form):
    """What, with whom and where."""

    service: RowField[Service] = OfferedField(services, label=_("Service"), empty_label=None)
    therapist = OfferedField(therapists, label=_("Therapist"), empty_label=None)
    location = OfferedField(locations, label=_("Location"), empty_label=None)


class SeriesForm(_WhatForm):
    """The rule of a series, with so many visits or until a day; once it is valid, `count` says how many that makes."""

    first_on = DayField(label=_("First visit"))
    at_time = forms.TimeField(label=_("Time"), widget=ClockInput(), input_formats=[ClockInput.FORMAT])
    every_weeks = forms.TypedChoiceField(
        label=_("Every"),
        choices=Series.Every.choices,
        coerce=int,
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    ends = forms.ChoiceField(
        label=_("Ends"),
        choices=[(COUNT, _("after so many visits")), (UNTIL, _("on a day"))],
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    count = forms.IntegerField(
        label=_("Visits"),
        min_value=2,
        max_value=MOST_VISITS,
        required=False,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )
    until = DayField(label=_("Last day"), required=False)
    continues = forms.ModelChoiceField(Series.objects.none(), required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, client: Client, leaving_out: Collection[date] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        continues = self.fields["continues"]
        assert isinstance(continues, forms.ModelChoiceField)  # noqa: S101 -- declared above; tells the type
        continues.queryset = Series.objects.filter(client__among=records_of(client.pk))
        self.leaving_out = leaving_out

    def clean(self) -> dict[str, Any]:
        refuse_unqualified(self, self.cleaned_data.get("first_on"))
        said = self.cleaned_data
        if said.get("ends") == UNTIL:
            self._count_until()
        elif said.get("ends") == COUNT and "count" in said and said["count"] is None:
            self.add_error("count", ValidationError(_("Say how many visits.")))
        if len(self.leaving_out) > MOST_LEFT_OUT:
            words = _("%(n)d dates are left out already. Choose another first day, time or therapist.")
            self.add_error("first_on", ValidationError(words, params={"n": len(self.leaving_out)}))
        return said

    def _count_until(self) -> None:
        said = self.cleaned_data
        until, first_on, every = said.get("until"), said.get("first_on"), said.get("every_weeks")
        if "until" in said and until is None:
            self.add_error("until", ValidationError(_("Say the last day.")))
        if not (until and first_on and every):
            return
        said["count"] = len(dates_until(first_on, every, until, self.leaving_out))
        if said["count"] < 1:
            self.add_error("until", ValidationError(_("No visit is left before that day.")))
        if said["count"] > MOST_VISITS:
            words = _("That makes %(n)d visits; a series has %(most)d at the most.")
            self.add_error("until", ValidationError(words, params={"n": said["count"], "most": MOST_VISITS}))

    @property
    def rule(self) -> dict[str, Any]:
        """Return the rule by which visits are previewed and booked."""
        return {name: value for name, value in self.cleaned_data.items() if name not in {"ends", "until", "continues"}}


class SeriesChangeForm(_WhatForm):
    """How much of a series is meant, and how it goes on."""

    which = forms.TypedChoiceField(label=_("Which"), choices=Which.choices, coerce=Which)
    service = RowField(Service.objects.none(), label=_("Service"), empty_label=None)
    weekday = forms.TypedChoiceField(label=_("Weekday"), choices=WeeklyHours.Weekday.choices, coerce=int)
    at_time = forms.TimeField(label=_("Time"), widget=ClockInput(), input_formats=[ClockInput.FORMAT])
    room = RoomField()
    field_order = ("which", "weekday", "at_time", "therapist", "service", "location", "room")

    def __init__(self, data: Mapping[str, Any], *, visit: Appointment) -> None:
        super().__init__(as_it_is(visit) | {name: data[name] for name in data if name in self.base_fields})
        service = self.fields["service"]
        assert isinstance(service, forms.ModelChoiceField)  # noqa: S101 -- declared above; tells the type
        # What is booked already keeps its service, also one that is offered no more.
        service.queryset = services() | Service.objects.filter(pk=visit.service_id).select_related("modality")
        self.visit = visit

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        room, location = said.get("room"), said.get("location")
        if room and location and room.location_id != location.pk:
            self.add_error("room", ValidationError(_("This room is at another location.")))
        return said

    @property
    def wished(self) -> Wished:
        """Return how the visits are wished."""
        said = self.cleaned_data
        return Wished(
            said["weekday"], said["at_time"], said["service"], said["therapist"], said["location"], said["room"]
        )


class SeriesCancelForm(CancelForm):
    """How much of a series is cancelled, by whom and why."""

    which = forms.TypedChoiceField(label=_("Which"), choices=Which.choices, coerce=Which, widget=forms.HiddenInput())
    key = forms.UUIDField(widget=forms.HiddenInput())


def as_it_is(visit: Appointment) -> dict[str, Any]:
    """Return the form's data for a series that goes on as this visit has it."""
    wall = visit.local_start
    at_time: time = wall.time()
    return {
        "which": Which.FOLLOWING,
        "weekday": wall.weekday(),
        "at_time": at_time.strftime(ClockInput.FORMAT),
        "therapist": visit.therapist_id,
        "service": visit.service_id,
        "location": visit.location_id,
        "room": "",
    }
