"""The calendar: the visits of one location on a day or in a week, in columns of therapists or rooms. Reads only.

Visits are read as rows, not as models: a week of fifty therapists is some two thousand of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Exists, F, Func, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.lib.lookups import keys
from clinic.lib.times import day_bounds, local_date
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.models.clients import spoken_name
from clinic.people.places_page import features_in_words
from clinic.people.records import Records
from clinic.scheduling.availability import Presence, presence
from clinic.scheduling.badges import Badge, badges_for
from clinic.scheduling.badges import Visit as Badged
from clinic.scheduling.models import MOVABLE, NOT_BEGUN, TAKING, Appointment, Status, StatusChange, monday_of
from clinic.scheduling.slots import Span, merged, without

FIRST_HOUR, LAST_HOUR = 8, 19
# More columns than a screen holds at once.
MANY_COLUMNS = 8
# So many who are off are named.
NAMED_OFF = 4
Wall = tuple[datetime, datetime]
EXPECTED_SHOWN = 8
GHOSTS = (Status.NO_SHOW, Status.LATE_CANCELLED)
EXPECTED = (Status.HELD, Status.BOOKED, Status.CONFIRMED)


class Days(StrEnum):
    """How much of the calendar is shown."""

    DAY = "day"
    WEEK = "week"


class By(StrEnum):
    """What a column is."""

    THERAPIST = "therapist"
    ROOM = "room"


@dataclass(frozen=True)
class Wish:
    """Which part of the calendar is asked for; `of` is the one column that is wanted, None for all."""

    location: Location
    on: date
    days: Days = Days.DAY
    by: By = By.THERAPIST
    of: int | None = None

    @property
    def first(self) -> date:
        return self.on if self.days == Days.DAY else monday_of(self.on)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=0 if self.days == Days.DAY else 6)

    @property
    def step(self) -> timedelta:
        """How far the next and the previous page are."""
        return timedelta(days=1 if self.days == Days.DAY else 7)


class Visit(NamedTuple):
    """One visit, as the database tells it."""

    pk: int
    client_id: int
    therapist_id: int
    room_id: int
    service_id: int
    series_id: int | None
    starts_at: datetime
    ends_at: datetime
    minutes_before: int
    minutes_after: int
    status: str
    held_until: datetime | None
    review_needed: bool
    left_out_at: datetime | None
    has_been_here: bool
    name: str

    @property
    def is_new(self) -> bool:
        """Tell whether it is a new client's first visit."""
        return not self.has_been_here and self.status in TAKING


@dataclass(frozen=True)
class Column:
    """A therapist or a room."""

    pk: int
    title: str
    detail: str
    has_left: bool = False


@dataclass(frozen=True)
class Shade:
    """A stretch of a column that is no working time; a break is a gap between two stretches of work."""

    column: int
    span: Span
    words: str = ""
    is_break: bool = False


@dataclass(frozen=True)
class Row:
    """A visit with everything that is told of it in words, for the list and the rail."""

    visit: Visit
    starts: datetime
    ends: datetime
    service: Service
    therapist: Therapist
    room: Room
    badges: Sequence[Badge]

    @property
    def status_words(self) -> str:
        return str(Status(self.visit.status).label)

    @property
    def is_here(self) -> bool:
        return self.visit.status in (Status.ARRIVED, Status.IN_SESSION)


@dataclass(frozen=True)
class Arrival:
    """One line of the rail."""

    row: Row
    words: str
    look: str


@dataclass(frozen=True)
class Chore:
    """Open work of one kind, and the first visit that has it."""

    icon: str
    words: str
    count: int
    visit: Visit


@dataclass(frozen=True)
class Rail:
    """Who is here, who is expected, and what needs a hand."""

    here: Sequence[Arrival]
    expected: Sequence[Arrival]
    expected_more: int
    chores: Sequence[Chore]


