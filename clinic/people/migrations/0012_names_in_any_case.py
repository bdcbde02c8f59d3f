"""Names of places differ by more than their capitals; a modality of the clinic's own can be archived."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models
from django.db.models.functions import Lower

# The later of two that differ in their capitals only gets its number beside its name.
TELL_APART = """
UPDATE {table} AS later SET name = left(later.name, {length} - 12) || ' (' || later.id || ')'
WHERE EXISTS (
    SELECT FROM {table} AS earlier WHERE earlier.id < later.id AND lower(earlier.name) = lower(later.name){same}
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0011_modalities_and_notes"),
    ]

    operations = [
        migrations.RunSQL(
            [
                TELL_APART.format(table="people_location", length=80, same=""),
                TELL_APART.format(table="people_room", length=40, same=" AND earlier.location_id = later.location_id"),
            ],
            migrations.RunSQL.noop,
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modality",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modality",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="modality",
            name="delete_delete",
        ),
        migrations.RemoveConstraint(
            model_name="room",
            name="room_name_is_unique_in_its_location",
        ),
        migrations.AddField(
            model_name="modality",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="archived"),
        ),
        migrations.AddField(
            model_name="modalityevent",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="archived"),
        ),
        migrations.AlterField(
            model_name="location",
            name="name",
            field=models.CharField(max_length=80, verbose_name="name"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modality",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_modalityevent" ("archived_at", "code", "consideration", "focus", "id", "ideal_for", "is_deep", "longest_minutes", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "shortest_minutes", "slug", "uses_static_compression", "works_head_or_neck") VALUES (NEW."archived_at", NEW."code", NEW."consideration", NEW."focus", NEW."id", NEW."ideal_for", NEW."is_deep", NEW."longest_minutes", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'insert\', NEW."id", NEW."shortest_minutes", NEW."slug", NEW."uses_static_compression", NEW."works_head_or_neck"); RETURN NULL;',
                    hash="cfe1eccffb60d11aa34dee9124918a27d39c3744",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_d1de0",
                    table="people_modality",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modality",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "people_modalityevent" ("archived_at", "code", "consideration", "focus", "id", "ideal_for", "is_deep", "longest_minutes", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "shortest_minutes", "slug", "uses_static_compression", "works_head_or_neck") VALUES (NEW."archived_at", NEW."code", NEW."consideration", NEW."focus", NEW."id", NEW."ideal_for", NEW."is_deep", NEW."longest_minutes", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'update\', NEW."id", NEW."shortest_minutes", NEW."slug", NEW."uses_static_compression", NEW."works_head_or_neck"); RETURN NULL;',
                    hash="0257925f8c05a7e6541c4ff2ceb2f6266f2cc3e9",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_b4739",
                    table="people_modality",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modality",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_modalityevent" ("archived_at", "code", "consideration", "focus", "id", "ideal_for", "is_deep", "longest_minutes", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "shortest_minutes", "slug", "uses_static_compression", "works_head_or_neck") VALUES (OLD."archived_at", OLD."code", OLD."consideration", OLD."focus", OLD."id", OLD."ideal_for", OLD."is_deep", OLD."longest_minutes", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'delete\', OLD."id", OLD."shortest_minutes", OLD."slug", OLD."uses_static_compression", OLD."works_head_or_neck"); RETURN NULL;',
                    hash="1f62d644a5978645ab28f7fc0e4ba5c583ac00f6",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_c2670",
                    table="people_modality",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="location",
            constraint=models.UniqueConstraint(
                Lower("name"),
                name="location_name_is_unique_in_any_case",
                violation_error_message="Another location has this name; look among the archived ones too.",
            ),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.UniqueConstraint(
                models.F("location"),
                Lower("name"),
                name="room_name_is_unique_in_its_location_in_any_case",
                violation_error_message="Another room here has this name; look among the archived ones too.",
            ),
        ),
    ]
