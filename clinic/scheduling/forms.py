"""What the desk asks for when it books: the wish on the left, a free time on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import BigIntegerField, Model, Q, QuerySet
from django.forms.models import ModelChoiceIterator
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clinic.lib.prepared import Given, Prepared
from clinic.lib.times import at_wall
from clinic.people.access import key_in
from clinic.people.models import Client, Location, Room, Service, Therapist
from clinic.people.records import records_of
from clinic.scheduling.availability import is_qualified
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import Because, ChosenVisit

M = TypeVar("M", bound=Model)

# What lies beyond is mistyped, and its sums would leave the calendar.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
# What `last_wish` says: nothing needs to be asked of an address or a form that says it all.
LAST_WISH = frozenset({"service", "therapist", "location"})


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"class": "mid", "min": FIRST_DAY, "max": LAST_DAY})


class DayField(forms.DateField):
    """A day on which there may be a visit."""

    def __init__(self, **kwargs: Any) -> None:
        bounds = (
            MinValueValidator(FIRST_DAY, _("That is too long ago.")),
            MaxValueValidator(LAST_DAY, _("That is too far ahead.")),
        )
        super().__init__(widget=DayInput(), validators=bounds, **kwargs)


class ClockInput(forms.TimeInput):
    """The browser's own clock."""

    input_type = "time"
    FORMAT = "%H:%M"

    def __init__(self) -> None:
        super().__init__(format=self.FORMAT, attrs={"class": "short"})


class WallField(forms.CharField):
    """A day and a time as the wall of a place shows them, without a zone."""

    def clean(self, value: Any) -> datetime | None:
        words = super().clean(value)
        if not words:
            return None
        try:
            found = parse_datetime(words)
        except ValueError:
            found = None
        if found is None or found.tzinfo is not None or not FIRST_DAY <= found.date() <= LAST_DAY:
            raise ValidationError(_("This is no day and time."))
        return found


def services() -> QuerySet[Service]:
    """Return what may be booked."""
    return Service.objects.filter(archived_at__isnull=True).select_related("modality")


def locations() -> QuerySet[Location]:
    """Return where it may be."""
    return Location.objects.filter(archived_at__isnull=True)


def therapists() -> QuerySet[Therapist]:
    """Return those who may be booked."""
    here = Therapist.objects.filter(archived_at__isnull=True)
    return here.select_related("user", "usual_room").order_by("user__name", "pk")


class RowIterator(ModelChoiceIterator[Any]):
    """The rows of a select, read once for a page: Django's asks anew at each look, by a cursor of the server."""

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from map(self.choice, self.queryset)


class RowField(forms.ModelChoiceField[M]):
    iterator = RowIterator


class OfferedField(RowField[M]):
    """One of the rows that are offered to everybody; which one is meant is asked by a prepared query."""

    def __init__(self, offered: Callable[[], QuerySet[M]], **kwargs: Any) -> None:
        super().__init__(offered(), **kwargs)
        self._by_key = Prepared(lambda: offered().order_by().filter(pk=Given("pk", BigIntegerField())))

    def to_python(self, value: Any) -> M | None:
        if value in self.empty_values:
            return None
        pk = key_in(str(value))
        found = None if pk is None else self._by_key.first(pk=pk)
        if found is None:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": value})
        return found


class RoomField(RowField[Room]):
    """Any room, or one by its name; with its location, where the clinic has several."""

    def __init__(self) -> None:
        rooms = Room.objects.filter(archived_at__isnull=True, location__archived_at__isnull=True)
        super().__init__(
            rooms.select_related("location").order_by("location", "name"),
            label=_("Room"),
            required=False,
            empty_label=_("Any that is free"),
        )

    def label_from_instance(self, room: Room) -> str:
        return _("%(room)s, %(location)s") % {"room": room, "location": room.location}


class WhenForm(forms.Form):
    """With whom, in which room, and on which day; at one location, where that is settled."""

    therapist = OfferedField(therapists, label=_("Therapist"), required=False, empty_label=_("Anyone qualified"))
    room = RoomField()
    on = DayField(label=_("Day"))

    def __init__(self, *args: Any, location: Location | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        room = self.fields["room"]
        assert isinstance(room, RoomField)  # noqa: S101 -- declared above; tells the type
        if location is not None:
            room.queryset = location.rooms.filter(archived_at__isnull=True).select_related("location")


class WishForm(WhenForm):
    """What is wanted, without the time."""

    service = OfferedField(services, label=_("Service"), empty_label=None)
    location = OfferedField(locations, label=_("Location"), empty_label=None)
    field_order = ("service", "therapist", "location", "room", "on")

    def clean(self) -> dict[str, Any]:
        refuse_unqualified(self, self.cleaned_data.get("on"))
        room, location = self.cleaned_data.get("room"), self.cleaned_data.get("location")
        if room and location and room.location_id != location.pk:
            self.add_error("room", ValidationError(_("This room is at another location.")))
        return self.cleaned_data


class TimeForm(forms.Form):
    """A free time as it was offered, or another one by the wall clock with a reason."""

    slot = forms.CharField(label=_("Time"), required=False)
    # By the minute: a visit is known again by the words of `choice_value`.
    other_time = forms.TimeField(
        label=_("Another time"), required=False, widget=ClockInput(), input_formats=[ClockInput.FORMAT]
    )
    override_reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=160,
        help_text=_(
            "Needed outside working hours, over a break or for a visit in the past; after the end of a licence "
            "only an owner’s counts. It stays with the visit."
        ),
    )
    key = forms.UUIDField(widget=forms.HiddenInput())
    # Where the page showed a visit that moves, as `choice_value` writes it.
    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def chosen(self, *, location: Location, on: date, therapist: Therapist | None) -> ChosenVisit:
        """Return the time that was chosen. Raises ValidationError beside its field."""
        wall = self.cleaned_data.get("other_time")
        if wall is not None:
            if therapist is None:
                raise ValidationError({"other_time": _("Choose a therapist first, then another time.")})
            return ChosenVisit(at_wall(location.zone, on, wall), therapist)
        if found := read_choice(self.cleaned_data.get("slot", ""), location, therapist):
            return found
        raise ValidationError({"slot": _("Choose a time.")})

    def seen_in(self, location: Location) -> ChosenVisit | None:
        """Return where the page showed the visit that moves; None for a page that did not say."""
        return read_choice(self.cleaned_data["seen"], location)

    @property
    def idempotency_key(self) -> UUID:
        key: UUID = self.cleaned_data["key"]
        return key


