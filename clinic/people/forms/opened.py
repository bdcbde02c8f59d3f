"""Of two who have the same form open, the later takes nothing back that the earlier has changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.choices import flatten_choices
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from clinic.audit.reading import who_changed
from clinic.people.models import User, clinic_zone

# Of a long text its beginning; the whole stands in the history.
SHOWN_CHARACTERS = 200


class OpenedForm(forms.BaseForm):
    """A form about what is there already, which remembers what it was opened with.

    What counts as changed is what she who typed has changed, not what a colleague did meanwhile. Where both changed the
    same, the later is told by whom, when and to what, and decides: what she typed stays, and saving again puts it in
    place. The template puts `opened_with` into the form; without it the form is compared with what is kept now.
    """

    # The fields in which a colleague was faster.
    overtaken: frozenset[str] = frozenset()

    @property
    def record(self) -> Model | None:
        """Whose history tells who changed a field."""
        return getattr(self, "instance", None)

    def opened_with(self) -> SafeString:
        """Return, as hidden inputs, what the form was opened with."""
        inputs = [(forms.HiddenInput().render(self._marker, "1"),)]
        for name, field in self.fields.items():
            if not (field.disabled or isinstance(field, forms.FileField)):
                told = self._kept(name) if name in self.overtaken else self._opened(name)
                inputs.append((field.hidden_widget().render(self[name].html_initial_name, told),))
        return format_html_join("", "{}", inputs)

    def full_clean(self) -> None:
        self.overtaken = frozenset()
        super().full_clean()
        if self.is_bound and self._remembers:
            self.overtaken = frozenset(name for name in self.changed_data if self._is_overtaken(name))
            for name in self.overtaken:
                self.add_error(name, self._who_was_faster(name))

    @cached_property
    def changed_data(self) -> list[str]:
        if not self._remembers:
            return super().changed_data
        return [name for name in self.fields if self._is_changed(name)]

    def changed(self) -> dict[str, Any]:
        """Return what was typed anew, once the form is valid."""
        return {name: fact for name, fact in self.cleaned_data.items() if name in self.changed_data}

    @property
    def _marker(self) -> str:
        return self.add_initial_prefix("form")

    @property
    def _remembers(self) -> bool:
        # An empty list leaves no input behind, so that it has been opened with something is said apart.
        return self._marker in self.data

    def _opened(self, name: str) -> Any:
        """Return what a field held when the form was opened, as its hidden input says it."""
        field, bound = self.fields[name], self[name]
        if self._remembers:
            return field.hidden_widget().value_from_datadict(self.data, self.files, bound.html_initial_name)
        return self._kept(name)

    def _kept(self, name: str) -> Any:
        """Return what a field holds now, as an input says it."""
        return self.fields[name].prepare_value(self[name].initial)

    def _is_changed(self, name: str) -> bool:
        field, bound = self.fields[name], self[name]
        if field.disabled:
            return False
        if isinstance(field, forms.FileField):
            return field.has_changed(bound.initial, bound.data)
        return self.differs(name, self._opened(name), bound.data)

    def _is_overtaken(self, name: str) -> bool:
        """Tell whether what is kept is neither what she saw nor what she typed."""
        if isinstance(self.fields[name], forms.FileField):
            return False
        kept = self._kept(name)
        return self.differs(name, self._opened(name), kept) and self.differs(name, kept, self[name].data)

    def differs(self, name: str, before: Any, after: Any) -> bool:
        """Tell whether a field's two inputs mean different things."""
        field = self.fields[name]
        try:
            return field.has_changed(field.to_python(_in_lines(before)), _in_lines(after))
        except ValidationError:
            return True

    def _who_was_faster(self, name: str) -> str:
        """Say who changed a field since it was opened, when, and to what."""
        known = who_changed(self.record, name) if self.record and self.record.pk else None
        who = User.objects.filter(pk=known.by).first() if known and known.by else None
        facts = {
            "kept": in_words(self.fields[name], self._kept(name)) or _("nothing"),
            "who": who.name if who else "",
            "at": date_format(localtime(known.at, clinic_zone()), "D j M Y, H:i") if known else "",
        }
        if who:
            words = _(
                "%(who)s changed this on %(at)s, after you opened it: now it is “%(kept)s”. Save again for yours."
            )
        else:
            words = _("This was changed after you opened it: now it is “%(kept)s”. Save again for yours.")
        return words % facts


def in_words(field: forms.Field, told: Any) -> str:
    """Return what a field holds, as its input says it, in the words of the page; of a long text its beginning."""
    if isinstance(field, forms.BooleanField):
        return _("yes") if told else _("no")
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices  # in groups or not, which the stubs do not know
        flat: list[tuple[Any, Any]] = list(flatten_choices(choices))
        labels = {str(value): str(label) for value, label in flat}
        several = told if isinstance(told, list | tuple | set) else [told]
        return ", ".join(labels.get(str(one), str(one)) for one in several if one not in field.empty_values)
    return Truncator(str(told or "")).chars(SHOWN_CHARACTERS)


def _in_lines(told: Any) -> Any:
    """Write the ends of lines as they are kept: a browser writes two signs for each."""
    return told.replace("\r\n", "\n") if isinstance(told, str) else told
