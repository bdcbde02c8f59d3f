"""The forms about locations, their hours and their rooms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time
from typing import Any, NamedTuple

from crispy_forms.layout import Div, Fieldset
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.forms import laid_out
from clinic.people.forms.clinic import number_to_call
from clinic.people.forms.fields import PhoneField
from clinic.people.forms.opened import OpenedForm
from clinic.people.forms.setup import known_zones, zone_of_this_machine
from clinic.people.models import Location, Room, User, clinic_zone
from clinic.people.opening import OpenSpan
from clinic.people.services.places import (
    add_location,
    add_room,
    set_opening_hours,
    update_location,
    update_room,
)

MOST_SPANS = 4
WORKING_WEEK = range(1, 5)  # Tuesday to Friday, which may be as Monday is


class LocationForm(OpenedForm, forms.ModelForm[Location]):
    """A place where the clinic works."""

    phone = PhoneField(
        label=gettext_lazy("Phone"), help_text=gettext_lazy("With the country code, as in +351 912 345 678.")
    )
    emergency_number = number_to_call(
        label=gettext_lazy("Emergency number"),
        required=False,
        help_text=gettext_lazy("Only if it is not the clinic's."),
    )

    class Meta:
        model = Location
        fields = ("name", "address", "time_zone", "phone", "emergency_number", "directions")
        labels = {"name": gettext_lazy("Name")}
        widgets = {
            "directions": forms.Textarea(attrs={"rows": 4}),
        }
        help_texts = {
            "name": gettext_lazy("What people call it, for instance the street."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = known_zones()
        kept = self.instance.time_zone
        if kept and kept not in {name for _area, names in zones[1:] for name, _words in names}:
            zones.append((kept, kept))
        self.fields["time_zone"] = forms.ChoiceField(label=_("Time zone"), choices=zones)
        if not kept:
            self.initial["time_zone"] = clinic_zone().key if Location.objects.exists() else zone_of_this_machine()
        self.helper = laid_out(
            Fieldset(_("Where"), "name", "address", "time_zone", "directions"),
            Fieldset(_("To call"), Div("phone", "emergency_number", css_class="two"), css_class="mt-3"),
        )

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if Location.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("Another location has this name; look among the archived ones too."))
        return name

    def keep(self, *, by: User, now: datetime) -> Location:
        """Write what was typed or changed; raises ValidationError, and then nothing is written."""
        if self.instance.pk:
            return update_location(by=by, now=now, location=self.instance, **self.changed())
        return add_location(by=by, now=now, **self.cleaned_data)


class SpanFields(NamedTuple):
    """The two bound fields of one span, as the page shows them."""

    opens: forms.BoundField
    closes: forms.BoundField


class DayForm(forms.Form):
    """When the location is open on one weekday; without times it is closed."""

    def __init__(self, data: Mapping[str, str] | None, *, weekday: int, spans: int, initial: dict[str, time]) -> None:
        super().__init__(data, prefix=f"day{weekday}", initial=initial)
        self.weekday = weekday
        self.spans = spans
        for number in range(spans):
            for name, label in (("opens", _("%(day)s, opens")), ("closes", _("%(day)s, closes"))):
                self.fields[f"{name}{number}"] = forms.TimeField(
                    label=label % {"day": self.name},
                    required=False,
                    widget=forms.TimeInput(format="%H:%M", attrs={"type": "time", "class": "short"}),
                )

    @property
    def name(self) -> str:
        return str(WEEKDAYS[self.weekday])

    def rows(self) -> Iterator[SpanFields]:
        """Yield the fields of each span."""
        for number in range(self.spans):
            yield SpanFields(self[f"opens{number}"], self[f"closes{number}"])

    def clean(self) -> dict[str, Any]:
        until: time | None = None
        for number in range(self.spans):
            opens, closes = self.cleaned_data.get(f"opens{number}"), self.cleaned_data.get(f"closes{number}")
            if self._refuse(number, opens, closes, until):
                break
            until = closes or until
        return self.cleaned_data

    def _refuse(self, number: int, opens: time | None, closes: time | None, until: time | None) -> bool:
        """Put beside its field what is wrong with a span, given when the one before it closed."""
        if self.errors:
            return True
        if opens is None and closes is None:
            return False
        if opens is None:
            self.add_error(f"opens{number}", _("When does it open?"))
        elif closes is None:
            self.add_error(f"closes{number}", _("When does it close?"))
        elif closes <= opens:
            self.add_error(f"closes{number}", _("It closes after it opens; a night is two days."))
        elif until is not None and opens < until:
            self.add_error(f"opens{number}", _("It opens again only after it has closed."))
        return bool(self.errors)

    def open_spans(self) -> list[OpenSpan]:
        """Return what was typed."""
        pairs = ((self.cleaned_data[f"opens{n}"], self.cleaned_data[f"closes{n}"]) for n in range(self.spans))
        return [OpenSpan(self.weekday, opens, closes) for opens, closes in pairs if opens and closes]


class WeekForm:
    """The seven days of a location's opening hours."""

    def __init__(self, spans: Iterable[OpenSpan] = (), data: Mapping[str, str] | None = None) -> None:
        by_day: dict[int, list[OpenSpan]] = {day: [] for day in range(7)}
        for span in sorted(spans):
            by_day[span.weekday].append(span)
        self.days = [
            DayForm(
                data,
                weekday=day,
                spans=_spans_for(len(kept)) if data is None else _spans_in(data, day),
                initial=_initial(kept),
            )
            for day, kept in by_day.items()
        ]

    def is_valid(self) -> bool:
        return not self.with_errors()

    def with_errors(self) -> list[DayForm]:
        return [day for day in self.days if day.errors]

    def open_spans(self) -> list[OpenSpan]:
        return [span for day in self.days for span in day.open_spans()]

    def keep(self, *, by: User, now: datetime, location: Location) -> None:
        """Write the week; raises ValidationError, and then nothing is written."""
        set_opening_hours(by=by, now=now, location=location, spans=self.open_spans())


