"""The rules of booking online, and who and what is shown there."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0014_import_rows"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="clinic",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="clinic",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="clinic",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="delete_delete",
        ),
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
            model_name="clinic",
            name="late_fee_percent",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Told to clients as a sum. 0 means that there is none.",
                verbose_name="fee for late cancelling, % of the price",
            ),
        ),
        migrations.AddField(
            model_name="clinic",
            name="online_booking",
            field=models.CharField(
                choices=[
                    ("closed", "closed"),
                    ("requests", "clients ask, the clinic answers"),
                    ("at_once", "clients book at once"),
                ],
                default="closed",
                max_length=10,
                verbose_name="online booking",
            ),
        ),
        migrations.AddField(
            model_name="clinic",
            name="online_cancel_hours",
            field=models.PositiveSmallIntegerField(default=2, verbose_name="cancelling online until, hours before"),
        ),
        migrations.AddField(
            model_name="clinic",
            name="online_horizon_days",
            field=models.PositiveSmallIntegerField(default=60, verbose_name="at most so many days ahead"),
        ),
        migrations.AddField(
            model_name="clinic",
            name="online_lead_hours",
            field=models.PositiveSmallIntegerField(default=12, verbose_name="at least so many hours ahead"),
        ),
        migrations.AddField(
            model_name="clinic",
            name="online_most_visits",
            field=models.PositiveSmallIntegerField(default=4, verbose_name="most visits to come for one client"),
        ),
        migrations.AddField(
            model_name="clinic",
            name="online_move_hours",
            field=models.PositiveSmallIntegerField(default=24, verbose_name="moving online until, hours before"),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="late_fee_percent",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="Told to clients as a sum. 0 means that there is none.",
                verbose_name="fee for late cancelling, % of the price",
            ),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="online_booking",
            field=models.CharField(
                choices=[
                    ("closed", "closed"),
                    ("requests", "clients ask, the clinic answers"),
                    ("at_once", "clients book at once"),
                ],
                default="closed",
                max_length=10,
                verbose_name="online booking",
            ),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="online_cancel_hours",
            field=models.PositiveSmallIntegerField(default=2, verbose_name="cancelling online until, hours before"),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="online_horizon_days",
            field=models.PositiveSmallIntegerField(default=60, verbose_name="at most so many days ahead"),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="online_lead_hours",
            field=models.PositiveSmallIntegerField(default=12, verbose_name="at least so many hours ahead"),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="online_most_visits",
            field=models.PositiveSmallIntegerField(default=4, verbose_name="most visits to come for one client"),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="online_move_hours",
            field=models.PositiveSmallIntegerField(default=24, verbose_name="moving online until, hours before"),
        ),
        migrations.AddField(
            model_name="location",
            name="is_bookable_online",
            field=models.BooleanField(default=True, verbose_name="bookable online"),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="is_bookable_online",
            field=models.BooleanField(default=True, verbose_name="bookable online"),
        ),
        migrations.AddField(
            model_name="therapist",
            name="is_shown_online",
            field=models.BooleanField(default=True, verbose_name="shown when booking online"),
        ),
        migrations.AddField(
            model_name="therapistevent",
            name="is_shown_online",
            field=models.BooleanField(default=True, verbose_name="shown when booking online"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clinic",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_clinicevent" ("cancellation_hours", "cancellation_policy", "currency", "emergency_number", "house_rules", "id", "language", "languages", "late_fee_percent", "letterhead", "logo_id", "name", "online_booking", "online_cancel_hours", "online_horizon_days", "online_lead_hours", "online_most_visits", "online_move_hours", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "privacy_notice", "set_up_at") VALUES (NEW."cancellation_hours", NEW."cancellation_policy", NEW."currency", NEW."emergency_number", NEW."house_rules", NEW."id", NEW."language", NEW."languages", NEW."late_fee_percent", NEW."letterhead", NEW."logo_id", NEW."name", NEW."online_booking", NEW."online_cancel_hours", NEW."online_horizon_days", NEW."online_lead_hours", NEW."online_most_visits", NEW."online_move_hours", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'insert\', NEW."id", NEW."privacy_notice", NEW."set_up_at"); RETURN NULL;',
                    hash="529cffb1ce82613b3a3d17c63df38300c8b1be44",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_cab59",
                    table="people_clinic",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clinic",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "people_clinicevent" ("cancellation_hours", "cancellation_policy", "currency", "emergency_number", "house_rules", "id", "language", "languages", "late_fee_percent", "letterhead", "logo_id", "name", "online_booking", "online_cancel_hours", "online_horizon_days", "online_lead_hours", "online_most_visits", "online_move_hours", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "privacy_notice", "set_up_at") VALUES (NEW."cancellation_hours", NEW."cancellation_policy", NEW."currency", NEW."emergency_number", NEW."house_rules", NEW."id", NEW."language", NEW."languages", NEW."late_fee_percent", NEW."letterhead", NEW."logo_id", NEW."name", NEW."online_booking", NEW."online_cancel_hours", NEW."online_horizon_days", NEW."online_lead_hours", NEW."online_most_visits", NEW."online_move_hours", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'update\', NEW."id", NEW."privacy_notice", NEW."set_up_at"); RETURN NULL;',
                    hash="e442649849473bbcab3f14dcd3a281d200c54dd6",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_010a9",
                    table="people_clinic",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clinic",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_clinicevent" ("cancellation_hours", "cancellation_policy", "currency", "emergency_number", "house_rules", "id", "language", "languages", "late_fee_percent", "letterhead", "logo_id", "name", "online_booking", "online_cancel_hours", "online_horizon_days", "online_lead_hours", "online_most_visits", "online_move_hours", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "privacy_notice", "set_up_at") VALUES (OLD."cancellation_hours", OLD."cancellation_policy", OLD."currency", OLD."emergency_number", OLD."house_rules", OLD."id", OLD."language", OLD."languages", OLD."late_fee_percent", OLD."letterhead", OLD."logo_id", OLD."name", OLD."online_booking", OLD."online_cancel_hours", OLD."online_horizon_days", OLD."online_lead_hours", OLD."online_most_visits", OLD."online_move_hours", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'delete\', OLD."id", OLD."privacy_notice", OLD."set_up_at"); RETURN NULL;',
                    hash="767bdb17ce36d8f223f85a2b6d52038ce2d38368",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_5ee9b",
                    table="people_clinic",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_locationevent" ("address", "archived_at", "directions", "emergency_number", "id", "is_bookable_online", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "time_zone") VALUES (NEW."address", NEW."archived_at", NEW."directions", NEW."emergency_number", NEW."id", NEW."is_bookable_online", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'insert\', NEW."id", NEW."phone", NEW."time_zone"); RETURN NULL;',
                    hash="22174f1ffe1063818073abe909ff3ad5e2ac6938",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_4a88f",
                    table="people_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "people_locationevent" ("address", "archived_at", "directions", "emergency_number", "id", "is_bookable_online", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "time_zone") VALUES (NEW."address", NEW."archived_at", NEW."directions", NEW."emergency_number", NEW."id", NEW."is_bookable_online", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'update\', NEW."id", NEW."phone", NEW."time_zone"); RETURN NULL;',
                    hash="51db1fe7b51a547ffbb6b9b0d697ba724f703283",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_08321",
                    table="people_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_locationevent" ("address", "archived_at", "directions", "emergency_number", "id", "is_bookable_online", "name", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "time_zone") VALUES (OLD."address", OLD."archived_at", OLD."directions", OLD."emergency_number", OLD."id", OLD."is_bookable_online", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'delete\', OLD."id", OLD."phone", OLD."time_zone"); RETURN NULL;',
                    hash="2ce8b3f1dc34690edfc0f016020047827d2c7baa",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_cf51f",
                    table="people_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="therapist",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_therapistevent" ("archived_at", "biography", "colour", "id", "is_shown_online", "leaves_on", "licence_expires_on", "licence_number", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photo_id", "user_id", "usual_room_id") VALUES (NEW."archived_at", NEW."biography", NEW."colour", NEW."id", NEW."is_shown_online", NEW."leaves_on", NEW."licence_expires_on", NEW."licence_number", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'insert\', NEW."id", NEW."photo_id", NEW."user_id", NEW."usual_room_id"); RETURN NULL;',
                    hash="b9a837133ddf517bc82c06b3d471daf45645b846",
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
                    func='INSERT INTO "people_therapistevent" ("archived_at", "biography", "colour", "id", "is_shown_online", "leaves_on", "licence_expires_on", "licence_number", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photo_id", "user_id", "usual_room_id") VALUES (NEW."archived_at", NEW."biography", NEW."colour", NEW."id", NEW."is_shown_online", NEW."leaves_on", NEW."licence_expires_on", NEW."licence_number", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'update\', NEW."id", NEW."photo_id", NEW."user_id", NEW."usual_room_id"); RETURN NULL;',
                    hash="1098cfcccd321eee33471efade33031fa2df89dc",
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
                    func='INSERT INTO "people_therapistevent" ("archived_at", "biography", "colour", "id", "is_shown_online", "leaves_on", "licence_expires_on", "licence_number", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "photo_id", "user_id", "usual_room_id") VALUES (OLD."archived_at", OLD."biography", OLD."colour", OLD."id", OLD."is_shown_online", OLD."leaves_on", OLD."licence_expires_on", OLD."licence_number", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'delete\', OLD."id", OLD."photo_id", OLD."user_id", OLD."usual_room_id"); RETURN NULL;',
                    hash="a35774d1cb1ecb10990110bd20fa17eba0872207",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_d3bd9",
                    table="people_therapist",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="clinic",
            constraint=models.CheckConstraint(
                condition=models.Q(("online_booking__in", ["closed", "requests", "at_once"])),
                name="clinic_online_booking_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="clinic",
            constraint=models.CheckConstraint(
                condition=models.Q(("online_horizon_days__range", (1, 365)), ("online_most_visits__range", (1, 104))),
                name="clinic_online_booking_has_its_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="clinic",
            constraint=models.CheckConstraint(
                condition=models.Q(("late_fee_percent__lte", 100)), name="clinic_late_fee_is_at_most_the_price"
            ),
        ),
    ]
