"""Money: whole minor units inside, the way people type and read it outside. No floats."""

from __future__ import annotations

import re
from decimal import Decimal

# By ISO 4217; all others have two places.
NO_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
_PLAIN = re.compile(r"(\d+)(?:[.,](\d+))?")
_GROUPED = re.compile(r"(\d{1,3}(?:([.,])\d{3})(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?")


def places_of(currency: str) -> int:
    """Return how many decimal places a currency has."""
    if currency in NO_PLACES.split():
        return 0
    return 3 if currency in THREE_PLACES.split() else 2


def decimal_amount(minor_units: int, currency: str) -> Decimal:
    """Return an amount in minor units as a number with the places of its currency."""
    return Decimal(minor_units).scaleb(-places_of(currency))


def typed_amount(minor_units: int, currency: str) -> str:
    """Write an amount as one types it: 68.50."""
    return f"{decimal_amount(minor_units, currency):f}"


def read_amount(typed: str, currency: str) -> int | None:
    """Read what a person typed as an amount, into minor units.

    “68,50”, “68.5”, “€ 68.50” and “1.068,50” are understood. None for what is no amount, has more places than the
    currency, or can be read in two ways (“1.068” euros).
    """
    text = re.sub(r"[\s'’]", "", typed).upper()
    for sign in (currency, SYMBOLS.get(currency, currency)):
        text = text.removeprefix(sign).removesuffix(sign)
    if not text.isascii():
        return None
    places = places_of(currency)
    if (plain := _PLAIN.fullmatch(text)) and len(plain[2] or "") <= places:
        return _in_minor_units(plain[1], plain[2], places)
    grouped = _GROUPED.fullmatch(text)
    if grouped is None or len(grouped[3] or "") > places:
        return None
    if places and grouped[3] is None and text.count(grouped[2]) == 1:
        return None
    return _in_minor_units(grouped[1].replace(grouped[2], ""), grouped[3], places)


def _in_minor_units(whole: str, part: str | None, places: int) -> int:
    return int(whole + (part or "").ljust(places, "0"))