def with_monday_copied(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, with Tuesday to Friday as Monday is; nothing is saved."""
    monday = {name: value for name, value in data.items() if name.startswith("day0-")}
    copied = {name.replace("day0-", f"day{day}-"): value for day in WORKING_WEEK for name, value in monday.items()}
    return {**data, **copied}


def _spans_for(kept: int) -> int:
    """Return how many lines a day has: one more than are full."""
    return min(kept + 1, MOST_SPANS)


def _spans_in(data: Mapping[str, str], day: int) -> int:
    return max((n + 1 for n in range(MOST_SPANS) if f"day{day}-opens{n}" in data), default=1)


def _initial(spans: Iterable[OpenSpan]) -> dict[str, time]:
    initial: dict[str, time] = {}
    for number, span in enumerate(spans):
        initial |= {f"opens{number}": span.opens, f"closes{number}": span.closes}
    return initial


class RoomForm(OpenedForm, forms.ModelForm[Room]):
    """A room, and what is special about it."""

    features = forms.MultipleChoiceField(
        label=gettext_lazy("What it offers"),
        choices=[(value, capfirst(label)) for value, label in Room.Feature.choices],
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )

    class Meta:
        model = Room
        fields = ("name", "features")
        labels = {"name": gettext_lazy("Name")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out("name", "features")

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        others = Room.objects.filter(location=self.instance.location_id, name__iexact=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError(_("Another room here has this name; look among the archived ones too."))
        return name

    def keep(self, *, by: User, now: datetime) -> Room:
        """Write what was typed or changed; raises ValidationError, and then nothing is written."""
        if self.instance.pk:
            return update_room(by=by, now=now, room=self.instance, **self.changed())
        return add_room(by=by, now=now, location=self.instance.location, **self.cleaned_data)
