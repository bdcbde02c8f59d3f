"""Tables whose rows are only ever added: held by the database, for every role and in every replication mode."""

from django.db.migrations import RunSQL

REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change_of_what_is_only_added() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION 'Rows of % are only ever added.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END
$body$;
"""
HOLD = """
CREATE TRIGGER {table}_is_only_added BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_what_is_only_added();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_is_only_added;
"""
LET_GO = "DROP TRIGGER {table}_is_only_added ON {table};"


def only_added(table: str) -> RunSQL:
    """Return the operation of a migration that refuses to change or delete rows of this table.

    The function is one for all tables; taking a migration back leaves it, for others may use it.
    """
    return RunSQL(REFUSE + HOLD.format(table=table), LET_GO.format(table=table))
