"""A phone number is understood however it is typed."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from clinic.people.models import Client
from clinic.people.phones import phone_number, phone_region
from clinic.people.services import create_client
from tests.factories import LocationFactory

KEPT = "+351912345678"
WAYS = (
    "+351912345678",
    "+351 912 345 678",
    "00351 912 345 678",
    "00351912345678",
    "912345678",
    "912 345 678",
    "912.345.678",
    "912-345-678",
    "(912) 345 678",
    "912/345/678",
    "+351 (0) 912 345 678",
    "351 912 345 678",
    "tel:+351-912-345-678",
    " 912\N{NO-BREAK SPACE}345\N{NO-BREAK SPACE}678 ",
    "\N{LEFT-TO-RIGHT EMBEDDING}912 345 678\N{POP DIRECTIONAL FORMATTING}",
    "９１２３４５６７８",
    "٩١٢٣٤٥٦٧٨",
)


@pytest.mark.parametrize("typed", WAYS)
def test_one_number_typed_in_many_ways_is_one_number(typed: str) -> None:
    assert phone_number(typed, region="PT") == KEPT


MARKS = st.sampled_from(["", " ", "  ", ".", "-", "/", "\N{NO-BREAK SPACE}", "\N{EN DASH}"])
FIRST_DIGITS = st.sampled_from(["91", "92", "93", "96", "21", "22"])


@given(
    first=FIRST_DIGITS,
    rest=st.text("0123456789", min_size=7, max_size=7),
    way=st.sampled_from(["{}", "+351{}", "00351{}", "00 351 {}", "+351 (0){}", "({}", "351{}"]),
    marks=st.lists(MARKS, min_size=9, max_size=9),
)
def test_marks_between_the_digits_never_change_a_number(first: str, rest: str, way: str, marks: list[str]) -> None:
    digits = first + rest
    try:
        expected = phone_number(f"+351{digits}")
    except ValidationError:
        return  # these digits are nobody's number
    with_marks = "".join(digit + mark for digit, mark in zip(digits, marks, strict=True)).rstrip(".-/–")
    typed = way.format(with_marks if way != "({}" else f"{digits[:3]}) {digits[3:]}")
    assert phone_number(typed, region="PT") == expected == f"+351{digits}"


@pytest.mark.parametrize("typed", ["12", "none", "+999 123", "912 345 678 or 913 345 678", "+351 91234567", "0", "++"])
def test_what_is_no_number_is_refused_with_one_sentence(typed: str) -> None:
    with pytest.raises(ValidationError, match=r"^\['This is no phone number\. .*'\]$"):
        phone_number(typed, region="PT")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+44(0)2079460958", "+442079460958"),
        ("0044 (0) 20 7946 0958", "+442079460958"),
        ("+49 (0)30 901820", "+4930901820"),
        ("+39 (0)6 69821", "+390669821"),
        ("0039 (0)6 69821", "+390669821"),
    ],
)
def test_a_nought_in_brackets_is_dialled_only_where_everybody_dials_it(typed: str, kept: str) -> None:
    assert phone_number(typed, region="PT") == kept


def test_a_nought_in_brackets_at_the_front_is_of_the_country(db: None) -> None:
    assert phone_number("(0)20 7946 0958", region="GB") == "+442079460958"
    assert phone_number("(0)6 69821", region="IT") == "+390669821"


def test_an_extension_is_not_lost_silently() -> None:
    with pytest.raises(ValidationError, match="extension"):
        phone_number("+351 210 000 010 ext. 5")


def test_nothing_is_no_number(db: None) -> None:
    assert phone_number("") == phone_number("  ") == ""


def test_a_number_of_another_country_is_not_taken_for_one_of_ours() -> None:
    assert phone_number("+44 (0)20 7946 0958", region="PT") == "+442079460958"
    assert phone_number("020 7946 0958", region="GB") == "+442079460958"
    with pytest.raises(ValidationError):
        phone_number("020 7946 0958", region="PT")


def test_the_country_is_that_of_the_first_location_in_use(db: None, now: object) -> None:
    assert phone_region() is None
    LocationFactory(phone="+4930901820", archived_at=now)
    assert phone_region() == "DE"
    LocationFactory(phone="")
    LocationFactory(phone="+351210000010")
    LocationFactory(phone="+442079460958")
    assert phone_region() == "PT"


def test_a_country_that_was_set_counts_before_any_location(db: None, settings) -> None:
    settings.PHONENUMBER_DEFAULT_REGION = "GB"
    LocationFactory(phone="+351210000010")
    assert phone_number("020 7946 0958") == "+442079460958"


def test_a_client_is_saved_with_a_number_typed_as_at_home(now, dana) -> None:
    with pytest.raises(ValidationError, match="country code"):
        create_client(by=dana, now=now, legal_name="Ana Reis", phone="912 345 678")
    LocationFactory(phone="+351210000010")
    create_client(by=dana, now=now, legal_name="Ana Reis", phone="912 345 678")
    assert str(Client.objects.get().phone) == KEPT
