"""What people write into cells, read as what they mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from clinic.people.importing.values import (
    Habits,
    a_date,
    a_moment,
    a_phone,
    a_time,
    an_email,
    guarded,
    guess_day_first,
    is_ambiguous,
    name_in_order,
    unguarded,
    yes_or_no,
)

TODAY = date(2026, 11, 19)
DAY_FIRST = Habits(TODAY, day_first=True, region="PT")
MONTH_FIRST = Habits(TODAY, day_first=False, region="US")
LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    "typed",
    [
        "1988-03-14", "1988/03/14", "1988.3.14", "14/03/1988", "14.3.1988", "14-03-1988", "14 / 3 / 1988", "14/03/88",
        "14 March 1988", "14-Mar-1988", "14 mar. 1988", "March 14, 1988", "14th of March 1988".replace(" of", ""),
        "14 de março de 1988", "14. März 1988", "19880314", "1988-03-14 00:00:00", "1988-03-14T00:00:00Z",
        "1988-03-14 00:00:00 UTC", "14/03/1988 00:00", "Monday, 14 March 1988", "32216", date(1988, 3, 14),
        datetime(1988, 3, 14, 0, 0),  # noqa: DTZ001 -- as a workbook keeps it
    ],
)  # fmt: skip
def test_a_date_is_understood_however_it_is_written(typed):
    assert a_date(typed, DAY_FIRST) == date(1988, 3, 14)


def test_the_month_may_stand_first():
    assert a_date("03/14/1988", MONTH_FIRST) == date(1988, 3, 14)
    assert a_date("1/2/1988", MONTH_FIRST) == date(1988, 1, 2)
    assert a_date("1/2/1988", DAY_FIRST) == date(1988, 2, 1)


def test_a_year_of_two_digits_lies_in_the_past():
    assert a_date("1/1/26", DAY_FIRST) == date(2026, 1, 1)
    assert a_date("1/1/27", DAY_FIRST) == date(1927, 1, 1)


def test_the_29th_of_february_is_a_day_in_some_years_only():
    assert a_date("29/02/1988", DAY_FIRST) == date(1988, 2, 29)
    with pytest.raises(ValidationError, match="“29/02/1989” is no day of the calendar"):
        a_date("29/02/1989", DAY_FIRST)


@pytest.mark.parametrize("typed", ["soon", "1988", "14/14/1988", "0000-00-00", "99999", "14//1988", "March", "1e5"])
def test_what_is_no_date_is_named(typed):
    with pytest.raises(ValidationError) as refused:
        a_date(typed, DAY_FIRST)
    assert typed in refused.value.messages[0]


def test_an_empty_cell_is_no_date():
    assert a_date("  ", DAY_FIRST) is None


def test_the_order_of_day_and_month_is_guessed_from_the_file():
    assert guess_day_first(["1/2/1990", "25/2/1990"], otherwise=False) == (True, True)
    assert guess_day_first(["1/2/1990", "2/25/1990"], otherwise=True) == (False, True)
    assert guess_day_first(["1/2/1990"], otherwise=True) == (True, False)
    assert guess_day_first(["25/2/1990", "2/25/1990"], otherwise=True) == (True, False)
    assert is_ambiguous("1/2/1990")
    assert not is_ambiguous("2/2/1990")
    assert not is_ambiguous("1990-02-01")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("9:30", time(9, 30)), ("09:30:00", time(9, 30)), ("9.30", time(9, 30)), ("9h30", time(9, 30)),
        ("9:30 AM", time(9, 30)), ("9:30 pm", time(21, 30)), ("12:15 am", time(0, 15)), ("12 pm", time(12)),
        ("17", time(17)), ("0.5", time(12)), (time(8), time(8)),
    ],
)  # fmt: skip
def test_a_time_of_day_is_understood(typed, read):
    assert a_time(typed) == read


@pytest.mark.parametrize("typed", ["25:00", "9:75", "noon", "13 pm"])
def test_what_is_no_time_is_named(typed):
    with pytest.raises(ValidationError, match="no time of day"):
        a_time(typed)


@pytest.mark.parametrize(
    ("typed", "utc"),
    [
        ("2026-07-02 10:00", datetime(2026, 7, 2, 9, tzinfo=UTC)),
        ("2/7/2026 10:00", datetime(2026, 7, 2, 9, tzinfo=UTC)),
        ("2 Jul 2026, 10:00 am", datetime(2026, 7, 2, 9, tzinfo=UTC)),
        ("2026-07-02T10:00:00+02:00", datetime(2026, 7, 2, 8, tzinfo=UTC)),
        ("2026-12-02 10:00:00 UTC", datetime(2026, 12, 2, 10, tzinfo=UTC)),
        (datetime(2026, 7, 2, 10, 0), datetime(2026, 7, 2, 9, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_a_moment_is_on_the_wall_of_the_place(typed, utc):
    assert a_moment(typed, DAY_FIRST, LISBON) == utc


@pytest.mark.parametrize(
    "typed",
    [
        "+351912345678", "+351 912 345 678", "00351 912 345 678", "912345678", "912 345 678", "912-345-678",
        "912.345.678", "(912) 345 678", "tel: 912345678", "351912345678", "'+351912345678", "912345678.0",
    ],
)  # fmt: skip
def test_a_phone_is_understood_however_it_is_typed(typed):
    assert a_phone(typed, DAY_FIRST) == "+351912345678"


def test_what_is_no_phone_is_refused():
    with pytest.raises(ValidationError):
        a_phone("call the daughter", DAY_FIRST)


@pytest.mark.parametrize("typed", ["ana@example.org", " mailto:ana@example.org", "Ana Sousa <ana@example.org>"])
def test_an_address_is_understood_as_it_is_pasted(typed):
    assert an_email(typed) == "ana@example.org"


def test_yes_and_no_are_understood():
    assert [yes_or_no(typed) for typed in ("Yes", "TRUE", "1", "no", "", "Sim")] == [
        True,
        True,
        True,
        False,
        None,
        True,
    ]
    with pytest.raises(ValidationError, match="neither yes nor no"):
        yes_or_no("perhaps")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Sousa, Ana", "Ana Sousa"), ("d'Ávila, José Maria", "José Maria d'Ávila"), ("Ana Sousa", "Ana Sousa"),
        ("Madonna", "Madonna"), ("Smith, Jr.", "Smith, Jr."), ("李, 小龍", "小龍 李"), ("Sousa,", "Sousa,"),
    ],
)  # fmt: skip
def test_last_comma_first_is_turned_round(typed, name):
    assert name_in_order(typed) == name


@pytest.mark.parametrize("text", ["=1+1", "+351912", "-1", "@x", "\tx", "\rx", "'=x", "''=x", "＝1"])
def test_what_a_spreadsheet_would_run_is_guarded(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("separator", [";", "|", "\t", "\n", "\r\n"])
def test_what_a_spreadsheet_would_run_behind_another_separator_is_guarded(separator):
    assert guarded(f"Alice{separator}=1+1") == f"Alice{separator}'=1+1"
    assert guarded(f"Alice{separator}Sousa") == f"Alice{separator}Sousa"


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\n;|ab"), max_size=8) | st.text(max_size=12))
def test_guarding_is_undone_for_every_text(text):
    assert unguarded(guarded(text)) == text


def sentences(read, *told) -> list[str]:
    """Return what the reading refuses with; any other fault fails the test."""
    try:
        read(*told)
    except ValidationError as refused:
        return refused.messages
    return []


@given(st.text(max_size=20) | st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}( \d{1,2}:\d{2})?", fullmatch=True))
def test_any_text_is_a_date_or_refused(text):
    assert len(sentences(a_date, text, DAY_FIRST)) <= 1
    assert len(sentences(a_moment, text, MONTH_FIRST, LISBON)) <= 1
    assert len(sentences(a_time, text)) <= 1