@dataclass(frozen=True)
class Calendar:
    """What is shown of the calendar."""

    wish: Wish
    columns: Sequence[Column]
    # Those of `columns` that were asked for; nobody who is off all the time, unless it is her who was asked for.
    shown: Sequence[Column]
    # Who neither works nor has a visit, by day.
    off: Mapping[date, Sequence[Column]]
    visits: Sequence[Visit]
    badges: Mapping[int, Sequence[Badge]]
    shades: Sequence[Shade]
    # Since when each visit is what it is, where its block says so.
    since: Mapping[int, datetime]
    services: Mapping[int, Service]
    therapists: Mapping[int, Therapist]
    rooms: Mapping[int, Room]
    # What the clock on the wall shows at each moment at which a visit starts or ends.
    walls: Mapping[datetime, datetime]
    # The first and the last hour to show, and the days on which anybody works.
    hours: tuple[int, int]
    working_days: frozenset[date]
    now: datetime
    # False in a clinic that has just been set up.
    has_therapists: bool

    @property
    def zone(self) -> ZoneInfo:
        return self.wish.location.zone

    @property
    def today(self) -> date:
        return local_date(self.zone, self.now)

    @property
    def is_today(self) -> bool:
        return self.wish.first <= self.today <= self.wish.last

    @property
    def is_narrowed(self) -> bool:
        """Tell whether one column at a time was asked for, or would often be."""
        return self.wish.of is not None or self.wish.days == Days.WEEK or len(self.columns) > MANY_COLUMNS

    @property
    def off_words(self) -> str:
        """Say who has no column, for being off all the time that is shown."""
        here = {column.pk for column in self.shown}
        away = [column.title for column in self.columns if self.wish.of is None and column.pk not in here]
        if len(away) > NAMED_OFF:
            return ngettext("%(n)d is off", "%(n)d are off", len(away)) % {"n": len(away)}
        return _("Off: %(names)s") % {"names": ", ".join(away)} if away else ""

    @property
    def rows(self) -> list[Row]:
        """The visits of the columns shown, with their words."""
        return [self._row(visit) for visit in self.in_columns()]

    def in_columns(self) -> list[Visit]:
        """Return the visits of the columns shown."""
        if len(self.shown) == len(self.columns):
            return list(self.visits)
        keys = {column.pk for column in self.shown}
        place = Visit._fields.index("room_id" if self.wish.by == By.ROOM else "therapist_id")
        return [visit for visit in self.visits if visit[place] in keys]

    def _row(self, visit: Visit) -> Row:
        return Row(
            visit,
            self.walls[visit.starts_at],
            self.walls[visit.ends_at],
            self.services[visit.service_id],
            self.therapists[visit.therapist_id],
            self.rooms[visit.room_id],
            self.badges[visit.pk],
        )

    @property
    def summary(self) -> str:
        return _summary(self.in_columns())

    def rail(self) -> Rail:
        """Return who is here and expected, and the open work, of all columns."""
        rows = [self._row(visit) for visit in self.visits]
        expected = [
            row for row in rows if row.visit.status in EXPECTED and (not self.is_today or row.visit.ends_at > self.now)
        ]
        return Rail(
            here=[self._arrival(row) for row in rows if row.visit.status == Status.ARRIVED],
            expected=[self._arrival(row) for row in expected[:EXPECTED_SHOWN]],
            expected_more=max(len(expected) - EXPECTED_SHOWN, 0),
            chores=_chores(self.visits, self.badges),
        )

    def _arrival(self, row: Row) -> Arrival:
        facts = {"therapist": row.therapist.user.first_name, "room": row.room}
        words = _("%(therapist)s, %(room)s") % facts
        if row.visit.status == Status.ARRIVED:
            return Arrival(row, words, "is-here")
        return Arrival(row, words, "late" if row.visit.starts_at < self.now else "")


