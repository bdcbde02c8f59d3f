"""What is typed when somebody is put on the waitlist."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import Div
from django import forms
from django.db.models import Q, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.people.models import Location, Service
from clinic.scheduling.forms import ClockInput, DayField, therapists
from clinic.scheduling.models import WeeklyHours, Wish
from clinic.scheduling.waitlist import LISTS, Wished


def _chips() -> forms.CheckboxSelectMultiple:
    return forms.CheckboxSelectMultiple(attrs={"class": "chips"})


def _clock(label: Any, help_text: Any = "") -> forms.TimeField:
    return forms.TimeField(
        label=label, help_text=help_text, required=False, widget=ClockInput(), input_formats=[ClockInput.FORMAT]
    )


class WishedForm(forms.Form):
    """What a client waits for. Lists in which nothing is chosen leave it open."""

    services = forms.ModelMultipleChoiceField(
        Service.objects.none(),
        label=_("Service"),
        widget=_chips(),
        error_messages={"required": _("Choose at least one service.")},
    )
    therapists = forms.ModelMultipleChoiceField(
        therapists(), label=_("With"), help_text=_("None chosen: anyone who gives it."), required=False, widget=_chips()
    )
    locations = forms.ModelMultipleChoiceField(
        Location.objects.none(),
        label=_("Where"),
        help_text=_("None chosen: anywhere."),
        required=False,
        widget=_chips(),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On"),
        help_text=_("None chosen: on any day."),
        choices=WeeklyHours.Weekday.choices,
        coerce=int,
        required=False,
        widget=_chips(),
    )
    not_before = _clock(_("Not before"))
    not_after = _clock(_("Over by"))
    first_on = DayField(label=_("From the day"), required=False)
    last_on = DayField(label=_("To the day"), required=False)
    is_urgent = forms.BooleanField(
        label=_("Urgent"), help_text=_("Is offered a time before all others."), required=False
    )
    note = forms.CharField(
        label=_("Note for the desk"),
        help_text=_("As in “only after four on school days”. Nothing about health."),
        required=False,
        max_length=160,
    )

    def __init__(self, *args: Any, wish: Wish | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What she wished for stays on the form, also where it is offered no more.
        self._offer("services", Service.objects.all(), wish)
        self._offer("locations", Location.objects.all(), wish)
        self.fields["weekdays"].choices = [(value, capfirst(label)) for value, label in WeeklyHours.Weekday.choices]  # type: ignore[attr-defined]  # declared above
        times = Div("not_before", "not_after", css_class="row-x wrap top")
        days = Div("first_on", "last_on", css_class="row-x wrap top")
        places = ("locations",) if Location.objects.filter(archived_at__isnull=True)[1:].exists() else ()
        self.helper = laid_out("services", "therapists", *places, "weekdays", times, days, "is_urgent", "note")

    def _offer(self, name: str, things: QuerySet[Any], wish: Wish | None) -> None:
        kept = getattr(wish, name).values("pk") if wish else []
        field = self.fields[name]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 -- declared above; tells the type
        field.queryset = things.filter(Q(archived_at__isnull=True) | Q(pk__in=kept))

    def wished(self) -> Wished:
        """Return what was typed."""
        return Wished(**self.cleaned_data)


def typed_for(wish: Wish) -> dict[str, Any]:
    """Return how the form begins for a wish that is changed."""
    return {
        name: getattr(wish, name).all() if name in LISTS else getattr(wish, name) for name in WishedForm.base_fields
    }
