import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0016_online_booking"),
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
        migrations.AddField(
            model_name="clinic",
            name="waitlist_hold_minutes",
            field=models.PositiveSmallIntegerField(default=120, verbose_name="waitlist: a time is held for, minutes"),
        ),
        migrations.AddField(
            model_name="clinicevent",
            name="waitlist_hold_minutes",
            field=models.PositiveSmallIntegerField(default=120, verbose_name="waitlist: a time is held for, minutes"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clinic",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "people_clinicevent" ("cancellation_hours", "cancellation_policy", "currency", "emergency_number", "house_rules", "id", "language", "languages", "late_fee_percent", "letterhead", "logo_id", "name", "online_booking", "online_cancel_hours", "online_horizon_days", "online_lead_hours", "online_most_visits", "online_move_hours", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "privacy_notice", "set_up_at", "waitlist_hold_minutes") VALUES (NEW."cancellation_hours", NEW."cancellation_policy", NEW."currency", NEW."emergency_number", NEW."house_rules", NEW."id", NEW."language", NEW."languages", NEW."late_fee_percent", NEW."letterhead", NEW."logo_id", NEW."name", NEW."online_booking", NEW."online_cancel_hours", NEW."online_horizon_days", NEW."online_lead_hours", NEW."online_most_visits", NEW."online_move_hours", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'insert\', NEW."id", NEW."privacy_notice", NEW."set_up_at", NEW."waitlist_hold_minutes"); RETURN NULL;',
                    hash="d5373c25c473779c73473d2ae899f293a3a7f050",
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
                    func='INSERT INTO "people_clinicevent" ("cancellation_hours", "cancellation_policy", "currency", "emergency_number", "house_rules", "id", "language", "languages", "late_fee_percent", "letterhead", "logo_id", "name", "online_booking", "online_cancel_hours", "online_horizon_days", "online_lead_hours", "online_most_visits", "online_move_hours", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "privacy_notice", "set_up_at", "waitlist_hold_minutes") VALUES (NEW."cancellation_hours", NEW."cancellation_policy", NEW."currency", NEW."emergency_number", NEW."house_rules", NEW."id", NEW."language", NEW."languages", NEW."late_fee_percent", NEW."letterhead", NEW."logo_id", NEW."name", NEW."online_booking", NEW."online_cancel_hours", NEW."online_horizon_days", NEW."online_lead_hours", NEW."online_most_visits", NEW."online_move_hours", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'update\', NEW."id", NEW."privacy_notice", NEW."set_up_at", NEW."waitlist_hold_minutes"); RETURN NULL;',
                    hash="853af3a40b3e38b2e9eddbe253118e6cf583658c",
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
                    func='INSERT INTO "people_clinicevent" ("cancellation_hours", "cancellation_policy", "currency", "emergency_number", "house_rules", "id", "language", "languages", "late_fee_percent", "letterhead", "logo_id", "name", "online_booking", "online_cancel_hours", "online_horizon_days", "online_lead_hours", "online_most_visits", "online_move_hours", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "privacy_notice", "set_up_at", "waitlist_hold_minutes") VALUES (OLD."cancellation_hours", OLD."cancellation_policy", OLD."currency", OLD."emergency_number", OLD."house_rules", OLD."id", OLD."language", OLD."languages", OLD."late_fee_percent", OLD."letterhead", OLD."logo_id", OLD."name", OLD."online_booking", OLD."online_cancel_hours", OLD."online_horizon_days", OLD."online_lead_hours", OLD."online_most_visits", OLD."online_move_hours", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, COALESCE((NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\')::JSONB ->> \'at\')::TIMESTAMPTZ, NOW()), \'delete\', OLD."id", OLD."privacy_notice", OLD."set_up_at", OLD."waitlist_hold_minutes"); RETURN NULL;',
                    hash="432a252263bbf772e8a035b5fe2a4dc30c7058d7",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_5ee9b",
                    table="people_clinic",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="clinic",
            constraint=models.CheckConstraint(
                condition=models.Q(("waitlist_hold_minutes__range", (15, 1440))),
                name="clinic_waitlist_holds_15_minutes_to_a_day",
            ),
        ),
    ]