def calendar(*, user: User, now: datetime, wish: Wish) -> Calendar:
    """Return what is asked for. The number of queries does not depend on how many visits, days or therapists it has."""
    location = wish.location
    visits = _visits(wish, now)
    # Whoever has left stands there as long as visits do.
    people = Q(archived_at__isnull=True) | Q(pk__in={visit.therapist_id for visit in visits})
    therapists = {one.pk: one for one in Therapist.objects.filter(people).select_related("user", "usual_room")}
    open_or_used = Q(location=location, archived_at__isnull=True) | Q(pk__in={visit.room_id for visit in visits})
    rooms = {one.pk: one for one in Room.objects.filter(open_or_used)}
    here = presence(location=location, therapists=therapists, first=wish.first, last=wish.last)
    moments = {visit.starts_at for visit in visits} | {visit.ends_at for visit in visits}
    walls = {moment: wall_of(moment, location.zone) for moment in moments}
    spans = {span for spans in here.hours.values() for span in spans}
    work = [(wall_of(span.start, location.zone), wall_of(span.end, location.zone)) for span in spans]
    columns = _rooms(rooms) if wish.by == By.ROOM else _therapists(therapists, here, visits, location)
    off = _days_off(columns, here, visits, wish) if wish.by == By.THERAPIST else {}
    return Calendar(
        wish=wish,
        columns=columns,
        shown=_shown(columns, off, wish),
        off=off,
        visits=visits,
        badges=_badges(user, visits, therapists, _in_absences(visits, here, now), zone=location.zone, now=now),
        shades=_closed(here) if wish.by == By.ROOM else list(_off(columns, here, wish)),
        since=_since(visits),
        walls=walls,
        hours=_hours([*((walls[one.starts_at], walls[one.ends_at]) for one in visits), *work]),
        working_days=frozenset(opens.date() for opens, _closes in work),
        services=Service.objects.select_related("modality").in_bulk({visit.service_id for visit in visits}),
        therapists=therapists,
        rooms=rooms,
        now=now,
        has_therapists=bool(therapists),
    )


def review_badges(visit: Badged, others: Sequence[Badge], *, review_needed: bool) -> list[Badge]:
    """Return the sign that a therapist must look, unless another room says more exactly what is missing."""
    if visit.status not in NOT_BEGUN or not review_needed:
        return []
    if any(badge.is_open_work and badge.icon.startswith("clipboard") for badge in others):
        return []
    return [Badge("clipboard-text", _("needs therapist review"), is_open_work=True)]


def left_badges(visit: Badged, therapist: Therapist, zone: ZoneInfo, now: datetime) -> list[Badge]:
    """Return the sign that a visit to come waits for another therapist, because hers has left or will have by then."""
    if visit.status not in MOVABLE or visit.starts_at < now:
        return []
    if therapist.archived_at:
        return [Badge("calendar-x", _("therapist has left"), is_open_work=True)]
    if therapist.leaves_on and therapist.leaves_on < local_date(zone, visit.starts_at):
        return [Badge("calendar-x", _("therapist leaves before"), is_open_work=True)]
    return []


def _visits(wish: Wish, now: datetime) -> list[Visit]:
    """Return the visits, soonest first. Two queries: a join to the clients would read all of them."""
    zone = wish.location.zone
    start, end = day_bounds(zone, wish.first)[0], day_bounds(zone, wish.last)[1]
    earlier = Appointment.objects.filter(status__in=TAKING, starts_at__lt=OuterRef("starts_at"))
    # Most have been here under the record that the visit names, which an index tells; only then are others looked for.
    by_this_record = Exists(earlier.filter(client=OuterRef("client_id")))
    by_any_record = Exists(earlier.filter(client__among=Records(OuterRef("client_id"))))
    found = (
        Appointment.objects.filter(location=wish.location)
        .between(start, end)
        .exclude(status=Status.CANCELLED)
        .exclude(status=Status.HELD, held_until__lte=now)
        .annotate(has_been_here=by_this_record | by_any_record)
        .order_by("starts_at", "pk")
        .values_list(
            "pk", "client_id", "therapist_id", "room_id", "service_id", "series_id", _seconds("starts_at"),
            _seconds("ends_at"), _seconds("occupied_from"), _seconds("occupied_until"), "status", "held_until",
            "review_needed", "left_out_at", "has_been_here",
        )
    )  # fmt: skip
    rows = list(found)
    names = _names({row[1] for row in rows})
    moments = _Moments()
    return [
        Visit(
            pk, client, therapist, room, service, series, moments[starts], moments[ends], (starts - since) // 60,
            (until - ends) // 60, status, held_until, review_needed, left_out_at, has_been_here, names[client],
        )
        for pk, client, therapist, room, service, series, starts, ends, since, until, status, held_until,
        review_needed, left_out_at, has_been_here in rows
    ]  # fmt: skip


