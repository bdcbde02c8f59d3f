"""One client on one page: the chart for therapists; contact and visits, and nothing of her health, for the desk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import DateTimeField, Q, QuerySet
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from clinic.desk.force import Force, force_of
from clinic.desk.my_day import next_step
from clinic.desk.record import Record, record_of
from clinic.lib.paging import Stretch, stretch
from clinic.lib.prepared import Given, Prepared
from clinic.people.forms.clients import SAID
from clinic.people.models import Client, TherapistsNote, clinic_zone
from clinic.people.records import Records, records_given_one, records_of
from clinic.people.services import mail_address
from clinic.scheduling.models import UPCOMING, Appointment, AppointmentQuerySet, Status
from intake.findings import open_findings
from intake.models import Invitation, Submission
from intake.profile import IntakeProfile, profile_of
from intake.reading import FindingRow, finding_rows
from intake.standing import ANSWERS_LAST
from plans.pages import GoalBox, goal_boxes, line_of, open_work, where_words
from plans.standing import Standing, plan_in_force, standing
from sessions.reading import SignedNote, signed_notes

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

CAME = (Status.IN_SESSION, Status.COMPLETED)
MISSED = (Status.NO_SHOW, Status.LATE_CANCELLED)
# The desk reads when she came last, not what happened.
PAST_VISITS = 10
STARTABLE = (Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_SESSION)
# Wherever the clinic is, what is today there begins within a day from now.
A_DAY = timedelta(days=1)
# What the rows of the page say of a visit; its relations come along in the same query.
TOLD = (
    "client_id", "starts_at", "ends_at", "status", "review_needed", "service__name", "service__modality__code",
    "therapist__archived_at", "therapist__user__name", "room__name", "location__time_zone",
)  # fmt: skip


@dataclass(frozen=True)
class TimelineRow:
    """One thing that happened, or answers that came."""

    at: datetime
    on: date
    state: str
    title: str
    words: str
    url: str = ""
    verb: str = ""


@dataclass(frozen=True)
class PlanCard:
    standing: Standing
    line: SafeString
    where: str
    goals: tuple[GoalBox, ...]
    open_work: str


@dataclass(frozen=True)
class Step:
    """What is to be done for today's visit."""

    visit: Appointment
    verb: str
    url: str


@dataclass(frozen=True)
class Chart:
    today: date
    age: int | None
    profile: IntakeProfile | None
    zone: ZoneInfo
    alerts: Force
    findings: Sequence[FindingRow]
    timeline: Stretch[TimelineRow]
    upcoming: Sequence[Appointment]
    startable: Step | None
    plan: PlanCard | None
    record: Record
    note: str


@dataclass(frozen=True)
class DeskPage:
    """What the front desk sees; the intake only as a state."""

    age: int | None
    intake_state: str
    intake_is_open: bool
    may_invite: bool
    # How she may have agreed to mail in the same talk, where she has not before.
    ways_to_agree: Sequence[tuple[str, StrOrPromise]]
    # Where the form would go; empty where no address is known.
    mailed_at: str
    # The link to the form that is out, if one is.
    invited: Invitation | None
    upcoming: Sequence[Appointment]
    past: Stretch[Appointment]
    zone: ZoneInfo
    record: Record


def chart(client: Client, now: datetime, typed_page: str = "") -> Chart:
    """Return everything on a therapist's chart. A constant number of queries."""
    zone = clinic_zone()
    today = now.astimezone(zone).date()
    visits = to_come_or_today(client, now)
    findings = open_findings(client.pk)
    return Chart(
        today=today,
        age=client.age_on(today),
        profile=profile_of(client),
        zone=zone,
        alerts=force_of(client.pk, today).alerts,
        findings=finding_rows(findings),
        timeline=stretch(Timeline(client, zone).newest, typed_page),
        upcoming=still_to_come(visits, now),
        startable=next((step_of(v) for v in visits if v.status in STARTABLE and v.is_today(now)), None),
        plan=plan_card(client, now),
        record=record_of(client, now),
        note=therapists_note(client),
    )


def therapists_note(client: Client) -> str:
    """Return what colleagues should know before they treat her; for therapists only."""
    return TherapistsNote.objects.filter(client=client).values_list("text", flat=True).first() or ""


def step_of(visit: Appointment) -> Step:
    return Step(visit, *next_step(visit))


def desk_page(client: Client, now: datetime, typed_page: str = "") -> DeskPage:
    """Return contact, visits and the state of the intake, for those who may not read her answers."""
    newest = Submission.objects.filter(client__among=records_of(client.pk)).sent().only("state", "submitted_at").first()
    invited = Invitation.objects.filter(client__among=records_of(client.pk)).open(now).order_by("-created_at").first()
    state, is_open, may_invite = intake_state(newest, invited, now)
    zone = clinic_zone()
    record = record_of(client, now)
    return DeskPage(
        age=client.age_on(now.astimezone(zone).date()),
        intake_state=state,
        intake_is_open=is_open,
        may_invite=may_invite,
        ways_to_agree=() if record.agrees_to_mail else SAID,
        mailed_at=mail_address(client, now),
        invited=invited,
        upcoming=still_to_come(to_come_or_today(client, now), now),
        past=stretch(lambda count: newest_past(count).all(client=client.pk), typed_page, per_page=PAST_VISITS),
        zone=zone,
        record=record,
    )


