"""How each thing stood when the keeping of its history began: the first row of what was there before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.migrations import RunPython

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

STOOD = "stood"


def tell_how_it_stood(app: str, *models: str) -> RunPython:
    """Return the operation of a migration that writes down all rows of these models as they are, once.

    It belongs beside what begins their history, before anybody can change them: the first change has a before.
    """

    def tell(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        for model in models:
            editor.execute(_all_rows(apps, app, model))

    return RunPython(tell, RunPython.noop)


def _all_rows(apps: Apps, app: str, model: str) -> str:
    rows, events = apps.get_model(app, model)._meta, apps.get_model(app, f"{model}Event")._meta  # noqa: SLF001
    columns = ", ".join(f'"{field.column}"' for field in events.fields if not field.name.startswith("pgh_"))
    return f"""
        INSERT INTO "{events.db_table}" ({columns}, pgh_obj_id, pgh_label, pgh_created_at)
        SELECT {columns}, id, '{STOOD}', now() FROM "{rows.db_table}" thing
        WHERE NOT EXISTS (SELECT FROM "{events.db_table}" told WHERE told.pgh_obj_id = thing.id) ORDER BY id
    """  # noqa: S608  # names of our own tables
