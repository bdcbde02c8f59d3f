"""A therapist may have a last day to come; a client is found by her date of birth."""

import datetime

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import clinic.people.models.therapists


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0013_price"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="therapist",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="therapist",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="therapist",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="therapist",
            name="leaves_on",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[clinic.people.models.therapists.refuse_far_day],
                verbose_name="last day",
            ),
        ),
        migrations.AddField(
            model_name="therapistevent",
            name="leaves_on",
            field=models.DateField(
                blank=True,
                null=True,
                validators=[clinic.people.models.therapists.refuse_far_day],
                verbose_name="last day",
            ),
        ),
        migrations.AddIndex(
            model_name="client",
            index=models.Index(fields=["born_on"], name="client_born_on"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="therapist",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_therapistevent" ("archived_at", "biography", "colour", "id", "leaves_on", "licence_expires_on", "licence_number", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photo_id", "user_id", "usual_room_id") VALUES (NEW."archived_at", NEW."biography", NEW."colour", NEW."id", NEW."leaves_on", NEW."licence_expires_on", NEW."licence_number", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'insert\', NEW."id", NEW."photo_id", NEW."user_id", NEW."usual_room_id"); RETURN NULL;',
                    hash="c928e2dd20e54eadc20f0a2e0a0216c6a156e8e9",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_40599",
                    table="people_therapist",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="therapist",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "people_therapistevent" ("archived_at", "biography", "colour", "id", "leaves_on", "licence_expires_on", "licence_number", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photo_id", "user_id", "usual_room_id") VALUES (NEW."archived_at", NEW."biography", NEW."colour", NEW."id", NEW."leaves_on", NEW."licence_expires_on", NEW."licence_number", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'update\', NEW."id", NEW."photo_id", NEW."user_id", NEW."usual_room_id"); RETURN NULL;',
                    hash="7c5c51b8f01f6dd1111f031074333e566c03e04e",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_9b15e",
                    table="people_therapist",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="therapist",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_therapistevent" ("archived_at", "biography", "colour", "id", "leaves_on", "licence_expires_on", "licence_number", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photo_id", "user_id", "usual_room_id") VALUES (OLD."archived_at", OLD."biography", OLD."colour", OLD."id", OLD."leaves_on", OLD."licence_expires_on", OLD."licence_number", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'delete\', OLD."id", OLD."photo_id", OLD."user_id", OLD."usual_room_id"); RETURN NULL;',
                    hash="5e4d3dbea62baf2dce5c4312acfe505a0d0bcf60",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d3bd9",
                    table="people_therapist",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="therapist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("leaves_on__isnull", True),
                    ("leaves_on__range", (datetime.date(2000, 1, 1), datetime.date(2199, 12, 31))),
                    _connector="OR",
                ),
                name="therapist_leaves_on_a_day_that_can_be",
            ),
        ),
    ]
