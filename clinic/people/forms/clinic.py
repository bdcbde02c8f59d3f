"""The forms about the clinic itself."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from crispy_forms.layout import Div, Fieldset
from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.people.forms.opened import OpenedForm
from clinic.people.models import Clinic, User
from clinic.people.services.clinic import set_logo, update_clinic

MOST_HOURS = 30 * 24
SHORTEST_HOLD, LONGEST_HOLD = 15, 24 * 60
A_SMALL_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?!\d)")
NUMBER_TO_CALL = RegexValidator(r"^\+?[0-9][0-9 ]*$", _("Only digits, as one dials them: 112."))


def number_to_call(**kwargs: Any) -> forms.CharField:
    """Return a field for a short number that a telephone dials."""
    widget = forms.TextInput(attrs={"class": "short", "type": "tel", "autocomplete": "off"})
    return forms.CharField(max_length=20, validators=[NUMBER_TO_CALL], widget=widget, **kwargs)


class ClinicForm(OpenedForm, forms.ModelForm[Clinic]):
    """What the clinic says of itself. In which language, only where there is more than one to choose from."""

    emergency_number = number_to_call(
        label=_("Emergency number"),
        help_text=_("Whoever reports warning signs is asked to call it. A location may have another."),
    )

    cancellation_hours = forms.IntegerField(
        label=_("Hours before"),
        min_value=0,
        max_value=MOST_HOURS,
        help_text=_(
            "Until then a visit is cancelled free of charge. It counts at once, for visits already booked too."
        ),
        widget=forms.NumberInput(attrs={"class": "short"}),
    )

    waitlist_hold_minutes = forms.IntegerField(
        label=_("Minutes for an answer"),
        min_value=SHORTEST_HOLD,
        max_value=LONGEST_HOLD,
        help_text=_("So long a free time is held for whom it is offered to; less where the visit is near."),
        widget=forms.NumberInput(attrs={"class": "short"}),
    )

    class Meta:
        model = Clinic
        fields = (
            "name",
            "letterhead",
            "language",
            "languages",
            "emergency_number",
            "cancellation_hours",
            "cancellation_policy",
            "waitlist_hold_minutes",
            "house_rules",
            "privacy_notice",
        )
        labels = {"name": _("Name")}
        help_texts = {
            "letterhead": _("The lines under the name, for letters and prints."),
            "house_rules": _("Lateness, payment, companions."),
        }
        widgets = {
            "letterhead": forms.Textarea(attrs={"rows": 3}),
            "house_rules": forms.Textarea(attrs={"rows": 5}),
            "privacy_notice": forms.Textarea(attrs={"rows": 6}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(settings.LANGUAGES) > 1:
            self.fields["language"] = forms.ChoiceField(
                label=_("Language of the clinic"),
                choices=settings.LANGUAGES,
                help_text=_("Of the clinic's own papers."),
            )
            self.fields["languages"] = forms.MultipleChoiceField(
                label=_("Clients are written to in"),
                choices=settings.LANGUAGES,
                widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
            )
        else:
            del self.fields["language"], self.fields["languages"]
        languages = [name for name in ("language", "languages") if name in self.fields]
        self.helper = laid_out(
            Fieldset(_("Who we are"), "name", "letterhead", "emergency_number", *languages),
            Fieldset(_("Cancelling"), "cancellation_hours", "cancellation_policy", css_class="mt-3"),
            Fieldset(_("Waitlist"), "waitlist_hold_minutes", css_class="mt-3"),
            Fieldset(_("For the booking page"), "house_rules", "privacy_notice", css_class="mt-3"),
        )

    def names_other_hours(self) -> bool:
        """Say whether the policy names a number, and it is not that of the hours nor of their days."""
        if not {"cancellation_hours", "cancellation_policy"} & {*self.changed_data}:
            return False
        hours = self.cleaned_data["cancellation_hours"]
        named = {int(number) for number in A_SMALL_NUMBER.findall(self.cleaned_data["cancellation_policy"])}
        return bool(named) and hours not in named | {24 * days for days in named}

    def keep(self, *, by: User, now: datetime) -> Clinic:
        """Write what was changed; raises ValidationError, and then nothing is written."""
        return update_clinic(by=by, now=now, **self.changed())


class LogoForm(forms.Form):
    """The picture that stands for the clinic."""

    logo = forms.FileField(
        label=_("Picture"),
        help_text=_("PNG or JPEG, at most 5 MB. It is made smaller and freed of what it says beside the picture."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out(Div("logo"))

    def keep(self, *, by: User, now: datetime) -> Clinic:
        """Show the picture; raises ValidationError beside the field for what is none."""
        return set_logo(by=by, now=now, upload=self.cleaned_data["logo"])
