from datetime import date

import pytest

from clinic.people.models import Client, Location, clinic_zone
from tests.factories import LocationFactory


@pytest.mark.parametrize(
    ("legal", "preferred", "name", "called"),
    [
        ("Ana Maria Reis", "", "Ana Maria Reis", "Ana"),
        ("Ana Maria Reis", "Nina", "Nina Reis", "Nina"),
        ("Ana Maria Reis", "Nina Reis", "Nina Reis", "Nina Reis"),
        ("Sukarno", "Karno", "Karno", "Karno"),
    ],
)
def test_a_client_is_spoken_of_by_the_name_she_uses(legal, preferred, name, called):
    client = Client(legal_name=legal, preferred_name=preferred)
    assert (client.name, client.called) == (name, called)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2008, 11, 19), date(2026, 11, 18), 17),
        (date(2008, 11, 19), date(2026, 11, 19), 18),
        (None, date(2026, 11, 19), None),
    ],
)
def test_age_counts_full_years(born, day, age):
    assert Client(legal_name="A", born_on=born).age_on(day) == age


def test_the_clinics_zone_is_that_of_its_first_location_in_use(location, now):
    LocationFactory(time_zone="Europe/Vienna")
    assert clinic_zone().key == "Europe/Lisbon"
    location.archived_at = now
    location.save()
    assert clinic_zone().key == "Europe/Vienna"
    Location.objects.update(archived_at=now)
    assert clinic_zone().key == "Europe/Lisbon"
