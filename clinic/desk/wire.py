"""What the calendar's script is told: rows of plain values; what repeats is said once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from clinic.desk.day import By, Calendar, Visit, wall_of
from clinic.scheduling.badges import Badge
from clinic.scheduling.models import MOVABLE, Status
from clinic.scheduling.words import time_words

NOTED = frozenset({Status.IN_SESSION, Status.HELD, Status.REQUESTED, Status.NO_SHOW, Status.LATE_CANCELLED})


class Told(NamedTuple):
    """A block. Times are those of the wall; `badges` are places in the table of badges."""

    pk: int
    column: int
    therapist: int
    name: str
    with_whom: str
    service: int
    starts: str
    ends: str
    minutes_before: int
    minutes_after: int
    status: str
    note: str
    is_new: bool
    can_move: bool
    badges: list[int]


@dataclass(frozen=True)
class Message:
    """What is sent, and by what its receiver knows that nothing has changed."""

    facts: Mapping[str, Any]
    text: str

    @property
    def etag(self) -> str:
        return f'"{sha256(self.text.encode()).hexdigest()[:32]}"'


def words() -> dict[str, str]:
    """Return what the script says; %s is filled in."""
    return {
        "minutes": _("%s min"),
        "new": _("New"),
        "undo": _("Undo"),
        "close": _("Close"),
        "updated": _("Updated %s"),
        "hasLeft": _("has left"),
        "off": _("%s off"),
        "nothingToUndo": _("There is nothing to take back."),
        "isTaken": _("Somebody has this time. Click a free one."),
        "notSent": _("The change did not reach the clinic’s computer. The visit stays where it was."),
    }


def message(shown: Calendar, rail: str) -> Message:
    """Return the calendar with its rail, which is drawn already."""
    table: dict[Badge, int] = {}
    facts = {
        "fields": Told._fields,
        "visits": list(_rows(shown, table)),
        "badges": [[badge.icon, badge.words, badge.is_open_work] for badge in table],
        "services": {
            pk: [service.name, service.modality.code, service.modality.css_class, str(service.modality)]
            for pk, service in shown.services.items()
        },
        "statuses": {status.value: str(status.label) for status in Status},
        "columns": [[one.pk, one.title, one.detail, one.has_left] for one in shown.shown],
        "shades": list(_shades(shown)),
        "first": shown.wish.first.isoformat(),
        "hidden": _hidden(shown),
        "daysOff": {day.isoformat(): [one.pk for one in those] for day, those in shown.off.items() if those},
        "off": shown.off_words,
        "hours": shown.hours,
        "offset": shown.now.astimezone(shown.zone).isoformat()[-len("+00:00") :],
        "summary": shown.summary,
        "rail": rail,
    }
    return Message(facts, json.dumps(facts, ensure_ascii=False, separators=(",", ":")))


def _rows(shown: Calendar, table: dict[Badge, int]) -> Iterator[Told]:
    walls = {moment: wall.isoformat(timespec="minutes") for moment, wall in shown.walls.items()}
    by_room = shown.wish.by == By.ROOM
    called = {pk: one.user.first_name if by_room else "" for pk, one in shown.therapists.items()}
    for visit in shown.in_columns():
        yield Told(
            visit.pk,
            visit.room_id if by_room else visit.therapist_id,
            visit.therapist_id,
            visit.name,
            called[visit.therapist_id],
            visit.service_id,
            walls[visit.starts_at],
            walls[visit.ends_at],
            visit.minutes_before,
            visit.minutes_after,
            visit.status,
            _note(visit, shown) if visit.status in NOTED else "",
            visit.is_new,
            visit.status in MOVABLE,
            [table.setdefault(badge, len(table)) for badge in shown.badges[visit.pk]],
        )


def _note(visit: Visit, shown: Calendar) -> str:
    """Return what stands under the name instead of the length: since or until when."""
    since = shown.since.get(visit.pk)
    facts = {"time": time_words(since, shown.zone) if since else ""}
    match visit.status:
        case Status.IN_SESSION if since:
            return _("since %(time)s") % facts
        case Status.HELD if visit.held_until:
            return _("until %(time)s") % {"time": time_words(visit.held_until, shown.zone)}
        case Status.REQUESTED:
            return _("request")
        case Status.NO_SHOW:
            return _("Did not come")
        case Status.LATE_CANCELLED:
            return _("Cancelled late, %(time)s") % facts if since else _("Cancelled late")
        case _:
            return ""


def _shades(shown: Calendar) -> Iterator[list[object]]:
    columns = {column.pk for column in shown.shown}

    @cache
    def wall(moment: datetime) -> str:
        return wall_of(moment, shown.zone).isoformat(timespec="minutes")

    for shade in shown.shades:
        if shade.column in columns:
            yield [shade.column, wall(shade.span.start), wall(shade.span.end), shade.words, shade.is_break]


def _hidden(shown: Calendar) -> list[int]:
    """Return the weekdays on which nobody works and no visit is, Sunday being 0; none where that would be all."""
    days = [
        shown.wish.first + timedelta(days=number) for number in range((shown.wish.last - shown.wish.first).days + 1)
    ]
    used = {shown.walls[visit.starts_at].date() for visit in shown.visits} | shown.working_days
    return [_weekday(day) for day in days if day not in used] if used & set(days) else []


def _weekday(day: date) -> int:
    return day.isoweekday() % 7
