"""Of two who have the same form open, the later takes nothing back that the earlier has changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.safestring import SafeString


class OpenedForm(forms.BaseForm):
    """A form about what is there already, which remembers what it was opened with.

    What counts as changed is what she who typed has changed, not what a colleague did meanwhile. Its template puts
    `opened_with` into the form; without it the form is compared with what is kept now.
    """

    def opened_with(self) -> SafeString:
        """Return, as hidden inputs, what the form was opened with."""
        inputs = [(forms.HiddenInput().render(self._marker, "1"),)]
        for name, field in self.fields.items():
            if not (field.disabled or isinstance(field, forms.FileField)):
                inputs.append((field.hidden_widget().render(self[name].html_initial_name, self._opened(name)),))
        return format_html_join("", "{}", inputs)

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
        return field.prepare_value(bound.initial)

    def _is_changed(self, name: str) -> bool:
        field, bound = self.fields[name], self[name]
        if field.disabled:
            return False
        if isinstance(field, forms.FileField):
            return field.has_changed(bound.initial, bound.data)
        try:
            opened = field.to_python(self._opened(name))
        except ValidationError:
            return True
        return field.has_changed(opened, bound.data)
