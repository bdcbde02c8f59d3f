"""The cast, the clinic they meet in, and a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import hypothesis
import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.backends.base.creation import BaseDatabaseCreation
from django.test import Client as Browser
from django.test import override_settings

from clinic.people.models import Client, Clinic, Location, Role, Room, Therapist, User
from intake.models import FormVersion
from tests.factories import (
    ClientFactory,
    LocationFactory,
    RoomFactory,
    TherapistFactory,
    UserFactory,
    give_login,
    make_clinic,
)

# A machine that has much else to do is no fault of what is tested.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)  # a Thursday; nine o'clock in Lisbon as well


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; else it runs at the end, alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def _as_in_a_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Plain http, files straight from the checkout, quick hashes, a cache inside this process, texts on the console.

    For the whole session, because the live server reads its settings once.
    """
    files_as_they_are = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        SECURE_SSL_REDIRECT=False,
        SECURE_HSTS_SECONDS=0,
        SESSION_COOKIE_SECURE=False,
        CSRF_COOKIE_SECURE=False,
        STORAGES=settings.STORAGES | {"staticfiles": files_as_they_are},
        MIDDLEWARE=[name for name in settings.MIDDLEWARE if "whitenoise" not in name],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        TEXT_URL="consoletext://",
        FILES_FOLDER=str(tmp_path_factory.mktemp("files")),
    ):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Restore no history after a test with real transactions: triggers write it, and nothing changes it."""
    rows = json.loads(connection._test_serialized_contents)
    kept = [row for row in rows if not hasattr(apps.get_model(row["model"]), "pgh_tracked_model")]
    connection._test_serialized_contents = json.dumps(kept)
    restore = BaseDatabaseCreation.deserialize_db_from_string

    def restore_what_is_gone(creation: BaseDatabaseCreation, data: str) -> None:
        """Leave out what stands and is frozen: even written as it is, the database would refuse it."""
        rows = json.loads(data)
        if FormVersion.objects.exists():
            rows = [row for row in rows if row["model"] != "intake.formversion"]
        restore(creation, json.dumps(rows))

    BaseDatabaseCreation.deserialize_db_from_string = restore_what_is_gone


@pytest.fixture(autouse=True)
def _nothing_left_over(django_db_serialized_rollback: None) -> None:
    """Forget what other tests counted (tries to sign in, pulses).

    The rows that migrations bring (modalities, form and rule versions) come back after a test with real transactions.
    """
    cache.clear()


@pytest.fixture
def now() -> Iterator[datetime]:
    """Return the moment at which the clock stands: Thursday 19 November 2026, 9:00 UTC."""
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def clinic(db: None) -> Clinic:
    return make_clinic()


@pytest.fixture
def open_clinic(clinic: Clinic) -> Clinic:
    """Harbour Clinic, open to online booking at once."""
    clinic.online_booking = Clinic.OnlineBooking.AT_ONCE
    clinic.late_fee_percent = 50
    clinic.save()
    return clinic


@pytest.fixture
def location(clinic: Clinic) -> Location:
    return LocationFactory(name="Harbour Street", time_zone="Europe/Lisbon")


@pytest.fixture
def room(location: Location) -> Room:
    return RoomFactory(location=location, name="Room 1")


@pytest.fixture
def bea(room: Room) -> Therapist:
    """Alice's therapist, qualified in everything."""
    return TherapistFactory(user__name="Bea Lindqvist", user__email="bea@example.org", usual_room=room)


@pytest.fixture
def dana(clinic: Clinic) -> User:
    return UserFactory(name="Dana Silva", email="dana@example.org", roles=[Role.FRONT_DESK])


@pytest.fixture
def olga(clinic: Clinic) -> User:
    return UserFactory(name="Olga Novak", email="olga@example.org", roles=[Role.OWNER])


@pytest.fixture
def alice(bea: Therapist) -> Client:
    """A client of Bea's with a login of her own."""
    client = ClientFactory(legal_name="Alice Marques", email="alice@example.org", primary_therapist=bea)
    give_login(client)
    return client


@pytest.fixture
def alice_user(alice: Client) -> User:
    return User.objects.get(email="alice@example.org")


@pytest.fixture
def carl(clinic: Clinic) -> User:
    """A stranger to Alice: the login of another client."""
    return give_login(ClientFactory(legal_name="Carl Hansen", email="carl@example.org"))


@pytest.fixture
def signed_in() -> Callable[[User], Browser]:
    """Return a function that gives a browser in which this login is signed in."""

    def open_browser(user: User) -> Browser:
        browser = Browser()
        browser.force_login(user)
        return browser

    return open_browser


@pytest.fixture
def as_alice(alice_user: User, signed_in: Callable[[User], Browser]) -> Browser:
    return signed_in(alice_user)


@pytest.fixture
def as_bea(bea: Therapist, signed_in: Callable[[User], Browser]) -> Browser:
    return signed_in(bea.user)


@pytest.fixture
def as_carl(carl: User, signed_in: Callable[[User], Browser]) -> Browser:
    return signed_in(carl)


@pytest.fixture
def as_dana(dana: User, signed_in: Callable[[User], Browser]) -> Browser:
    return signed_in(dana)


@pytest.fixture
def as_olga(olga: User, signed_in: Callable[[User], Browser]) -> Browser:
    return signed_in(olga)
