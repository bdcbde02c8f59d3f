"""Two at once, with real transactions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from time import sleep
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from clinic.people.models import Client, ClientAccess, Clinic, Therapist, User, UserManager
from clinic.people.services import archive_those_who_left, give_client_login, issue_set_up_token, set_up_clinic
from tests.factories import PASSWORD, ClientFactory, TherapistFactory


@pytest.mark.django_db(transaction=True)
def test_of_two_who_hold_the_same_link_one_founds_the_clinic():
    now = timezone.now()
    token = issue_set_up_token(now=now)
    together = Barrier(2)

    def found(number: int) -> bool:
        together.wait()
        try:
            set_up_clinic(
                now=now,
                token=token,
                name=f"Clinic {number}",
                currency="EUR",
                owner_name="Olga Novak",
                owner_email=f"olga{number}@example.org",
                owner_password=PASSWORD,
                location_name="Harbour Street",
                time_zone="Europe/Lisbon",
            )
        except ValidationError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(found, (1, 2))) == [False, True]
    assert Clinic.objects.count() == 1
    assert User.objects.count() == 1


def logins_given_at_once(clients: list[Client], monkeypatch: pytest.MonkeyPatch) -> set[User]:
    """Give each of a family the login of one address, all having seen that it is not there yet."""
    together = Barrier(len(clients))
    create = UserManager.create_user

    def create_together(self: UserManager, *args: Any, **kwargs: Any) -> User:
        together.wait(timeout=10)
        return create(self, *args, **kwargs)

    def give(client: Client) -> User:
        try:
            return give_client_login(by=None, now=timezone.now(), client=client, email="family@example.org")
        finally:
            connection.close()

    monkeypatch.setattr(UserManager, "create_user", create_together)
    with ThreadPoolExecutor(len(clients)) as pool:
        return set(pool.map(give, clients))


@pytest.mark.django_db(transaction=True)
def test_a_family_that_gets_its_login_at_once_shares_one(monkeypatch: pytest.MonkeyPatch):
    family = ClientFactory.create_batch(4)
    assert logins_given_at_once(family, monkeypatch) == {User.objects.get()}
    assert ClientAccess.objects.count() == 4


def _archive() -> int:
    try:
        return archive_those_who_left(now=timezone.now())
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_therapist_whose_last_day_is_put_off_in_this_moment_stays():
    bea = TherapistFactory(leaves_on=timezone.now().date() - timedelta(days=3))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            Therapist.objects.filter(pk=bea.pk).update(leaves_on=None)
            archiving = pool.submit(_archive)
            for _ in range(500):
                cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
                if cursor.fetchone() == (True,):
                    break
                sleep(0.02)
            else:
                pytest.fail("Nobody waited for whoever puts the day off.")
        assert archiving.result(timeout=10) == 0
    bea.refresh_from_db()
    assert bea.archived_at is None
