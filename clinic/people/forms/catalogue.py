"""The forms about what can be booked, and about the clinic's own ways of working."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crispy_forms.layout import Div, Fieldset
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.forms import laid_out
from clinic.lib.money import places_of, read_amount, typed_amount
from clinic.people.forms.opened import OpenedForm
from clinic.people.models import Modality, Service, User
from clinic.people.services.catalogue import (
    LONGEST,
    SAFETY,
    SHORTEST,
    add_modality,
    add_service,
    length_in_words,
    range_in_words,
    update_modality,
    update_service,
    with_length,
)

LONGEST_BUFFER = 120
MOST_MINOR = 2**31 - 1


def minutes_field(label: Any, *, most: int, **kwargs: Any) -> forms.IntegerField:
    """Return a field for whole minutes."""
    widget = forms.NumberInput(attrs={"class": "short", "inputmode": "numeric", "step": 5})
    return forms.IntegerField(label=label, min_value=0, max_value=most, step_size=1, widget=widget, **kwargs)


class MoneyField(forms.CharField):
    """An amount in the clinic's currency, typed as money and cleaned to whole minor units."""

    widget = forms.TextInput(attrs={"class": "short", "inputmode": "decimal", "autocomplete": "off"})

    def __init__(self, *, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(max_length=20, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return typed_amount(value, self.currency) if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        typed = str(super().clean(value))
        minor = read_amount(typed, self.currency)
        if minor is None:
            raise ValidationError(_not_understood(typed, self.currency))
        if minor > MOST_MINOR:
            raise ValidationError(_("This is more than a visit can cost."))
        return minor


def _not_understood(typed: str, currency: str) -> str:
    facts = {"typed": typed, "currency": currency, "n": places_of(currency), "like": typed_amount(6850, currency)}
    if places_of(currency) == 0:
        return _("“%(typed)s” is no amount; %(currency)s has no decimals, as in %(like)s.") % facts
    return _("“%(typed)s” is no amount; %(currency)s has %(n)d decimals, as in %(like)s.") % facts


class ModalityField(forms.ModelChoiceField[Modality]):
    """A modality, named with the lengths in which it is given."""

    def label_from_instance(self, obj: Modality) -> str:
        return f"{obj} ({length_in_words(obj)})"


class ServiceForm(OpenedForm, forms.ModelForm[Service]):
    """What can be booked. Its modality is chosen once: visits are booked with it."""

    minutes = minutes_field(gettext_lazy("Length, minutes"), most=LONGEST)
    buffer_before = minutes_field(gettext_lazy("To prepare, minutes"), most=LONGEST_BUFFER)
    buffer_after = minutes_field(gettext_lazy("To tidy up, minutes"), most=LONGEST_BUFFER)

    class Meta:
        model = Service
        fields = (
            "modality",
            "name",
            "minutes",
            "price_minor",
            "buffer_before",
            "buffer_after",
            "description",
            "is_bookable_online",
            "is_open_to_new_clients",
        )
        labels = {
            "name": gettext_lazy("Name"),
            "description": gettext_lazy("Description"),
            "is_bookable_online": gettext_lazy("Clients book it online"),
            "is_open_to_new_clients": gettext_lazy("Open to new clients"),
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "name": gettext_lazy("As clients read it, with its length: Swedish, 60 min."),
            "description": gettext_lazy("Two sentences for the booking page."),
        }
        error_messages = {
            "name": {"unique": gettext_lazy("Another service has this name; look among the archived ones too.")}
        }

    def __init__(self, *args: Any, currency: str, like: Service | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.like = like
        self.fields["price_minor"] = MoneyField(
            currency=currency, label=_("Price, %(currency)s") % {"currency": currency}
        )
        offered = Q(archived_at__isnull=True) | Q(pk=self.instance.modality_id)
        modality = ModalityField(Modality.objects.filter(offered), label=_("Modality"), empty_label=_("Choose one"))
        modality.disabled = bool(self.instance.pk)
        self.fields["modality"] = modality
        if self.instance.modality_id:
            self.fields["minutes"].help_text = range_in_words(self.instance.modality)
        if like or self.instance.pk:
            self.fields["name"].help_text = _("A length in the name follows the new one by itself.")
        self.helper = laid_out(
            Fieldset(
                _("What it is"), "modality", "name", Div("minutes", "price_minor", css_class="two"), "description"
            ),
            Fieldset(
                _("Around it"),
                Div("buffer_before", "buffer_after", css_class="two"),
                css_class="mt-3",
            ),
            Fieldset(
                _("For the booking page"),
                Div("is_bookable_online", "is_open_to_new_clients"),
                css_class="mt-3",
            ),
        )

    def clean_name(self) -> str:
        """Let a copied name tell the new length."""
        name = str(self.cleaned_data["name"]).strip()
        minutes = str(self.data.get(self.add_prefix("minutes"), "")).strip()
        if self.like and name == self.like.name and minutes.isdecimal():
            return with_length(name, self.like.minutes, int(minutes))
        return name

    def keep(self, *, by: User, now: datetime) -> Service:
        """Write what was typed or changed; raises ValidationError, and then nothing is written."""
        if self.instance.pk:
            return update_service(by=by, now=now, service=self.instance, **self.changed())
        return add_service(by=by, now=now, **self.cleaned_data)


class ModalityForm(OpenedForm, forms.ModelForm[Modality]):
    """A way of working of the clinic's own. The safety rules take it for the strictest until it is loosened."""

    shortest_minutes = minutes_field(gettext_lazy("Shortest, minutes"), most=LONGEST, required=False)
    longest_minutes = minutes_field(gettext_lazy("Longest, minutes"), most=LONGEST, required=False)

    class Meta:
        model = Modality
        fields = (
            "name",
            "code",
            "shortest_minutes",
            "longest_minutes",
            "focus",
            "is_deep",
            "uses_static_compression",
            "works_head_or_neck",
        )
        labels = {
            "name": gettext_lazy("Name"),
            "code": gettext_lazy("Two letters"),
            "focus": gettext_lazy("Focus"),
            "is_deep": gettext_lazy("It works deep"),
            "uses_static_compression": gettext_lazy("It holds pressure on one spot"),
            "works_head_or_neck": gettext_lazy("It works at the head or the neck"),
        }
        widgets = {"code": forms.TextInput(attrs={"class": "short", "autocomplete": "off", "spellcheck": "false"})}
        help_texts = {
            "code": gettext_lazy("They stand for it in the calendar, as SW for Swedish."),
            "focus": gettext_lazy("What it is for, in one line."),
        }
        error_messages = {
            "name": {"unique": gettext_lazy("Another modality has this name.")},
            "code": {"unique": gettext_lazy("Another modality has these letters.")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out(
            Fieldset(
                _("What it is"),
                "name",
                "code",
                "focus",
                Div("shortest_minutes", "longest_minutes", css_class="two"),
            ),
            Fieldset(
                _("For the safety rules"),
                Div("is_deep", "uses_static_compression", "works_head_or_neck"),
                css_class="mt-3",
            ),
        )

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).strip().upper()
        if not (len(code) == 2 and code.isascii() and code.isalpha()):  # noqa: PLR2004  # two letters
            raise ValidationError(_("Two letters from A to Z."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        shortest, longest = cleaned.get("shortest_minutes"), cleaned.get("longest_minutes")
        if (shortest is None) != (longest is None) and not {"shortest_minutes", "longest_minutes"} & {*self.errors}:
            empty = "shortest_minutes" if shortest is None else "longest_minutes"
            self.add_error(empty, _("Give both lengths, or none."))
        elif shortest is not None and longest is not None and longest < shortest:
            self.add_error("longest_minutes", _("The longest is not shorter than the shortest."))
        elif shortest is not None and shortest < SHORTEST:
            self.add_error("shortest_minutes", _("At least five minutes."))
        return cleaned

    def is_loosened(self) -> bool:
        """Say whether one of the three was unticked."""
        return any(name in SAFETY and not fact for name, fact in self.changed().items())

    def keep(self, *, by: User, now: datetime) -> Modality:
        """Write what was typed or changed; raises ValidationError, and then nothing is written."""
        if self.instance.pk:
            return update_modality(by=by, now=now, modality=self.instance, **self.changed())
        return add_modality(by=by, now=now, **self.cleaned_data)
