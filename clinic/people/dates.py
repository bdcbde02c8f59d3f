"""Days as people write them, in forms and in files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.lib.months import month_numbers

# Excel counts days from here; it takes 1900 for a leap year, so the count is right from 1 March 1900 on.
EXCEL_EPOCH = date(1899, 12, 30)
# Below, a number is a year or a day of the month; above, it is no date of anybody's life.
FIRST_SERIAL, LAST_SERIAL = 10_000, 80_000
# No date of anybody's life or appointments lies outside of them; far out, a date cannot be reckoned with.
FIRST_YEAR, LAST_YEAR = 1900, 2199

YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
YEAR_LAST = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4}|\d{2})")
IN_WORDS = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.|º)?[\s,-]*(?:de\s+)?([^\W\d_]+)\.?[\s,-]*(?:de\s+)?(\d{4}|\d{2})")
IN_WORDS_MONTH_FIRST = re.compile(r"([^\W\d_]+)\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?[\s,-]+(\d{4}|\d{2})")
EIGHT_DIGITS = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
# Typed without looking up. A year stands last: no month and day look like one of these centuries.
EIGHT_DIGITS_YEAR_LAST = re.compile(r"(\d{2})(\d{2})((?:19|20)\d{2})")
CLOCK_AT_END = re.compile(
    r"(?:T|,?\s+(?:at\s+)?)(\d{1,2}(?:[:.h]\d{2}){1,2}(?:\.\d+)?\s*(?:[ap]\.?m\.?)?)$", re.IGNORECASE
)
OFFSET = re.compile(r"\s*(?:UTC|GMT)$|(?<=\d)Z$|(?<=:\d{2})\s*[+-]\d{2}:?\d{2}$", re.IGNORECASE)
WEEKDAY = re.compile(r"^[^\W\d_]+\.?,\s+(?=\d|[^\W\d_]+\.?\s+\d)")


def in_our_time(day: date) -> date:
    """Return the day; raises ValidationError for one that can only be a slip."""
    if FIRST_YEAR <= day.year <= LAST_YEAR:
        return day
    facts = {"day": date_format(day, "j F Y"), "first": FIRST_YEAR, "last": LAST_YEAR}
    raise ValidationError(_("%(day)s lies outside the years %(first)d to %(last)d; is the year right?") % facts)


def split_clock(text: str) -> tuple[str, str]:
    """Split day and time of day."""
    found = CLOCK_AT_END.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")


def shown(text: str) -> str:
    """Return a text short enough to stand in a sentence."""
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 -- about half a line


def day_of(text: str, *, today: date, day_first: bool = True) -> date:
    """Read a day. Raises ValidationError with one sentence."""
    plain = WEEKDAY.sub("", split_clock(OFFSET.sub("", text))[0] or text)
    for pattern, read in _ways(today, day_first=day_first).items():
        if found := pattern.fullmatch(plain):
            try:
                return read(*found.groups())
            except ValueError:
                raise ValidationError(_("“%(text)s” is no day of the calendar.") % {"text": shown(text)}) from None
    if re.fullmatch(r"\d{5}(\.\d+)?", plain) and FIRST_SERIAL <= float(plain) <= LAST_SERIAL:
        return EXCEL_EPOCH + timedelta(days=int(float(plain)))
    raise ValidationError(_("“%(text)s” is no date.") % {"text": shown(text)})


def _ways(today: date, *, day_first: bool) -> Mapping[re.Pattern[str], Callable[..., date]]:
    def year_last(first: str, second: str, year: str) -> date:
        day, month = (first, second) if day_first else (second, first)
        return date(_full_year(year, today), int(month), int(day))

    def in_words(day: str, month: str, year: str) -> date:
        return date(_full_year(year, today), month_numbers().get(month.casefold(), 0), int(day))

    return {
        YEAR_FIRST: lambda year, month, day: date(int(year), int(month), int(day)),
        YEAR_LAST: year_last,
        IN_WORDS: in_words,
        IN_WORDS_MONTH_FIRST: lambda month, day, year: in_words(day, month, year),
        EIGHT_DIGITS_YEAR_LAST: year_last,
        EIGHT_DIGITS: lambda year, month, day: date(int(year), int(month), int(day)),
    }


def _full_year(digits: str, today: date) -> int:
    """Return a year of four digits: one of two lies in the past."""
    if len(digits) > 2:  # noqa: PLR2004 -- a year of two digits
        return int(digits)
    return int(digits) + (2000 if int(digits) <= today.year % 100 else 1900)
