"""The form about booking online."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crispy_forms.layout import Div, Fieldset
from django import forms
from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.people.forms.clinic import MOST_HOURS
from clinic.people.forms.opened import OpenedForm
from clinic.people.models import Clinic, Location, Therapist, User
from clinic.people.services.clinic import show_online, update_clinic

MOST_DAYS, MOST_VISITS, WHOLE_PRICE = 365, 104, 100
ABOUT_THE_CLINIC = (
    "online_booking",
    "online_lead_hours",
    "online_horizon_days",
    "online_most_visits",
    "online_cancel_hours",
    "online_move_hours",
    "late_fee_percent",
)


def _number(label: Any, lowest: int, highest: int, help_text: Any = "") -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=lowest, max_value=highest, help_text=help_text, widget=widget)


class BookingForm(OpenedForm, forms.ModelForm[Clinic]):
    """Whether and how clients book by themselves, with whom and where."""

    online_booking = forms.ChoiceField(
        label=_("Booking online is"),
        choices=[(value, capfirst(label)) for value, label in Clinic.OnlineBooking.choices],
        widget=forms.RadioSelect,
    )
    online_lead_hours = _number(_("Hours ahead, at least"), 0, MOST_HOURS)
    online_horizon_days = _number(_("Days ahead, at most"), 1, MOST_DAYS)
    online_most_visits = _number(
        _("Visits to come, at most"), 1, MOST_VISITS, _("For one client; whoever has more of them calls.")
    )
    online_cancel_hours = _number(_("Cancelling until, hours before"), 0, MOST_HOURS, _("After that, clients call."))
    online_move_hours = _number(_("Moving until, hours before"), 0, MOST_HOURS, _("After that, clients call."))
    late_fee_percent = _number(
        _("Fee for late cancelling, % of the price"), 0, WHOLE_PRICE, _("Clients read it as a sum. 0 is none.")
    )
    therapists = forms.ModelMultipleChoiceField(
        Therapist.objects.none(),
        label=_("Therapists shown"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )
    locations = forms.ModelMultipleChoiceField(
        Location.objects.none(),
        label=_("Locations shown"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )

    class Meta:
        model = Clinic
        fields = ABOUT_THE_CLINIC

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = Therapist.objects.filter(archived_at__isnull=True).select_related("user")
        self._offer("therapists", here, "is_shown_online")
        self._offer("locations", Location.objects.filter(archived_at__isnull=True), "is_bookable_online")
        self.helper = laid_out(
            Fieldset(None, "online_booking"),
            Fieldset(_("Who and where"), "therapists", "locations", css_class="mt-3"),
            Fieldset(
                _("When"),
                Div("online_lead_hours", "online_horizon_days", css_class="two"),
                "online_most_visits",
                css_class="mt-3",
            ),
            Fieldset(
                _("Cancelling and moving by oneself"),
                Div("online_cancel_hours", "online_move_hours", css_class="two"),
                "late_fee_percent",
                css_class="mt-3",
            ),
        )

    def _offer(self, name: str, rows: Any, shown: str) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 -- declared above; tells the type
        field.queryset = rows
        self.initial[name] = [one.pk for one in rows if getattr(one, shown)]

    @transaction.atomic
    def keep(self, *, by: User, now: datetime) -> Clinic:
        """Write what was changed; raises ValidationError, and then nothing is written."""
        changed: Any = {name: fact for name, fact in self.changed().items() if name in ABOUT_THE_CLINIC}
        if {"therapists", "locations"} & {*self.changed_data}:
            facts = self.cleaned_data
            show_online(by=by, now=now, therapists=facts["therapists"], locations=facts["locations"])
        return update_clinic(by=by, now=now, **changed)
