"""The form that sets the clinic up."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from crispy_forms.layout import Div, Fieldset
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.lib.times import zone_names
from clinic.people.models import User
from clinic.people.services import set_up_clinic

AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


def known_zones() -> list[tuple[str, Any]]:
    """Return the time zones that name a place, grouped by area, for a select."""
    groups: dict[str, list[tuple[str, str]]] = {area: [] for area in AREAS}
    for name in sorted(zone_names()):
        area = name.partition("/")[0]
        if area in groups:
            groups[area].append((name, name.replace("_", " ")))
    return [("", _("Choose the nearest city")), *groups.items()]


def zone_of_this_machine() -> str:
    """Guess the clinic's time zone from the machine it runs on; empty where it says nothing."""
    said = os.environ.get("TZ", "").lstrip(":") or str(Path("/etc/localtime").resolve()).rpartition("/zoneinfo/")[2]
    return said if said.partition("/")[0] in AREAS and said in zone_names() else ""


# The currencies in use by ISO 4217: one that is mistyped would stay for good.
CURRENCIES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR "
    "RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD "
    "TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)


class SetUpForm(forms.Form):
    """The clinic, its owner and its first location."""

    name = forms.CharField(label=_("Name of the clinic"), max_length=120)
    location_name = forms.CharField(
        label=_("First location"), max_length=80, help_text=_("What people call it, for instance the street.")
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=known_zones, initial=zone_of_this_machine)
    currency = forms.CharField(
        label=_("Currency"),
        max_length=3,
        initial="EUR",
        help_text=_("Three letters, as in EUR or USD. It stays for good."),
        widget=forms.TextInput(attrs={"class": "short", "autocomplete": "off", "spellcheck": "false"}),
    )
    owner_name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    owner_email = forms.EmailField(
        label=_("Your e-mail"),
        max_length=254,
        help_text=_("You sign in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    owner_password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least ten characters. A short sentence is easy to keep in mind."),
        # What was typed stays, also when something else on the page has to be put right.
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out(
            Fieldset(_("The clinic"), "name", "location_name", Div("time_zone", "currency", css_class="two")),
            Fieldset(_("You, its owner"), "owner_name", "owner_email", "owner_password", css_class="mt-3"),
        )

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).strip().upper()
        if currency not in CURRENCIES.split():
            raise ValidationError(_("No currency has these letters."))
        return currency

    def found(self, *, token: str, now: datetime) -> User:
        """Found the clinic and return its owner; raises ValidationError, and then nothing is written."""
        set_up_clinic(token=token, now=now, **self.cleaned_data)
        return User.objects.get(email__iexact=self.cleaned_data["owner_email"])
