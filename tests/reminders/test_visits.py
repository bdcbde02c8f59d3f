"""Confirmations and reminders: what scheduling gives rise to, and what the mails say."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from clinic.lib.times import at_wall
from clinic.people.models import Client, Clinic, Location, Service, Therapist, User
from clinic.reminders import services, visits
from clinic.reminders.models import Message, MessagePolicy
from clinic.scheduling.models import Appointment, Series, Status
from clinic.scheduling.services import book_appointment, cancel_appointment, change_status, move_appointment, undo
from tests.reminders.conftest import Book

State = Message.State
LISBON = ZoneInfo("Europe/Lisbon")
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
# Sunday 29 November, half past one in the afternoon, in Lisbon winter time.
VISIT_AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("consent")


offset_lists = st.lists(
    st.sampled_from([5, 30, 120, 240, 24 * 60, 48 * 60, 72 * 60, 7 * 24 * 60]), min_size=1, max_size=5, unique=True
)


def sweep_from(start: datetime, until: datetime, every: timedelta = HOUR) -> None:
    """Let the beat tick."""
    now = start
    while now <= until:
        services.sweep(now)
        now += every


def subjects() -> list[str]:
    return [str(letter.subject) for letter in mail.outbox]


def letters() -> list[EmailMultiAlternatives]:
    return [letter for letter in mail.outbox if isinstance(letter, EmailMultiAlternatives)]


def test_a_visit_is_remembered_two_days_and_two_hours_before(book: Book) -> None:
    book(VISIT_AT)

    sweep_from(VISIT_AT - 4 * DAY, VISIT_AT + DAY)

    sent = Message.objects.filter(kind="reminder").order_by("slot")
    assert [(m.slot, VISIT_AT - m.due_at, m.state) for m in sent] == [
        (0, 2 * DAY, State.SENT),
        (1, 2 * HOUR, State.SENT),
    ]
    assert subjects() == ["Your appointment on Sunday 29 November, 13:30"] * 2


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 14), date(2027, 4, 4)]),
    st.integers(0, 3),
    st.times(time(9), time(18)),
    offset_lists,
)
def test_every_offset_is_sent_once_at_its_time_across_clock_changes(
    book: Book, location: Location, time_zone: str, change: date, days_after: int, wall: time, offsets: list[int]
) -> None:
    zone = ZoneInfo(time_zone)
    starts_at = at_wall(zone, change + timedelta(days=days_after), wall.replace(minute=0, second=0, microsecond=0))
    with transaction.atomic():
        mail.outbox.clear()
        slots = list(range(len(offsets)))
        MessagePolicy.objects.update(
            offsets_minutes=offsets, offset_slots=slots, quiet_from=time(0), quiet_until=time(0)
        )
        Location.objects.update(time_zone=time_zone)
        location.refresh_from_db()
        book(starts_at, booked_at=datetime(2026, 1, 2, tzinfo=UTC))

        for hours in (193, 169, 145, 73, 71, 49, 47, 25, 23):
            services.sweep(starts_at - hours * HOUR)
        for minutes in (240, 120, 30, 5, 0, -60):
            services.sweep(starts_at - minutes * MINUTE)

        sent = Message.objects.filter(kind="reminder", state=State.SENT)
        assert sorted(message.slot for message in sent) == list(range(len(offsets)))
        for message in sent:
            assert message.sent_at is not None
            assert message.due_at <= message.sent_at < starts_at
            if offsets[message.slot] % (24 * 60) == 0:
                local = message.due_at.astimezone(zone)
                assert (local.hour, local.minute) == (wall.hour, 0)
        transaction.set_rollback(True)


def test_changing_the_offset_never_reminds_twice(book: Book) -> None:
    book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)
    MessagePolicy.objects.update(offsets_minutes=[47 * 60, 120])

    sweep_from(VISIT_AT - 2 * DAY, VISIT_AT - DAY)

    assert len(mail.outbox) == 1


def test_who_books_thirty_hours_before_gets_the_confirmation_and_the_last_reminder(book: Book) -> None:
    booked_at = VISIT_AT - 30 * HOUR
    book(VISIT_AT, booked_at=booked_at)

    sweep_from(booked_at, VISIT_AT + DAY)

    assert list(Message.objects.order_by("due_at").values_list("kind", "slot")) == [("booking", 0), ("reminder", 1)]


def test_a_reminder_that_would_follow_the_confirmation_within_hours_is_left_out(book: Book) -> None:
    booked_at = VISIT_AT - 3 * HOUR
    book(VISIT_AT, booked_at=booked_at)

    sweep_from(booked_at, VISIT_AT + DAY, every=10 * MINUTE)

    assert subjects() == ["Booked: Sunday 29 November, 13:30"]


def test_a_confirmation_waits_three_minutes_and_comes_once(book: Book, now: datetime) -> None:
    book(VISIT_AT, booked_at=now)

    sweep_from(now, now + 2 * MINUTE, every=MINUTE)
    assert mail.outbox == []
    sweep_from(now + 3 * MINUTE, now + 30 * MINUTE, every=MINUTE)

    assert subjects() == ["Booked: Sunday 29 November, 13:30"]


def test_what_is_booked_and_cancelled_within_the_grace_sends_nothing(book: Book, now: datetime) -> None:
    visit = book(VISIT_AT, booked_at=now)
    cancel_appointment(by=None, now=now + MINUTE, appointment=visit)

    sweep_from(now, now + 10 * MINUTE, every=MINUTE)

    assert mail.outbox == []


def test_a_confirmation_that_nobody_sent_for_a_day_is_not_sent_any_more(book: Book, now: datetime) -> None:
    book(VISIT_AT, booked_at=now)
    services.prepare(now + 5 * MINUTE)

    services.sweep(now + DAY)

    assert (Message.objects.get().state, mail.outbox) == (State.MISSED, [])


def test_a_cancelled_visit_is_not_remembered(book: Book) -> None:
    visit = book(VISIT_AT)
    cancel_appointment(by=None, now=VISIT_AT - 3 * DAY, appointment=visit)

    sweep_from(VISIT_AT - 3 * DAY, VISIT_AT + DAY)

    assert not Message.objects.filter(kind="reminder").exists()


def test_a_visit_cancelled_after_its_reminder_was_claimed_is_not_remembered(book: Book) -> None:
    visit = book(VISIT_AT)
    now = VISIT_AT - 2 * DAY
    services.prepare(now)
    claimed = services.claim(now)
    cancel_appointment(by=None, now=now, appointment=visit)

    services.deliver(claimed, now)
    assert (Message.objects.get().state, mail.outbox) == (State.WAITING, [])
    sweep_from(now, VISIT_AT)

    assert subjects() == ["Cancelled: Sunday 29 November, 13:30"]
    assert Message.objects.get(kind="reminder").state == State.DROPPED


def test_a_visit_cancelled_by_a_slip_as_its_reminder_was_due_is_remembered_all_the_same(book: Book, olga: User) -> None:
    visit = book(VISIT_AT)
    now = VISIT_AT - 2 * DAY
    cancelled = cancel_appointment(by=olga, now=now - 30 * SECOND, appointment=visit)
    services.sweep(now)
    undo(by=olga, now=now + 30 * SECOND, appointment=cancelled)

    sweep_from(now, now + 10 * MINUTE, every=MINUTE)

    assert subjects() == ["Your appointment on Sunday 29 November, 13:30"]


def test_a_visit_moved_after_its_reminder_was_claimed_is_remembered_at_its_new_time_only(book: Book) -> None:
    visit = book(VISIT_AT)
    now = VISIT_AT - 2 * DAY
    services.prepare(now)
    claimed = services.claim(now)
    move_appointment(by=None, now=now, appointment=visit, starts_at=VISIT_AT + DAY)
    services.deliver(claimed, now)
    assert (Message.objects.get().state, mail.outbox) == (State.WAITING, [])

    sweep_from(now, VISIT_AT + 2 * DAY)

    assert subjects() == [
        "Now on Monday 30 November, 13:30",
        *["Your appointment on Monday 30 November, 13:30"] * 2,
    ]
    assert Message.objects.get(kind="reminder", about_at=VISIT_AT).state == State.DROPPED


def test_a_visit_moved_to_a_time_that_is_near_is_told_once(book: Book) -> None:
    visit = book(VISIT_AT)
    now = VISIT_AT - 5 * DAY
    move_appointment(by=None, now=now, appointment=visit, starts_at=now + 26 * HOUR)

    sweep_from(now, now + 23 * HOUR)

    assert subjects() == ["Now on Wednesday 25 November, 15:30"]


def test_who_has_arrived_early_is_not_remembered(book: Book) -> None:
    visit = book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)
    change_status(by=None, now=VISIT_AT - 2 * HOUR, appointment=visit, to=Status.ARRIVED)

    services.sweep(VISIT_AT - 2 * HOUR)

    assert len(mail.outbox) == 1


def test_after_hours_without_a_beat_what_still_makes_sense_goes_out_and_the_rest_is_missed(book: Book) -> None:
    book(VISIT_AT)
    later = VISIT_AT + 2 * HOUR
    book(later)
    services.sweep(VISIT_AT - 2 * DAY + 2 * HOUR)
    assert len(mail.outbox) == 2

    services.sweep(VISIT_AT + 30 * MINUTE)  # the first has begun; the second comes in an hour and a half

    last = Message.objects.filter(slot=1)
    assert dict(last.values_list("about_at", "state")) == {VISIT_AT: State.MISSED, later: State.SENT}


def test_a_morning_visit_is_not_remembered_in_the_quiet_hours(book: Book) -> None:
    at_nine = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
    book(at_nine)

    sweep_from(at_nine - 3 * DAY, at_nine, every=30 * MINUTE)

    walls = [m.sent_at.astimezone(LISBON).time() for m in Message.objects.filter(state=State.SENT) if m.sent_at]
    assert sorted(walls) == [time(8), time(9)]


@pytest.fixture
def series(
    alice: Client, bea: Therapist, location: Location, service: Service, olga: User, now: datetime, book: Book
) -> Series:
    """Four visits, weekly, booked now."""
    made = Series.objects.create(
        client=alice,
        service=service,
        therapist=bea,
        location=location,
        first_on=date(2026, 11, 29),
        at_time=time(13, 30),
        every_weeks=1,
        count=4,
        booked_by=olga,
        booked_at=now,
    )
    for week in range(4):
        book_appointment(
            by=olga,
            now=now,
            client=alice,
            service=service,
            therapist=bea,
            location=location,
            starts_at=VISIT_AT + week * 7 * DAY,
            series=made,
        )
    return made


def test_a_series_is_confirmed_by_one_message_with_all_its_visits(series: Series, now: datetime) -> None:
    sweep_from(now, now + 10 * MINUTE, every=MINUTE)

    assert subjects() == ["Booked: 4 appointments"]
    for day in ("Sunday 29 November 2026, 13:30", "Sunday 20 December 2026, 13:30"):
        assert day in letters()[0].body


@pytest.mark.parametrize(("kind", "visits"), [("booking", 1), ("series", 4)])
def test_a_confirmation_brings_its_visits_as_a_calendar_file(
    kind: str, visits: int, book: Book, request: pytest.FixtureRequest, now: datetime
) -> None:
    if kind == "booking":
        book(VISIT_AT, booked_at=now)
    else:
        request.getfixturevalue("series")
    services.sweep(now + 5 * MINUTE)

    ((name, content, media_type),) = letters()[0].attachments
    events = Calendar.from_ical(content).events
    assert (name, media_type) == ("appointment.ics", "text/calendar")
    assert len(events) == visits
    assert events[0].start == VISIT_AT
    assert "migraine" not in str(content)


def test_a_reminder_brings_no_file(book: Book) -> None:
    book(VISIT_AT)
    services.sweep(VISIT_AT - 2 * DAY)

    assert letters()[0].attachments == []


def test_a_series_whose_visits_were_all_cancelled_is_not_confirmed(series: Series, now: datetime) -> None:
    for visit in Appointment.objects.all():
        cancel_appointment(by=None, now=now, appointment=visit)

    services.sweep(now + 5 * MINUTE)

    assert mail.outbox == []


@pytest.mark.parametrize("kind", ["booking", "reminder", "series"])
def test_a_mail_says_when_where_with_whom_and_the_policy_and_nothing_about_health(
    kind: str, book: Book, series: Series, location: Location, service: Service, now: datetime
) -> None:
    Location.objects.update(address="2 Harbour Street, Lisbon", phone="+351213456789")
    Clinic.objects.update(cancellation_policy="Please tell us 24 hours before if you cannot come.")
    book(VISIT_AT + DAY, booked_at=now)
    if kind == "reminder":
        services.sweep(VISIT_AT - 2 * DAY)
    else:
        services.sweep(now + 5 * MINUTE)

    wanted = {m.pk for m in Message.objects.filter(kind=kind, state=State.SENT)}
    chosen = [x for x in letters() if any(f"-{pk}@" in x.extra_headers["Message-ID"] for pk in wanted)]
    assert chosen
    html = str(chosen[0].alternatives[0][0])
    for part in (chosen[0].body, html):
        assert "Alice" in part
        assert "Bea" in part
        assert "Lindqvist" not in part
        assert "13:30" in part
        assert "2 Harbour Street, Lisbon" in part
        assert "Please tell us 24 hours before" in part
        assert "+351 21 345 6789" in part
        assert "Harbour Clinic" in part
    everything = " ".join([str(chosen[0].subject), chosen[0].body, html]).lower()
    assert service.name.lower() not in everything
    assert service.modality.name.lower() not in everything
    assert "migraine" not in everything
    assert "{" not in chosen[0].body


def test_names_are_written_plainly_in_text_and_escaped_in_html(book: Book, alice: Client, now: datetime) -> None:
    Client.objects.update(preferred_name="D'Arcy <b>")
    book(VISIT_AT, booked_at=now)

    services.sweep(now + 5 * MINUTE)

    letter = letters()[0]
    assert "Hello D'Arcy <b>," in letter.body
    assert "D&#x27;Arcy &lt;b&gt;" in str(letter.alternatives[0][0])


def test_times_are_those_of_the_wall_of_the_location(book: Book, now: datetime) -> None:
    Location.objects.update(time_zone="Asia/Kolkata")
    book(datetime(2026, 11, 29, 6, 0, tzinfo=UTC), booked_at=now)

    services.sweep(now + 5 * MINUTE)

    assert subjects() == ["Booked: Sunday 29 November, 11:30"]


def test_what_is_due_is_found_in_four_questions_however_many_visits(
    book: Book, django_assert_num_queries: object
) -> None:
    for hour in range(6):
        book(VISIT_AT + hour * HOUR)

    with django_assert_num_queries(4):  # type: ignore[operator]  # the policies, what was changed, the visits
        assert len(list(visits.reminders_due(VISIT_AT - DAY))) == 6
