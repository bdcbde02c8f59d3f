"""What happened in the example clinic: one story per client, told through the services that the pages call.

A story is a generator (see clock.py): it yields the moment at which it goes on, so that sixty stories run side by side
in the order of time and every service gets the moment at which it would have been called.
"""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic.demo import cast
from clinic.demo.answers import answers_of
from clinic.demo.clock import Story
from clinic.demo.founding import House
from clinic.demo.records import details_of, note_on
from clinic.demo.slots import Slot
from clinic.demo.treatments import treat
from clinic.lib.times import local_date
from clinic.people.models import Client, Location, Service, Therapist
from clinic.people.services import create_client, write_therapists_note
from clinic.reminders.services import sweep
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.offers import preview_series
from clinic.scheduling.services import ChosenVisit, book_series, cancel_appointment, change_status
from intake.models import Finding, Submission
from intake.questions import form_of
from intake.services import acknowledge_finding, invite, open_invitation, review, save_step, submit
from plans.models import Measure
from plans.services import USUAL_PHASES, GoalDraft, PhaseDraft, make_plan, record_score
from sessions.models import Phase
from sessions.services import NotToday, save_note, sign_note, start_note

MONTH = timedelta(days=28)
HOME_CARE = (
    "Temple and neck self-massage, 5 minutes in the evening.",
    "Ball at the wall for upper back and shoulders, 3 minutes a side.",
    "Breathing, 10 minutes before bed.",
    "A screen break every 45 minutes.",
)


@dataclass
class Course:
    """How one client fares: her pain at the start, and how it moves with every visit. Some get better, some do not."""

    random: Random
    pain: float
    change: float
    visits: int = 0
    migraine_days: int = 0
    stops_after: int = 99

    def pain_today(self) -> int:
        """Return the pain before this visit, 0 to 10."""
        return max(0, min(9, round(self.pain + self.change * self.visits + self.random.uniform(-1.5, 1.5))))


class _Rule(TypedDict):
    """What the preview of a series and its booking are both asked with."""

    client: Client
    service: Service
    therapist: Therapist
    location: Location
    first_on: date
    at_time: time
    every_weeks: int
    count: int


def story_of(person: cast.ExampleClient, house: House, slot: Slot, begins: datetime, random: Random) -> Story:
    """Tell one client's time with the clinic, from the first call on."""
    yield begins
    client = create_client(
        by=house.desk, now=begins, legal_name=person.name, **details_of(person, slot.therapist)
    )  # fmt: skip
    invitation, _token = invite(by=house.desk, now=begins, client=client)

    answered = yield from _wait(begins + timedelta(hours=random.uniform(2, 60)))
    submission = open_invitation(now=answered, invitation=invitation, born_on=person.born_on)
    _fill_in(submission, person, random, now=answered)

    reviewed = yield from _wait(slot.next_working_hour(answered + timedelta(hours=1)))
    for finding in Finding.objects.filter(submission=submission, acknowledged_at__isnull=True):
        acknowledge_finding(by=slot.therapist.user, now=reviewed, finding=finding)
    review(by=slot.therapist.user, now=reviewed, submission=submission)
    write_therapists_note(
        by=slot.therapist.user, now=reviewed, client=client, text=note_on(person), instead_of=""
    )  # fmt: skip

    course = Course(
        random, pain=random.uniform(4, 7), change=random.choice((-0.35, -0.25, -0.2, -0.1, 0, 0.05)),
        migraine_days=int(submission.answers["migraine_days"]),
        stops_after=random.choice((6, 10, 99, 99)),
    )  # fmt: skip
    planned = yield from _wait(reviewed + timedelta(minutes=20))
    _agree_plan(client, slot, course, now=planned)
    yield from _visits(client, house, slot, course, planned)


def _wait(moment: datetime) -> Generator[datetime, None, datetime]:
    """Wait for a moment, and return it: `now = yield from _wait(…)`."""
    yield moment
    return moment


def _fill_in(submission: Submission, person: cast.ExampleClient, random: Random, *, now: datetime) -> None:
    form = form_of(submission.form_version_id)
    answers = answers_of(person, form, random, today=local_date(ZoneInfo("UTC"), now).isoformat())
    for step in form.steps:
        codes = {question.code for question in step.questions}
        save_step(
            now=now, submission=submission, step=step.number,
            answers={code: answer for code, answer in answers.items() if code in codes},
        )  # fmt: skip
    submit(now=now, submission=submission, signed_name=person.name)
    submission.refresh_from_db()


