"""Find somebody by her guardian as well, and tell who may be the same person by the name.

What she is found by stands in 0006; the guardian's name stands behind the “|”, so that whose name was typed comes before
whose guardian's it is.
"""

from django.db import migrations

WORDS = """
-- The words of a name, folded, in the order of the alphabet: “Moreau, Alice” and “Alice  MOREAU” are the same.
CREATE FUNCTION people_name_words(name text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array(
        SELECT word FROM string_to_table(public.people_fold(name), ' ') word WHERE word <> '' ORDER BY word COLLATE "C"
    )
$$;

-- Two names, as words, are near where one word is one typo away, or stands in only one of them.
CREATE FUNCTION people_names_are_near(one text[], other text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT cardinality(only_one) <= 1 AND cardinality(only_other) <= 1 AND (
        cardinality(only_one) + cardinality(only_other) < 2
        OR public.people_typos(only_one[1]) && public.people_typos(only_other[1])
    )
    FROM (
        SELECT array(SELECT unnest(one) EXCEPT SELECT unnest(other)) only_one,
            array(SELECT unnest(other) EXCEPT SELECT unnest(one)) only_other
    ) different
$$;

-- Serves clinic.people.duplicates: the same name, however it is written.
CREATE INDEX client_name_words ON people_client (people_name_words(legal_name));
"""

GUARDIAN = """
CREATE FUNCTION people_found_by(
    legal_name text, preferred_name text, email text, phone text, other_phone text,
    guardian_name text, guardian_email text, guardian_phone text
) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT public.people_found_by(legal_name, preferred_name, email, phone, other_phone)
        || public.people_fold(guardian_name) || ' ' || public.people_fold(guardian_email)
        || ' +' || regexp_replace(guardian_phone, '\\D', '', 'g') || ' '
$$;
"""

COLUMN = """
ALTER TABLE people_client DROP COLUMN found_by;
ALTER TABLE people_client ADD COLUMN found_by text NOT NULL GENERATED ALWAYS AS (people_found_by({facts})) STORED;
CREATE INDEX client_found_by ON people_client USING gin (found_by gin_trgm_ops);
CREATE INDEX client_name_typos ON people_client USING gin (people_name_typos(found_by));
"""

HERS = "legal_name, preferred_name, email, phone, other_phone"
GUARDIANS = "guardian_name, guardian_email, guardian_phone"

BACK = """
DROP FUNCTION people_found_by(text, text, text, text, text, text, text, text);
DROP INDEX client_name_words;
DROP FUNCTION people_names_are_near, people_name_words;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0009_import_remarks")]

    operations = [
        migrations.RunSQL(WORDS + GUARDIAN, BACK),
        migrations.RunSQL(COLUMN.format(facts=f"{HERS}, {GUARDIANS}"), COLUMN.format(facts=HERS)),
    ]
