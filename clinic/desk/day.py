"""The desk's day: a column per therapist, who is here, who is expected, and what needs a hand. Reads only.

Rows of the grid are five minutes by the wall clock of the location, counted from the first hour shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.lib.times import day_bounds, local_date
from clinic.people.models import Client, Location, Therapist, User
from clinic.people.records import Records
from clinic.scheduling.availability import availability
from clinic.scheduling.badges import Badge, badges_for
from clinic.scheduling.models import MOVABLE, NOT_BEGUN, TAKING, Appointment, Status, StatusChange
from clinic.scheduling.slots import Diary, Span, merged, without
from clinic.scheduling.words import time_words

ROW_MINUTES = 5
FIRST_HOUR, LAST_HOUR = 8, 19
# In a short block there is room for one line, in a low one for two.
SHORT_ROWS, LOW_ROWS = 6, 11
EXPECTED_SHOWN = 8
GHOSTS = (Status.NO_SHOW, Status.LATE_CANCELLED)
STATUS_WORDS = {Status.REQUESTED: gettext_lazy("request"), Status.NO_SHOW: gettext_lazy("Did not come")}
EXPECTED = (Status.HELD, Status.BOOKED, Status.CONFIRMED)


@dataclass(frozen=True)
class Block:
    """One visit on the grid and in the list."""

    visit: Appointment
    place: str
    look: str
    meta: str
    badges: Sequence[Badge]
    is_new: bool

    @property
    def is_ghost(self) -> bool:
        return self.visit.status in GHOSTS


@dataclass(frozen=True)
class Shade:
    """A stretch that is no working time, or a buffer: where it lies, how it looks, what stands in it."""

    place: str
    look: str
    words: str = ""


@dataclass(frozen=True)
class Column:
    therapist: Therapist
    shades: Sequence[Shade]
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Hour:
    place: str
    at: time


@dataclass(frozen=True)
class Arrival:
    """One line of the rail."""

    visit: Appointment
    words: str
    look: str
    is_new: bool


@dataclass(frozen=True)
class Chore:
    """Open work of one kind on this day, and the first visit that has it."""

    icon: str
    words: str
    count: int
    visit: Appointment


@dataclass(frozen=True)
class Board:
    day: date
    location: Location
    columns: Sequence[Column]
    hours: Sequence[Hour]
    now: str
    now_at: time | None
    here: Sequence[Arrival]
    expected: Sequence[Arrival]
    expected_more: int
    chores: Sequence[Chore]
    summary: str
    updated_at: time
    is_today: bool
    # False in a clinic that has just been set up.
    has_therapists: bool
    blocks: Sequence[Block] = field(default=())


@dataclass(frozen=True)
class _Grid:
    """Turns instants into rows."""

    zone: ZoneInfo
    day: date
    first_hour: int
    last_hour: int

    def row(self, instant: datetime) -> int:
        """Return the row by the wall clock; what lies outside the day shown is drawn at its edge."""
        wall = make_naive(instant, self.zone)
        minutes = (wall - datetime.combine(self.day, time(self.first_hour))).total_seconds() / 60
        return round(min(max(minutes / ROW_MINUTES, 0), self.rows))

    @property
    def rows(self) -> int:
        return (self.last_hour - self.first_hour) * 60 // ROW_MINUTES

    def place(self, span: Span) -> str:
        """Return the classes that put a stretch of time on the grid; empty if none of it is shown."""
        start, end = self.row(span.start), self.row(span.end)
        return f"r-{start} s-{end - start}" if end > start else ""


def board(*, user: User, now: datetime, location: Location, day: date) -> Board:
    """Return the day of one location. The number of queries does not depend on how many visits or therapists it has."""
    zone = location.zone
    start, end = day_bounds(zone, day)
    visits = list(
        Appointment.objects.filter(location=location)
        .between(start, end)
        .exclude(status=Status.CANCELLED)
        .exclude(status=Status.HELD, held_until__lte=now)
        .with_people()
        .order_by("starts_at", "pk")
    )
    # Whoever has left stands there as long as visits do.
    people = Q(archived_at__isnull=True) | Q(pk__in={visit.therapist_id for visit in visits})
    therapists = list(Therapist.objects.filter(people).select_related("user", "usual_room"))
    diaries = availability(location=location, therapists=therapists, first=day, last=day, now=now).diaries
    grid = _grid(zone, day, visits, diaries)
    blocks = _blocks(user, visits, grid, start, now)
    shown = [one for one in therapists if diaries[one.pk].hours or any(b.visit.therapist_id == one.pk for b in blocks)]
    is_today = day == local_date(zone, now)
    expected = [
        block for block in blocks if block.visit.status in EXPECTED and (not is_today or block.visit.ends_at > now)
    ]
    return Board(
        day=day,
        location=location,
        columns=[
            _column(one, diaries[one.pk], [b for b in blocks if b.visit.therapist_id == one.pk], grid) for one in shown
        ],
        hours=[
            Hour(f"r-{(hour - grid.first_hour) * 60 // ROW_MINUTES}", time(hour))
            for hour in range(grid.first_hour, grid.last_hour)
        ],
        now=f"r-{grid.row(now)}" if is_today and 0 < grid.row(now) < grid.rows else "",
        now_at=make_naive(now, zone).time() if is_today else None,
        here=[_arrival(block, now) for block in blocks if block.visit.status == Status.ARRIVED],
        expected=[_arrival(block, now) for block in expected[:EXPECTED_SHOWN]],
        expected_more=max(len(expected) - EXPECTED_SHOWN, 0),
        chores=_chores(blocks),
        summary=_summary(visits),
        updated_at=make_naive(now, zone).time(),
        is_today=is_today,
        has_therapists=bool(therapists),
        blocks=blocks,
    )


def review_badges(visit: Appointment, others: Sequence[Badge]) -> list[Badge]:
    """Return the sign that a therapist must look, unless another room says more exactly what is missing."""
    if visit.status not in NOT_BEGUN or not visit.review_needed:
        return []
    if any(badge.is_open_work and badge.icon.startswith("clipboard") for badge in others):
        return []
    return [Badge("clipboard-text", _("needs therapist review"), is_open_work=True)]


def left_badges(visit: Appointment, now: datetime) -> list[Badge]:
    """Return the sign that a visit to come waits for another therapist, because hers has left."""
    if visit.status not in MOVABLE or visit.starts_at < now or not visit.therapist.archived_at:
        return []
    return [Badge("calendar-x", _("therapist has left"), is_open_work=True)]


def _grid(zone: ZoneInfo, day: date, visits: Sequence[Appointment], diaries: Mapping[int, Diary]) -> _Grid:
    starts = [visit.local_start for visit in visits]
    ends = [visit.local_end for visit in visits]
    for diary in diaries.values():
        starts += [make_naive(span.start, zone) for span in diary.hours]
        ends += [make_naive(span.end, zone) for span in diary.hours]
    midnight = datetime.combine(day + timedelta(days=1), time.min)
    last = max((24 if end >= midnight else end.hour + bool(end.minute) for end in ends), default=LAST_HOUR)
    return _Grid(zone, day, min([FIRST_HOUR, *(start.hour for start in starts)]), max(LAST_HOUR, last))


def _blocks(user: User, visits: Sequence[Appointment], grid: _Grid, start: datetime, now: datetime) -> list[Block]:
    badges = badges_for(user, visits)
    earlier = Appointment.objects.filter(client__among=Records(OuterRef("pk")), status__in=TAKING, starts_at__lt=start)
    shown = Client.objects.filter(pk__in={visit.client_id for visit in visits})
    known = set(shown.filter(Exists(earlier)).values_list("pk", flat=True))
    changed_at = {
        (pk, after): at
        for pk, after, at in StatusChange.objects.filter(appointment__in=visits)
        .order_by("pk")
        .values_list("appointment_id", "after", "at")
    }
    taken = [(v.therapist_id, v.starts_at, v.ends_at) for v in visits if v.status not in GHOSTS]
    return [
        Block(
            visit=visit,
            place=grid.place(Span(visit.starts_at, visit.ends_at)),
            look=_look(visit, visits, taken),
            meta=_meta(visit, changed_at.get((visit.pk, visit.status)), grid.zone),
            badges=[*left_badges(visit, now), *_own_badges(visit, badges[visit.pk]), *badges[visit.pk]],
            is_new=visit.client_id not in known and visit.status in TAKING,
        )
        for visit in visits
    ]


def _look(visit: Appointment, visits: Iterable[Appointment], taken: Sequence[tuple[int, datetime, datetime]]) -> str:
    """Return the classes of a block; a ghost beside a visit that took its time becomes a sliver."""
    if visit.status in GHOSTS:
        beside = any(
            therapist == visit.therapist_id and start < visit.ends_at and visit.starts_at < end
            for therapist, start, end in taken
        )
        return "ghost sliver" if beside else "ghost"
    looks = [f"st-{visit.status.replace('_', '')}", visit.service.modality.css_class]
    rows = visit.minutes // ROW_MINUTES
    if rows <= LOW_ROWS:
        looks.append("short" if rows <= SHORT_ROWS else "low")
    if any(
        other.status in GHOSTS
        and other.therapist_id == visit.therapist_id
        and other.starts_at < visit.ends_at
        and visit.starts_at < other.ends_at
        for other in visits
    ):
        looks.append("beside")
    return " ".join(looks)


def _meta(visit: Appointment, since: datetime | None, zone: ZoneInfo) -> str:
    """Return the words under the name: how long, or since or until when."""
    facts = {"time": time_words(since, zone) if since else "", "minutes": visit.minutes}
    match visit.status:
        case Status.IN_SESSION if since:
            return _("since %(time)s") % facts
        case Status.HELD if visit.held_until:
            return _("until %(time)s") % {"time": time_words(visit.held_until, zone)}
        case Status.REQUESTED | Status.NO_SHOW as status:
            return str(STATUS_WORDS[Status(status)])
        case Status.LATE_CANCELLED:
            return _("Cancelled late, %(time)s") % facts if since else _("Cancelled late")
        case _ if visit.minutes <= LOW_ROWS * ROW_MINUTES:
            return str(visit.minutes)  # beside the signs there is no room for the unit
        case _:
            return _("%(minutes)s min") % facts


def _own_badges(visit: Appointment, others: Sequence[Badge]) -> list[Badge]:
    badges = []
    if visit.status == Status.CONFIRMED:
        badges.append(Badge("check", _("confirmed")))
    if visit.status == Status.ARRIVED:
        badges.append(Badge("door-enter", _("arrived")))
    if visit.series_id:
        badges.append(Badge("repeat", _("part of a series")))
    return [*badges, *review_badges(visit, others)]


def _column(therapist: Therapist, diary: Diary, blocks: Sequence[Block], grid: _Grid) -> Column:
    buffers = [
        Shade(grid.place(Span(block.visit.ends_at, block.visit.occupied_until)), "buf")
        for block in blocks
        if block.visit.status in TAKING
    ]
    shades = [*_off(diary, grid), *_away(diary, grid), *buffers]
    return Column(therapist, [shade for shade in shades if shade.place], blocks)


def _off(diary: Diary, grid: _Grid) -> list[Shade]:
    """Shade what lies outside the working hours; a gap between two stretches of work is a break."""
    start, end = day_bounds(grid.zone, grid.day)
    hours = merged(diary.hours)
    return [
        Shade(grid.place(off), "off brk", _("Break"))
        if off.start > start and off.end < end
        else Shade(grid.place(off), "off")
        for off in without([Span(start, end)], hours)
    ]


def _away(diary: Diary, grid: _Grid) -> list[Shade]:
    shades = []
    for away in diary.away:
        inside = [Span(max(away.span.start, h.start), min(away.span.end, h.end)) for h in diary.hours]
        shades += [Shade(grid.place(span), "off", away.reason or _("Away")) for span in inside if span.start < span.end]
    return shades


def _arrival(block: Block, now: datetime) -> Arrival:
    visit = block.visit
    therapist = visit.therapist.user.first_name
    words = _("%(therapist)s, %(room)s") % {"therapist": therapist, "room": visit.room}
    if visit.status == Status.ARRIVED:
        return Arrival(visit, words, "is-here", block.is_new)
    return Arrival(visit, words, "late" if visit.starts_at < now else "", block.is_new)


def _chores(blocks: Sequence[Block]) -> list[Chore]:
    """Count the open work of the day by what is to be done, what most visits need first."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Appointment] = {}
    for block in blocks:
        for badge in block.badges:
            if badge.is_open_work:
                counts[badge.icon, badge.words] += 1
                first.setdefault((badge.icon, badge.words), block.visit)
    return [Chore(icon, words, number, first[icon, words]) for (icon, words), number in counts.most_common()]


def _summary(visits: Sequence[Appointment]) -> str:
    statuses = Counter(visit.status for visit in visits if visit.status in TAKING)
    total = sum(statuses.values())
    if not total:
        return _("no visits")
    said = [ngettext("%(n)d visit", "%(n)d visits", total) % {"n": total}]
    parts = (
        (Status.COMPLETED, _("%(n)d done")),
        (Status.IN_SESSION, _("%(n)d in session")),
        (Status.ARRIVED, _("%(n)d waiting")),
    )
    done = ", ".join(words % {"n": statuses[status]} for status, words in parts if statuses[status])
    return _("%(visits)s: %(done)s") % {"visits": said[0], "done": done} if done else said[0]
