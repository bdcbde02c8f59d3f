"""What a client is found by: one column that PostgreSQL keeps, and the indexes that search it.

The column stands outside the model, so that neither its reading nor the change history carries it along. Names inside
the functions are written with their schema: a restore and an index build look nothing up.
"""

from django.db import migrations

FOLD = """
-- Small letters without accents or apostrophes, one space where anything else stood between two words.
CREATE FUNCTION people_fold(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(
        translate(
            lower(public.unaccent('public.unaccent'::regdictionary, normalize(words, NFKC))),
            '-_+.,;:/|()[]{}<>"%\\!#$&*=?^~' || '''`´ʼ’‘', repeat(' ', 29)
        ), '\\s+', ' ', 'g'))
$$;

-- “/ legal name / preferred name / | e-mail +phone +other phone ”: folding leaves none of these signs in the parts.
-- A name with a hyphen stands twice, as two words and as one.
CREATE FUNCTION people_found_by(legal_name text, preferred_name text, email text, phone text, other_phone text)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT '/ ' || public.people_fold(legal_name) || ' / ' || public.people_fold(preferred_name) || ' / '
        || CASE WHEN legal_name || preferred_name LIKE '%-%'
            THEN public.people_fold(replace(legal_name || '/' || preferred_name, '-', '')) || ' / ' ELSE '' END
        || '| ' || public.people_fold(email) || ' +' || regexp_replace(phone, '\\D', '', 'g')
        || ' +' || regexp_replace(other_phone, '\\D', '', 'g') || ' '
$$;
"""

WORDS = """
-- How a typed word occurs: anywhere; one or two plain letters only at the beginning of a word, they are everywhere.
CREATE FUNCTION people_pattern(word text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(folded) < 3 THEN '% ' ELSE '%' END || folded || '%'
    FROM public.people_fold(word) folded
$$;

-- A word and what is left of it when any one letter is dropped. Two words that are one typo apart (a letter dropped,
-- doubled, replaced, or two swapped) always share one of these, in every script.
CREATE FUNCTION people_typos(word text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array(
        SELECT DISTINCT left(cut, gap - 1) || substr(cut, gap + 1)
        FROM left(public.people_fold(word), 12) cut, generate_series(1, length(cut) + 1) gap
    )
$$;

-- The same for each word of her names, and for its beginnings: it is searched while it is still being typed.
CREATE FUNCTION people_name_typos(found_by text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array(
        SELECT DISTINCT left(word, gap - 1) || substr(left(word, size), gap + 1)
        FROM string_to_table(split_part(found_by, '|', 1), ' ') word,
            generate_series(least(4, length(word)), least(12, length(word))) size,
            generate_series(1, size + 1) gap
        WHERE word NOT IN ('', '/')
    )
$$;

-- How many letters the typed words are away from her names; a beginning counts half a letter more than a whole word,
-- and of two names that are as near the shorter one comes first.
CREATE FUNCTION people_distance(words text, found_by text) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT sum(nearest) + length(split_part(found_by, '|', 1)) / 1000.0
    FROM string_to_table(left(public.people_fold(words), 80), ' ') typed, LATERAL (
        SELECT min(least(
            public.levenshtein(typed, left(word, 80)),
            public.levenshtein(typed, left(word, length(typed))) + 0.5
        )) nearest
        FROM string_to_table(split_part(found_by, '|', 1), ' ') word WHERE word NOT IN ('', '/')
    ) compared
$$;
"""

COLUMN = """
ALTER TABLE people_client ADD COLUMN found_by text NOT NULL
    GENERATED ALWAYS AS (people_found_by(legal_name, preferred_name, email, phone, other_phone)) STORED;
-- Serves ClientQuerySet.matching: each typed word anywhere in names, e-mail and phones.
CREATE INDEX client_found_by ON people_client USING gin (found_by gin_trgm_ops);
-- Serves ClientQuerySet.resembling: words of a name with one typo.
CREATE INDEX client_name_typos ON people_client USING gin (people_name_typos(found_by));
-- Serves ClientQuerySet.newest_first: the list of clients, and what the search shows before anything is typed.
CREATE INDEX client_newest ON people_client (created_at DESC, id DESC) WHERE archived_at IS NULL;
"""

BACK = """
ALTER TABLE people_client DROP COLUMN found_by;
DROP INDEX client_newest;
DROP FUNCTION people_distance, people_name_typos, people_typos, people_pattern, people_found_by, people_fold;
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0005_history_tells_the_moment")]

    operations = [
        # Comes with PostgreSQL; its owner may create it. For the distance between two words.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch", migrations.RunSQL.noop),
        migrations.RunSQL(FOLD + WORDS, migrations.RunSQL.noop),
        migrations.RunSQL(COLUMN, BACK),
    ]
