"""What is typed about working hours, time off and closures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.times import at_wall, day_bounds
from clinic.people.access import key_in
from clinic.people.models import Location, Room, Therapist
from clinic.scheduling.absences import Wanted
from clinic.scheduling.forms import ClockInput, DayField
from clinic.scheduling.slots import Span
from clinic.scheduling.working_week import Line, clash_in, week_words

MOST_LINES = 4
WORKING_WEEK = range(1, 5)  # Tuesday to Friday, which may be as Monday is
KINDS = (None, 0, 1)


class SeenForm(forms.Form):
    """The visits in the way that the page has shown."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def seen_keys(self) -> set[int]:
        """Return the keys of the visits that the page has shown."""
        return {key for word in self.cleaned_data["seen"].split(",") if (key := key_in(word)) is not None}


class FromDayForm(SeenForm):
    """From which day on the hours below count, and until when."""

    first = DayField(label=gettext_lazy("From"))
    last = DayField(
        label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: until they are changed again.")
    )

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day comes after the first."))
        return self.cleaned_data


@dataclass(frozen=True)
class LineFields:
    """The bound fields of one line, as the page shows them."""

    opens: forms.BoundField
    closes: forms.BoundField
    location: forms.BoundField
    weeks: forms.BoundField


class WorkdayForm(forms.Form):
    """When a therapist works on one weekday, and where; without times she does not."""

    def __init__(
        self,
        data: Mapping[str, str] | None,
        *,
        weekday: int,
        count: int,
        initial: dict[str, Any],
        locations: list[tuple[int, str]],
        weeks: list[tuple[str, str]],
    ) -> None:
        super().__init__(data, prefix=f"day{weekday}", initial=initial)
        self.weekday, self.count = weekday, count
        for number in range(count):
            day = {"day": self.name}
            self.fields[f"opens{number}"] = _clock(_("%(day)s, from") % day)
            self.fields[f"closes{number}"] = _clock(_("%(day)s, until") % day)
            self.fields[f"location{number}"] = forms.TypedChoiceField(
                label=_("%(day)s, where") % day, choices=locations, coerce=int, required=False, empty_value=None
            )
            self.fields[f"weeks{number}"] = forms.TypedChoiceField(
                label=_("%(day)s, in which weeks") % day, choices=weeks, coerce=int, required=False, empty_value=None
            )

    @property
    def name(self) -> str:
        return str(WEEKDAYS[self.weekday])

    def rows(self) -> Iterator[LineFields]:
        """Yield the fields of each line."""
        for number in range(self.count):
            yield LineFields(*(self[f"{name}{number}"] for name in ("opens", "closes", "location", "weeks")))

    def clean(self) -> dict[str, Any]:
        for number in range(self.count):
            self._refuse(number, *(self.cleaned_data.get(f"{name}{number}") for name in ("opens", "closes")))
        if not self.errors and (words := clash_in(self.lines())):
            self.add_error("opens0", words)
        return self.cleaned_data

    def lines(self) -> list[Line]:
        """Return what was typed."""
        said = self.cleaned_data
        return [
            Line(
                self.weekday, said[f"opens{n}"], said[f"closes{n}"], said[f"location{n}"], said[f"weeks{n}"]
            )
            for n in range(self.count)
            if said[f"opens{n}"]
        ]  # fmt: skip

    def _refuse(self, number: int, opens: Any, closes: Any) -> None:
        """Put beside its field what is wrong with a line."""
        if self.has_error(f"opens{number}") or self.has_error(f"closes{number}"):
            return
        if opens is None and closes is not None:
            self.add_error(f"opens{number}", _("From when?"))
        elif opens is not None and closes is None:
            self.add_error(f"closes{number}", _("Until when?"))
        elif opens is not None and closes <= opens:
            self.add_error(f"closes{number}", _("The end comes after the beginning, on the same day."))
        elif opens is not None and not self.cleaned_data.get(f"location{number}"):
            self.add_error(f"location{number}", _("Where?"))


class WorkweekForm:
    """The seven days of a therapist's working hours."""

    def __init__(
        self, lines: Iterable[Line], locations: Iterable[Location], around: date, data: Mapping[str, str] | None = None
    ) -> None:
        places = [(location.pk, location.name) for location in locations]
        self.has_places = len(places) > 1
        weeks = [("" if kind is None else str(kind), week_words(kind, around)) for kind in KINDS]
        by_day: dict[int, list[Line]] = {day: [] for day in range(7)}
        for line in sorted(lines, key=lambda line: (line.opens, line.closes)):
            by_day[line.weekday].append(line)
        self.days = [
            WorkdayForm(
                data,
                weekday=day,
                count=_count_for(len(kept)) if data is None else _count_in(data, day),
                initial=_initial(kept),
                locations=places,
                weeks=weeks,
            )
            for day, kept in by_day.items()
        ]

    def is_valid(self) -> bool:
        return not self.with_errors()

    def with_errors(self) -> list[WorkdayForm]:
        return [day for day in self.days if day.errors]

    def lines(self) -> list[Line]:
        return [line for day in self.days for line in day.lines()]


