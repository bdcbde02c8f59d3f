"""A therapist's day: who comes next with what to know in twenty seconds, the day as a line, and all open work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.desk.force import Force, force_of
from clinic.lib.times import local_date
from clinic.people.models import User, clinic_zone
from clinic.people.records import records_of
from clinic.people.worklist import WorkRow, worklists
from clinic.scheduling.badges import Badge, badges_for
from clinic.scheduling.models import UPCOMING, Appointment, Status
from intake.profile import profile_of
from sessions.reading import SignedNote, last_note

# On it the clocks go back.
LONGEST_DAY = timedelta(hours=25)
TO_COME = (*UPCOMING, Status.ARRIVED)
NOT_SHOWN = (Status.CANCELLED, Status.REQUESTED)
GONE = (Status.NO_SHOW, Status.LATE_CANCELLED)


@dataclass(frozen=True)
class DayRow:
    """One visit on the day's line; None is the row of now."""

    visit: Appointment | None
    state: str
    badges: tuple[Badge, ...] = ()

    @property
    def open_work(self) -> list[Badge]:
        return [badge for badge in self.badges if badge.is_open_work]

    @property
    def done(self) -> list[Badge]:
        return [badge for badge in self.badges if not badge.is_open_work]

    @property
    def is_gone(self) -> bool:
        return self.visit is not None and self.visit.status in GONE


@dataclass(frozen=True)
class NextClient:
    """Who is on the table or comes next."""

    visit: Appointment
    when: str
    visit_number: int
    force: Force
    last: SignedNote | None
    has_intake: bool
    room_wishes: tuple[str, ...]
    verb: str
    url: str


@dataclass(frozen=True)
class WorkBox:
    """One kind of open work."""

    heading: str
    empty: str
    rows: Sequence[WorkRow]


@dataclass(frozen=True)
class MyDay:
    day: date
    now: datetime
    next: NextClient | None
    rows: tuple[DayRow, ...]
    visits_to_come: int
    until: datetime | None
    work: tuple[WorkBox, ...]


def my_day(user: User, now: datetime) -> MyDay:
    """Return the day of the therapist who asks. A constant number of queries."""
    visits = visits_today(user, now)
    zone = visits[0].location.zone if visits else clinic_zone()
    to_come = [visit for visit in visits if visit.status in TO_COME and visit.ends_at > now]
    return MyDay(
        day=local_date(zone, now),
        now=now.astimezone(zone),
        next=next_client(visits, now),
        rows=day_rows(visits, badges_for(user, visits), now),
        visits_to_come=len(to_come),
        until=max(to_come, key=lambda visit: visit.ends_at).local_end if to_come else None,
        work=work_of(user, now),
    )


def work_of(user: User, now: datetime) -> tuple[WorkBox, ...]:
    """Return the open work of each kind; of a kind that has no words for its absence nothing is shown without rows."""
    hers = (worklist for worklist in worklists if worklist.roles & set(user.roles))
    boxes = (WorkBox(str(one.heading), str(one.empty), one.rows(user, now)) for one in hers)
    return tuple(box for box in boxes if box.rows or box.empty)


def visits_today(user: User, now: datetime) -> list[Appointment]:
    """Return the therapist's visits of the day that it is at their location."""
    around = Appointment.objects.between(now - LONGEST_DAY, now + LONGEST_DAY)
    hers = around.filter(therapist__user=user).exclude(status__in=NOT_SHOWN).with_people()
    return [visit for visit in hers.order_by("starts_at", "pk") if visit.is_today(now)]


def day_rows(visits: Sequence[Appointment], badges: Mapping[int, Sequence[Badge]], now: datetime) -> tuple[DayRow, ...]:
    """Put the visits on the line, and now between them unless somebody is on the table; no visits, no line."""
    rows = [DayRow(visit, state_of(visit, badges[visit.pk]), tuple(badges[visit.pk])) for visit in visits]
    if not visits or any(visit.status == Status.IN_SESSION for visit in visits):
        return tuple(rows)
    begun = sum(visit.starts_at <= now for visit in visits)
    return (*rows[:begun], DayRow(None, "here"), *rows[begun:])


def state_of(visit: Appointment, badges: Sequence[Badge]) -> str:
    """Return the classes of a visit's point on the line."""
    if visit.status == Status.IN_SESSION:
        return "here"
    if visit.status == Status.COMPLETED:
        return "warn past" if any(badge.is_open_work for badge in badges) else "done past"
    return "past" if visit.status in GONE else ""


def next_client(visits: Sequence[Appointment], now: datetime) -> NextClient | None:
    """Return who is on the table, else who comes next today, with what is in force and what was last time."""
    on_table = next((visit for visit in visits if visit.status == Status.IN_SESSION), None)
    visit = on_table or next((v for v in visits if v.status in TO_COME and v.ends_at > now), None)
    if visit is None:
        return None
    profile = profile_of(visit.client)
    earlier = Appointment.objects.filter(client__among=records_of(visit.client_id), starts_at__lt=visit.starts_at)
    verb, url = next_step(visit)
    return NextClient(
        visit=visit,
        when=when_words(visit, now),
        visit_number=earlier.filter(status=Status.COMPLETED).count() + 1,
        force=force_of(visit.client_id, visit.local_start.date()),
        last=last_note(visit.client_id),
        has_intake=profile is not None,
        room_wishes=visit.client.room_wishes,
        verb=verb,
        url=url,
    )


def next_step(visit: Appointment) -> tuple[str, str]:
    """Return the one thing to do now for this visit, as a verb and its address."""
    if visit.status == Status.IN_SESSION:
        return _("Open the note"), reverse("treatment:start", args=[visit.pk])
    if visit.review_needed:
        return _("Review, then start"), reverse("intake:findings", args=[visit.client_id])
    return _("Start"), reverse("treatment:start", args=[visit.pk])


def when_words(visit: Appointment, now: datetime) -> str:
    """Say how far off a visit is."""
    if visit.status == Status.IN_SESSION:
        return _("On the table")
    minutes = int((visit.starts_at - now).total_seconds() // 60)
    if minutes < 0:
        late = -minutes
        return ngettext("Next, since %(n)s minute", "Next, since %(n)s minutes", late) % {"n": late}
    if minutes < 90:  # noqa: PLR2004  # beyond that the time of day says it better
        return _("Next, in %(n)s min") % {"n": minutes}
    return _("Next")
