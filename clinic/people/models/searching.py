"""How a client is found by what somebody types. The column and the functions stand in migration 0006."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db.models import BooleanField, F, Field, FloatField, Func, Q
from django.db.models.sql.compiler import SQLCompiler

# More than anybody's name has; what is pasted by mistake is not searched word by word.
MOST_WORDS = 8
LONGEST_WORD = 40
# In a search, fewer digits occur in everybody's number.
FEWEST_DIGITS = 3
A_NUMBER = re.compile(r"[\d\s()+./-]+")
BETWEEN_WORDS = re.compile(r"[\s\-‐‑–—/,;]+")


def typed_words(typed: str) -> list[str]:
    """Split what was typed into the words to look for; a phone number is one word, however it is written.

    >>> typed_words("(0)912 345-678"), typed_words("0351 912"), typed_words("Wei-Lin  Chou")
    (['912345678'], ['351912'], ['Wei', 'Lin', 'Chou'])
    """
    # PostgreSQL keeps no NUL in its texts, and refuses to compare with one.
    plain = unicodedata.normalize("NFKC", typed.replace("\0", "")).strip()
    digits = _digits_of(plain) if A_NUMBER.fullmatch(plain) else ""
    if len(digits) >= FEWEST_DIGITS:
        return [digits]
    words = (word[:LONGEST_WORD] for word in BETWEEN_WORDS.split(plain) if any(map(str.isalnum, word)))
    return list(words)[:MOST_WORDS]


def _digits_of(number: str) -> str:
    """Return the digits as they stand in an international number: without the zeros that are dialled before it."""
    digits = "".join(str(unicodedata.decimal(c)) for c in number.replace("(0)", "") if c.isdecimal())
    dialled = digits.removeprefix("0").removeprefix("0")
    return dialled if len(dialled) >= FEWEST_DIGITS else digits


class OfFoundBy(Func):
    """SQL about what a client is found by: a column of her table that is no field of the model.

    One node for a whole condition: at each letter that is typed, building a tree of them took longer than the search.
    """

    def __init__(self, sql: str, *values: str, output_field: Field[Any, Any]) -> None:
        super().__init__(F("pk"), output_field=output_field)
        self.sql = sql
        self.values = values

    def as_sql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Name the column in the table of the key that was resolved, under whatever alias it has here."""
        key: Any = self.source_expressions[0]
        column = f'{compiler.quote_name_unless_alias(key.alias)}."found_by"'
        return f"({self.sql.format(found_by=column)})", list(self.values)


OCCURS = "{found_by} LIKE people_pattern(%s)"
IS_NEAR = "people_name_typos({found_by}) && people_typos(%s)"


def occurs(word: str) -> Q:
    """The word stands in her names, e-mail or phones. Served by the index client_found_by."""
    return Q(OfFoundBy(OCCURS, word, output_field=BooleanField()))


def nearly_occurs(word: str) -> Q:
    """The same, or the word is one typo away from a word of her names. Served by client_name_typos as well.

    Where the database's locale knows no letters but ours, the first index holds no others: a pattern with them would
    have every client read, and both indexes passed over.
    """
    if not word.isascii():
        return Q(OfFoundBy(IS_NEAR, word, output_field=BooleanField()))
    return Q(OfFoundBy(f"{OCCURS} OR {IS_NEAR}", word, word, output_field=BooleanField()))


def closeness(words: list[str]) -> OfFoundBy:
    """Rank: the whole name, the beginning of a name, whole words of it, beginnings of them, elsewhere, only nearly."""
    typed = " ".join(words)
    whole, begun, anywhere = (
        " AND ".join([condition] * len(words))
        for condition in (
            "{found_by} LIKE '%% ' || people_fold(%s) || ' %%|%%'",
            "{found_by} LIKE '%% ' || people_fold(%s) || '%%|%%'",
            OCCURS,
        )
    )
    rank = f"""
        CASE WHEN {{found_by}} LIKE '%%/ ' || people_fold(%s) || ' / %%' THEN 0
             WHEN {{found_by}} LIKE '%%/ ' || people_fold(%s) || '%%|%%' THEN 1
             WHEN {whole} THEN 2 WHEN {begun} THEN 3 WHEN {anywhere} THEN 4
             ELSE 5 + people_distance(%s, {{found_by}}) END
    """
    return OfFoundBy(rank, typed, typed, *words, *words, *words, typed, output_field=FloatField())
