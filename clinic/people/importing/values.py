"""What people write into cells, read as what they mean. Each function raises ValidationError with one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.lib.times import at_wall
from clinic.people.dates import OFFSET, YEAR_LAST, day_of, in_our_time, shown, split_clock
from clinic.people.importing.table import Cell, as_text
from clinic.people.phones import phone_number

# Spreadsheets run what begins so: a cell, and a piece of it where another separator is taken for the file's, as where
# the comma is for decimals. The export puts an apostrophe before it, and the import takes it off again.
TO_GUARD = re.compile(r"\A(?='*[=+\-@\t\r\n＝＋－＠])|(?<=[;|\t\r\n])(?='*[=+\-@＝＋－＠])")
GUARDED = re.compile(r"\A'(?='*[=+\-@\t\r\n＝＋－＠])|(?<=[;|\t\r\n])'(?='*[=+\-@＝＋－＠])")
YES = frozenset({"yes", "y", "true", "1", "x", "ja", "sim", "oui", "si", "sí", "on", "subscribed", "opted in"})
NO = frozenset({"no", "n", "false", "0", "nein", "não", "nao", "non", "off", "unsubscribed", "opted out"})
CHANNELS = {
    "email": frozenset({"email", "emails", "mail", "both"}),
    "text": frozenset({"sms", "text", "texts", "both"}),
}
NOT_BY = NO | {"not", "none", "never", "without"}
NAME_ENDS = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"})
CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2}(?:\.\d+)?)?\s*(am|pm|a\.m\.|p\.m\.)?", re.IGNORECASE)


@dataclass(frozen=True)
class Habits:
    """How this file writes what can be written in several ways."""

    today: date
    day_first: bool = True
    region: str = ""


def guarded(text: str) -> str:
    """Return a text as a cell of the export, which no spreadsheet takes for a formula."""
    return TO_GUARD.sub("'", text)


def unguarded(text: str) -> str:
    """Undo `guarded`."""
    return GUARDED.sub("", text)


def text_of(cell: Cell) -> str:
    """Return a cell as the text that somebody meant."""
    return unguarded(as_text(cell)).strip()


def a_date(cell: Cell, habits: Habits) -> date | None:
    """Read a day; None for an empty cell."""
    told = _any_day(cell, habits)
    return in_our_time(told) if told else None


def a_wall(cell: Cell, habits: Habits) -> datetime | None:
    """Read day and time as a wall shows them, or as an instant where an offset is named; None for an empty cell."""
    told = _any_wall(cell, habits)
    if told:
        in_our_time(told.date())
    return told


def a_moment(cell: Cell, habits: Habits, zone: ZoneInfo) -> datetime | None:
    """Read an instant, by the wall clock of `zone` where the text names no offset; None for an empty cell."""
    told = a_wall(cell, habits)
    return instant(told, zone) if told else None


def instant(told: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the wall clock of `zone` shows this, unless it is one already."""
    return told if told.tzinfo else at_wall(zone, told.date(), told.time())


def a_time(cell: Cell) -> time | None:
    """Read a time of day; None for an empty cell."""
    if isinstance(cell, datetime):
        return cell.time()
    if isinstance(cell, time):
        return cell
    text = text_of(cell)
    if not text:
        return None
    if re.fullmatch(r"0?\.\d+", text):  # a share of the day, as Excel keeps a time
        return time(*divmod(min(round(float(text) * 24 * 60), 24 * 60 - 1), 60))
    found = CLOCK.fullmatch(OFFSET.sub("", text))
    half = (found[3] or "").lower()[:1] if found else ""
    hour = int(found[1]) if found else 24
    if half:
        hour = hour % 12 + (12 if half == "p" else 0) if 1 <= hour <= 12 else 24  # noqa: PLR2004 -- a clock of twelve hours
    try:
        return time(hour, int(found[2] or 0) if found else 0)
    except ValueError:
        raise ValidationError(_("“%(text)s” is no time of day.") % {"text": shown(text)}) from None


def a_phone(cell: Cell, habits: Habits) -> str:
    """Read a phone number as E.164; nothing for an empty cell."""
    text = text_of(cell)
    return phone_number(text.removesuffix(".0"), region=habits.region or None) if text else ""


def an_email(cell: Cell) -> str:
    """Read an address as people paste it."""
    text = text_of(cell).removeprefix("mailto:")
    found = re.fullmatch(r".*<([^<>]+)>", text)
    return (found[1] if found else text).strip()


def yes_or_no(cell: Cell) -> bool | None:
    """Read a yes or a no; None for an empty cell."""
    text = text_of(cell).casefold()
    if not text:
        return None
    if text in YES | NO:
        return text in YES
    raise ValidationError(_("“%(text)s” is neither yes nor no.") % {"text": shown(text)})


def channels(cell: Cell) -> frozenset[str]:
    """Read the ways by which somebody is written to, as in “SMS & Email”; what names none says nothing."""
    said = set(re.findall(r"[^\W_]+", text_of(cell).casefold().replace("e-mail", "email")))
    if said & NOT_BY:
        return frozenset()
    return frozenset(channel for channel, names in CHANNELS.items() if said & names)


def name_in_order(text: str) -> str:
    """Turn “Last, First” round."""
    last, comma, first = text.partition(",")
    if not comma or "," in first or first.strip(" .").casefold() in NAME_ENDS or not first.strip() or not last.strip():
        return text
    return f"{first.strip()} {last.strip()}"


def guess_day_first(cells: Iterable[Cell], *, otherwise: bool) -> tuple[bool, bool]:
    """Guess from a file's dates whether the day stands before the month; return the guess, and whether it is sure."""
    says_day = says_month = False
    for cell in cells:
        found = YEAR_LAST.match(cell.strip()) if isinstance(cell, str) else None
        if found:
            says_day |= int(found[1]) > 12  # noqa: PLR2004 -- there is no thirteenth month
            says_month |= int(found[2]) > 12  # noqa: PLR2004
    if says_day != says_month:
        return says_day, True
    return otherwise, False


def is_ambiguous(cell: Cell) -> bool:
    """Tell whether this date reads differently with the month first."""
    found = YEAR_LAST.match(cell.strip()) if isinstance(cell, str) else None
    return bool(found) and found is not None and found[1] != found[2]


def _any_day(cell: Cell, habits: Habits) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = text_of(cell)
    return _day_of(text, habits) if text else None


def _any_wall(cell: Cell, habits: Habits) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, time.min)
    text = text_of(cell)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError:
        day, clock = split_clock(text)
        return datetime.combine(_day_of(day, habits), a_time(clock) or time.min)


def _day_of(text: str, habits: Habits) -> date:
    return day_of(text, today=habits.today, day_first=habits.day_first)
