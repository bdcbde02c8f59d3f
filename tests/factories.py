"""People and places for tests. What has rules of its own (visits, notes, submissions) is made through its service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

import factory
from factory.django import DjangoModelFactory

from clinic.people.models import (
    Client,
    ClientAccess,
    Clinic,
    Location,
    Modality,
    Qualification,
    Role,
    Room,
    Service,
    Therapist,
    User,
)
from clinic.scheduling.services import add_weekly_hours
from intake.models_asking import IntakePolicy

BEFORE = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
PASSWORD = "a quiet morning in Lisbon"


def make_clinic() -> Clinic:
    """Return the one clinic, made if it is not there. It sends no intake form by itself: tests count their own mail."""
    IntakePolicy.objects.update(asks_by_itself=False)
    clinic, _ = Clinic.objects.get_or_create(
        pk=1, defaults={"name": "Harbour Clinic", "currency": "EUR", "set_up_at": BEFORE}
    )
    return clinic


def modality(slug: str) -> Modality:
    """Return one of the modalities that the migration brings."""
    return Modality.objects.get(slug=slug)


def give_login(client: Client, relation: str = ClientAccess.Relation.SELF) -> User:
    """Give a client the login of her e-mail address."""
    user = User.objects.create_user(client.email, name=client.name)
    ClientAccess.objects.create(user=user, client=client, relation=relation, granted_at=BEFORE)
    return user


def give_hours(
    therapist: Therapist, location: Location, *spans: tuple[int, int], weekdays: Iterable[int] = range(5)
) -> None:
    """Let a therapist work on these weekdays of each week of 2026 and later, from one full hour to another."""
    for weekday in weekdays:
        for opens, closes in spans:
            add_weekly_hours(
                by=None,
                now=BEFORE,
                therapist=therapist,
                location=location,
                weekday=weekday,
                opens=time(opens),
                closes=time(closes),
                valid_from=date(2026, 1, 1),
            )


class UserFactory(DjangoModelFactory[User]):
    """A login that signs in with PASSWORD; without roles it is a client's."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    name = factory.Sequence("Person {}".format)
    email = factory.Sequence("person{}@example.org".format)
    roles = factory.LazyFunction(list)

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return model_class.objects.create_user(**{"password": PASSWORD} | kwargs)


class LocationFactory(DjangoModelFactory[Location]):
    class Meta:
        model = Location

    name = factory.Sequence("Location {}".format)
    time_zone = "Europe/Lisbon"


class RoomFactory(DjangoModelFactory[Room]):
    class Meta:
        model = Room

    location = factory.SubFactory(LocationFactory)
    name = factory.Sequence("Room {}".format)


class TherapistFactory(DjangoModelFactory[Therapist]):
    """A therapist qualified in every modality, or in those whose slugs `qualified_in` names."""

    class Meta:
        model = Therapist
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory, roles=[Role.THERAPIST])
    licence_number = factory.Sequence("PT-{}".format)
    licence_expires_on = date(2028, 12, 31)

    @factory.post_generation
    def qualified_in(self, create: bool, slugs: tuple[str, ...] | None, **kwargs: Any) -> None:
        held = Modality.objects.all() if slugs is None else Modality.objects.filter(slug__in=slugs)
        Qualification.objects.bulk_create(Qualification(therapist=self, modality=one) for one in held)

    @factory.post_generation
    def works_at(self, create: bool, locations: tuple[Location, ...] | None, **kwargs: Any) -> None:
        usual = [self.usual_room.location] if self.usual_room else []
        self.locations.set(usual if locations is None else locations)


class ServiceFactory(DjangoModelFactory[Service]):
    """Myofascial release, an hour, fifteen minutes to tidy up."""

    class Meta:
        model = Service

    name = factory.Sequence("Service {}".format)
    modality = factory.LazyFunction(lambda: modality("myofascial"))
    minutes = 60
    buffer_after = 15
    price_minor = 6800


class ClientFactory(DjangoModelFactory[Client]):
    class Meta:
        model = Client

    legal_name = factory.Sequence("Client Number{}".format)
    email = factory.LazyAttribute(lambda client: f"{client.legal_name.lower().replace(' ', '.')}@example.org")
    born_on = date(1988, 3, 14)
    created_at = BEFORE
