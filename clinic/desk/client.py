"""One client on one page: the chart for therapists; contact and visits, and nothing of her health, for the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from clinic.desk.force import Force, force_of
from clinic.desk.my_day import next_step
from clinic.desk.record import Record, record_of
from clinic.people.models import Client, TherapistsNote, clinic_zone
from clinic.people.records import records_of
from clinic.people.services import mail_address
from clinic.scheduling.models import UPCOMING, Appointment, Status
from intake.findings import open_findings
from intake.models import Invitation, Submission
from intake.profile import IntakeProfile, profile_of
from intake.reading import FindingRow, finding_rows
from plans.pages import GoalBox, goal_boxes, line_of, open_work, where_words
from plans.standing import Standing, plan_in_force, standing
from sessions.reading import SignedNote, signed_notes

PAST_SHOWN = 25
CAME = (Status.IN_SESSION, Status.COMPLETED)
MISSED = (Status.NO_SHOW, Status.LATE_CANCELLED)
STARTABLE = (Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_SESSION)


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
    timeline: tuple[TimelineRow, ...]
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
    # Where the form would go; empty where no address is known.
    mailed_at: str
    # When the form went out that has not come back, if one did.
    invited_at: datetime | None
    upcoming: Sequence[Appointment]
    past: Sequence[Appointment]
    zone: ZoneInfo
    record: Record


def chart(client: Client, now: datetime) -> Chart:
    """Return everything on a therapist's chart. A constant number of queries."""
    zone = clinic_zone()
    today = now.astimezone(zone).date()
    visits = visits_of(client)
    upcoming = [visit for visit in visits if visit.status in UPCOMING and visit.ends_at > now]
    findings = open_findings(client.pk)
    return Chart(
        today=today,
        age=client.age_on(today),
        profile=profile_of(client),
        zone=zone,
        alerts=force_of(client.pk, today).alerts,
        findings=finding_rows(findings),
        timeline=timeline(visits, signed_notes(client.pk), answers_of(client), zone),
        upcoming=upcoming,
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


def desk_page(client: Client, now: datetime) -> DeskPage:
    """Return contact, visits and the state of the intake, for those who may not read her answers."""
    visits = visits_of(client)
    newest = Submission.objects.filter(client__among=records_of(client.pk)).sent().first()
    state, is_open, may_invite = intake_state(newest)
    zone = clinic_zone()
    invited = Invitation.objects.filter(client__among=records_of(client.pk)).open(now)
    return DeskPage(
        age=client.age_on(now.astimezone(zone).date()),
        intake_state=state,
        intake_is_open=is_open,
        may_invite=may_invite,
        mailed_at=mail_address(client, now),
        invited_at=invited.values_list("created_at", flat=True).order_by("-created_at").first(),
        upcoming=[visit for visit in visits if visit.status in UPCOMING and visit.ends_at > now],
        past=[visit for visit in reversed(visits) if visit.status in (*CAME, *MISSED)][:PAST_SHOWN],
        zone=zone,
        record=record_of(client, now),
    )


def intake_state(newest: Submission | None) -> tuple[str, bool, bool]:
    """Return the state in words, whether somebody must act, and whether the desk may send the form."""
    if newest is None:
        return _("missing"), True, True
    if newest.state == Submission.State.SUBMITTED:
        return _("needs review"), True, False
    return _("done"), False, True


def visits_of(client: Client) -> list[Appointment]:
    """Return her visits, oldest first."""
    return list(
        Appointment.objects.filter(client__among=records_of(client.pk)).with_people().order_by("starts_at", "pk")
    )


def plan_card(client: Client, now: datetime) -> PlanCard | None:
    plan = plan_in_force(client)
    if plan is None:
        return None
    stands = standing(plan, now)
    return PlanCard(stands, line_of(stands), where_words(stands), goal_boxes(stands), open_work(stands))


def answers_of(client: Client) -> list[Submission]:
    """Return what she sent, newest first."""
    return list(Submission.objects.filter(client__among=records_of(client.pk)).sent().select_related("reviewed_by"))


def timeline(
    visits: Sequence[Appointment], notes: Sequence[SignedNote], submissions: Sequence[Submission], zone: ZoneInfo
) -> tuple[TimelineRow, ...]:
    """Return what happened, newest first: visits with their signed notes, and answers to the intake."""
    by_visit = {note.appointment_pk: note for note in notes}
    came = [visit for visit in visits if visit.status in CAME]
    rows = [visit_row(visit, by_visit.get(visit.pk), number) for number, visit in enumerate(came, start=1)]
    rows += [missed_row(visit) for visit in visits if visit.status in MISSED]
    rows += [answers_row(submission, zone) for submission in submissions]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True)[:PAST_SHOWN])


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
