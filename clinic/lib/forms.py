"""What every form does: lie on its page, write what was typed, and show what a service refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

P = ParamSpec("P")
R = TypeVar("R")


def laid_out(*parts: object) -> FormHelper:
    """Return a form's `helper`: its fields in this order. The page writes the form's own tag."""
    helper = FormHelper()
    helper.form_tag = False
    helper.layout = Layout(*parts)
    return helper


def written(form: forms.BaseForm, write: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """Write, and return what was written; where it is refused, show why in the form and return None."""
    try:
        return write(*args, **kwargs)
    except ValidationError as refused:
        put_errors(form, refused)
        return None


def put_errors(form: forms.BaseForm, refused: ValidationError) -> None:
    """Put what a service refused beside the fields it speaks of; the rest into the summary."""
    if not hasattr(refused, "error_dict"):
        form.add_error(None, refused)
        return
    for name, errors in refused.error_dict.items():
        form.add_error(name if name in form.fields and name != NON_FIELD_ERRORS else None, errors)
