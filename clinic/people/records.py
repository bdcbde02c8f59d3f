"""All records of one person, as every room reads them: records that were merged stay rows of their own."""

from __future__ import annotations

from django.db.models import BigIntegerField, F, Func, Value
from django.db.models.expressions import Combinable

from clinic.lib.lookups import KEYS, keys
from clinic.lib.prepared import Given

BITS_OF_A_KEY = 64
KEY: BigIntegerField[int, int] = BigIntegerField()


class Records(Func):
    """The keys of all records of the person to whom a record belongs: the kept one, and all merged into it."""

    template = (
        "ARRAY(SELECT one.id FROM people_client one JOIN ("
        "SELECT COALESCE(named.merged_into_id, named.id) AS id FROM people_client named"
        " WHERE named.id = %(expressions)s"
        ") kept ON one.id = kept.id OR one.merged_into_id = kept.id)"
    )
    output_field = KEYS


def records_of(*client_pks: int) -> Records:
    """Return, for `client__among`, all records of these people, whichever of them was named. It costs no query."""
    # A key from an address may be longer than any that the database has.
    known = [pk for pk in client_pks if pk.bit_length() < BITS_OF_A_KEY]
    if len(known) == 1:
        # Of a list PostgreSQL does not know beforehand how long it is, so that no plan for it is worth keeping.
        return Records(Value(known[0], KEY))
    return Records(Func(keys(known), function="ANY"))


def records_given(name: str) -> Records:
    """Return the same for a query that is prepared: the keys of these people are given when it is asked."""
    return Records(Func(Given(name, KEYS), function="ANY"))


def records_given_one(name: str) -> Records:
    """Return the same for one person, by her key."""
    return Records(Given(name, KEY))


def records_beside(client: Combinable | str = "client_id") -> Records:
    """Return, for `annotate`, the keys of all records of the person to whom a row belongs.

    So one query for many people says of each row for which of the keys asked about it speaks.
    """
    return Records(F(client) if isinstance(client, str) else client)
