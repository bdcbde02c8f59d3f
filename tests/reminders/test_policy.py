"""What the clinic says holds for everybody, but where a service, or a client, says something else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.lib.times import at_wall
from clinic.people.models import Client, Location, Service, User
from clinic.people.services import record_contact_consent
from clinic.people.services.merging import merge_clients, undo_merge
from clinic.reminders import services
from clinic.reminders.forms_policy import OffsetsField
from clinic.reminders.kinds import Due
from clinic.reminders.models import Message, MessagePolicy, PolicyOverride
from clinic.reminders.policy import change_policy, message_policy, override_policy, slots_for, with_channels
from clinic.reminders.visits import REMINDER
from tests.factories import ClientFactory, ServiceFactory
from tests.reminders.conftest import Book
from tests.reminders.support import LONG_AGO, agree

State = Message.State
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
LISBON = ZoneInfo("Europe/Lisbon")
VISIT_AT = datetime(2026, 11, 29, 13, 30, tzinfo=UTC)


def sweep_from(start: datetime, until: datetime, every: timedelta = HOUR) -> None:
    now = start
    while now <= until:
        services.sweep(now)
        now += every


def reminded() -> list[timedelta]:
    """Return how long before their visits reminders went out, in the order in which they did."""
    sent = Message.objects.filter(kind="reminder", state=State.SENT).order_by("sent_at", "pk")
    return [message.about_at - message.due_at for message in sent]


# --- Offsets


def test_a_service_has_reminders_of_its_own_and_a_client_before_that(
    book: Book, consent: None, service: Service, alice: Client, olga: User
) -> None:
    override_policy(by=olga, now=LONG_AGO, of=service, channels=None, offsets_minutes=[24 * 60])
    book(VISIT_AT)
    sweep_from(VISIT_AT - 3 * DAY, VISIT_AT)
    assert reminded() == [DAY]

    override_policy(by=olga, now=VISIT_AT, of=alice, channels=None, offsets_minutes=[3 * 60])
    book(VISIT_AT + 7 * DAY)
    sweep_from(VISIT_AT + 4 * DAY, VISIT_AT + 7 * DAY)

    assert reminded() == [DAY, 3 * HOUR]


def test_no_reminders_at_all_may_be_wished(book: Book, consent: None, alice: Client, olga: User) -> None:
    override_policy(by=olga, now=LONG_AGO, of=alice, channels=None, offsets_minutes=[])
    book(VISIT_AT)
    sweep_from(VISIT_AT - 3 * DAY, VISIT_AT)
    assert not Message.objects.exists()


def test_an_override_that_says_nothing_is_none(alice: Client, olga: User) -> None:
    override_policy(by=olga, now=LONG_AGO, of=alice, channels=["email"], offsets_minutes=None)
    override_policy(by=olga, now=LONG_AGO, of=alice, channels=None, offsets_minutes=None)
    assert not PolicyOverride.objects.exists()


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        # Each is (hours before the visit at which the list changes, the new list in hours).
        ([(47.5, [47, 2])], [48, 2]),
        ([(47.5, [72, 48, 2])], [48, 2]),
        ([(40, [2])], [48, 2]),
        ([(40, [24, 2])], [48, 2]),
        ([(40, [48, 24, 2])], [48, 24, 2]),
        ([(47, [2]), (30, [48, 2])], [48, 2]),
        ([(40, [])], [48]),
    ],
)
def test_a_changed_list_reminds_of_nothing_twice_and_forgets_no_other(
    book: Book, consent: None, olga: User, lists: Sequence[tuple[float, list[int]]], told: list[int]
) -> None:
    book(VISIT_AT)
    changes = [(VISIT_AT - hours * HOUR, [60 * one for one in offsets]) for hours, offsets in lists]
    now = VISIT_AT - 3 * DAY
    while now < VISIT_AT:
        while changes and changes[0][0] <= now:
            change_policy(by=olga, now=changes[0][0], offsets_minutes=changes.pop(0)[1])
        services.sweep(now)
        now += 30 * MINUTE

    assert [round(one / HOUR) for one in reminded()] == told


@pytest.mark.parametrize("whose", ["alice", "service"])
@pytest.mark.parametrize(
    ("lists", "told"),
    [
        # As above; None is again as the clinic says.
        ([(47.5, [47, 2])], [48, 2]),
        ([(60, [47, 2]), (40, None)], [47, 2]),
        ([(60, [47, 2]), (46.5, [46, 2])], [47, 2]),
        ([(40, [48, 2])], [48, 2]),
        ([(40, [48, 24, 2])], [48, 24, 2]),
    ],
)
def test_a_list_of_her_own_or_of_the_service_reminds_of_nothing_twice_when_it_comes_and_goes(
    book: Book,
    consent: None,
    olga: User,
    request: pytest.FixtureRequest,
    whose: str,
    lists: Sequence[tuple[float, list[int] | None]],
    told: list[int],
) -> None:
    book(VISIT_AT)
    of, changes, now = request.getfixturevalue(whose), list(lists), VISIT_AT - 3 * DAY
    while now < VISIT_AT:
        while changes and VISIT_AT - changes[0][0] * HOUR <= now:
            hours, offsets = changes.pop(0)
            minutes = None if offsets is None else [60 * one for one in offsets]
            override_policy(by=olga, now=VISIT_AT - hours * HOUR, of=of, channels=None, offsets_minutes=minutes)
        services.sweep(now)
        now += 30 * MINUTE

    assert [round(one / HOUR) for one in reminded()] == told


def test_who_was_not_yet_reminded_by_the_list_before_is_by_a_longer_one_at_once(
    book: Book, consent: None, olga: User
) -> None:
    change_policy(by=olga, now=LONG_AGO, offsets_minutes=[24 * 60, 2 * 60])
    book(VISIT_AT)
    change_policy(by=olga, now=VISIT_AT - 28 * HOUR, offsets_minutes=[48 * 60, 2 * 60])
    sweep_from(VISIT_AT - 28 * HOUR, VISIT_AT)
    sent = Message.objects.filter(kind="reminder", state=State.SENT).order_by("sent_at")
    assert [VISIT_AT - at for at in sent.values_list("sent_at", flat=True) if at] == [28 * HOUR, 2 * HOUR]


def test_what_became_due_since_the_last_sweep_goes_out_though_the_list_has_changed(
    book: Book, consent: None, olga: User
) -> None:
    book(VISIT_AT)
    services.sweep(VISIT_AT - 48 * HOUR - MINUTE)
    change_policy(by=olga, now=VISIT_AT - 48 * HOUR + MINUTE / 2, offsets_minutes=[24 * 60, 12 * 60, 2 * 60])
    services.sweep(VISIT_AT - 48 * HOUR + MINUTE)
    assert reminded() == [48 * HOUR]


def test_a_new_list_does_not_remind_of_what_was_due_before_it(book: Book, consent: None, olga: User) -> None:
    change_policy(by=olga, now=LONG_AGO, offsets_minutes=[])
    book(VISIT_AT)
    change_policy(by=olga, now=VISIT_AT - 20 * HOUR, offsets_minutes=[24 * 60, 2 * 60])
    sweep_from(VISIT_AT - 20 * HOUR, VISIT_AT)
    assert reminded() == [2 * HOUR]


some_offsets = st.lists(st.integers(5, 20160), min_size=0, max_size=5, unique=True)


@given(st.lists(some_offsets, min_size=2, max_size=6))
def test_every_reminder_of_a_list_has_a_number_of_its_own_that_stays_with_it(lists: list[list[int]]) -> None:
    slots: dict[int, int] = {}
    for offsets in lists:
        numbers = slots_for(offsets, slots)
        assert len(set(numbers)) == len(offsets)
        after = dict(zip(offsets, numbers, strict=True))
        assert all(after[minutes] == slots[minutes] for minutes in after if minutes in slots)
        slots = after


# --- Every offset, zone and clock change, with quiet hours


offsets_in_hours = st.lists(st.sampled_from([1, 2, 5, 24, 30, 48, 72, 168]), min_size=1, max_size=5, unique=True)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["Europe/Lisbon", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
    ),
    st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2027, 3, 14), date(2027, 4, 4)]),
    st.integers(0, 3),
    st.times(time(7), time(21)),
    offsets_in_hours,
    st.tuples(st.sampled_from([time(0), time(20), time(22, 30)]), st.sampled_from([time(0), time(6, 15), time(8)])),
)
def test_every_reminder_comes_once_at_its_time_on_the_wall_and_none_in_the_quiet_hours(
    book: Book,
    consent: None,
    location: Location,
    time_zone: str,
    change: date,
    days_after: int,
    wall: time,
    hours: list[int],
    quiet: tuple[time, time],
) -> None:
    zone, wall = ZoneInfo(time_zone), wall.replace(minute=0, second=0, microsecond=0)
    starts_at = at_wall(zone, change + timedelta(days=days_after), wall)
    with transaction.atomic():
        mail.outbox.clear()
        MessagePolicy.objects.update(
            offsets_minutes=[60 * one for one in hours],
            offset_slots=list(range(len(hours))),
            quiet_from=quiet[0],
            quiet_until=quiet[1],
        )
        Location.objects.update(time_zone=time_zone)
        location.refresh_from_db()
        book(starts_at, booked_at=datetime(2026, 1, 2, tzinfo=UTC))
        turns = {starts_at - one * HOUR + late * HOUR for one in (*hours, 25, 49, 169) for late in range(14)}

        for now in sorted({*turns, starts_at - 30 * MINUTE, starts_at + HOUR}):
            services.sweep(now)

        messages = list(Message.objects.filter(kind="reminder"))
        assert sorted(message.slot for message in messages) == list(range(len(hours)))
        for message in messages:
            assert message.state in {State.SENT, State.MISSED}
            if message.state == State.SENT:
                assert message.sent_at is not None
                assert message.sent_at < starts_at
                shown = message.sent_at.astimezone(zone).time()
                assert not _is_quiet(shown, *quiet)
                whole_days = hours[message.slot] % 24 == 0
                if whole_days and not _is_quiet(wall, *quiet):
                    assert shown.hour in {wall.hour, (wall.hour + 1) % 24}
                    assert message.due_at.astimezone(zone).time() == wall
        transaction.set_rollback(True)


def _is_quiet(shown: time, quiet_from: time, quiet_until: time) -> bool:
    if quiet_from <= quiet_until:
        return quiet_from <= shown < quiet_until
    return shown >= quiet_from or shown < quiet_until


# --- Channels


@pytest.fixture
def texts(settings: object) -> None:
    """The clinic has a text service."""
    settings.TEXT_URL = "consoletext://"  # type: ignore[attr-defined]


def channels_of(client: Client, service: Service | None = None) -> list[str]:
    due = Due(1, client.pk, VISIT_AT, VISIT_AT, VISIT_AT, service_pk=service.pk if service else None)
    return [str(channel) for _due, channels in with_channels(REMINDER, [due]) for channel in channels]


def agree_to(client: Client, channel: str) -> None:
    record_contact_consent(by=None, now=LONG_AGO, client=client, channel=channel, is_given=True, source="test")


def test_she_is_written_to_by_what_the_clinic_uses_and_she_agreed_to(texts: None, alice: Client, olga: User) -> None:
    assert channels_of(alice) == ["email"]  # to tell in the list that she has not agreed
    agree_to(alice, "text")
    assert channels_of(alice) == ["text"]
    agree(alice)
    assert channels_of(alice) == ["email", "text"]
    change_policy(by=olga, now=LONG_AGO, channels=["email"])
    assert channels_of(alice) == ["email"]


def test_a_service_may_have_channels_of_its_own_and_a_client_before_that(
    texts: None, alice: Client, service: Service, olga: User
) -> None:
    agree_to(alice, "text")
    agree(alice)
    override_policy(by=olga, now=LONG_AGO, of=service, channels=["text"], offsets_minutes=None)
    assert channels_of(alice, service) == ["text"]
    assert channels_of(alice, ServiceFactory()) == ["email", "text"]
    override_policy(by=olga, now=LONG_AGO, of=alice, channels=["email"], offsets_minutes=None)
    assert channels_of(alice, service) == ["email"]


def test_what_goes_out_is_chosen_in_three_questions_however_many_there_are(
    alice: Client, django_assert_num_queries: object
) -> None:
    dues = [Due(number, alice.pk, VISIT_AT, VISIT_AT, VISIT_AT) for number in range(50)]
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert len(list(with_channels(REMINDER, dues))) == 50


# --- The pages


TYPED = {"channels": ["email"], "offsets_minutes": "2 d, 90 min", "quiet_from": "21:00", "quiet_until": "07:30"}


def test_the_owner_says_when_and_by_what_the_clinic_writes(as_olga: Browser, location: Location) -> None:
    page = as_olga.post(reverse("reminders:policy"), TYPED)
    assert page.status_code == 302
    policy = message_policy()
    assert (policy.channels, policy.offsets_minutes, policy.quiet_from) == (["email"], [2880, 90], time(21))
    assert "48 h, 90 min" in as_olga.get(reverse("reminders:policy")).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("two days", "“two days” is no time: write days, hours or minutes"),
        ("15 d", "“15 d” cannot be: a reminder goes out between 14 days and 5 minutes before."),
        ("48", "“48” is no time"),
        ("1 h, 2 h, 3 h, 4 h, 5 h, 6 h", "There can be 5 reminders at most."),
        ("", "Say how long before"),
    ],
)
def test_what_is_no_list_of_times_is_said_beside_the_field_and_kept(
    as_olga: Browser, location: Location, typed: str, said: str
) -> None:
    page = as_olga.post(reverse("reminders:policy"), TYPED | {"offsets_minutes": typed}).content.decode()
    assert said in page
    assert f'value="{typed}"' in page or not typed
    assert message_policy().offsets_minutes == [2880, 120]


def test_a_list_may_be_empty_by_a_nought(as_olga: Browser, location: Location) -> None:
    as_olga.post(reverse("reminders:policy"), TYPED | {"offsets_minutes": "0"})
    assert message_policy().offsets_minutes == []


@given(st.lists(st.integers(5, 20160), max_size=5, unique=True))
def test_what_the_form_writes_it_reads(offsets: list[int]) -> None:
    field = OffsetsField()
    assert field.clean(field.prepare_value(sorted(offsets, reverse=True))) == sorted(offsets, reverse=True)


def test_of_two_who_have_the_page_open_the_later_takes_nothing_back(as_olga: Browser, location: Location) -> None:
    opened = {"initial-offsets_minutes": "48 h, 2 h", "initial-quiet_from": "20:00", "initial-quiet_until": "08:00"}
    opened |= {"initial-channels": ["email", "text"], "initial-form": "1", "initial-recall_weeks": ""}
    MessagePolicy.objects.update(quiet_from=time(19))
    kept = {"channels": ["email", "text"], "offsets_minutes": "24 h", "quiet_from": "20:00", "quiet_until": "08:00"}
    assert as_olga.post(reverse("reminders:policy"), opened | kept).status_code == 302
    assert (message_policy().quiet_from, message_policy().offsets_minutes) == (time(19), [1440])


def test_the_desk_says_how_one_client_is_reminded_and_her_history_tells(as_dana: Browser, alice: Client) -> None:
    url = reverse("reminders:client-policy", args=[alice.pk])
    assert as_dana.post(url, {"offsets_minutes": "24 h", "channels": []}).status_code == 302
    override = PolicyOverride.objects.get(client=alice)
    assert (override.offsets_minutes, override.channels) == ([1440], None)
    assert 'value="24 h"' in as_dana.get(url).content.decode()
    as_dana.post(url, {"offsets_minutes": "", "channels": []})
    assert not PolicyOverride.objects.exists()


def test_reminders_of_her_own_come_along_when_two_records_are_made_one_and_go_back(
    alice: Client, olga: User, dana: User
) -> None:
    kept = ClientFactory(legal_name="Alice Marques-Reis")
    override_policy(by=olga, now=LONG_AGO, of=alice, channels=None, offsets_minutes=[1440])
    merge = merge_clients(by=dana, now=LONG_AGO, kept=kept, gone=alice)
    assert PolicyOverride.objects.get().client == kept
    undo_merge(by=dana, now=LONG_AGO + DAY, merge=merge)
    assert PolicyOverride.objects.get().client == alice


def test_reminders_of_the_kept_record_win(alice: Client, olga: User, dana: User) -> None:
    kept = ClientFactory(legal_name="Alice Marques-Reis")
    override_policy(by=olga, now=LONG_AGO, of=alice, channels=None, offsets_minutes=[1440])
    override_policy(by=olga, now=LONG_AGO, of=kept, channels=None, offsets_minutes=[60])
    merge_clients(by=dana, now=LONG_AGO, kept=kept, gone=alice)
    assert PolicyOverride.objects.get(client=kept).offsets_minutes == [60]