def _names(clients: Collection[int]) -> dict[int, str]:
    found = Client.objects.filter(pk__among=keys(clients)).values_list("pk", "legal_name", "preferred_name")
    return {pk: spoken_name(legal, preferred) for pk, legal, preferred in found}


def _seconds(field: str) -> Func:
    """Read a moment as its second of the epoch, which costs a tenth of a moment."""
    return Func(F(field), template="EXTRACT(EPOCH FROM %(expressions)s)::bigint", output_field=BigIntegerField())


class _Moments(dict[int, datetime]):
    """Moments by their second of the epoch; many visits share one."""

    def __missing__(self, second: int) -> datetime:
        moment = self[second] = datetime.fromtimestamp(second, UTC)
        return moment


def _since(visits: Sequence[Visit]) -> dict[int, datetime]:
    statuses = {visit.pk: visit.status for visit in visits if visit.status in (Status.IN_SESSION, *GHOSTS)}
    changes = StatusChange.objects.filter(appointment__in=statuses).order_by("pk")
    return {pk: at for pk, after, at in changes.values_list("appointment_id", "after", "at") if statuses[pk] == after}


def wall_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clock on the wall shows."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _hours(walls: Sequence[Wall]) -> tuple[int, int]:
    """Return the first and the last hour to show: the usual ones, and what work or visits need beside them."""
    first = min((start.hour for start, _end in walls), default=FIRST_HOUR)
    last = max((24 if end.date() > start.date() else end.hour + bool(end.minute) for start, end in walls), default=0)
    return min(FIRST_HOUR, first), max(LAST_HOUR, last)


# --- Columns and what is shaded in them


def _room_here(therapist: Therapist, location: Location) -> str:
    room = therapist.usual_room
    return str(room) if room and room.location_id == location.pk else ""


def _therapists(
    therapists: Mapping[int, Therapist], here: Presence, visits: Sequence[Visit], location: Location
) -> list[Column]:
    busy = {visit.therapist_id for visit in visits}
    return [
        Column(pk, str(one), _room_here(one, location), has_left=one.archived_at is not None)
        for pk, one in therapists.items()
        if here.hours[pk] or pk in busy
    ]


def _days_off(
    columns: Sequence[Column], here: Presence, visits: Sequence[Visit], wish: Wish
) -> dict[date, list[Column]]:
    """Return by day who neither works nor has a visit then."""
    zone = wish.location.zone
    there = {(visit.therapist_id, local_date(zone, visit.starts_at)) for visit in visits}
    for column in columns:
        hours, away = here.hours[column.pk], [one.span for one in here.away[column.pk]]
        there |= {(column.pk, local_date(zone, span.start)) for span in (without(hours, away) if away else hours)}
    days = [wish.first + timedelta(days=number) for number in range((wish.last - wish.first).days + 1)]
    return {day: [column for column in columns if (column.pk, day) not in there] for day in days}


def _shown(columns: Sequence[Column], off: Mapping[date, Sequence[Column]], wish: Wish) -> Sequence[Column]:
    """Return the column that was asked for, or all but of those who are off all the time."""
    if wish.of is not None:
        return [column for column in columns if column.pk == wish.of] or columns
    always = set.intersection(*({column.pk for column in one} for one in off.values())) if off else set()
    return [column for column in columns if column.pk not in always] or columns


def _rooms(rooms: Mapping[int, Room]) -> list[Column]:
    return [Column(pk, room.name, features_in_words(room)) for pk, room in rooms.items()]


def _closed(here: Presence) -> list[Shade]:
    return [Shade(room, span, _("Closed")) for room, spans in here.closed_rooms.items() for span in spans]


def _off(columns: Sequence[Column], here: Presence, wish: Wish) -> Iterator[Shade]:
    """Shade what lies outside the working hours of each day, and the absences within them."""
    days = [
        day_bounds(wish.location.zone, wish.first + timedelta(days=n)) for n in range((wish.last - wish.first).days + 1)
    ]
    for column in columns:
        hours = merged(here.hours[column.pk])
        for start, end in days:
            for off in without([Span(start, end)], hours):
                is_break = off.start > start and off.end < end
                yield Shade(column.pk, off, _("Break") if is_break else "", is_break)
        for away in here.away[column.pk]:
            inside = [Span(max(away.span.start, h.start), min(away.span.end, h.end)) for h in hours]
            words = away.reason or _("Away")
            yield from (Shade(column.pk, span, words) for span in inside if span.start < span.end)


