"""Two tabs, two devices, many guesses at the same moment: real transactions in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from clinic.people.models import Client, Location, Therapist, User
from clinic.scheduling.services import book_appointment
from intake import inviting, services
from intake.models import Consent, Finding, Invitation, Submission
from tests.factories import ServiceFactory, give_hours
from tests.intake.answers import fill_in
from tests.reminders.support import agree

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
WRONG = date(1990, 1, 1)

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def at_once(count: int, act: Callable[[], object]) -> list[object]:
    """Run `act` in so many threads at the same moment; return what each returned or raised."""
    barrier = Barrier(count)

    def run(_number: int) -> object:
        try:
            barrier.wait()
            return act()
        except services.ValidationError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_form_sent_from_four_tabs_at_once_is_sent_once(alice: Client) -> None:
    draft = fill_in(alice, now=NOW, rf_position="yes")
    results = at_once(4, lambda: services.submit(now=NOW, submission=draft, signed_name="Alice Marques"))
    assert all(isinstance(result, Submission) for result in results)
    assert Consent.objects.filter(code="privacy").count() == 1
    assert Finding.objects.count() == 1


def test_guesses_at_once_are_all_counted(alice: Client, dana: User) -> None:
    invitation, _token = services.invite(by=dana, now=NOW, client=alice)
    results = at_once(8, lambda: services.open_invitation(now=NOW, invitation=invitation, born_on=WRONG))
    assert Invitation.objects.get().wrong_answers == 5
    assert sum(isinstance(result, services.WrongDate) for result in results) == 4
    assert sum(isinstance(result, services.LinkClosed) for result in results) == 4


def test_without_the_lock_guesses_would_be_lost(alice: Client, dana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    invitation, _token = services.invite(by=dana, now=NOW, client=alice)
    save, all_have_read = Invitation.save, Barrier(4)

    def save_late(self: Invitation, **kwargs: Any) -> None:
        all_have_read.wait(timeout=30)
        save(self, **kwargs)

    monkeypatch.setattr(inviting, "lock_client", lambda _pk: alice)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_kwargs: self.all())
    monkeypatch.setattr(Invitation, "save", save_late)
    at_once(4, lambda: services.open_invitation(now=NOW, invitation=invitation, born_on=WRONG))
    assert Invitation.objects.get().wrong_answers < 4


def test_a_link_opened_on_two_devices_at_once_begins_one_form(alice: Client, dana: User) -> None:
    invitation, _token = services.invite(by=dana, now=NOW, client=alice)
    results = at_once(4, lambda: services.open_invitation(now=NOW, invitation=invitation, born_on=alice.born_on))
    assert {result.pk for result in results if isinstance(result, Submission)} == {Submission.objects.get().pk}


@pytest.fixture
def to_ask(alice: Client, bea: Therapist, dana: User, olga: User, location: Location) -> Client:
    """Alice, who agreed to mail and has just booked her first visit at a clinic that asks by itself."""
    inviting.change_intake_policy(by=olga, now=NOW, asks_by_itself=True, days_ahead=14)
    agree(alice)
    give_hours(bea, location, (8, 18), weekdays=range(7))
    place: dict[str, Any] = {"therapist": bea, "location": location, "service": ServiceFactory()}
    starts_at = NOW + timedelta(days=10)
    book_appointment(by=dana, now=NOW - timedelta(minutes=5), client=alice, starts_at=starts_at, **place)
    return alice


def test_sweeps_at_once_ask_once(to_ask: Client) -> None:
    made = at_once(6, lambda: inviting.invite_before_visits(NOW))
    assert sum(len(found) for found in made if isinstance(found, list)) == 1
    assert Invitation.objects.get().client == to_ask


def test_without_the_lock_two_sweeps_would_ask_twice(to_ask: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    create, both_have_looked = QuerySet.bulk_create, Barrier(2)

    def create_late(self: QuerySet[Any], made: Any, **kwargs: Any) -> Any:
        if self.model is Invitation:
            made = list(made)
            both_have_looked.wait(timeout=30)
        return create(self, made, **kwargs)

    monkeypatch.setattr(inviting, "lock_records", lambda pks: dict.fromkeys(pks, to_ask))
    monkeypatch.setattr(QuerySet, "bulk_create", create_late)
    at_once(2, lambda: inviting.invite_before_visits(NOW))
    assert Invitation.objects.count() == 2
