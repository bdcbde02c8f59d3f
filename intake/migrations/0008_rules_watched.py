"""Why there is a version of the rules, whom a finding alerted, and check-ins; floor rows kept by the database itself."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def evaluate_for_the_newest(apps, schema_editor):
    """Let everybody be evaluated by the rules that came last with the program."""
    newest = apps.get_model("intake", "RuleVersion").objects.order_by("-number").first()
    if newest is not None:
        apps.get_model("intake", "RuleChange").objects.create(version=newest, at=newest.published_at)


# Versions 1 and 2 came with the program; the first was stricter about what may be loosened than the domain asks.
GUARD = """
CREATE FUNCTION intake_keep_the_floor() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    ladder text[] := ARRAY['warn', 'cap', 'clear', 'block', 'postpone', 'same_day', 'emergency'];
    lost text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.number = OLD.number AND NEW.rules = OLD.rules THEN
        RETURN NEW;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'A version of the rules is frozen.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.number <= 2 THEN
        RETURN NEW;
    END IF;
    EXECUTE format($query$
        SELECT had.rule->>'code'
        FROM (
            SELECT jsonb_array_elements(rules) AS rule FROM %I.intake_ruleversion
            WHERE number = (SELECT max(number) FROM %I.intake_ruleversion WHERE number < $1)
        ) AS had
        WHERE (had.rule->>'is_floor')::boolean AND NOT EXISTS (
            SELECT FROM jsonb_array_elements($2) AS has (rule)
            WHERE has.rule->>'code' = had.rule->>'code'
            AND (has.rule->>'is_floor')::boolean
            AND has.rule->'when' IS NOT DISTINCT FROM had.rule->'when'
            AND (
                has.rule->>'effect' = had.rule->>'effect'
                OR array_position($3, has.rule->>'effect') > array_position($3, had.rule->>'effect')
            )
            AND (has.rule->>'effect' <> 'cap' OR (has.rule->>'cap')::integer <= (had.rule->>'cap')::integer)
        )
        LIMIT 1
    $query$, TG_TABLE_SCHEMA, TG_TABLE_SCHEMA) INTO lost USING NEW.number, NEW.rules, ladder;
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'The rule % may neither be loosened nor retired.', lost USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER rule_version_keeps_the_floor BEFORE INSERT OR UPDATE OR DELETE ON intake_ruleversion
FOR EACH ROW EXECUTE FUNCTION intake_keep_the_floor();
"""
UNGUARD = """
DROP TRIGGER rule_version_keeps_the_floor ON intake_ruleversion;
DROP FUNCTION intake_keep_the_floor();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0007_asking_by_itself"),
        ("scheduling", "0013_changes_lately"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(help_text="The day of the visit at its place")),
                ("answers", models.JSONField(default=dict, help_text="Question code of the rules → answer")),
                ("answered_at", models.DateTimeField()),
                (
                    "appointment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="check_in",
                        to="scheduling.appointment",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="check_in_by_day")],
            },
        ),
        migrations.CreateModel(
            name="RuleChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "act",
                    models.CharField(
                        blank=True,
                        choices=[("changed", "changed"), ("added", "added"), ("retired", "retired")],
                        max_length=8,
                    ),
                ),
                ("rule", models.CharField(blank=True, help_text="Code of the rule", max_length=60)),
                ("why", models.CharField(blank=True, max_length=240)),
                (
                    "evaluated_up_to",
                    models.BigIntegerField(default=0, help_text="Key of the last client evaluated anew"),
                ),
                ("evaluated_at", models.DateTimeField(help_text="When everybody had been", null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="change", to="intake.ruleversion"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("evaluated_at__isnull", True)),
                        fields=["version"],
                        name="rule_change_to_evaluate",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("by__isnull", True),
                            models.Q(
                                models.Q(("why", ""), _negated=True),
                                models.Q(("rule", ""), _negated=True),
                                ("act__in", ["changed", "added", "retired"]),
                            ),
                            _connector="OR",
                        ),
                        name="rule_change_says_what_and_why",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StaffAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("raised_at", models.DateTimeField()),
                ("effect", models.CharField(help_text="What the finding was when it was told", max_length=12)),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="alerts", to="intake.finding"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["raised_at"], name="staff_alert_by_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("finding", "effect"), name="staff_alert_is_raised_once")
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunPython(evaluate_for_the_newest, migrations.RunPython.noop),
    ]