def _agree_plan(client: Client, slot: Slot, course: Course, *, now: datetime) -> None:
    starts_on = local_date(slot.location.zone, now)
    target = max(1, course.migraine_days // 2)
    make_plan(
        by=slot.therapist.user, now=now, client=client, service=slot.service, starts_on=starts_on, phases=USUAL_PHASES,
        goals=[
            GoalDraft(Measure.MIGRAINE_DAYS, Decimal(course.migraine_days), Decimal(target), starts_on + 6 * MONTH),
        ],
    )  # fmt: skip


def _visits(client: Client, house: House, slot: Slot, course: Course, now: datetime) -> Story:
    """Book one phase after the other, and come to the visits."""
    first_on = slot.first_day_after(now)
    for phase in USUAL_PHASES:
        visits = _book(client, house, slot, phase, first_on=first_on, now=now, random=course.random)
        for visit in visits:
            yield from _visit(visit, house, slot, course)
            course.visits += 1
            if course.visits >= course.stops_after:
                return
        now = visits[-1].ends_at + timedelta(minutes=20)
        yield now
        _count_the_month(client, slot, course, now=now)
        first_on = local_date(slot.location.zone, now) + timedelta(weeks=phase.every_weeks)
        # The next phase keeps the weekday, wherever a conflict had moved the last visit to.
        first_on += timedelta(days=(slot.weekday - first_on.weekday()) % 7)


def _book(
    client: Client, house: House, slot: Slot, phase: PhaseDraft, *, first_on: date, now: datetime, random: Random
) -> list[Appointment]:
    """Book one phase as a series; where a visit is in conflict, the first way out that the preview offers is taken."""
    rule = _Rule(
        client=client,
        service=slot.service,
        therapist=slot.therapist,
        location=slot.location,
        first_on=first_on,
        at_time=slot.at_time,
        every_weeks=int(phase.every_weeks),
        count=phase.visits,
    )
    chosen = []
    for occurrence in preview_series(now=now, **rule):
        if not occurrence.problem:
            chosen.append(ChosenVisit(occurrence.starts_at, slot.therapist))
            continue
        ways_out = [ChosenVisit(way.starts_at, way.therapist) for way in occurrence.alternatives if way.starts_at]
        chosen += ways_out[:1]
    key = UUID(int=random.getrandbits(128), version=4)
    series = book_series(by=house.desk, now=now, chosen=chosen, idempotency_key=key, **rule)
    return list(series.appointments.with_people().order_by("starts_at"))


def _visit(visit: Appointment, house: House, slot: Slot, course: Course) -> Story:
    """Come to one visit, or not."""
    random, chance = course.random, course.random.random()
    if chance < 0.05:  # noqa: PLR2004  # one visit in twenty is cancelled in time
        moment = yield from _wait(visit.starts_at - timedelta(hours=random.uniform(30, 60)))
        cancel_appointment(by=house.desk, now=moment, appointment=visit, why="Called: cannot come.")
        return
    if chance < 0.5:  # noqa: PLR2004  # and about half are confirmed the day before
        moment = yield from _wait(visit.starts_at - timedelta(hours=random.uniform(20, 30)))
        change_status(by=house.desk, now=moment, appointment=visit, to=Status.CONFIRMED)
    if chance > 0.96:  # noqa: PLR2004
        moment = yield from _wait(visit.starts_at - timedelta(hours=random.uniform(2, 8)))
        cancel_appointment(by=house.desk, now=moment, appointment=visit, why="In bed with an attack.")
        return
    if chance > 0.945:  # noqa: PLR2004
        moment = yield from _wait(visit.starts_at + timedelta(minutes=20))
        change_status(by=house.desk, now=moment, appointment=visit, to=Status.NO_SHOW)
        return
    yield from _session(visit, house, course)


def _session(visit: Appointment, house: House, course: Course) -> Story:
    random, by = course.random, visit.therapist.user
    moment = yield from _wait(visit.starts_at - timedelta(minutes=random.randint(2, 12)))
    change_status(by=house.desk, now=moment, appointment=visit, to=Status.ARRIVED)
    moment = yield from _wait(visit.starts_at + timedelta(minutes=1))
    before = course.pain_today()
    today = Phase.ATTACK if before >= 7 else random.choice((Phase.INTERICTAL,) * 5 + (Phase.PRODROME, Phase.POSTDROME))  # noqa: PLR2004
    try:
        note = start_note(
            by=by, now=moment, appointment=visit, phase=today, is_usual=True, consent_given=True, pain_before=before
        )
    except NotToday:
        cancel_appointment(by=by, now=moment, appointment=visit, why="Not today, said the therapist.")
        return
    moment = yield from _wait(visit.ends_at - timedelta(minutes=3))
    treat(note, visit, random, by=by, now=moment)
    after = max(0, before - random.choice((0, 1, 1, 2, 3)))
    note = save_note(
        by=by, now=moment, note=note, revision=note.revision, pain_after=after, home_care=random.choice(HOME_CARE),
        noticed=random.choice(("Left shoulder sits higher.", "Turns 60° to the left, 75° to the right.", "")),
        next_in_weeks=random.choice((1, 2)),
    )  # fmt: skip
    # Most notes are signed within the hour, a few the next morning.
    late = random.choice((4, 6, 9, 15, 25, 40, 18 * 60))
    moment = yield from _wait(visit.ends_at + timedelta(minutes=late))
    sign_note(by=by, now=moment, note=note)


def _count_the_month(client: Client, slot: Slot, course: Course, *, now: datetime) -> None:
    """Ask for the migraine days of the last four weeks, as the phases change."""
    better = round(course.change * course.visits)
    value = Decimal(max(0, min(28, course.migraine_days + better + course.random.randint(-1, 1))))
    record_score(
        by=slot.therapist.user, now=now, client=client, measure=Measure.MIGRAINE_DAYS, value=value,
        on=local_date(slot.location.zone, now),
    )  # fmt: skip


def post(since: datetime) -> Story:
    """Let the reminders of the last days go out, every half hour."""
    moment = since
    while True:
        yield moment
        sweep(moment)
        moment += timedelta(minutes=30)
