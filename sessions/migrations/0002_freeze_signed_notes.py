"""Signed means frozen, by the database.

Plain triggers that fire for every role and in every replication mode; the app's role can neither disable them nor
truncate. The tables are named by the trigger's own schema and the search path is pinned, so that a temporary table of the
same name changes nothing. The note is read with FOR SHARE: a block that is written while the note is being signed waits
and then sees the signature.
"""

from django.db import migrations

FREEZE = """
CREATE FUNCTION treatment_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$body$;

CREATE FUNCTION treatment_refuse_change_of_signed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    touched bigint;
    state text;
BEGIN
    FOREACH touched IN ARRAY CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW.note_id]
        WHEN 'DELETE' THEN ARRAY[OLD.note_id]
        ELSE ARRAY[OLD.note_id, NEW.note_id]
    END LOOP
        EXECUTE format('SELECT state FROM %I.treatment_note WHERE id = $1 FOR SHARE', TG_TABLE_SCHEMA)
            INTO state USING touched;
        IF state = 'signed' THEN
            RAISE EXCEPTION 'The note is signed: nothing in it changes any more.'
                USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
        END IF;
    END LOOP;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$body$;

CREATE FUNCTION treatment_addendum_follows_signature() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    state text;
BEGIN
    EXECUTE format('SELECT state FROM %I.treatment_note WHERE id = $1', TG_TABLE_SCHEMA) INTO state USING NEW.note_id;
    IF state IS DISTINCT FROM 'signed' THEN
        RAISE EXCEPTION 'An addendum follows a signed note.'
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END
$body$;

CREATE TRIGGER note_signed_is_frozen BEFORE UPDATE OR DELETE ON treatment_note
    FOR EACH ROW WHEN (OLD.state = 'signed')
    EXECUTE FUNCTION treatment_refuse_change('The note is signed: it neither changes nor goes.');
CREATE TRIGGER block_of_signed_note_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON treatment_block
    FOR EACH ROW EXECUTE FUNCTION treatment_refuse_change_of_signed();
CREATE TRIGGER mark_of_signed_note_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON treatment_bodymark
    FOR EACH ROW EXECUTE FUNCTION treatment_refuse_change_of_signed();
CREATE TRIGGER addendum_follows_signature BEFORE INSERT ON treatment_addendum
    FOR EACH ROW EXECUTE FUNCTION treatment_addendum_follows_signature();
CREATE TRIGGER addendum_is_only_added BEFORE UPDATE OR DELETE ON treatment_addendum
    FOR EACH ROW EXECUTE FUNCTION treatment_refuse_change('An addendum is only ever added.');

ALTER TABLE treatment_note ENABLE ALWAYS TRIGGER note_signed_is_frozen;
ALTER TABLE treatment_block ENABLE ALWAYS TRIGGER block_of_signed_note_is_frozen;
ALTER TABLE treatment_bodymark ENABLE ALWAYS TRIGGER mark_of_signed_note_is_frozen;
ALTER TABLE treatment_addendum ENABLE ALWAYS TRIGGER addendum_follows_signature;
ALTER TABLE treatment_addendum ENABLE ALWAYS TRIGGER addendum_is_only_added;
"""

THAW = """
DROP TRIGGER addendum_is_only_added ON treatment_addendum;
DROP TRIGGER addendum_follows_signature ON treatment_addendum;
DROP TRIGGER mark_of_signed_note_is_frozen ON treatment_bodymark;
DROP TRIGGER block_of_signed_note_is_frozen ON treatment_block;
DROP TRIGGER note_signed_is_frozen ON treatment_note;
DROP FUNCTION treatment_addendum_follows_signature();
DROP FUNCTION treatment_refuse_change_of_signed();
DROP FUNCTION treatment_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("treatment", "0001_initial")]

    operations = [migrations.RunSQL(FREEZE, THAW)]
