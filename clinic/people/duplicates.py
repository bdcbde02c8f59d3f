"""Who here may be the same person as somebody who is typed in, or brought by a file: the rules, in one place.

The same e-mail, one phone the same, the same name where no two dates of birth speak against it, or the same date of
birth and nearly the same name. Archived records count, and one that was merged speaks for the one that was kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# More would be a list to read while the caller waits; a whole street may share the phone of a care home.
MOST = 4
# What more have than ever share one, as the clinic's own address where somebody has none, says little of anybody: so
# many of them are looked at. A thousand who are brought and a thousand who are here would be a million pairs; so they
# would where a file calls everybody “Walk-in”, or gives everybody one day of birth.
CROWD = 8

# In the order in which they tell.
REASONS: dict[str, StrOrPromise] = {
    "name": _("same name"),
    "near": _("nearly the same name"),
    "born": _("same date of birth"),
    "phone": _("same phone"),
    "email": _("same e-mail"),
}


@dataclass(frozen=True)
class Given:
    """What is told of somebody; what is not known is left empty."""

    legal_name: str = ""
    born_on: date | None = None
    email: str = ""
    phone: str = ""
    other_phone: str = ""


@dataclass(frozen=True)
class Likeness:
    """The record with this key may be of the person who was given at this place, for these reasons."""

    place: int
    client_pk: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Twin:
    """Somebody who may be the same person, and by what."""

    client: Client
    same: tuple[str, ...]


# Two names are near (people_names_are_near) where they share such a key: all words of one and all but one of the other,
# or all but one of both and that one with a letter left out. A day of birth that half of a list has, for want of a
# better one, costs no more so.
NEAR_KEYS = """    SELECT {who}, born_on, '{whole}' || words::text AS key FROM {of} WHERE words <> '{{}}'
    UNION SELECT {who}, born_on, '{less}' || array_remove(words, word)::text FROM {of}, unnest(words) word
    UNION SELECT {who}, born_on, array_remove(words, word)::text || typo
        FROM {of}, unnest(words) word, unnest(people_typos(word)) typo