# --- Signs and sums


def in_absence_badge() -> Badge:
    """Return the sign that a visit to come lies in time off or a closure."""
    return Badge("calendar-x", _("lies in time off: book anew"), is_open_work=True)


def left_out_badge() -> Badge:
    """Return the sign that new hours have left out a visit to come."""
    return Badge("calendar-x", _("outside the hours: book anew"), is_open_work=True)


def _in_absences(visits: Sequence[Visit], here: Presence, now: datetime) -> set[int]:
    """Return the visits that wait to be booked anew; asks, in one query, only where a visit and an absence meet."""
    away = {therapist: [one.span for one in found] for therapist, found in here.away.items() if found}
    met = [
        visit.pk
        for visit in visits
        for span in (*away.get(visit.therapist_id, ()), *here.closed_rooms.get(visit.room_id, ()))
        if span.start < visit.ends_at and visit.starts_at < span.end
    ]
    return set(Appointment.objects.to_rebook(now).filter(pk__in=met).values_list("pk", flat=True)) if met else set()


def _badges(
    user: User,
    visits: Sequence[Visit],
    therapists: Mapping[int, Therapist],
    in_absences: Collection[int],
    *,
    zone: ZoneInfo,
    now: datetime,
) -> dict[int, list[Badge]]:
    others = badges_for(user, visits)
    confirmed, arrived = Badge("check", _("confirmed")), Badge("door-enter", _("arrived"))
    repeats = Badge("repeat", _("part of a series"))
    asked = Badge("message-question", _("request to answer"), is_open_work=True)
    by_status: dict[str, list[Badge]] = {
        Status.HELD: [Badge("hourglass", _("held"))],
        Status.CONFIRMED: [confirmed],
        Status.ARRIVED: [arrived],
        Status.REQUESTED: [asked],
    }
    left = {pk for pk, one in therapists.items() if one.archived_at or one.leaves_on}
    found = {}
    for visit in visits:
        badges = list(by_status.get(visit.status, ()))
        theirs = others[visit.pk]
        if visit.therapist_id in left:
            badges[:0] = left_badges(visit, therapists[visit.therapist_id], zone, now)
        elif visit.pk in in_absences:
            badges.insert(0, in_absence_badge())
        elif visit.left_out_at and visit.status in MOVABLE and visit.starts_at >= now:
            badges.insert(0, left_out_badge())
        # That it is about to end says as well that there is a series.
        if visit.series_id and all(one.icon != repeats.icon for one in theirs):
            badges.append(repeats)
        if visit.review_needed:
            badges += review_badges(visit, theirs, review_needed=True)
        found[visit.pk] = badges + theirs
    return found


def _chores(visits: Sequence[Visit], badges: Mapping[int, Sequence[Badge]]) -> list[Chore]:
    """Count the open work by what is to be done, what most visits need first."""
    found: dict[tuple[str, str], list[Visit]] = defaultdict(list)
    for visit in visits:
        for badge in badges[visit.pk]:
            if badge.is_open_work:
                found[badge.icon, badge.words].append(visit)
    most_first = sorted(found.items(), key=lambda item: -len(item[1]))
    return [Chore(icon, words, len(those), those[0]) for (icon, words), those in most_first]


def _summary(visits: Sequence[Visit]) -> str:
    statuses = Counter(visit.status for visit in visits if visit.status in TAKING)
    total = sum(statuses.values())
    if not total:
        return _("no visits")
    said = ngettext("%(n)d visit", "%(n)d visits", total) % {"n": total}
    parts = (
        (Status.COMPLETED, _("%(n)d done")),
        (Status.IN_SESSION, _("%(n)d in session")),
        (Status.ARRIVED, _("%(n)d waiting")),
    )
    done = ", ".join(words % {"n": statuses[status]} for status, words in parts if statuses[status])
    return _("%(visits)s: %(done)s") % {"visits": said, "done": done} if done else said
