"""The values of a record in the words that people use for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Field, ForeignKey
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from clinic.audit.kinds import Manner, Part

# More than this is folded.
A_LONG_TEXT = 120

# (label of a model, key) → what the thing is called.
Called = Mapping[tuple[str, int], str]


@dataclass(frozen=True)
class Fact:
    """One field before and after; empty where nothing was said."""

    label: str
    before: str
    after: str

    @property
    def is_long(self) -> bool:
        return max(len(self.before), len(self.after)) > A_LONG_TEXT


def fields_of(part: Part) -> list[Field[Any, Any]]:
    """Return the fields of which a part tells, in the order of its model; never its key."""
    kept = {field.name for field in part.events._meta.fields}  # noqa: SLF001  # public by Django's documentation
    told = (part.model._meta.concrete_model or part.model)._meta.local_fields  # noqa: SLF001
    left_out = part.left_out | {"id"}
    return [field for field in told if field.name in kept - left_out]


def label_of_field(field: Field[Any, Any]) -> str:
    """Return what a form calls the field."""
    return str(capfirst(str(field.verbose_name)))


def in_words(part: Part, field: Field[Any, Any], value: Any, *, called: Called, manner: Manner) -> str:
    """Return a value as people say it; empty for what was left empty."""
    if value is None or value in ("", []):
        return ""
    if field.name in part.words:
        return str(part.words[field.name](value, manner))
    if isinstance(field, ForeignKey):
        return called.get((target_of(field), value)) or _("one that is gone")
    if isinstance(field, ArrayField):
        return ", ".join(_choice(field.base_field, one) for one in value)
    return _choice(field, value) if field.choices else _plain(value, manner)


def target_of(field: ForeignKey[Any, Any]) -> str:
    """Return the label of the model to which a foreign key leads."""
    return field.remote_field.model._meta.label_lower  # noqa: SLF001  # public by Django's documentation


def _choice(field: Field[Any, Any], value: Any) -> str:
    return str(dict(field.flatchoices).get(value, value))


def _plain(value: Any, manner: Manner) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(value.astimezone(manner.zone), "D j M Y, H:i")
    if isinstance(value, date):
        return date_format(value, "j M Y")
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return str(value)
