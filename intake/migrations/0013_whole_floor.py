"""The database keeps of each floor row all that it says: also where, from when to when, and how it is asked."""

from django.db import migrations

# What the words for groups mean (clinic.lib.body), as it is at this migration.
GROUPS = """{
    "head": ["brow", "cheek", "ear_periauricular", "eye_orbit", "forehead", "jaw_masseter", "mastoid", "occiput",
        "parietal", "suboccipital", "temple", "tmj", "vertex"],
    "neck": ["c7_junction", "neck_anterior", "neck_lateral", "neck_posterior_lower", "neck_posterior_upper",
        "scalene", "scm", "suboccipital", "upper_trapezius"],
    "pulse_line": ["neck_anterior", "neck_lateral", "scalene", "scm", "supraclavicular"],
    "spine": ["c7_junction", "lumbar", "sacrum", "thoracic_lower", "thoracic_upper"],
    "chest": ["clavicle_pectoral", "sternum"],
    "legs": ["foot", "hip", "leg"],
    "all": ["abdomen", "arm", "brow", "c7_junction", "cheek", "clavicle_pectoral", "deltoid", "ear_periauricular",
        "eye_orbit", "foot", "forehead", "hand", "hip", "jaw_masseter", "leg", "levator_angle",
        "lumbar", "mastoid", "mouth_inside", "neck_anterior", "neck_lateral", "neck_posterior_lower",
        "neck_posterior_upper", "occiput", "parietal", "sacrum", "scalene", "scapula_infraspinous",
        "scapula_medial", "scm", "sternum", "suboccipital", "supraclavicular", "temple",
        "thoracic_lower", "thoracic_upper", "tmj", "upper_trapezius", "vertex"]
}"""

# In words of intake.rule_book: `_covers`.
COVERS = f"""
CREATE FUNCTION intake_scope_covers(wide jsonb, narrow jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
    SELECT coalesce((wide->>'pressure_from')::integer, 0) <= coalesce((narrow->>'pressure_from')::integer, 0)
    AND coalesce(narrow->'except_techniques', '[]') @> coalesce(wide->'except_techniques', '[]')
    AND (
        SELECT bool_and(
            coalesce(wide->part, '[]') = '[]'
            OR (coalesce(narrow->part, '[]') <> '[]' AND wide->part @> (narrow->part))
        )
        FROM unnest(ARRAY['modalities', 'techniques', 'positions', 'products']) AS part
    )
    AND CASE
        WHEN coalesce(wide->>'regions_from', '') = '' AND coalesce(wide->'regions', '[]') = '[]' THEN true
        WHEN coalesce(wide->>'regions_from', '') <> coalesce(narrow->>'regions_from', '') THEN false
        WHEN coalesce(wide->>'regions_from', '') <> '' THEN true
        WHEN coalesce(narrow->'regions', '[]') = '[]' THEN false
        ELSE (
            SELECT jsonb_agg(region)
            FROM jsonb_array_elements_text(wide->'regions') AS word,
            jsonb_array_elements_text(coalesce('{GROUPS}'::jsonb->word, jsonb_build_array(word))) AS region
        ) @> (
            SELECT jsonb_agg(region)
            FROM jsonb_array_elements_text(narrow->'regions') AS word,
            jsonb_array_elements_text(coalesce('{GROUPS}'::jsonb->word, jsonb_build_array(word))) AS region
        )
    END
$body$;
"""  # noqa: S608  # no word of anybody else

GUARD = """
CREATE OR REPLACE FUNCTION intake_keep_the_floor() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    -- Without “clear”: it stands high, but is the one effect that a doctor's paper lifts.
    ladder text[] := ARRAY['warn', 'cap', 'block', 'postpone', 'same_day', 'emergency'];
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
            AND (has.rule->'when' IS NULL OR has.rule->'when' = had.rule->'when')
            AND coalesce(has.rule->'is_asked_at_visit', 'false') = coalesce(had.rule->'is_asked_at_visit', 'false')
            AND CASE
                WHEN has.rule->>'effect' = had.rule->>'effect'
                THEN coalesce(has.rule->'cap', '0') <= coalesce(had.rule->'cap', '0')
                    AND has.rule->>'consent' IS NOT DISTINCT FROM had.rule->>'consent'
                WHEN had.rule->>'effect' = 'clear' THEN has.rule->>'effect' = ANY ($3[3:])
                ELSE array_position($3, has.rule->>'effect') > array_position($3, had.rule->>'effect')
            END
            AND (
                has.rule->'window' IS NULL
                OR has.rule#>>'{window,since}' = had.rule#>>'{window,since}'
                AND coalesce((has.rule#>>'{window,first_day}')::integer, 0)
                    <= coalesce((had.rule#>>'{window,first_day}')::integer, 0)
                AND (
                    has.rule#>>'{window,last_day}' IS NULL
                    OR (has.rule#>>'{window,last_day}')::integer >= (had.rule#>>'{window,last_day}')::integer
                )
            )
            AND (
                coalesce(has.rule->'applies_to', '[]') = '[]'
                OR coalesce(had.rule->'applies_to', '[]') <> '[]'
                AND NOT EXISTS (
                    SELECT FROM jsonb_array_elements(had.rule->'applies_to') AS narrow (scope)
                    WHERE NOT EXISTS (
                        SELECT FROM jsonb_array_elements(has.rule->'applies_to') AS wide (scope)
                        WHERE %I.intake_scope_covers(wide.scope, narrow.scope)
                    )
                )
            )
        )
        LIMIT 1
    $query$, TG_TABLE_SCHEMA, TG_TABLE_SCHEMA, TG_TABLE_SCHEMA) INTO lost USING NEW.number, NEW.rules, ladder;
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'The rule % may neither be loosened nor retired.', lost USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$body$;
"""
GUARD_BEFORE = """
CREATE OR REPLACE FUNCTION intake_keep_the_floor() RETURNS trigger
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
"""


class Migration(migrations.Migration):
    dependencies = [("intake", "0012_entered_from_paper")]

    operations = [
        migrations.RunSQL(COVERS, "DROP FUNCTION intake_scope_covers(jsonb, jsonb);"),
        migrations.RunSQL(GUARD, GUARD_BEFORE),
    ]