"""

# An e-mail or a phone that was given, as a record has it.
SHARED_MARKS = """    SELECT id, {mark} AS mark FROM people_client
    WHERE {mark} IN (SELECT mark FROM given_marks) AND NOT COALESCE(merged_into_id, id) = ANY(%(but)s)"""

# Each join is one hash or one look into an index, where an OR would be a loop over everybody.
ALIKE = """
WITH given AS MATERIALIZED (
    SELECT *, people_name_words(name) AS words FROM unnest(
        %(places)s::int[], %(names)s::text[], %(births)s::date[], %(emails)s::text[], %(phones)s::text[],
        %(other_phones)s::text[]
    ) AS given (place, name, born_on, email, phone, other_phone)
), given_marks AS MATERIALIZED (
    SELECT place, mark FROM given, unnest(ARRAY[upper(email), phone, other_phone]) mark WHERE mark <> ''
), client_marks AS MATERIALIZED (
{client_marks}
), few_marks AS (
    SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY mark ORDER BY id) AS nth FROM client_marks) numbered
    WHERE nth <= %(crowd)s
), namesakes AS MATERIALIZED (
    SELECT id, words, born_on, row_number() OVER (PARTITION BY words, born_on ORDER BY id) AS nth_born_then,
        row_number() OVER (PARTITION BY words, born_on IS NULL ORDER BY id) AS nth
    FROM (SELECT DISTINCT words FROM given WHERE words <> '{{}}') named
    JOIN people_client client ON people_name_words(client.legal_name) = words
    WHERE NOT COALESCE(client.merged_into_id, client.id) = ANY(%(but)s)
), few_namesakes AS MATERIALIZED (
    SELECT * FROM namesakes WHERE nth <= %(crowd)s
), born_then AS MATERIALIZED (
    SELECT id, born_on, people_name_words(legal_name) AS words FROM people_client
    WHERE born_on IN (SELECT born_on FROM given) AND NOT COALESCE(merged_into_id, id) = ANY(%(but)s)
), given_keys AS MATERIALIZED (
{given_keys}), client_keys AS MATERIALIZED (
{client_keys}), few_keys AS MATERIALIZED (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY born_on, key ORDER BY id) AS nth
        FROM client_keys WHERE (born_on, key) IN (SELECT born_on, key FROM given_keys)
    ) numbered
    WHERE nth <= %(crowd)s
), found AS (
    SELECT place, id FROM given JOIN namesakes USING (words, born_on) WHERE nth_born_then <= %(crowd)s
    UNION
    SELECT place, id FROM given JOIN few_namesakes USING (words)
    WHERE given.born_on IS NULL OR few_namesakes.born_on IS NULL
    UNION
    SELECT place, id FROM given_keys JOIN few_keys USING (born_on, key)
    UNION
    SELECT place, id FROM given_marks JOIN few_marks USING (mark)
), told AS (
    SELECT found.place, COALESCE(client.merged_into_id, client.id) AS client_id,
        bool_or(people_name_words(client.legal_name) = given.words) AS name,
        bool_or(people_names_are_near(people_name_words(client.legal_name), given.words)) AS near,
        bool_or(COALESCE(client.born_on = given.born_on, FALSE)) AS born,
        bool_or(
            client.phone <> '' AND client.phone IN (given.phone, given.other_phone)
            OR client.other_phone <> '' AND client.other_phone IN (given.phone, given.other_phone)
        ) AS phone,
        bool_or(given.email <> '' AND upper(client.email) = upper(given.email)) AS email
    FROM found JOIN given USING (place) JOIN people_client client USING (id)
    WHERE NOT COALESCE(client.merged_into_id, client.id) = ANY(%(but)s)
    GROUP BY 1, 2
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY place
        ORDER BY name AND born DESC, near AND born DESC, name DESC, phone AND email DESC, client_id
    ) AS rank
    FROM told
)
SELECT place, client_id, name, near AND NOT name, born, phone, email FROM ranked WHERE rank <= %(most)s
ORDER BY place, rank
""".format(  # noqa: S608 -- of our own words only
    client_marks="\n    UNION\n".join(
        SHARED_MARKS.format(mark=mark) for mark in ("upper(email)", "phone", "other_phone")
    ),
    given_keys=NEAR_KEYS.format(who="place", of="given", whole="+", less="-"),
    client_keys=NEAR_KEYS.format(who="id", of="born_then", whole="-", less="+"),
)


def likenesses(given: Sequence[Given], *, but: Collection[int] = ()) -> list[Likeness]:
    """Return who may be whom, at most MOST for each who was given, the likeliest first; one query for them all.

    `but` are the keys of kept records that are not meant.
    """
    facts: dict[str, Any] = {
        "places": list(range(len(given))),
        "names": [one.legal_name for one in given],
        "births": [one.born_on for one in given],
        "emails": [one.email for one in given],
        "phones": [one.phone for one in given],
        "other_phones": [one.other_phone for one in given],
        "but": list(but),
        "most": MOST,
        "crowd": CROWD,
    }
    with connection.cursor() as cursor:
        cursor.execute(ALIKE, facts)
        found = cursor.fetchall()
    return [
        Likeness(place, client_pk, tuple(code for code, holds in zip(REASONS, holds_each, strict=True) if holds))
        for place, client_pk, *holds_each in found
    ]


def twins_of(given: Given, *, but: Client) -> list[Twin]:
    """Return those who may be the same person as was typed in, the likeliest first, archived ones too."""
    alike = likenesses([given], but=[but.pk] if but.pk else [])
    clients = Client.objects.select_related("primary_therapist__user").in_bulk([one.client_pk for one in alike])
    return [Twin(clients[one.client_pk], tuple(str(REASONS[code]) for code in one.reasons)) for one in alike]
