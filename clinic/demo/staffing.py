"""What is going on among the staff of the example clinic today: a licence, an invitation, and one who has left."""

from datetime import datetime, timedelta

from clinic.demo import cast
from clinic.demo.founding import House
from clinic.people.models import Client, Modality, Role
from clinic.people.services import (
    archive_therapist,
    change_therapist,
    deactivate_staff,
    invite_staff,
    update_client,
)
from clinic.scheduling.offers import next_free_times
from clinic.scheduling.services import book_appointment

LICENCE_LASTS = timedelta(days=41)
VISITS_LEFT = 3


def tell_of_staff(house: House, *, now: datetime) -> None:
    """Enter a licence that ends soon, an open invitation, and a therapist who left with visits still to come."""
    _let_a_licence_end(house, now=now)
    name, email = cast.INVITED
    invite_staff(by=house.owner, now=now - timedelta(days=2), email=email, name=name, roles=[Role.FRONT_DESK])
    _let_one_leave(house, now=now)


def _let_a_licence_end(house: House, *, now: datetime) -> None:
    therapist = house.therapists[-1]
    change_therapist(by=house.owner, now=now, therapist=therapist, licence_expires_on=now.date() + LICENCE_LASTS)


def _let_one_leave(house: House, *, now: datetime) -> None:
    """Book a few of the youngest clients with her, as it was before she left, and let her leave."""
    before = now - timedelta(days=9)
    reflexology = Modality.objects.get(slug="reflexology")
    service = next(one for one in house.services if one.modality_id == reflexology.pk)
    for number, client in enumerate(Client.objects.active().order_by("-pk")[:VISITS_LEFT]):
        update_client(by=house.desk, now=before, client=client, primary_therapist=house.left)
        free = next_free_times(
            now=now, service=service, location=house.locations[cast.HILLSIDE], therapist=house.left, client=client,
            after=now + timedelta(days=5 + 3 * number), limit=1,
        )[-1]  # fmt: skip
        book_appointment(
            by=house.desk, now=before, client=client, service=service, therapist=house.left,
            location=house.locations[cast.HILLSIDE], starts_at=free.starts_at,
        )  # fmt: skip
    yesterday = now - timedelta(days=1)
    archive_therapist(by=house.owner, now=yesterday, therapist=house.left)
    deactivate_staff(by=house.owner, now=yesterday, member=house.left.user)
