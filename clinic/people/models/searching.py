"""How a client is found by what somebody types. The column and the functions stand in migration 0006."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BooleanField, F, Field, FloatField, Func, Q
from django.db.models.sql.compiler import SQLCompiler

from clinic.lib.months import month_numbers

# More than anybody's name has; what is pasted by mistake is not searched word by word.
MOST_WORDS = 8
LONGEST_WORD = 40
# In a search, fewer digits occur in everybody's number.
FEWEST_DIGITS = 3
A_NUMBER = re.compile(r"[\d\s()+./-]+")
BETWEEN_WORDS = re.compile(r"[\s\-‐‑–—/,;]+")
# With four digits of the year, no piece of anything longer: 06.12.34.56.78 is a phone number.
YEAR_FIRST = re.compile(r"(?<![\w./-])(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?![\w/-])")
YEAR_LAST = re.compile(r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})[./-](\d{4})(?![\w/-])")

IN_WORDS = re.compile(r"(?<![\w./-])(\d{1,2})\.?\s+(?:de\s+)?([^\W\d_]{3,})\.?\s+(?:de\s+)?(\d{4})(?![\w/-])")


@dataclass(frozen=True)
class Typed:
    """What somebody typed into the search: words to look for, and the days that a date among them may mean."""

    words: list[str]
    # The likeliest first.
    born: list[date]
    # What stands before and after such a date.
    beside: str = ""
    # All digits of a phone number, also the zeros before it that are perhaps only dialled.
    digits: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.born)


def as_typed(typed: str) -> Typed:
    """Read what was typed; a phone number is one word, however it is written, and a date is none.

    >>> as_typed("(0)912 345-678").words, as_typed("0351 912").words, as_typed("Wei-Lin  Chou").words
    (['912345678'], ['351912'], ['Wei', 'Lin', 'Chou'])
    >>> as_typed("Chou 0912-345678").words, as_typed("012 345")
    (['Chou', '912', '345678'], Typed(words=['12345'], born=[], beside='', digits='012345'))
    >>> [str(day) for day in as_typed("03/04/1985").born], as_typed("Chou 3.4.1985").words
    (['1985-04-03', '1985-03-04'], ['Chou'])
    >>> [str(day) for day in as_typed("Chou, 3 Apr 1985").born], as_typed("3 Wang 1985").born
    (['1985-04-03'], [])
    """
    # PostgreSQL keeps no NUL in its texts, and refuses to compare with one.
    plain = unicodedata.normalize("NFKC", typed.replace("\0", "")).strip()
    for pattern, read in ((YEAR_FIRST, _year_first), (YEAR_LAST, _year_last), (IN_WORDS, _in_words)):
        if (found := pattern.search(plain)) and (born := read(*found.groups())):
            beside = f"{plain[: found.start()]} {plain[found.end() :]}".strip(" ,;")
            return Typed(_words_of(beside), born, beside)
    return Typed(_words_of(plain), [], digits=_digits_of(plain) if _is_number(plain) else "")


def _year_first(year: str, month: str, day: str) -> list[date]:
    return _days((year, month, day))


def _year_last(first: str, sign: str, second: str, year: str) -> list[date]:
    """Read the day before the month, as our forms do; where no point says so, the month may stand first as well."""
    return _days((year, second, first), *([] if sign == "." else [(year, first, second)]))


def _in_words(day: str, month: str, year: str) -> list[date]:
    number = month_numbers().get(month.casefold())
    return _days((year, str(number), day)) if number else []


def _days(*told: tuple[str, str, str]) -> list[date]:
    """Return those that the calendar has, each once."""
    found = []
    for parts in told:
        with suppress(ValueError):
            found.append(date(*map(int, parts)))
    return list(dict.fromkeys(found))


def _words_of(plain: str) -> list[str]:
    """Split into words, or into the one that a phone number is."""
    if _is_number(plain):
        return [_as_kept(plain)]
    words = (word[:LONGEST_WORD] for word in BETWEEN_WORDS.split(plain) if any(map(str.isalnum, word)))
    return [_as_kept(word) if _is_number(word) else word for word in words][:MOST_WORDS]


def _is_number(words: str) -> bool:
    return A_NUMBER.fullmatch(words) is not None and len(_digits_of(words)) >= FEWEST_DIGITS


def _digits_of(number: str) -> str:
    return "".join(str(unicodedata.decimal(c)) for c in number.replace("(0)", "") if c.isdecimal())


def _as_kept(number: str) -> str:
    """Return the digits as they stand in an international number: without the zeros that are dialled before it."""
    digits = _digits_of(number)
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


# Her own, then her guardian's; others end so: mariana@example.org, where ana@example.org was typed.
IS_WHOLE_EMAIL = """
    CASE WHEN {found_by} LIKE '%%| ' || people_fold(%s) || ' +%%' THEN 0
         WHEN {found_by} LIKE '%% ' || people_fold(%s) || ' +%%' THEN 1 ELSE 2 END
"""


def closeness(told: Typed) -> OfFoundBy:
    """Rank by what was typed: a phone, an e-mail, or names."""
    if told.digits:
        return _closeness_of_number(told.digits, told.words[0])
    if len(told.words) == 1 and "@" in told.words[0]:
        return OfFoundBy(IS_WHOLE_EMAIL, told.words[0], told.words[0], output_field=FloatField())
    return _closeness_of_names(told.words)


def _closeness_of_number(digits: str, as_kept: str) -> OfFoundBy:
    """Rank: a phone that ends in all these digits, in those without the zeros before them, that has them all, others.

    Without its zeros 001 234 is 1234, which of a hundred thousand phones some sixty have somewhere.
    """
    rank = """
        CASE WHEN {found_by} LIKE '%%' || %s || ' %%' THEN 0 WHEN {found_by} LIKE '%%' || %s || ' %%' THEN 1
             WHEN {found_by} LIKE '%%' || %s || '%%' THEN 2 ELSE 3 END
    """
    return OfFoundBy(rank, digits, as_kept, digits, output_field=FloatField())


def _closeness_of_names(words: list[str]) -> OfFoundBy:
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