def choice_value(starts_at: datetime, therapist: Therapist, location: Location) -> str:
    """Return the value of one offered time: the wall clock of the place, and the therapist."""
    return f"{starts_at.astimezone(location.zone):%Y-%m-%dT%H:%M%z}_{therapist.pk}"


def read_choice(value: str, location: Location, known: Therapist | None = None) -> ChosenVisit | None:
    """Read what `choice_value` wrote; None for anything else."""
    return next(iter(read_choices([value], location, known)), None)


def read_choices(values: Sequence[str], location: Location, known: Therapist | None = None) -> list[ChosenVisit]:
    """Read what `choice_value` wrote, as many times as it did, and leave out anything else.

    One query, or none where all are with the therapist who is `known`.
    """
    found = [(starts_at, key) for value in values if (starts_at := _moment_in(value)) and (key := _key_in(value))]
    therapists = {known.pk: known} if known else {}
    # Also one who has left: a page may have been open since before, and a service says it in words.
    if unknown := {key for _starts_at, key in found} - therapists.keys():
        therapists |= Therapist.objects.select_related("user").in_bulk(unknown)
    return [ChosenVisit(starts_at, therapists[key]) for starts_at, key in found if key in therapists]


def _moment_in(value: str) -> datetime | None:
    try:
        starts_at = parse_datetime(value.rpartition("_")[0])
    except ValueError:
        return None
    is_known = starts_at and starts_at.tzinfo and FIRST_DAY <= starts_at.date() <= LAST_DAY
    return starts_at if is_known else None


def _key_in(value: str) -> int | None:
    return key_in(value.rpartition("_")[2])


class AgainForm(forms.Form):
    """Another time for the same visit, as the panel offered it."""

    at = WallField()
    key = forms.UUIDField()

    def starts_at_in(self, location: Location) -> datetime:
        """Return the moment that is meant."""
        wall: datetime = self.cleaned_data["at"]
        return at_wall(location.zone, wall.date(), wall.time())


class CancelForm(forms.Form):
    because = forms.TypedChoiceField(
        label=_("Who cancels"),
        choices=Because.choices,
        coerce=Because,
        initial=Because.CLIENT,
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    why = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=160,
        help_text=_("A word for the desk, as in “ill” or “travels”. Nothing about health beyond that."),
    )


class ServiceForm(forms.Form):
    """Another service for a visit, who gives it, and the reason for passing over a rule."""

    service = RowField(Service.objects.none(), label=_("Service"), empty_label=None)
    therapist = RowField(Therapist.objects.none(), label=_("Therapist"))
    override_reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=160,
        help_text=_(
            "Needed outside working hours, or for a length its modality does not take. It stays with the visit."
        ),
    )

    def __init__(self, data: Any = None, *, visit: Appointment) -> None:
        super().__init__(data, initial={"service": visit.service_id, "therapist": visit.therapist_id})
        service, therapist = self.fields["service"], self.fields["therapist"]
        assert isinstance(service, forms.ModelChoiceField)  # noqa: S101 -- declared above; tells the type
        assert isinstance(therapist, forms.ModelChoiceField)  # noqa: S101 -- the same
        # What is booked already keeps its service, also one that is offered no more.
        offered = Q(archived_at__isnull=True) | Q(pk=visit.service_id)
        service.queryset = Service.objects.filter(offered).select_related("modality")
        therapist.queryset = therapists()
        # Nobody is chosen in the place of one who has left.
        therapist.empty_label = _("Choose") if visit.therapist.archived_at else None
        self.visit = visit

    def clean(self) -> dict[str, Any]:
        refuse_unqualified(self, self.visit.local_start.date())
        return self.cleaned_data


def refuse_unqualified(form: forms.Form, day: date | None) -> None:
    """Say beside the therapist that she may not give this service on that day."""
    service, therapist = form.cleaned_data.get("service"), form.cleaned_data.get("therapist")
    if service and therapist and day and not is_qualified(therapist, service, day):
        form.add_error(
            "therapist",
            ValidationError(
                _("%(therapist)s may not give %(modality)s on that day."),
                params={"therapist": therapist, "modality": service.modality},
            ),
        )


def last_wish(client: Client) -> dict[str, Any]:
    """Return what she had last, to begin with: service, therapist and location, as far as they are still there."""
    visits = Appointment.objects.filter(client__among=records_of(client.pk))
    last = visits.select_related("therapist", "service", "location").order_by("-starts_at").first()
    hers = [client.primary_therapist, last.therapist if last else None]
    therapist = next((one.pk for one in hers if one and one.archived_at is None), "")
    service, location = (last.service, last.location) if last else (None, None)
    return {
        "service": service.pk if service and service.archived_at is None else _first(Service.objects.all()),
        "therapist": therapist,
        "location": location.pk if location and location.archived_at is None else _first(Location.objects.all()),
    }


def _first(rows: QuerySet[Any]) -> int | None:
    key: int | None = rows.filter(archived_at__isnull=True).values_list("pk", flat=True).first()
    return key
