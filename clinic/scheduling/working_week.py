"""A therapist's working week: the lines it consists of, from when to when which lines count, and changing them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.times import local_date
from clinic.people.models import Location, Therapist, User
from clinic.people.opening import OpeningLine, OpenSpan, opening_lines
from clinic.scheduling.absences import VisitsInTheWay
from clinic.scheduling.availability import presence, zone_of
from clinic.scheduling.models import FIRST_MONDAY, Appointment, WeeklyHours, monday_of
from clinic.scheduling.services import lock_therapists
from clinic.scheduling.slots import Span, holds

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)


class Line(NamedTuple):
    """One stretch of a weekday, at a location; `kind` is which of two weeks, 0 or 1, or None for every week."""

    weekday: int
    opens: time
    closes: time
    location: int
    kind: int | None = None

    def meets(self, other: Line) -> bool:
        """Tell whether somebody would work at two places at once."""
        return (
            self.weekday == other.weekday
            and self.opens < other.closes
            and other.opens < self.closes
            and (self.kind == other.kind or None in (self.kind, other.kind))
        )


@dataclass(frozen=True)
class Period:
    """From the first to the last day, these are the hours; without a last day until they are changed."""

    first: date
    last: date | None
    lines: frozenset[Line]


@dataclass(frozen=True)
class HoursGroup:
    """The hours at one location in one kind of week, as people read them."""

    location: str
    weeks: str
    days: Sequence[OpeningLine]


def kind_of_week(day: date) -> int:
    """Return which of two alternating weeks the day lies in, 0 or 1."""
    return (day - FIRST_MONDAY).days // 7 % 2


def anchor_of(kind: int | None) -> date | None:
    """Return the Monday of the first week of a kind."""
    return None if kind is None else FIRST_MONDAY + kind * WEEK


def line_of(rule: WeeklyHours) -> Line:
    """Return what a rule says of a week, without when it is valid."""
    kind = None if rule.anchor_week is None else kind_of_week(rule.anchor_week)
    return Line(rule.weekday, rule.opens, rule.closes, rule.location_id, kind)


def periods_of(rules: Iterable[WeeklyHours]) -> list[Period]:
    """Return which hours count from when to when, in order; a stretch without hours is a period without lines."""
    known = list(rules)
    starts = {rule.valid_from for rule in known} | {rule.valid_until + DAY for rule in known if rule.valid_until}
    found: list[Period] = []
    for first, following in pairwise([*sorted(starts), None]):
        assert first is not None  # noqa: S101 -- only the last is; tells the type
        lines = frozenset(line_of(rule) for rule in known if holds_on(rule, first))
        last = following - DAY if following else None
        if found and found[-1].lines == lines:
            found[-1] = Period(found[-1].first, last, lines)
        else:
            found.append(Period(first, last, lines))
    return [period for period in found if period.lines or period.last]


def holds_on(rule: WeeklyHours, day: date) -> bool:
    """Tell whether a rule is valid on that day."""
    return rule.valid_from <= day <= (rule.valid_until or day)


def lines_on(therapist: Therapist, day: date) -> set[Line]:
    """Return the lines of the week that count on that day."""
    return {line_of(rule) for rule in WeeklyHours.objects.filter(therapist=therapist) if holds_on(rule, day)}


def week_words(kind: int | None, around: date) -> str:
    """Say which weeks are meant, by the next two of them."""
    if kind is None:
        return _("Every week")
    monday = monday_of(around)
    first = monday if kind_of_week(monday) == kind else monday + WEEK
    facts = {"first": date_format(first, "j M"), "second": date_format(first + 2 * WEEK, "j M")}
    return _("Weeks of %(first)s, %(second)s …") % facts


def groups_of(lines: Iterable[Line], locations: dict[int, Location], around: date) -> list[HoursGroup]:
    """Return the lines by location and kind of week, in the few words that tell them; days off are left out."""

    def group(line: Line) -> tuple[int, int]:
        return line.location, -1 if line.kind is None else line.kind

    found = []
    for (location, kind), those in groupby(sorted(lines, key=lambda line: (*group(line), line)), key=group):
        spans = [OpenSpan(line.weekday, line.opens, line.closes) for line in those]
        days = [line for line in opening_lines(spans) if line.hours]
        found.append(HoursGroup(str(locations[location]), week_words(None if kind < 0 else kind, around), days))
    return found


def clash_in(lines: Iterable[Line]) -> str:
    """Say which of the lines meet; nothing where none do."""
    known = sorted(lines, key=lambda line: (line.weekday, line.opens, line.closes))
    for number, line in enumerate(known):
        for other in known[number + 1 :]:
            if line.meets(other):
                facts = {
                    "day": WEEKDAYS[line.weekday],
                    "first": _span(line),
                    "second": _span(other),
                }
                return _("%(day)s: %(first)s and %(second)s overlap.") % facts
    return ""


def set_hours(
    *,
    by: User | None,
    now: datetime,
    therapist: Therapist,
    lines: Iterable[Line],
    first: date,
    last: date | None = None,
    seen: Collection[int] | None = None,
) -> list[Appointment]:
    """Let these be a therapist's hours, and no others, from the first day to the last; before and after all stays.

    Without a last day they count until they are changed, and replace what was planned for later. What stays the same is
    not written anew. Return the visits to come that lie within her hours no more: they stay booked, and wait to be
    booked anew. Raises ValidationError for a day that is past, and for lines that overlap; and, with the keys of those
    visits that were `seen`, VisitsInTheWay while there are others.
    """
    wanted = set(lines)
    if first < local_date(zone_of(therapist), now):
        raise ValidationError({"first": _("Hours change from today on: what was stays as it was.")})
    if last is not None and last < first:
        raise ValidationError({"last": _("The last day comes after the first.")})
    if words := clash_in(wanted):
        raise ValidationError(words)
    with transaction.atomic():
        lock_therapists([therapist.pk])
        within = _within_hours(therapist, now)
        _replace(therapist, wanted, first, last)
        still = _within_hours(therapist, now)
        left_out = [visit for pk, visit in within.items() if pk not in still]
        if seen is not None and not {visit.pk for visit in left_out} <= set(seen):
            raise VisitsInTheWay(left_out)
        Appointment.objects.filter(pk__in=[visit.pk for visit in left_out]).update(left_out_at=now)
        Appointment.objects.filter(pk__in=still, left_out_at__isnull=False).update(left_out_at=None)
        record_change(by=by.pk if by else None, client=None, what=therapist, words=_told(first, last), now=now)
    return left_out


def _replace(therapist: Therapist, wanted: set[Line], first: date, last: date | None) -> None:
    """Write the wanted lines in place of those that count from the first day to the last."""
    touched = WeeklyHours.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=first), therapist=therapist)
    for rule in touched if last is None else touched.filter(valid_from__lte=last):
        lasts = rule.valid_until is None or (last is not None and rule.valid_until >= last)
        if rule.valid_from <= first and lasts and line_of(rule) in wanted:
            wanted.remove(line_of(rule))
        else:
            _cut_out(rule, first, last)
    for line in sorted(wanted, key=lambda line: (line.weekday, line.opens, line.location)):
        _write(therapist, line, first, last)


def _within_hours(therapist: Therapist, now: datetime) -> dict[int, Appointment]:
    """Return her visits to come that lie within her hours, by their keys, soonest first; two queries a location."""
    visits = list(Appointment.objects.movable(now).filter(therapist=therapist).with_people())
    within: set[int] = set()
    for location in {visit.location for visit in visits}:
        there = [visit for visit in visits if visit.location_id == location.pk]
        days = [visit.local_start.date() for visit in there]
        hours = presence(location=location, therapists=[therapist.pk], first=min(days), last=max(days)).hours
        within |= {one.pk for one in there if holds(hours[therapist.pk], Span(one.starts_at, one.ends_at))}
    return {visit.pk: visit for visit in visits if visit.pk in within}


def _cut_out(rule: WeeklyHours, first: date, last: date | None) -> None:
    """Let a rule count no more from the first day to the last, and go on before and after."""
    until, begins = rule.valid_until, rule.valid_from
    goes_on = last is not None and (until is None or until > last)
    if begins < first:
        rule.valid_until = first - DAY
        rule.save(update_fields=["valid_until"])
        if goes_on and last is not None:
            rule.pk, rule.valid_from, rule.valid_until = None, last + DAY, until
            rule.save(force_insert=True)
    elif goes_on and last is not None:
        rule.valid_from = last + DAY
        rule.save(update_fields=["valid_from"])
    else:
        rule.delete()


def _write(therapist: Therapist, line: Line, first: date, last: date | None) -> None:
    rule = WeeklyHours(
        therapist=therapist,
        location_id=line.location,
        weekday=line.weekday,
        opens=line.opens,
        closes=line.closes,
        anchor_week=anchor_of(line.kind),
        valid_from=first,
        valid_until=last,
    )
    rule.full_clean()
    rule.save(force_insert=True)


def _told(first: date, last: date | None) -> str:
    facts = {"first": date_format(first, "D j M Y"), "last": date_format(last, "D j M Y") if last else ""}
    return (
        _("working hours changed from %(first)s to %(last)s") if last else _("working hours changed from %(first)s on")
    ) % facts


def _span(line: Line) -> str:
    facts = {"opens": time_format(line.opens, "H:i"), "closes": time_format(line.closes, "H:i")}
    return _("%(opens)s–%(closes)s") % facts
