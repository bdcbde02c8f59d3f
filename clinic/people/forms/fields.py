"""What the forms about people are made of, beyond Django's own fields."""

from __future__ import annotations

from datetime import date
from typing import Any

from crispy_forms.utils import render_field
from django import forms
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import PhoneNumber

from clinic.people.dates import day_of, in_our_time
from clinic.people.phones import phone_number


class PhoneField(forms.CharField):
    """A phone number, however it is typed; cleaned to +351912345678."""

    def __init__(self, *, required: bool = False, max_length: int = 60, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}))
        super().__init__(required=required, max_length=max_length, **kwargs)

    def to_python(self, value: Any) -> str:
        return phone_number(super().to_python(value) or "")

    def prepare_value(self, value: Any) -> Any:
        return value.as_international if isinstance(value, PhoneNumber) and value.is_valid() else value


class DayField(forms.DateField):
    """A day of the past as people write it, day first: “4.3.2011”, “4 mar 2011”, “2011-03-04”.

    Not the browser's own field, which writes days as its language does, and not as the clinic's.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", _("Day first: 4.3.2011 or 4 March 2011."))
        kwargs.setdefault("widget", forms.TextInput(attrs={"autocomplete": "off", "class": "mid"}))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return value or None
        text = str(value).strip()
        return in_our_time(day_of(text, today=timezone.now().date())) if text else None

    def prepare_value(self, value: Any) -> Any:
        return date_format(value, "j F Y") if isinstance(value, date) else value


class Fold:
    """A part of a form that is folded away while it holds nothing: for crispy's layout, without script.

    It takes the names of fields, and crispy's own layout objects around them.
    """

    def __init__(self, title: Any, *inside: Any) -> None:
        self.title = title
        self.inside = inside

    def names(self) -> list[str]:
        """Return the names of the fields inside."""
        pointers = (part.get_field_names() for part in self.inside if not isinstance(part, str))
        nested = [pointer.name for found in pointers for pointer in found]
        return [part for part in self.inside if isinstance(part, str)] + nested

    def render(self, form: forms.BaseForm, context: Context, template_pack: str = "bootstrap5", **_kwargs: Any) -> str:
        """Render the fold, open where something stands in it or has to be put right."""
        fields = [form[name] for name in self.names()]
        parts = [render_field(part, form, context, template_pack=template_pack) for part in self.inside]
        return render_to_string(
            "people/parts/fold.html",
            {
                "title": self.title,
                "is_open": any(field.errors or field.value() for field in fields),
                "inside": mark_safe("".join(parts)),  # noqa: S308  # rendered by templates, piece by piece
            },
        )
