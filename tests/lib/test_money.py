"""Money as people type it becomes whole minor units, or is not understood; never a float."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.lib.money import places_of, read_amount, typed_amount


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("68,50", "EUR", 6850),
        ("68.50", "EUR", 6850),
        ("68.5", "EUR", 6850),
        ("68", "EUR", 6800),
        (" € 68.50 ", "EUR", 6850),
        ("68,50 €", "EUR", 6850),
        ("eur 68", "EUR", 6800),
        ("$68.50", "USD", 6850),
        ("1 068,50", "EUR", 106850),
        ("1\u202f068,50", "EUR", 106850),
        ("1’068.50", "CHF", 106850),
        ("1.068,50", "EUR", 106850),
        ("1,068.50", "EUR", 106850),
        ("1.234.567", "EUR", 123456700),
        ("0", "EUR", 0),
        ("6800", "JPY", 6800),
        ("6,800", "JPY", 6800),
        ("6.800", "KRW", 6800),
        ("12.345", "KWD", 12345),
        ("12,3", "BHD", 12300),
        ("1,012.345", "TND", 1012345),
    ],
)
def test_it_understands_what_people_type(typed, currency, minor):
    assert read_amount(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("", "EUR"),
        ("free", "EUR"),
        ("-5", "EUR"),
        ("68.505", "EUR"),  # sixty-eight and a half, or sixty-eight thousand?
        ("68.50.10", "EUR"),
        ("1,06,850", "EUR"),
        ("1.068.50", "EUR"),
        ("6800.50", "JPY"),
        ("1.2345", "KWD"),
        ("£68", "EUR"),
        ("٦٨", "EUR"),
        ("1e3", "EUR"),
        (".50", "EUR"),
    ],
)
def test_it_does_not_guess(typed, currency):
    assert read_amount(typed, currency) is None


@given(st.integers(0, 2**31 - 1), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_what_it_writes_it_reads(minor, currency):
    assert read_amount(typed_amount(minor, currency), currency) == minor


def test_places_follow_iso_4217():
    assert [places_of(currency) for currency in ("EUR", "JPY", "XOF", "IQD", "LYD")] == [2, 0, 0, 3, 3]