def intake_state(newest: Submission | None, invited: Invitation | None, now: datetime) -> tuple[str, bool, bool]:
    """Return the state in words, whether somebody must act, and whether the desk may send the form."""
    if newest is not None and newest.state == Submission.State.SUBMITTED:
        return _("needs review"), True, False
    is_old = newest is not None and newest.submitted_at is not None and now - newest.submitted_at > ANSWERS_LAST
    if newest is not None and not is_old:
        return _("done"), False, True
    if invited is not None:
        return (_("opened") if invited.opened_at else _("sent")), True, True
    return (_("over a year old") if is_old else _("missing")), True, True


def visits_of(records: Records) -> AppointmentQuerySet:
    """Return the visits of one person, with what the page says of them and no more."""
    hers = Appointment.objects.filter(client__among=records)
    return hers.select_related("therapist__user", "room", "location", "service__modality").only(*TOLD)


@lru_cache(maxsize=8)
def newest_past(count: int) -> Prepared[Appointment]:
    """Return so many visits to which she came or should have come, newest first."""
    visits = visits_of(records_given_one("client")).filter(status__in=(*CAME, *MISSED))
    return Prepared(lambda: visits.order_by("-starts_at", "-pk")[:count])


def _to_come_or_today() -> AppointmentQuerySet:
    now, yesterday, tomorrow = (Given(name, DateTimeField()) for name in ("now", "yesterday", "tomorrow"))
    to_come = Q(status__in=UPCOMING, ends_at__gt=now)
    near = Q(status__in=STARTABLE, starts_at__gt=yesterday, starts_at__lt=tomorrow)
    return visits_of(records_given_one("client")).filter(to_come | near).order_by("starts_at", "pk")


TO_COME_OR_TODAY = Prepared(_to_come_or_today)


def to_come_or_today(client: Client, now: datetime) -> list[Appointment]:
    """Return the visits that are not over, and those that may still be begun today; soonest first."""
    return TO_COME_OR_TODAY.all(client=client.pk, now=now, yesterday=now - A_DAY, tomorrow=now + A_DAY)


def still_to_come(visits: Sequence[Appointment], now: datetime) -> list[Appointment]:
    """Keep the visits to come."""
    return [visit for visit in visits if visit.status in UPCOMING and visit.ends_at > now]


def plan_card(client: Client, now: datetime) -> PlanCard | None:
    plan = plan_in_force(client)
    if plan is None:
        return None
    stands = standing(plan, now)
    return PlanCard(stands, line_of(stands), where_words(stands), goal_boxes(stands), open_work(stands))


@dataclass(frozen=True)
class Timeline:
    """What happened, newest first: visits with their signed notes, and answers to the intake."""

    client: Client
    zone: ZoneInfo

    def newest(self, count: int) -> list[TimelineRow]:
        """Return so many of the newest rows."""
        rows = [*self._visits(count), *(answers_row(sent, self.zone) for sent in answers_of(self.client)[:count])]
        return sorted(rows, key=lambda row: row.at, reverse=True)[:count]

    def _visits(self, count: int) -> Iterator[TimelineRow]:
        by_visit = {note.appointment_pk: note for note in signed_notes(self.client.pk)}
        # Each has its number among all to which she came.
        number = visits_of(records_of(self.client.pk)).filter(status__in=CAME).count()
        for visit in newest_past(count).all(client=self.client.pk):
            if visit.status in MISSED:
                yield missed_row(visit)
            else:
                yield visit_row(visit, by_visit.get(visit.pk), number)
                number -= 1


def answers_of(client: Client) -> QuerySet[Submission]:
    """Return what she sent, newest first."""
    return Submission.objects.filter(client__among=records_of(client.pk)).sent().select_related("reviewed_by")


def missed_row(visit: Appointment) -> TimelineRow:
    return TimelineRow(
        visit.starts_at, visit.local_start.date(), "", visit.service.name, f"{visit.get_status_display()}."
    )


def visit_row(visit: Appointment, note: SignedNote | None, number: int) -> TimelineRow:
    on = visit.local_start.date()
    title = _("Visit %(number)s, %(service)s") % {"number": number, "service": visit.service.name}
    if note is None:
        state = "here" if visit.status == Status.IN_SESSION else "warn"
        words = _("in session") if visit.status == Status.IN_SESSION else _("no signed note yet")
        return TimelineRow(visit.starts_at, on, state, title, words)
    url = reverse("treatment:note", args=[note.pk])
    return TimelineRow(visit.starts_at, on, "done", title, note_words(note), url, _("Open"))


def note_words(note: SignedNote) -> str:
    """Put a signed note into one line."""
    parts = []
    if note.pain_before is not None and note.pain_after is not None:
        parts.append(_("Pain %(before)s to %(after)s.") % {"before": note.pain_before, "after": note.pain_after})
    if note.regions:
        parts.append(", ".join(note.regions) + ".")
    if note.response:
        parts.append(note.response)
    return " ".join(parts)


def answers_row(submission: Submission, zone: ZoneInfo) -> TimelineRow:
    at = submission.submitted_at or submission.saved_at
    words = (
        _("Reviewed by %(name)s.") % {"name": submission.reviewed_by.name}
        if submission.reviewed_by
        else _("Not reviewed yet.")
    )
    url = reverse("intake:review", args=[submission.pk])
    verb = _("Open") if submission.reviewed_by else _("Review")
    return TimelineRow(at, at.astimezone(zone).date(), "phase", _("Intake answered"), words, url, verb)
