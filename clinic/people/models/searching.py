"""How a client is found by what somebody types. The column and the functions stand in migration 0006."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db.models import BooleanField, Case, F, FloatField, Func, Q, TextField, Value, When
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


class FoundBy(Func):
    """What a client is found by: a column of her table that is no field of the model."""

    def __init__(self) -> None:
        super().__init__(F("pk"), output_field=TextField())

    def as_sql(self, compiler: SQLCompiler, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Name the column in the table of the key that was resolved, under whatever alias it has here."""
        key: Any = self.source_expressions[0]
        return f'{compiler.quote_name_unless_alias(key.alias)}."found_by"', []


class Like(Func):
    """Compare with a pattern as it is; lookups would quote its signs."""

    arg_joiner = " LIKE "
    template = "(%(expressions)s)"
    output_field = BooleanField()


class Joined(Func):
    """Texts put together, with the signs of a pattern."""

    arg_joiner = " || "
    template = "(%(expressions)s)"
    output_field = TextField()


class Overlaps(Like):
    """Two arrays have an element in common."""

    arg_joiner = " && "


def occurs(word: str) -> Q:
    """The word stands in her names, e-mail or phones. Served by the index client_found_by."""
    return Q(Like(FoundBy(), Func(Value(word), function="people_pattern")))


def nearly_occurs(word: str) -> Q:
    """The same, or the word is one typo away from a word of her names. Served by client_name_typos as well.

    Where the database's locale knows no letters but ours, the first index holds no others: a pattern with them would
    have every client read, and both indexes passed over.
    """
    nearly = Q(Overlaps(Func(FoundBy(), function="people_name_typos"), Func(Value(word), function="people_typos")))
    return nearly | occurs(word) if word.isascii() else nearly


def closeness(words: list[str]) -> Case:
    """Rank: the whole name, the beginning of a name, whole words of it, beginnings of them, elsewhere, only nearly."""
    typed, whole, beginnings, anywhere = _folded(" ".join(words)), Q(), Q(), Q()
    for word in words:
        whole &= Q(Like(FoundBy(), Joined(Value("% "), _folded(word), Value(" %|%"))))
        beginnings &= Q(Like(FoundBy(), Joined(Value("% "), _folded(word), Value("%|%"))))
        anywhere &= occurs(word)
    return Case(
        When(Like(FoundBy(), Joined(Value("%/ "), typed, Value(" / %"))), then=Value(0)),
        When(Like(FoundBy(), Joined(Value("%/ "), typed, Value("%|%"))), then=Value(1)),
        When(whole, then=Value(2)),
        When(beginnings, then=Value(3)),
        When(anywhere, then=Value(4)),
        default=Value(5) + distance(words),
        output_field=FloatField(),
    )


def distance(words: list[str]) -> Func:
    """How many letters lie between what was typed and her names."""
    return Func(Value(" ".join(words)), FoundBy(), function="people_distance", output_field=FloatField())


def _folded(words: str) -> Func:
    return Func(Value(words), function="people_fold", output_field=TextField())
