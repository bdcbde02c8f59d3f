"""What has been used since it was imported, and so stays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db.models import ForeignObjectRel, Model, OuterRef, QuerySet, Subquery

from clinic.lib.lookups import keys


def locked(model: type[Model], pks: Collection[int]) -> set[int]:
    """Lock what is still there of these rows, also against new rows that point at them, and return its keys."""
    rows = model._default_manager.filter(pk__among=keys(pks)).order_by("pk").select_for_update()  # noqa: SLF001
    return set(rows.values_list("pk", flat=True))


def in_use(
    model: type[Model],
    pks: Collection[int],
    *,
    but_for: QuerySet[Any] | None = None,
    beside: Collection[type[Model]] = (),
) -> set[int]:
    """Return those of the rows that something points at, or that were changed since they were made.

    `but_for` are rows that the import itself made with them, `beside` the tables in which all rows are such: they do
    not count. One query for each relation.
    """
    used: set[int] = set()
    for relation in model._meta.get_fields(include_hidden=True):  # noqa: SLF001 -- public by Django's documentation
        if isinstance(relation, ForeignObjectRel) and not _is_left_aside(relation.related_model, beside):
            column = relation.field.attname if hasattr(relation.field, "attname") else ""
            if relation.many_to_many or not column:
                continue  # the rows of its table in between are a relation of their own
            pointing = relation.related_model._base_manager.filter(**{f"{column}__among": keys(pks)})  # noqa: SLF001
            if but_for is not None and relation.related_model is but_for.model:
                pointing = pointing.exclude(pk__in=but_for.values("pk"))
            used.update(pointing.values_list(column, flat=True))
    return used | _changed(model, pks)


def _changed(model: type[Model], pks: Collection[int]) -> set[int]:
    """Return those that were updated later than they were made, by their change history."""
    meta = model._meta  # noqa: SLF001 -- public by Django's documentation
    try:
        history = apps.get_model(meta.app_label, f"{meta.object_name}Event")._base_manager  # noqa: SLF001
    except LookupError:
        return set()
    made = history.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_label="insert").order_by("pgh_created_at")
    updated = history.filter(pgh_obj_id__among=keys(pks), pgh_label="update")
    later = updated.filter(pgh_created_at__gt=Subquery(made.values("pgh_created_at")[:1]))
    return set(later.values_list("pgh_obj_id", flat=True))


def _is_left_aside(model: type[Model], beside: Collection[type[Model]]) -> bool:
    """Tell whether rows of this table say nothing of use: those of the change history, and what the caller names."""
    return hasattr(model, "pgh_tracked_model") or model in beside