class TimeOffForm(SeenForm):
    """From when to when somebody is away or something closed; without times, whole days."""

    first = DayField(label=gettext_lazy("First day"))
    from_time = forms.TimeField(
        label=gettext_lazy("from"), required=False, widget=ClockInput(), input_formats=[ClockInput.FORMAT]
    )
    last = DayField(label=gettext_lazy("Last day"), required=False, help_text=gettext_lazy("Empty: the same day."))
    until_time = forms.TimeField(
        label=gettext_lazy("until"), required=False, widget=ClockInput(), input_formats=[ClockInput.FORMAT]
    )
    reason = forms.CharField(
        label=gettext_lazy("Shown as"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("What the calendar says, as in “Course” or “Holiday”. Nothing about health."),
    )
    field_order: Sequence[str] = ("first", "from_time", "last", "until_time", "reason")

    def __init__(self, data: Mapping[str, str] | None, *, now: datetime, zone: ZoneInfo) -> None:
        super().__init__(data)
        self.now, self.zone = now, zone

    def clean(self) -> dict[str, Any]:
        first = self.cleaned_data.get("first")
        if first is None or self.errors:
            return self.cleaned_data
        span = self.span(self.zone)
        if span.end <= span.start:
            beside = "until_time" if self.cleaned_data.get("until_time") else "last"
            self.add_error(beside, _("The end comes after the beginning."))
        elif span.end <= self.now:
            self.add_error("first", _("That is over already."))
        return self.cleaned_data

    def span(self, zone: ZoneInfo) -> Span:
        """Return the stretch by the wall of `zone`."""
        said = self.cleaned_data
        first, last = said["first"], said.get("last") or said["first"]
        start = at_wall(zone, first, said["from_time"]) if said.get("from_time") else day_bounds(zone, first)[0]
        end = at_wall(zone, last, said["until_time"]) if said.get("until_time") else day_bounds(zone, last)[1]
        return Span(start, end)

    def wanted(self, therapist: Therapist) -> list[Wanted]:
        """Return the therapist's absence."""
        return [Wanted(self.span(self.zone), self.cleaned_data["reason"], therapist=therapist)]


class ClosureForm(TimeOffForm):
    """What is closed: the whole clinic, a location or a room."""

    what = forms.ChoiceField(label=gettext_lazy("What is closed"))
    field_order: Sequence[str] = ("what", "first", "from_time", "last", "until_time", "reason")

    def __init__(self, data: Mapping[str, str] | None, *, now: datetime, zone: ZoneInfo) -> None:
        super().__init__(data, now=now, zone=zone)
        self.locations = list(Location.objects.filter(archived_at__isnull=True))
        rooms = Room.objects.filter(archived_at__isnull=True, location__in=self.locations).select_related("location")
        self.places: dict[str, Location | Room] = {f"location-{one.pk}": one for one in self.locations}
        self.places |= {f"room-{one.pk}": one for one in rooms.order_by("location", "name")}
        places = [(key, str(one)) for key, one in self.places.items() if isinstance(one, Location)]
        closable = [(key, f"{one.location}, {one}") for key, one in self.places.items() if isinstance(one, Room)]
        what = self.fields["what"]
        assert isinstance(what, forms.ChoiceField)  # noqa: S101 -- declared above; tells the type
        what.choices = [("all", _("The whole clinic")), (_("A location"), places), (_("A room"), closable)]

    def closures(self) -> list[Wanted]:
        """Return what is to be closed: for the whole clinic each location, by the clock on its own wall."""
        what, reason = self.cleaned_data["what"], self.cleaned_data["reason"]
        if what == "all":
            return [Wanted(self.span(one.zone), reason, location=one, is_clinics=True) for one in self.locations]
        place = self.places[what]
        if isinstance(place, Room):
            return [Wanted(self.span(place.location.zone), reason, room=place)]
        return [Wanted(self.span(place.zone), reason, location=place)]


def with_monday_copied(data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, with Tuesday to Friday as Monday is; nothing is saved."""
    monday = {name: value for name, value in data.items() if name.startswith("day0-")}
    copied = {name.replace("day0-", f"day{day}-"): value for day in WORKING_WEEK for name, value in monday.items()}
    return {**data, **copied}


def _clock(label: str) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, widget=ClockInput(), input_formats=[ClockInput.FORMAT])


def _count_for(kept: int) -> int:
    """Return how many lines a day has: one more than are full."""
    return min(kept + 1, MOST_LINES)


def _count_in(data: Mapping[str, str], day: int) -> int:
    return max((n + 1 for n in range(MOST_LINES) if f"day{day}-opens{n}" in data), default=1)


def _initial(lines: Iterable[Line]) -> dict[str, Any]:
    initial: dict[str, Any] = {}
    for n, line in enumerate(lines):
        facts = {"opens": line.opens, "closes": line.closes, "location": line.location}
        initial |= {f"{name}{n}": value for name, value in facts.items()}
        initial[f"weeks{n}"] = "" if line.kind is None else str(line.kind)
    return initial
