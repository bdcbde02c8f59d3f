"""An import that is undone takes back what it brought, the word on e-mail and texts too; any other word stays for ever."""

from django.db import migrations

# After each statement, for all its rows at once: an import brings thousands.
LET_GO_WITH_THE_IMPORT = """
DROP TRIGGER people_contactconsent_is_only_added ON people_contactconsent;
CREATE TRIGGER people_contactconsent_is_only_added BEFORE UPDATE ON people_contactconsent
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_what_is_only_added();
ALTER TABLE people_contactconsent ENABLE ALWAYS TRIGGER people_contactconsent_is_only_added;

CREATE FUNCTION people_refuse_to_forget_consents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    IF EXISTS (
        SELECT client_id, at FROM gone
        EXCEPT
        SELECT client_pk::bigint, done_at FROM public.people_import, jsonb_array_elements(made) client_pk
        WHERE kind = 'clients' AND state = 'undoing'
    ) THEN
        RAISE EXCEPTION 'Rows of % are only ever added.', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER people_contactconsent_goes_only_with_its_import AFTER DELETE ON people_contactconsent
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION people_refuse_to_forget_consents();
ALTER TABLE people_contactconsent ENABLE ALWAYS TRIGGER people_contactconsent_goes_only_with_its_import;
"""

BACK = """
DROP TRIGGER people_contactconsent_goes_only_with_its_import ON people_contactconsent;
DROP FUNCTION people_refuse_to_forget_consents;
DROP TRIGGER people_contactconsent_is_only_added ON people_contactconsent;
CREATE TRIGGER people_contactconsent_is_only_added BEFORE UPDATE OR DELETE ON people_contactconsent
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_what_is_only_added();
ALTER TABLE people_contactconsent ENABLE ALWAYS TRIGGER people_contactconsent_is_only_added;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0017_waitlist_hold")]

    operations = [
        migrations.RunSQL(LET_GO_WITH_THE_IMPORT, BACK),
        migrations.RemoveField("import", "archived_count"),
    ]
